//! One session: what it failed at, or what it showed.

use check_smtp_core::advice;
use check_smtp_core::contact::timing::{self, Label, shown};
use check_smtp_core::contact::{self, show};
use check_smtp_core::error::{Cause, Failure};
use check_smtp_core::net::Host;
use check_smtp_core::plugin::{Finding, Report, State};
use check_smtp_core::smtp::{Capabilities, Expected, Reply, Requirement};
use check_smtp_core::timeline::Phase;

use serde_json::{Map, Value};

use crate::args::{Asked, Config};
use crate::facts::Visit;

/// The report on the only session.
pub fn report(config: &Config, visit: &Visit) -> Report {
    let port = (!matches!(config.target.connect, Host::Socket(_))).then_some(visit.contact.port);
    let mut report = Report::new(&contact::findings::subject(&config.target, &visit.contact))
        .summary(&summary(config, visit))
        .endpoint(&config.target.host(), port);
    report.extend(findings(config, visit, &Label::default()));
    show::add(&mut report, config.style, &visit.contact, || facts(config, visit));
    report
}

/// The facts of a session, with stable keys.
pub fn facts(config: &Config, visit: &Visit) -> Map<String, Value> {
    let answers: Vec<String> = visit.answers.iter().map(ToString::to_string).collect();
    let mut own = Map::new();
    own.insert("mail".to_owned(), visit.mail.as_ref().map(ToString::to_string).into());
    own.insert("answers".to_owned(), answers.into());
    show::facts(&config.tls, &visit.contact, own)
}

/// All findings on a session, faults of the dialogue before those of time.
pub fn findings(config: &Config, visit: &Visit, label: &Label) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(failure) = visit.contact.failure.as_ref().filter(|_| !is_welcome_refusal(config, visit)) {
        findings.extend(contact::findings::failure(failure, label));
    }
    findings.extend(greeting(config, visit, label));
    findings.extend(greeting_name(config, visit, label));
    findings.extend(capabilities(config, visit, label));
    findings.extend(visit.mail.as_ref().map(|reply| mail(reply, label)));
    findings
        .extend(config.commands.iter().zip(&visit.answers).map(|(asked, reply)| answer(asked, reply, label)));
    findings.extend(contact::findings::introduction(&visit.contact, label));
    findings.extend(contact::findings::tls(&config.tls, &visit.contact, label));
    findings.push(timing::total(&config.limits, visit.contact.total(), label));
    findings.extend(timing::phases(&config.limits, &visit.contact.record.timeline, label));
    findings
}

/// What is said beside the worst finding: that the server is ready, or how far it got.
pub fn summary(config: &Config, visit: &Visit) -> String {
    if is_welcome_refusal(config, visit) {
        return format!("answered as expected in {}", shown(visit.contact.total()));
    }
    if let Some(failure) = &visit.contact.failure {
        let connected = visit
            .contact
            .record
            .timeline
            .of(Phase::Connect)
            .filter(|_| matches!(failure.cause, Cause::Timeout(_)));
        return connected.map(|took| format!("connected after {}", shown(took))).unwrap_or_default();
    }
    let tls = contact::findings::over_tls(&visit.contact);
    let unverified = contact::findings::unverified(&config.tls, &visit.contact);
    format!("ready{tls} in {}{unverified}", shown(visit.contact.total()))
}

/// A refusal at the greeting that was asked for by its code (`-e 421`). A pattern never makes a refusal welcome.
pub fn is_welcome_refusal(config: &Config, visit: &Visit) -> bool {
    let refused =
        visit.contact.failure.as_ref().is_some_and(|failure| {
            failure.phase == Phase::Banner && matches!(failure.cause, Cause::Refused(_))
        });
    let expected = config.greeting.as_ref().filter(|expected| expected.is_code());
    refused
        && expected
            .zip(visit.contact.record.greeting.as_ref())
            .is_some_and(|(expected, greeting)| expected.matches(greeting))
}

fn greeting(config: &Config, visit: &Visit, label: &Label) -> Option<Finding> {
    let greeting = visit.contact.record.greeting.as_ref()?;
    let Some(expected) = &config.greeting else {
        let unusual = greeting.is_positive() && greeting.code() != 220;
        return unusual.then(|| {
            let text = label
                .text(format!("greeting has the code {}, RFC 5321 wants 220: {greeting}", greeting.code()));
            Finding::new("greeting_code", State::Critical, text)
        });
    };
    if expected.matches(greeting) {
        return Some(Finding::new(
            "greeting",
            State::Ok,
            label.text(format!("greeting is as expected: {greeting}")),
        ));
    }
    if !greeting.is_positive() {
        return None;
    }
    let state = if expected.is_code() { State::Critical } else { State::Warning };
    Some(Finding::new(
        "greeting_unexpected",
        state,
        label.text(format!("greeting is not {expected} but {greeting}")),
    ))
}

fn greeting_name(config: &Config, visit: &Visit, label: &Label) -> Option<Finding> {
    let wanted = config.greeting_name.as_deref()?;
    let greeting = visit.contact.record.greeting.as_ref()?;
    let said = greeting.first_line().split(' ').next().unwrap_or_default();
    let normal = |name: &str| name.trim_end_matches('.').to_ascii_lowercase();
    if normal(said) == normal(wanted) {
        return Some(Finding::new(
            "greeting_name",
            State::Ok,
            label.text(format!("greeting names {wanted}")),
        ));
    }
    Some(Finding::new(
        "greeting_name_wrong",
        State::Warning,
        label.text(format!("greeting names '{said}', not {wanted}")),
    ))
}

/// Required ones are judged on the last introduction, and only of a session that got there: a server that says "come back later"
/// has not said that it lacks anything. Forbidden ones are judged wherever they are seen.
fn capabilities(config: &Config, visit: &Visit, label: &Label) -> Vec<Finding> {
    let introductions = &visit.contact.record.introductions;
    let last = introductions
        .last()
        .filter(|_| visit.contact.failure.is_none())
        .map(|introduction| &introduction.capabilities);
    let mut findings: Vec<Finding> =
        last.into_iter().flat_map(|seen| missing(&config.required, seen, label)).collect();
    for introduction in introductions {
        let place = if introduction.is_over_tls { "inside TLS" } else { "in the clear" };
        let shown: Vec<&Requirement> = config
            .forbidden
            .iter()
            .filter(|forbidden| forbidden.is_met_by(&introduction.capabilities))
            .collect();
        findings.extend(shown.into_iter().map(|forbidden| {
            Finding::new(
                "capability_forbidden",
                State::Warning,
                label.text(format!("forbidden capability {forbidden} is offered {place}")),
            )
        }));
    }
    if last.is_some() && findings.is_empty() && !(config.required.is_empty() && config.forbidden.is_empty()) {
        findings.push(Finding::new("capabilities", State::Ok, label.text("capabilities are as required")));
    }
    findings
}

fn missing(required: &[Requirement], seen: &Capabilities, label: &Label) -> Vec<Finding> {
    let unmet = required.iter().filter(|required| !required.is_met_by(seen));
    unmet
        .map(|required| {
            let lines = seen.lines(required.keyword());
            let offered =
                if lines.is_empty() { String::new() } else { format!(" (offered: {})", lines.join(", ")) };
            let text = format!("required capability {required} is missing{offered}");
            Finding::new("capability_missing", State::Critical, label.text(text))
        })
        .collect()
}

fn mail(reply: &Reply, label: &Label) -> Finding {
    if reply.is_positive() {
        return Finding::new("mail", State::Ok, label.text(format!("MAIL FROM was accepted: {reply}")));
    }
    let refusal = Failure::new(Phase::Mail, Cause::Refused(reply.clone()));
    Finding::new("mail_refused", State::Critical, label.text(refusal.to_string()))
        .advised(advice::for_failure(&refusal))
}

fn answer(asked: &Asked, reply: &Reply, label: &Label) -> Finding {
    let is_good = asked
        .expected
        .as_ref()
        .map_or((200..400).contains(&reply.code()), |expected| expected.matches(reply));
    let command = asked.command.redacted();
    if is_good {
        return Finding::new("command", State::Ok, label.text(format!("'{command}' was answered: {reply}")));
    }
    let wanted = asked.expected.as_ref().map_or("2xx or 3xx".to_owned(), Expected::to_string);
    let text = format!("'{command}' was answered {reply} (expected {wanted})");
    Finding::new("command_unexpected", State::Critical, label.text(text))
        .advised(advice::for_refusal(Phase::Commands, reply))
}
