//! Judges what was seen. Pure.

mod one;
mod ports;
mod several;

use check_smtp_core::Failure;
use check_smtp_core::contact::timing;
use check_smtp_core::plugin::Report;
use check_smtp_core::policy;

use crate::args::{Config, Scope};
use crate::facts::Facts;

/// The report on all that was seen.
pub fn evaluate(config: &Config, facts: &Facts) -> Report {
    if let Some(failure) = &facts.lookup_failure {
        return not_found(config, facts, failure);
    }
    match (&config.scope, facts.visits.as_slice()) {
        (Scope::One, [visit]) => one::report(config, visit),
        (Scope::Ports { required, .. }, visits) => ports::report(config, visits, required),
        (_, visits) => several::report(config, visits),
    }
}

/// Nobody could be asked: the name has no address.
fn not_found(config: &Config, facts: &Facts, failure: &Failure) -> Report {
    let target = &config.target;
    let mut report = Report::new(&target.endpoint(target.port)).endpoint(&target.host(), Some(target.port));
    report.extend(policy::findings_of(failure));
    report.push(timing::total(&config.limits, facts.lookup.total(), &timing::Label::default()));
    report.fact("failed_phase", failure.phase.label());
    report
}
