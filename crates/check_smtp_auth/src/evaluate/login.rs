//! The login and what it is held against.

use check_smtp_core::advice;
use check_smtp_core::cli::TlsMode;
use check_smtp_core::contact::findings::{self, over_tls, unverified};
use check_smtp_core::contact::timing::shown;
use check_smtp_core::error::{Cause, Failure};
use check_smtp_core::plugin::{Finding, State};
use check_smtp_core::session::{Login, Outcome};
use check_smtp_core::smtp::Reply;
use check_smtp_core::timeline::Phase;
use serde_json::Value;

use crate::args::{Config, Policy};
use crate::facts::Visit;

/// Mechanisms that send what can be used again, or rest on MD5 and MD4.
const OUTDATED: [&str; 4] = ["LOGIN", "CRAM-MD5", "DIGEST-MD5", "NTLM"];

/// All findings on the login.
pub fn findings(config: &Config, visit: &Visit) -> Vec<Finding> {
    let mut all = Vec::new();
    let login = visit.attempt.login.as_ref();
    all.extend(login.and_then(|login| accepted(visit, login)));
    all.extend(login.and_then(|login| required(config, login)));
    all.extend(before_tls(config, visit));
    all.extend(offered(config, visit));
    all.extend(visit.attempt.mail.as_ref().map(|reply| taken(Phase::Mail, "mail", reply)));
    all.extend(visit.attempt.rcpt.as_ref().map(|reply| taken(Phase::Rcpt, "rcpt", reply)));
    all.extend(visit.attempt.token.as_ref().map(findings::token));
    all.extend(config.account.as_ref().and_then(findings::typed_secret));
    all
}

/// The user as the status line names it.
pub fn shown_user(visit: &Visit) -> &str {
    if visit.attempt.user.is_empty() { "client certificate" } else { &visit.attempt.user }
}

/// `by PLAIN over TLSv1.3 in 0.184 s`.
pub fn summary(config: &Config, visit: &Visit) -> String {
    format!(
        "{} in {}{}",
        way(config, visit),
        shown(visit.contact.total()),
        unverified(&config.tls, &visit.contact)
    )
}

/// `as probe@example.org by PLAIN over TLSv1.3`; empty where no login was begun.
pub fn tried(config: &Config, visit: &Visit) -> String {
    let way = way(config, visit);
    let unverified = unverified(&config.tls, &visit.contact);
    if way.is_empty() { way } else { format!("as {} {way}{unverified}", shown_user(visit)) }
}

/// `by PLAIN over TLSv1.3`; empty where no login was begun.
fn way(config: &Config, visit: &Visit) -> String {
    let Some(login) = &visit.attempt.login else { return String::new() };
    let clear = if config.mode == TlsMode::None { " in the clear" } else { "" };
    format!("by {}{}{clear}", login.mechanism, over_tls(&visit.contact))
}

/// How the login ended, for JSON.
pub fn outcome_json(login: &Login) -> Value {
    match &login.outcome {
        Outcome::Accepted(reply) | Outcome::Refused(reply) => reply.to_string().into(),
        Outcome::Broken(fault) => fault.to_string().into(),
    }
}

fn accepted(visit: &Visit, login: &Login) -> Option<Finding> {
    let Outcome::Accepted(reply) = &login.outcome else { return None };
    let text = format!("{} logged in by {}: {reply}", shown_user(visit), login.mechanism);
    Some(Finding::new("login", State::Ok, text))
}

fn required(config: &Config, login: &Login) -> Option<Finding> {
    let is_met = config.required.is_empty() || config.required.contains(&login.mechanism);
    let names: Vec<_> = config.required.iter().map(|mechanism| mechanism.name()).collect();
    (!is_met).then(|| {
        let text = format!("login was made by {}, required is {}", login.mechanism, names.join(" or "));
        Finding::new("mechanism_not_as_required", State::Critical, text)
    })
}

/// Before TLS a password would be read by anybody on the way. Where the admin chose to log in so, it is no news.
fn before_tls(config: &Config, visit: &Visit) -> Option<Finding> {
    let clear = visit.contact.record.introductions.iter().find(|introduction| !introduction.is_over_tls)?;
    let offered = clear.capabilities.auth_mechanisms();
    (config.mode != TlsMode::None && !offered.is_empty()).then(|| {
        let text = format!("a login is offered before TLS ({})", offered.join(", "));
        Finding::new("auth_before_tls", State::Warning, text).advised(advice::auth_before_tls())
    })
}

/// What is offered anywhere, before TLS or inside, and should not be.
fn offered(config: &Config, visit: &Visit) -> Vec<Finding> {
    let mut offered: Vec<String> = Vec::new();
    for introduction in &visit.contact.record.introductions {
        let mechanisms = introduction.capabilities.auth_mechanisms();
        offered.extend(mechanisms.into_iter().filter(|name| !offered.contains(name)).collect::<Vec<_>>());
    }
    let warned = |id, word: &str, named: Vec<&String>| {
        let names: Vec<_> = named.iter().map(|name| name.as_str()).collect();
        (!names.is_empty()).then(|| {
            Finding::new(id, State::Warning, format!("{word} mechanism is offered: {}", names.join(", ")))
        })
    };
    let is_outdated = |name: &&String| config.policy == Policy::Strict && OUTDATED.contains(&name.as_str());
    let forbidden = offered.iter().filter(|name| config.forbidden.contains(name)).collect();
    let outdated =
        offered.iter().filter(|name| !config.forbidden.contains(name)).filter(is_outdated).collect();
    [
        warned("mechanism_forbidden", "forbidden", forbidden),
        warned("mechanism_outdated", "outdated", outdated),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn taken(phase: Phase, id: &'static str, reply: &Reply) -> Finding {
    if reply.is_positive() {
        return Finding::new(id, State::Ok, format!("{} was accepted: {reply}", phase.name()));
    }
    let refusal = Failure::new(phase, Cause::Refused(reply.clone()));
    let id = if phase == Phase::Mail { "sender_refused" } else { "recipient_refused" };
    Finding::new(id, State::Critical, refusal.to_string()).advised(advice::for_failure(&refusal))
}
