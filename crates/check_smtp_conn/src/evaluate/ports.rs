//! One session with each port: a table of what is open, closed, filtered or something else.

use check_smtp_core::contact::timing::{self, Label, shown};
use check_smtp_core::error::{Cause, Failure};
use check_smtp_core::plugin::{Finding, Perfdata, Report, Section, State, Unit};
use check_smtp_core::timeline::Phase;
use check_smtp_core::{advice, policy};

use super::one;
use crate::args::Config;
use crate::facts::Visit;
use crate::role;

/// What a port turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    /// A mail server that held the whole session.
    Open,
    /// Nobody listens, or a firewall says so.
    Closed,
    /// Nothing comes back.
    Filtered,
    /// Another protocol.
    WrongProtocol,
    /// A mail server that failed the session.
    Failing,
}

impl Status {
    fn of(config: &Config, visit: &Visit) -> Self {
        let Some(failure) =
            visit.contact.failure.as_ref().filter(|_| !one::is_welcome_refusal(config, visit))
        else {
            return Self::Open;
        };
        match (&failure.cause, failure.phase) {
            (Cause::NotConnected(words), _) if words.contains("refused") => Self::Closed,
            (Cause::Timeout(_), Phase::Connect) | (Cause::NotConnected(_), _) => Self::Filtered,
            (Cause::Foreign(_) | Cause::PlaintextSmtp, _) => Self::WrongProtocol,
            _ => Self::Failing,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Filtered => "filtered",
            Self::WrongProtocol => "wrong protocol",
            Self::Failing => "failing",
        }
    }
}

/// The report on the sessions with all ports.
pub fn report(config: &Config, visits: &[Visit], required: &[u16]) -> Report {
    let statuses: Vec<Status> = visits.iter().map(|visit| Status::of(config, visit)).collect();
    let open = statuses.iter().filter(|status| **status == Status::Open).count();
    let host = config.target.host();
    let names: Vec<String> = visits
        .iter()
        .zip(&statuses)
        .map(|(visit, status)| format!("{} {}", visit.contact.port, status.name()))
        .collect();
    let mut report = Report::new(&host).summary(&names.join(", ")).endpoint(&host, None);
    for (visit, status) in visits.iter().zip(&statuses) {
        report.extend(port_findings(config, visit, *status, required.contains(&visit.contact.port)));
    }
    report.push(count(open, visits.len(), required.is_empty()));
    let rows = visits
        .iter()
        .zip(&statuses)
        .map(|(visit, status)| row(config, visit, *status, required.contains(&visit.contact.port)));
    report.section(Section::new(0, "ports", rows.collect::<Vec<_>>()));
    report.fact(
        "ports",
        visits.iter().zip(&statuses).map(|(visit, status)| json(config, visit, *status)).collect::<Vec<_>>(),
    );
    report
}

/// A required port is judged like a session of its own; any other is only told.
fn port_findings(config: &Config, visit: &Visit, status: Status, is_required: bool) -> Vec<Finding> {
    let label = Label {
        prefix: format!("port {}: ", visit.contact.port),
        suffix: format!("_{}", visit.contact.port),
    };
    if status == Status::Open {
        return one::findings(config, visit, &label);
    }
    let told = visit.contact.failure.as_ref().map(Failure::to_string).unwrap_or_default();
    let text = label.text(format!("{}, {told}", status.name()));
    let state = if is_required { State::Critical } else { State::Ok };
    let id = visit.contact.failure.as_ref().map_or("port", policy::id_of);
    let advised = visit.contact.failure.as_ref().filter(|_| is_required).and_then(advice_on);
    vec![
        Finding::new(id, state, text).advised(advised),
        timing::total(&config.limits, visit.contact.total(), &label),
    ]
}

fn advice_on(failure: &Failure) -> Option<check_smtp_core::plugin::Advice> {
    match &failure.cause {
        Cause::Unverified(faults) => faults.first().and_then(advice::for_fault),
        _ => advice::for_failure(failure),
    }
}

/// Without required ports the host must at least have one that is open.
fn count(open: usize, all: usize, is_judged: bool) -> Finding {
    let state = if is_judged && open == 0 { State::Critical } else { State::Ok };
    let open_ports = u32::try_from(open).unwrap_or(u32::MAX);
    let metric = Perfdata::new("ports_open", f64::from(open_ports), Unit::None);
    Finding::new("ports_open", state, format!("{open} of {all} ports are open")).measured(metric)
}

fn row(config: &Config, visit: &Visit, status: Status, is_required: bool) -> String {
    let required = if is_required { " (required)" } else { "" };
    let detail = match (status, &visit.contact.failure) {
        (Status::Open, _) => one::summary(config, visit),
        (_, Some(failure)) => failure.to_string(),
        (_, None) => shown(visit.contact.total()),
    };
    format!(
        "{:<5} {:<14} {}{required}: {detail}",
        visit.contact.port,
        status.name(),
        role::of_port(visit.contact.port)
    )
}

fn json(config: &Config, visit: &Visit, status: Status) -> serde_json::Value {
    let mut facts = one::facts(config, visit);
    facts.insert("status".to_owned(), status.name().into());
    facts.insert("role".to_owned(), role::of_port(visit.contact.port).into());
    facts.into()
}
