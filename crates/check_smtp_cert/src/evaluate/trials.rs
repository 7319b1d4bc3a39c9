//! What was tried on connections of their own: versions, and a command behind STARTTLS.

use check_smtp_core::advice;
use check_smtp_core::error::{Cause, Failure};
use check_smtp_core::hello::{Answer, Offer};
use check_smtp_core::plugin::{Finding, State};
use check_smtp_core::smtp::Reply;
use check_smtp_core::timeline::Phase;

use crate::args::Server;
use crate::facts::{Facts, Offered};

/// What an offer came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The server goes on with the version.
    Accepted,
    /// It does not.
    Refused,
    /// Nothing can be said.
    Unclear,
}

/// Alerts, a hello of another version and a hang-up say no; silence, and a refusal that is not about TLS, say nothing.
pub fn verdict(offered: &Offered) -> Verdict {
    match &offered.answer {
        Ok(Answer::Hello { version, .. }) if *version == offered.offer.number() => Verdict::Accepted,
        Ok(_) => Verdict::Refused,
        Err(failure)
            if failure.phase == Phase::Tls && matches!(failure.cause, Cause::Closed | Cause::Reset) =>
        {
            Verdict::Refused
        }
        Err(_) => Verdict::Unclear,
    }
}

/// All findings on what was tried.
pub fn findings(server: &Server, facts: &Facts) -> Vec<Finding> {
    let forbidden = server.forbidden.as_deref().unwrap_or_default();
    let mut findings: Vec<Finding> =
        facts.versions.iter().flat_map(|offered| version(offered, forbidden)).collect();
    findings.extend(accepted(&facts.versions));
    findings.extend(facts.injections.iter().map(|(place, answer)| injection(place, answer)));
    findings
}

fn at(place: &str) -> String {
    if place.is_empty() { String::new() } else { format!("{place}: ") }
}

fn version(offered: &Offered, forbidden: &[Offer]) -> Vec<Finding> {
    let (place, offer) = (at(&offered.place), offered.offer);
    let mut findings = Vec::new();
    match (verdict(offered), &offered.answer) {
        (Verdict::Accepted, _) if forbidden.contains(&offer) => {
            let state = if offer == Offer::Ssl30 { State::Critical } else { State::Warning };
            let finding = Finding::new("tls_version_accepted", state, format!("{place}{offer} is accepted"));
            findings.push(finding.advised(advice::old_version_accepted()));
        }
        (Verdict::Unclear, Err(failure)) => {
            let text = format!("{place}whether {offer} is accepted could not be found out: {failure}");
            findings.push(Finding::new("tls_version_unclear", State::Warning, text));
        }
        _ => {}
    }
    if let Ok(Answer::Hello { compresses: true, .. }) = offered.answer {
        let text = format!("{place}{offer} is compressed");
        findings.push(Finding::new("tls_compression", State::Warning, text));
    }
    if let (Verdict::Accepted, Ok(Answer::Hello { binds_master_secret: false, .. })) =
        (verdict(offered), &offered.answer)
        && offer == Offer::Tls12
    {
        let text = format!("{place}{offer} without extended master secret (RFC 7627)");
        findings.push(Finding::new("no_extended_master_secret", State::Ok, text));
    }
    findings
}

/// `accepted versions: TLSv1.2, TLSv1.3`, for each address.
fn accepted(versions: &[Offered]) -> Vec<Finding> {
    let mut places: Vec<&str> = versions.iter().map(|offered| offered.place.as_str()).collect();
    places.sort_unstable();
    places.dedup();
    places
        .into_iter()
        .map(|place| {
            let here = versions.iter().filter(|offered| offered.place == place);
            let names: Vec<&str> = here
                .filter(|offered| verdict(offered) == Verdict::Accepted)
                .map(|offered| offered.offer.name())
                .collect();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            Finding::new("tls_versions", State::Ok, format!("{}accepted versions: {names}", at(place)))
        })
        .collect()
}

/// 221 is the answer to our QUIT; anything else answers the NOOP that was not ours any more.
fn injection(place: &str, answer: &Result<Reply, Failure>) -> Finding {
    let place = at(place);
    let safe = |words: &str| Finding::new("injection_refused", State::Ok, format!("{place}{words}"));
    match answer {
        Ok(reply) if reply.code() == 221 => safe("a command behind STARTTLS is forgotten"),
        Ok(reply) => {
            let text = format!(
                "{place}a command sent behind STARTTLS in the clear was answered inside TLS: {reply}"
            );
            Finding::new("starttls_command_injection", State::Critical, text).advised(advice::injection())
        }
        Err(Failure { phase: Phase::StartTls, cause: Cause::BytesBehindStartTls(_) }) => {
            let text = format!("{place}a command sent behind STARTTLS was answered in the clear");
            Finding::new("starttls_command_injection", State::Critical, text).advised(advice::injection())
        }
        Err(Failure { phase: Phase::StartTls, cause: Cause::Refused(reply) }) => {
            safe(&format!("a command behind STARTTLS is refused: {reply}"))
        }
        Err(Failure {
            phase: Phase::StartTls | Phase::Tls | Phase::Quit,
            cause: Cause::Closed | Cause::Reset,
        }) => safe("the server hangs up on a command behind STARTTLS"),
        Err(failure) => {
            let text = format!(
                "{place}whether a command behind STARTTLS is taken over could not be found out: {failure}"
            );
            Finding::new("injection_unclear", State::Warning, text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Cause, Failure, Offer, Offered, Phase, Reply, State, Verdict, injection, verdict};
    use check_smtp_core::smtp::ReplyParser;

    fn reply(text: &str) -> Reply {
        ReplyParser::default().push(text.as_bytes()).unwrap().1.unwrap()
    }

    #[test]
    fn what_an_answer_says_of_a_version() {
        let hello = |version| {
            Ok(Answer::Hello { version, suite: 0xc02f, compresses: false, binds_master_secret: true })
        };
        let failed = |phase, cause| Err(Failure::new(phase, cause));
        let table = [
            (hello(0x0302), Verdict::Accepted),
            (hello(0x0301), Verdict::Refused),
            (Ok(Answer::Alert(70)), Verdict::Refused),
            (failed(Phase::Tls, Cause::Closed), Verdict::Refused),
            (failed(Phase::Tls, Cause::Reset), Verdict::Refused),
            (failed(Phase::Tls, Cause::Timeout(std::time::Duration::from_secs(1))), Verdict::Unclear),
            (failed(Phase::Banner, Cause::Closed), Verdict::Unclear),
            (failed(Phase::Banner, Cause::Refused(reply("421 later\r\n"))), Verdict::Unclear),
            (failed(Phase::StartTls, Cause::Refused(reply("454 not now\r\n"))), Verdict::Unclear),
        ];
        for (answer, expected) in table {
            let offered = Offered { place: String::new(), offer: Offer::Tls11, answer };
            assert_eq!(verdict(&offered), expected, "{:?}", offered.answer);
        }
    }

    #[test]
    fn what_an_answer_says_of_an_injection() {
        let failed = |phase, cause| Err(Failure::new(phase, cause));
        let table = [
            (Ok(reply("221 bye\r\n")), State::Ok),
            (Ok(reply("250 ok\r\n")), State::Critical),
            (failed(Phase::StartTls, Cause::BytesBehindStartTls(8)), State::Critical),
            (failed(Phase::StartTls, Cause::Refused(reply("503 no\r\n"))), State::Ok),
            (failed(Phase::StartTls, Cause::Closed), State::Ok),
            (failed(Phase::Tls, Cause::Reset), State::Ok),
            (failed(Phase::Banner, Cause::Refused(reply("421 later\r\n"))), State::Warning),
            (failed(Phase::Connect, Cause::Closed), State::Warning),
        ];
        for (answer, state) in table {
            assert_eq!(injection("", &answer).state(), state, "{answer:?}");
        }
    }
}
