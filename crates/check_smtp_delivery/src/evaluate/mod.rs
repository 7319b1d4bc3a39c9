//! Judges what was seen. Pure.

mod arrival;
mod history;
mod recipients;
mod route;
mod show;
mod trace;

use check_smtp_core::cli::TlsMode;
use check_smtp_core::contact::findings::{over_tls, unverified};
use check_smtp_core::contact::timing::{self, Label, shown};
use check_smtp_core::contact::{self, show as sections};
use check_smtp_core::net::Host;
use check_smtp_core::plugin::{Advice, Finding, Report, Section, State};
use check_smtp_core::session::{Fate, Outcome};
use check_smtp_core::timeline::Phase;

use crate::args::{Config, Mode};
use crate::facts::{Arrival, Facts, Visit};

/// What to do about a fault.
#[expect(clippy::unnecessary_wraps, reason = "the shape a finding wants")]
fn advice(id: &'static str, remedy: &'static str) -> Option<Advice> {
    Some(Advice { id, remedy })
}

/// The report on all that was seen.
pub fn evaluate(config: &Config, facts: &Facts) -> Report {
    let Some(visit) = facts.visits.last() else {
        return if facts.exchangers.is_some() {
            without_hosts(config, facts)
        } else {
            not_sent(config, facts)
        };
    };
    let mut findings = failure(visit);
    let arrival = facts.arrival.as_ref();
    let has_arrived = arrival.is_some_and(Arrival::is_complete);
    findings.extend(recipients::findings(config, visit, has_arrived));
    findings.extend(arrival::findings(config, arrival));
    findings.extend(history::findings(config, facts));
    let header = header(config, facts);
    findings.extend(header.map(|header| trace::findings(config, header)).unwrap_or_default());
    findings.extend(route::findings(config, facts));
    findings.extend(login(config, visit));
    findings.extend(contact::findings::introduction(&visit.contact, &Label::default()));
    findings.extend(tls(config, visit));
    findings.extend(recipients::notes(config, facts, visit));
    findings.extend(times(config, facts, visit));
    findings.extend(recipients::count(config, visit));
    findings.extend(history::counts(config, facts));
    let is_good = findings.iter().all(|finding| finding.state() == State::Ok);
    let target = &visit.target;
    let port = (!matches!(target.connect, Host::Socket(_))).then_some(target.port);
    let mut report = Report::new(&route::subject(config, facts, visit))
        .summary(&summary(config, facts, visit, is_good))
        .endpoint(&target.host(), port);
    report.extend(findings);
    for passed in facts.visits.iter().take(facts.visits.len() - 1) {
        sections::sections(&mut report, config.style.verbosity, &passed.contact);
    }
    if let Some(header) = header.filter(|_| config.style.verbosity >= 1) {
        report.section(Section::new(1, "hops", trace::lines(header)));
    }
    if let Some(arrival) = arrival.filter(|arrival| !arrival.dialogue.is_empty()) {
        report.section(Section::new(3, "dialogue with the mailbox", &arrival.dialogue));
    }
    sections::add(&mut report, config.style, &visit.contact, || show::facts(config, facts, visit));
    report
}

/// Nothing was sent: what is known of the route all the same.
fn not_sent(config: &Config, facts: &Facts) -> Report {
    let target = &config.target;
    let mut report = Report::new(&target.endpoint(target.port)).endpoint(&target.host(), Some(target.port));
    report.extend(history::findings(config, facts));
    report.extend(arrival::findings(config, facts.arrival.as_ref()));
    report.extend(history::counts(config, facts));
    let mark = facts.mark.as_ref();
    report.fact("instance", mark.map(|mark| mark.instance.as_str()));
    report.fact("token", mark.map(|mark| mark.token.as_str()));
    report.fact("arrival", arrival::json(config, facts.arrival.as_ref()));
    report.fact("history", history::json(config, facts));
    report.fact("trace", header(config, facts).map(|header| trace::json(config, header)));
    report
}

/// The header of the message that is judged: the one of this run, or the last one that arrived where a run does not wait for its own.
fn header<'a>(config: &Config, facts: &'a Facts) -> Option<&'a [u8]> {
    match config.tracking.as_ref()?.mode {
        Mode::Wait => facts.arrival.as_ref()?.header.as_deref(),
        Mode::Async => {
            let tracker = &facts.history.as_ref()?.tracker;
            tracker.header(&tracker.last_completed()?.token).map(str::as_bytes)
        }
    }
}

/// A domain that takes no mail: nobody was asked.
fn without_hosts(config: &Config, facts: &Facts) -> Report {
    let target = &config.target;
    let mut report =
        Report::new(&format!("MX of {}", target.host())).endpoint(&target.host(), Some(target.port));
    report.extend(route::findings(config, facts));
    report.extend(arrival::findings(config, facts.arrival.as_ref()));
    report.extend(history::findings(config, facts));
    report.push(timing::total(&config.limits, facts.lookup.total(), &Label::default()));
    report.extend(timing::phases(&config.limits, &facts.lookup, &Label::default()));
    report.extend(history::counts(config, facts));
    report.fact("mx", target.host());
    report.fact("history", history::json(config, facts));
    report
}

/// What the session failed at. That no answer came to the whole message is told for each recipient.
fn failure(visit: &Visit) -> Vec<Finding> {
    let is_uncertain = visit.fates.iter().any(|fate| matches!(fate, Fate::Uncertain(_)));
    let failure =
        visit.contact.failure.as_ref().filter(|failure| failure.phase != Phase::Body || !is_uncertain);
    failure
        .map(|failure| contact::findings::login_failure(failure, visit.login.login.as_ref()))
        .unwrap_or_default()
}

fn tls(config: &Config, visit: &Visit) -> Option<Finding> {
    let label = Label::default();
    match config.mode {
        TlsMode::Opportunistic => contact::findings::opportunistic_tls(&visit.contact, &label),
        _ => contact::findings::tls(&config.tls, &visit.contact, &label),
    }
}

fn login(config: &Config, visit: &Visit) -> Vec<Finding> {
    let accepted = visit.login.login.as_ref().and_then(|login| match &login.outcome {
        Outcome::Accepted(reply) => {
            let text = format!("{} logged in by {}: {reply}", user(visit), login.mechanism);
            Some(Finding::new("login", State::Ok, text))
        }
        _ => None,
    });
    let token = visit.login.token.as_ref().map(contact::findings::token);
    let typed = config.login.as_ref().and_then(|plan| contact::findings::typed_secret(&plan.account));
    accepted.into_iter().chain(token).chain(typed).collect()
}

fn user(visit: &Visit) -> &str {
    if visit.login.user.is_empty() { "client certificate" } else { &visit.login.user }
}

/// The whole time, the time until the message was taken, and that of each phase.
fn times(config: &Config, facts: &Facts, visit: &Visit) -> Vec<Finding> {
    let (limits, label, total) = (&config.limits, Label::default(), visit.contact.total());
    let sent = visit
        .fates
        .iter()
        .any(Fate::is_accepted)
        .then(|| timing::judged("slow_sending", "sending", "sent", total, limits.of("sent"), &label));
    std::iter::once(timing::total(limits, total, &label))
        .chain(sent)
        .chain(arrival::time(config, facts.arrival.as_ref()).or_else(|| history::time(config, facts)))
        .chain(timing::phases(limits, &visit.contact.record.timeline, &label))
        .collect()
}

/// What came of it, in one sentence; where nothing did, how far the login came.
fn summary(config: &Config, facts: &Facts, visit: &Visit, is_good: bool) -> String {
    let unverified = unverified(&config.tls, &visit.contact);
    let way = format!("{}{}", over_tls(&visit.contact), in_the_clear(config));
    let took = shown(visit.contact.total());
    let arrival = facts.arrival.as_ref();
    if let Some(arrived) = arrival::summary(arrival, &recipients::whom(config, visit)) {
        return format!("{arrived} (sent {took}{way}){unverified}{}", plain_mailbox(config));
    }
    if let Some(known) = history::summary(config, facts) {
        let next = recipients::accepted(config, visit).map(|accepted| {
            format!("next one {accepted} (sent {took}{way}){unverified}{}", plain_mailbox(config))
        });
        return [known, next.unwrap_or_default()]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(", ");
    }
    if let Some(accepted) = recipients::accepted(config, visit) {
        let remark = arrival::remark(config, arrival);
        return format!("{accepted}{way}{remark}, sent in {took}{unverified}");
    }
    if let Some(agreed) = recipients::agreed(config, visit) {
        return format!("{agreed}{way}, no message sent, in {took}{unverified}");
    }
    match &visit.login.login {
        Some(login) if !is_good => format!("as {} by {}{way}{unverified}", user(visit), login.mechanism),
        _ => String::new(),
    }
}

/// Who looks into a mailbox without TLS shows everybody the secret.
fn plain_mailbox(config: &Config) -> &'static str {
    let is_plain = config.receive.as_ref().is_some_and(|receive| receive.is_plain);
    if is_plain { ", with a login to the mailbox in the clear" } else { "" }
}

fn in_the_clear(config: &Config) -> &'static str {
    if config.login.is_some() && config.mode == TlsMode::None { " with a login in the clear" } else { "" }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use check_smtp_core::net::dns::Exchangers;
    use check_smtp_core::timeline::Timeline;
    use clap::Parser as _;

    use super::{Finding, evaluate};
    use crate::args::Args;
    use crate::facts::{Facts, History};
    use crate::tracker::{Found, Token, Tracker};

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    /// A domain that takes no mail any more: what was lost on the way there is told as well.
    #[test]
    fn null_mx_with_a_history() {
        let line = "x --mx -f a@example.org --to b@example.org --receive maildir:/m --async --lost-after 1h";
        let config = Line::try_parse_from(line.split_whitespace()).unwrap().args.config().unwrap();
        let (token, sent) = (Token::from_bytes([1; 16]), Duration::from_secs(1_800_000_000));
        let now = sent + Duration::from_secs(3601);
        let mut tracker = Tracker::default();
        tracker.plan(token.clone(), &["b@example.org"], sent).unwrap();
        tracker.accepted(&token, Some("4F2B"), 1);
        tracker.advance(now, &config.tracking.unwrap().limits);
        let exchangers = Exchangers {
            hosts: Vec::new(),
            is_implicit: false,
            has_null: true,
            left_out: 0,
            alias_of: None,
            is_secure: false,
        };
        let facts = Facts {
            mark: None,
            message_id: None,
            size: None,
            exchangers: Some(exchangers),
            lookup: Timeline::default(),
            visits: Vec::new(),
            arrival: None,
            history: Some(History { tracker, now, found: Some(Found::State), ..History::default() }),
        };
        let report = evaluate(&config, &facts);
        let ids: Vec<&str> = report.findings().iter().map(Finding::id).collect();
        assert_eq!(ids, ["null_mx", "lost", "time", "lost", "pending", "uncertain_count"]);
    }
}
