//! The other side of the door: a refusal is the good answer.

use check_smtp_core::advice;
use check_smtp_core::contact;
use check_smtp_core::contact::findings::unverified;
use check_smtp_core::contact::timing::Label;
use check_smtp_core::error::{Cause, Failure};
use check_smtp_core::plugin::{Finding, State};
use check_smtp_core::session::Outcome;
use check_smtp_core::smtp::Reply;
use check_smtp_core::smtp::sasl::SaslFault;
use check_smtp_core::timeline::Phase;
use serde_json::{Value, json};

use crate::args::{Config, Test};
use crate::facts::Door;

/// Words of servers that want a login first. "auth" alone would take an unauthorised sender or a failed SPF check for it.
const NEEDS_LOGIN: [&str; 5] =
    ["authentication required", "authenticate", "not authenticated", "authentication is required", "log in"];

/// How a door answered.
enum Answer<'a> {
    /// It stayed closed.
    Refused(String),
    /// It opened.
    Open(&'a Reply),
    /// Neither: put off, or an answer that tells nothing.
    Unclear(String),
    /// The session failed before it could be asked.
    Failed(&'a Failure),
}

/// The findings on one door.
pub fn findings(door: &Door) -> Vec<Finding> {
    let words = words(&door.test);
    let is_about_mail = door.test == Test::MailWithoutLogin;
    let want = if is_about_mail { " for want of a login" } else { "" };
    match answer(door) {
        Answer::Refused(reply) => {
            vec![Finding::new(words.id, State::Ok, format!("{} was refused: {reply}", words.what))]
        }
        Answer::Open(reply) => vec![
            Finding::new(words.open_id, State::Critical, format!("{}: {reply}", words.open))
                .advised(advice::for_open_door(words.open_id)),
        ],
        Answer::Unclear(reply) => vec![
            Finding::new(
                "test_unclear",
                State::Warning,
                format!("{} was neither taken nor refused{want}: {reply}", words.what),
            )
            .advised(advice::for_unclear_door(is_about_mail)),
        ],
        Answer::Failed(failure) => {
            let label = Label { prefix: format!("test of {}: ", words.what), ..Label::default() };
            contact::findings::failure(failure, &label)
        }
    }
}

/// Which doors stayed closed.
pub fn summary(config: &Config, doors: &[Door]) -> String {
    let kept = doors.iter().filter(|door| matches!(answer(door), Answer::Refused(_)));
    let kept: Vec<_> = kept.map(|door| words(&door.test).what).collect();
    let unverified =
        doors.iter().map(|door| unverified(&config.tls, &door.contact)).find(|text| !text.is_empty());
    let kept = if kept.is_empty() { String::new() } else { format!("refuses {}", kept.join(", ")) };
    format!("{kept}{}", unverified.unwrap_or_default()).trim_start_matches(", ").to_owned()
}

/// The door for JSON.
pub fn json(door: &Door) -> Value {
    let reply = match answer(door) {
        Answer::Refused(words) | Answer::Unclear(words) => words,
        Answer::Open(reply) => reply.to_string(),
        Answer::Failed(failure) => failure.to_string(),
    };
    let is_refused = matches!(answer(door), Answer::Refused(_));
    json!({ "test": words(&door.test).id, "refused": is_refused, "answer": reply })
}

/// How a test is spoken of.
struct Words {
    id: &'static str,
    open_id: &'static str,
    what: &'static str,
    open: &'static str,
}

fn words(test: &Test) -> Words {
    match test {
        Test::MailWithoutLogin => Words {
            id: "mail_without_login_refused",
            open_id: "mail_without_login",
            what: "mail without a login",
            open: "takes mail for strangers without a login",
        },
        Test::LoginWithoutTls => Words {
            id: "login_without_tls_refused",
            open_id: "login_without_tls",
            what: "a login without TLS",
            open: "asks for a password before TLS",
        },
        Test::WrongPassword(_) => Words {
            id: "wrong_password_refused",
            open_id: "wrong_password_accepted",
            what: "a wrong password",
            open: "lets a wrong password in",
        },
    }
}

fn answer(door: &Door) -> Answer<'_> {
    let is_login = matches!(door.test, Test::WrongPassword(_));
    if let Some(login) = door.login.as_ref().filter(|_| is_login) {
        return match &login.outcome {
            Outcome::Accepted(reply) => Answer::Open(reply),
            Outcome::Refused(reply) if reply.is_permanent() => Answer::Refused(reply.to_string()),
            Outcome::Refused(reply) => Answer::Unclear(reply.to_string()),
            Outcome::Broken(fault @ SaslFault::ScramError(_)) => Answer::Refused(fault.to_string()),
            Outcome::Broken(fault) => Answer::Unclear(fault.to_string()),
        };
    }
    match (&door.contact.failure, &door.answer) {
        // Nothing to log in with is a closed door too.
        (Some(Failure { cause: Cause::AuthNotOffered, .. }), _) => {
            Answer::Refused("no login is offered".to_owned())
        }
        (Some(Failure { cause: Cause::NoMechanism(_), .. }), _) => {
            Answer::Refused("no mechanism for passwords is offered".to_owned())
        }
        (Some(failure), _) => Answer::Failed(failure),
        (None, Some((_, reply))) if reply.is_positive() || reply.code() == 334 => Answer::Open(reply),
        (None, Some((phase, reply))) if is_about_the_client(*phase, reply) => {
            Answer::Refused(reply.to_string())
        }
        (None, Some((phase, reply))) => Answer::Unclear(format!("{reply} (to {})", phase.name())),
        (None, None) => Answer::Unclear("no answer".to_owned()),
    }
}

/// Whether a refusal is about who asks. One that is about the addresses (a sender without a domain, a null MX) tells nothing: with
/// others the door might be open.
fn is_about_the_client(phase: Phase, reply: &Reply) -> bool {
    let words = reply.text().to_ascii_lowercase();
    // Postfix says at RCPT TO what it thinks of the sender.
    let is_addressing =
        reply.enhanced_code().is_some_and(|code| code.starts_with("5.1.") || code == "5.7.27")
            || words.contains("sender address rejected");
    let names_login = reply.code() == 530 || NEEDS_LOGIN.iter().any(|part| words.contains(part));
    match phase {
        Phase::Mail => reply.is_permanent() && names_login,
        Phase::Rcpt => reply.is_permanent() && (names_login || !is_addressing),
        _ => reply.is_permanent(),
    }
}
