//! Judges what was seen. Pure.

mod chain;
mod dane;
mod domain;
#[cfg(test)]
mod domain_tests;
mod endpoint;
mod expiry;
mod gauges;
mod mta_sts;
mod names;
mod show;
mod staple;
#[cfg(test)]
mod tests;
mod trials;
mod views;

use check_smtp_core::cli::Target;
use check_smtp_core::contact;
use check_smtp_core::contact::timing::{self, Label};
use check_smtp_core::net::Host;
use check_smtp_core::plugin::{Finding, Perfdata, Report, State, Unit};
use check_smtp_core::policy;

use self::views::View;
use crate::args::{Config, Hosts, Server, Source};
use crate::facts::{Chain, Facts};

/// The report on all that was seen.
pub fn evaluate(config: &Config, facts: &Facts) -> Report {
    let views = views::of(config, facts);
    let mut report = match &config.source {
        Source::File { chain, .. } => Report::new(&chain.display().to_string()),
        Source::Server(server) => of_server(server, facts),
    };
    report = report.summary(&summary(config, facts, &views));
    if let Some(failure) = &facts.failure {
        report.extend(policy::findings_of(failure));
        report.fact("failed_phase", failure.phase.label());
    }
    if let Source::Server(server) = &config.source {
        report.extend(domain::findings(server, facts));
    }
    for (index, endpoint) in facts.endpoints.iter().enumerate() {
        report.extend(endpoint::faults(config, facts, endpoint, &label(facts, index)));
    }
    if let Source::Server(server) = &config.source {
        report.extend(dane::findings(server, facts));
        report.extend(mta_sts::findings(config, server, facts, &views));
    }
    for view in &views {
        report.extend(chain::findings(config, facts, view));
    }
    if let Some(fits) = &facts.key_fits {
        report.extend(key(fits));
    }
    report.extend(facts.not_written.as_ref().map(policy::findings_of).unwrap_or_default());
    report.extend(expiry::measured(config, facts, &views));
    for (index, endpoint) in facts.endpoints.iter().enumerate() {
        report.extend(staple::finding(config, facts, endpoint, &label(facts, index)));
    }
    if let Source::Server(server) = &config.source {
        report.extend(trials::findings(server, facts));
        report.extend(times(config, facts));
        show::endpoints(&mut report, config, server, facts);
    }
    show::chains(&mut report, config, facts);
    for gauge in gauges::all(facts, &views, report.state()) {
        report.gauge(gauge);
    }
    report
}

fn of_server(server: &Server, facts: &Facts) -> Report {
    let target = &server.target;
    let subject = match (&server.domain.hosts, facts.endpoints.as_slice()) {
        (Hosts::One, [only]) => contact::findings::subject(target, &only.contact),
        (Hosts::One, _) => target.endpoint(target.port),
        (Hosts::OfDomain(domain), [only]) => {
            let named = facts.hosts.get(only.host).map(|host| Host::Name(host.name.clone()));
            let target = Target { name: named.unwrap_or_else(|| target.name.clone()), ..target.clone() };
            let subject = contact::findings::subject(&target, &only.contact);
            match subject.strip_suffix(')') {
                Some(open) => format!("{open}, MX of {domain})"),
                None => format!("{subject} (MX of {domain})"),
            }
        }
        (Hosts::OfDomain(domain), _) => format!("MX of {domain}"),
    };
    let port = (!matches!(target.connect, Host::Socket(_))).then_some(target.port);
    Report::new(&subject).endpoint(&target.host(), port)
}

/// What is said beside the worst finding: until when all is valid, and the protocol.
fn summary(config: &Config, facts: &Facts, views: &[View<'_>]) -> String {
    let reached = facts.endpoints.iter().filter(|endpoint| endpoint.chain.is_some()).count();
    let counted = (facts.endpoints.len() > 1)
        .then(|| format!("{reached} of {} sessions secured", facts.endpoints.len()));
    let valid = expiry::earliest(config, views).and_then(|earliest| earliest.told(config, facts));
    let promised = dane::summary(views).into_iter().chain(mta_sts::summary(facts));
    let words = counted.into_iter().chain(valid).chain(endpoint::versions(facts)).chain(promised);
    words.collect::<Vec<_>>().join(", ")
}

/// What tells one endpoint from the others: address, kind of certificate, number of its metrics.
fn label(facts: &Facts, index: usize) -> Label {
    match facts.endpoints.get(index) {
        Some(endpoint) if facts.endpoints.len() > 1 => Label {
            prefix: format!("{}: ", endpoint::name(facts, endpoint)),
            suffix: format!("_{}", index + 1),
        },
        _ => Label::default(),
    }
}

fn key(fits: &Result<bool, check_smtp_core::Failure>) -> Vec<Finding> {
    match fits {
        Ok(true) => vec![Finding::new("key_fits", State::Ok, "the key fits the certificate")],
        Ok(false) => {
            vec![Finding::new("key_mismatch", State::Critical, "the key is not the one of the certificate")]
        }
        Err(failure) => policy::findings_of(failure),
    }
}

/// The times of the session; of several sessions the slowest, and the whole time of each.
fn times(config: &Config, facts: &Facts) -> Vec<Finding> {
    let plain = Label::default();
    match facts.endpoints.as_slice() {
        [] => vec![timing::total(&config.times, facts.lookup.total(), &plain)],
        [only] => {
            let total = timing::total(&config.times, only.contact.total(), &plain);
            let phases = timing::phases(&config.times, &only.contact.record.timeline, &plain);
            std::iter::once(total).chain(phases).collect()
        }
        several => {
            let slowest = several.iter().map(|endpoint| endpoint.contact.total()).max().unwrap_or_default();
            let number = f64::from(u32::try_from(several.len()).unwrap_or(u32::MAX));
            let all = Finding::new(
                "time",
                State::Ok,
                format!("slowest session took {:.3} s", slowest.as_secs_f64()),
            )
            .measured(Perfdata::new("time", slowest.as_secs_f64(), Unit::Seconds))
            .measured(Perfdata::new("endpoints", number, Unit::None));
            let each = several.iter().enumerate().flat_map(|(index, endpoint)| {
                let label = label(facts, index);
                let phases = timing::phases(&config.times, &endpoint.contact.record.timeline, &label);
                // Metrics of every phase of every endpoint would fill the line: those that are judged and broken are told.
                let slow = phases.into_iter().filter(|finding| finding.state() != State::Ok);
                std::iter::once(timing::total(&config.times, endpoint.contact.total(), &label))
                    .chain(slow)
                    .collect::<Vec<_>>()
            });
            std::iter::once(all).chain(each).collect()
        }
    }
}

/// All the chains' leaves, for texts.
fn leaf_name(chain: &Chain) -> &str {
    chain.leaf().map_or("unnamed", |leaf| leaf.certificate.label())
}
