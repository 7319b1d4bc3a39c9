//! One session with each address: a line each, the worst counts.

use std::time::Duration;

use check_smtp_core::contact::timing::{Label, shown};
use check_smtp_core::plugin::{Finding, Perfdata, Report, Section, State, Unit};

use super::one;
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
        .filter(|visit| visit.contact.failure.is_none() || one::is_welcome_refusal(config, visit))
        .count();
    let slowest = visits.iter().map(|visit| visit.contact.total()).max().unwrap_or_default();
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
    report.push(count(ready, visits.len(), slowest));
    report.fact("addresses", visits.iter().map(|visit| one::facts(config, visit)).collect::<Vec<_>>());
    report
}

/// Told, not judged: each address has been judged by its own findings.
fn count(ready: usize, all: usize, slowest: Duration) -> Finding {
    let number = f64::from(u32::try_from(ready).unwrap_or(u32::MAX));
    Finding::new("addresses_ready", State::Ok, format!("{ready} of {all} addresses are ready"))
        .measured(Perfdata::new("addresses_ready", number, Unit::None))
        .measured(Perfdata::new("time", slowest.as_secs_f64(), Unit::Seconds))
}

fn line(config: &Config, name: &str, findings: &[Finding], visit: &Visit) -> String {
    let state = findings.iter().map(Finding::state).max().unwrap_or(State::Unknown);
    match &visit.contact.failure {
        Some(failure) if !one::is_welcome_refusal(config, visit) => format!("{state} {name}: {failure}"),
        _ => format!("{state} {name}: {}", one::summary(config, visit)),
    }
}

fn address_of(visit: &Visit) -> String {
    let address = visit.contact.address.or(visit.contact.attempts.first().map(|attempt| attempt.address));
    address.map(|address| address.ip().to_string()).unwrap_or_default()
}
