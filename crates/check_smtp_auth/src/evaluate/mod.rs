//! Judges what was seen. Pure.

mod doors;
mod login;

use check_smtp_core::contact::findings::subject;
use check_smtp_core::contact::timing::{self, Label};
use check_smtp_core::contact::token::TokenOrigin;
use check_smtp_core::contact::{self, show};
use check_smtp_core::net::Host;
use check_smtp_core::plugin::{Finding, Report, State};
use serde_json::{Map, Value, json};

use crate::args::Config;
use crate::facts::{Facts, Visit};

/// The report on all that was seen.
pub fn evaluate(config: &Config, facts: &Facts) -> Report {
    let mut findings = facts.visit.as_ref().map(|visit| findings(config, visit)).unwrap_or_default();
    findings.extend(facts.doors.iter().flat_map(doors::findings));
    if facts.visit.is_none() {
        let longest = facts.doors.iter().map(|door| door.contact.total()).max().unwrap_or_default();
        findings.push(timing::total(&config.limits, longest, &Label::default()));
    }
    let is_good = findings.iter().all(|finding| finding.state() == State::Ok);
    let target = &config.target;
    let port = (!matches!(target.connect, Host::Socket(_))).then_some(target.port);
    let mut report = match &facts.visit {
        Some(visit) if is_good => Report::new(&format!(
            "{} logged in to {}",
            login::shown_user(visit),
            subject(target, &visit.contact)
        ))
        .summary(&login::summary(config, visit)),
        Some(visit) => Report::new(&subject(target, &visit.contact)).summary(&login::tried(config, visit)),
        None => Report::new(&target.endpoint(target.port)).summary(&doors::summary(config, &facts.doors)),
    };
    report = report.endpoint(&target.host(), port);
    report.extend(findings);
    if let Some(visit) = &facts.visit {
        show::add(&mut report, config.style, &visit.contact, || facts_of(config, visit));
    }
    for door in &facts.doors {
        show::sections(&mut report, config.style.verbosity, &door.contact);
    }
    if !facts.doors.is_empty() {
        report.fact("tests", facts.doors.iter().map(doors::json).collect::<Vec<_>>());
    }
    report
}

fn findings(config: &Config, visit: &Visit) -> Vec<Finding> {
    let label = Label::default();
    let failure = visit.contact.failure.as_ref();
    let of_login = |failure| contact::findings::login_failure(failure, visit.attempt.login.as_ref());
    let mut findings = failure.map(of_login).unwrap_or_default();
    findings.extend(login::findings(config, visit));
    findings.extend(contact::findings::introduction(&visit.contact, &label));
    findings.extend(contact::findings::tls(&config.tls, &visit.contact, &label));
    findings.push(timing::total(&config.limits, visit.contact.total(), &label));
    findings.extend(timing::phases(&config.limits, &visit.contact.record.timeline, &label));
    findings
}

fn facts_of(config: &Config, visit: &Visit) -> Map<String, Value> {
    let attempt = &visit.attempt;
    let own = json!({
        "user": attempt.user,
        "mechanism": attempt.login.as_ref().map(|login| login.mechanism.name()),
        "login": attempt.login.as_ref().map(login::outcome_json),
        "token": attempt.token.as_ref().map(|origin| if *origin == TokenOrigin::Cache { "cache" } else { "endpoint" }),
        "provider_error": attempt.login.as_ref().and_then(|login| login.provider_error.clone()),
        "mail": attempt.mail.as_ref().map(ToString::to_string),
        "rcpt": attempt.rcpt.as_ref().map(ToString::to_string),
    });
    let own = if let Value::Object(own) = own { own } else { Map::new() };
    show::facts(&config.tls, &visit.contact, own)
}
