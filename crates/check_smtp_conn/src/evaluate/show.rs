//! What is shown of a session to those who ask for more: sections for `-v` to `-vvv`, facts for JSON.

use check_smtp_core::certificate::date;
use check_smtp_core::net::{Attempt, Outcome, tls};
use check_smtp_core::plugin::{Format, Report, Section};
use check_smtp_core::session::Introduction;
use serde_json::{Value, json};

use crate::args::Config;
use crate::facts::Visit;

/// Capabilities shown and put into JSON at the most.
const CAPABILITIES_LIMIT: usize = 100;

/// Adds what of a session was asked for: sections by `-v`, facts for JSON. The rest is not even put together.
pub fn add(report: &mut Report, config: &Config, visit: &Visit) {
    let verbosity = config.style.verbosity;
    if verbosity >= 1 {
        report.section(Section::new(1, "addresses tried", visit.attempts.iter().map(attempt)));
    }
    if verbosity >= 2 {
        report.section(Section::new(2, "timeline", timeline(visit)));
        for introduction in &visit.record.introductions {
            let title = if introduction.is_over_tls {
                "capabilities inside TLS"
            } else {
                "capabilities in the clear"
            };
            report.section(Section::new(2, title, capabilities(introduction)));
        }
        let session = visit.record.tls.as_ref().map(tls_lines).unwrap_or_default();
        report.section(Section::new(2, "TLS session", session));
    }
    if verbosity >= 3 {
        report.section(Section::new(3, "dialogue", &visit.record.dialogue));
    }
    if config.style.format != Format::Json {
        return;
    }
    if let Value::Object(facts) = facts(config, visit) {
        for (key, value) in facts {
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

fn timeline(visit: &Visit) -> Vec<String> {
    let steps = visit.record.timeline.steps().iter();
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

/// The facts of a session, with stable keys.
pub fn facts(config: &Config, visit: &Visit) -> Value {
    let record = &visit.record;
    json!({
        "port": visit.port,
        "address": visit.address.map(|address| address.ip().to_string()),
        "failed_phase": visit.failure.as_ref().map(|failure| failure.phase.label()),
        "greeting": record.greeting.as_ref().map(|reply| json!({ "code": reply.code(), "text": reply.text() })),
        "introductions": record.introductions.iter().map(introduction_json).collect::<Vec<_>>(),
        "tls": record.tls.as_ref().map(|session| tls_json(config, session)),
        "mail": visit.mail.as_ref().map(ToString::to_string),
        "answers": visit.answers.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "attempts": visit.attempts.iter().map(attempt_json).collect::<Vec<_>>(),
    })
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

fn tls_json(config: &Config, session: &tls::Session) -> Value {
    json!({
        "version": session.version,
        "cipher": session.cipher,
        "group": session.group,
        "alpn": session.alpn,
        "verified": config.tls.is_verified && session.verdicts.faults().is_empty(),
        "faults": session.verdicts.faults().iter().map(check_smtp_core::certificate::Fault::id).collect::<Vec<_>>(),
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
