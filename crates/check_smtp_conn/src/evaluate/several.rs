//! One session with each address: a line each, the worst counts.

use check_smtp_core::plugin::{Finding, Report, Section, State};

use super::timing::{Label, shown};
use super::{one, show};
use crate::args::Config;
use crate::facts::Visit;

/// The report on the sessions with all addresses of a name.
pub fn report(config: &Config, visits: &[Visit]) -> Report {
    let target = &config.target;
    let judged: Vec<(String, Vec<Finding>)> = visits
        .iter()
        .enumerate()
        .map(|(index, visit)| {
            let name = address_of(visit);
            let label = Label { prefix: format!("{name}: "), suffix: format!("_{}", index + 1) };
            (name, one::findings(config, visit, &label))
        })
        .collect();
    let ready = visits
        .iter()
        .filter(|visit| visit.failure.is_none() || one::is_welcome_refusal(config, visit))
        .count();
    let slowest = visits.iter().map(Visit::total).max().unwrap_or_default();
    let summary = format!("{ready} of {} addresses ready, slowest after {}", visits.len(), shown(slowest));
    let mut report = Report::new(&target.endpoint(target.port))
        .summary(&summary)
        .endpoint(&target.host(), Some(target.port));
    let lines: Vec<String> = judged
        .iter()
        .zip(visits)
        .map(|((name, findings), visit)| line(config, name, findings, visit))
        .collect();
    report.section(Section::new(0, "addresses", lines));
    for (_, findings) in judged {
        report.extend(findings);
    }
    report.fact("addresses", visits.iter().map(|visit| show::facts(config, visit)).collect::<Vec<_>>());
    report
}

fn line(config: &Config, name: &str, findings: &[Finding], visit: &Visit) -> String {
    let state = findings.iter().map(Finding::state).max().unwrap_or(State::Unknown);
    match &visit.failure {
        Some(failure) if !one::is_welcome_refusal(config, visit) => format!("{state} {name}: {failure}"),
        _ => format!("{state} {name}: {}", one::summary(config, visit)),
    }
}

fn address_of(visit: &Visit) -> String {
    let address = visit.address.or(visit.attempts.first().map(|attempt| attempt.address));
    address.map(|address| address.ip().to_string()).unwrap_or_default()
}
