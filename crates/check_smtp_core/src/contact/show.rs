//! What is shown of a contact to those who ask for more: sections for `-v` to `-vvv`, facts for JSON.

use crate::certificate::date;
use crate::net::{Attempt, Outcome, tls};
use crate::plugin::{Format, Report, Section, Style};
use crate::session::Introduction;
use serde_json::{Map, Value, json};

use super::Contact;

/// Capabilities shown and put into JSON at the most.
const CAPABILITIES_LIMIT: usize = 100;

/// Adds the sections that `-v` to `-vvv` ask for. What nobody asked for is not even put together.
pub fn sections(report: &mut Report, verbosity: u8, contact: &Contact) {
    if verbosity >= 1 {
        report.section(Section::new(1, "addresses tried", contact.attempts.iter().map(attempt)));
    }
    if verbosity >= 2 {
        report.section(Section::new(2, "timeline", timeline(contact)));
        for introduction in &contact.record.introductions {
            let title = if introduction.is_over_tls {
                "capabilities inside TLS"
            } else {
                "capabilities in the clear"
            };
            report.section(Section::new(2, title, capabilities(introduction)));
        }
        let session = contact.record.tls.as_ref().map(tls_lines).unwrap_or_default();
        report.section(Section::new(2, "TLS session", session));
    }
    if verbosity >= 3 {
        report.section(Section::new(3, "dialogue", &contact.record.dialogue));
    }
}

/// Adds sections by `-v`, and for JSON the facts and what the check has of its own.
pub fn add(report: &mut Report, style: Style, contact: &Contact, facts: impl FnOnce() -> Map<String, Value>) {
    sections(report, style.verbosity, contact);
    if style.format == Format::Json {
        for (key, value) in facts() {
            report.fact(&key, value);
        }
    }
}

fn attempt(attempt: &Attempt) -> String {
    let outcome = match &attempt.outcome {
        Outcome::Connected => "connected",
        Outcome::Failed(words) => words,
        Outcome::Unanswered => "no answer",
    };
    format!("+{} ms {}: {outcome}", attempt.began.as_millis(), attempt.address)
}

fn timeline(contact: &Contact) -> Vec<String> {
    let steps = contact.record.timeline.steps().iter();
    steps
        .map(|step| {
            format!("+{} ms {}: {:.3} s", step.began.as_millis(), step.phase.label(), step.took.as_secs_f64())
        })
        .collect()
}

fn capabilities(introduction: &Introduction) -> Vec<String> {
    let all = introduction.capabilities.all();
    let mut shown: Vec<String> = all.iter().take(CAPABILITIES_LIMIT).map(ToString::to_string).collect();
    if all.len() > CAPABILITIES_LIMIT {
        shown.push(format!("... and {} more", all.len() - CAPABILITIES_LIMIT));
    }
    shown
}

fn tls_lines(session: &tls::Session) -> Vec<String> {
    let group = session.group.as_deref().map(|group| format!(", key exchange {group}")).unwrap_or_default();
    let mut lines = vec![format!("{} {}{group}", session.version, session.cipher)];
    lines.extend(session.certificates.iter().map(|certificate| {
        format!(
            "{} (issuer {}, {}, {} to {})",
            certificate.subject,
            certificate.issuer,
            certificate.key,
            date(certificate.not_before),
            date(certificate.not_after)
        )
    }));
    lines
}

/// The facts of a contact with stable keys, and among them those of the check's own dialogue.
pub fn facts(settings: &tls::Settings, contact: &Contact, own: Map<String, Value>) -> Map<String, Value> {
    let record = &contact.record;
    let greeting =
        record.greeting.as_ref().map(|reply| json!({ "code": reply.code(), "text": reply.text() }));
    let mut facts = Map::new();
    let mut add = |key: &str, value: Value| {
        facts.insert(key.to_owned(), value);
    };
    add("port", contact.port.into());
    add("address", contact.address.map(|address| address.ip().to_string()).into());
    add("failed_phase", contact.failure.as_ref().map(|failure| failure.phase.label()).into());
    add("greeting", greeting.into());
    add("introductions", record.introductions.iter().map(introduction_json).collect());
    add("tls", record.tls.as_ref().map(|session| tls_json(settings, session)).into());
    facts.extend(own);
    facts.insert("attempts".to_owned(), contact.attempts.iter().map(attempt_json).collect());
    facts
}

fn introduction_json(introduction: &Introduction) -> Value {
    json!({
        "tls": introduction.is_over_tls,
        "helo": introduction.is_helo,
        "name": introduction.capabilities.domain,
        "capabilities": introduction.capabilities.all().iter().take(CAPABILITIES_LIMIT).map(ToString::to_string).collect::<Vec<_>>(),
        "size": introduction.capabilities.size(),
        "auth": introduction.capabilities.auth_mechanisms().into_iter().take(CAPABILITIES_LIMIT).collect::<Vec<_>>(),
    })
}

fn tls_json(settings: &tls::Settings, session: &tls::Session) -> Value {
    json!({
        "version": session.version,
        "cipher": session.cipher,
        "group": session.group,
        "alpn": session.alpn,
        "verified": settings.is_verified && session.verdicts.faults().is_empty(),
        "faults": session.verdicts.faults().iter().map(crate::certificate::Fault::id).collect::<Vec<_>>(),
        "chain": session.certificates.iter().map(|certificate| json!({
            "subject": certificate.subject,
            "issuer": certificate.issuer,
            "names": certificate.dns_names,
            "not_before": certificate.not_before,
            "not_after": certificate.not_after,
            "key": certificate.key.to_string(),
        })).collect::<Vec<_>>(),
    })
}

fn attempt_json(attempt: &Attempt) -> Value {
    json!({
        "address": attempt.address.to_string(),
        "began_ms": u64::try_from(attempt.began.as_millis()).unwrap_or(u64::MAX),
        "outcome": match &attempt.outcome {
            Outcome::Connected => "connected",
            Outcome::Failed(words) => words,
            Outcome::Unanswered => "no answer",
        },
    })
}
