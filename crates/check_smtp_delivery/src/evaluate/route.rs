//! Which host was asked, and why it was that one.

use check_smtp_core::advice;
use check_smtp_core::contact;
use check_smtp_core::contact::timing::shown;
use check_smtp_core::error::{Cause, Failure};
use check_smtp_core::plugin::{Finding, State};
use check_smtp_core::timeline::Phase;

use crate::args::{Config, Route};
use crate::facts::{Facts, Visit};

/// `mail.example.org:25 (192.0.2.5)`, with `--mx` and the domain.
pub fn subject(config: &Config, facts: &Facts, visit: &Visit) -> String {
    let subject = contact::findings::subject(&visit.target, &visit.contact);
    match &config.route {
        Route::Server => subject,
        // The records were not found: there is no host to name.
        Route::Domain(domain) if facts.exchangers.is_none() => format!("MX of {domain}"),
        Route::Domain(domain) => match subject.strip_suffix(')') {
            Some(open) => format!("{open}, MX of {domain})"),
            None => format!("{subject} (MX of {domain})"),
        },
    }
}

/// What the records say, and which hosts were passed over.
pub fn findings(config: &Config, facts: &Facts) -> Vec<Finding> {
    let (Route::Domain(domain), Some(exchangers)) = (&config.route, &facts.exchangers) else {
        return Vec::new();
    };
    let mut findings = contact::domain::findings(domain, exchangers);
    let passed = facts.visits.iter().take(facts.visits.len().saturating_sub(1)).zip(&exchangers.hosts);
    findings.extend(passed.filter_map(|(visit, (preference, _))| passed_over(visit, *preference)));
    findings
}

/// Mail goes on by the next host, but not for long if nobody mends this one.
fn passed_over(visit: &Visit, preference: u16) -> Option<Finding> {
    let failure = visit.contact.failure.as_ref()?;
    let words = match failure {
        // It had its share of the time, not all of it.
        Failure { phase: Phase::Connect, cause: Cause::Timeout(_) } => {
            let steps = visit.contact.record.timeline.steps().iter();
            let before = steps.map(|step| step.began + step.took).max().unwrap_or_default();
            format!("no answer to the connect within {}", shown(visit.contact.total().saturating_sub(before)))
        }
        failure => failure.to_string(),
    };
    let text = format!("MX host {} (preference {preference}) was passed over: {words}", visit.target.host());
    let finding = Finding::new("mx_passed_over", State::Warning, text);
    Some(finding.advised(advice::for_failure(failure)))
}
