//! Asks the server. Decides nothing: whatever happens is a fact.

use std::net::SocketAddr;

use check_smtp_core::cli::TlsMode;
use check_smtp_core::contact::Way;
use check_smtp_core::error::Failure;
use check_smtp_core::net::Deadline;
use check_smtp_core::session::{Record, Session, Stopped};
use check_smtp_core::smtp::{Command, Reply};
use check_smtp_core::timeline::{Phase, Timeline};

use crate::args::{Config, Scope};
use crate::facts::{Facts, Visit};

/// One session to hold.
struct Plan {
    port: u16,
    mode: TlsMode,
    addresses: Vec<SocketAddr>,
}

/// Holds every session the configuration asks for.
pub fn probe(config: &Config, deadline: Deadline) -> Facts {
    let mut lookup = Timeline::default();
    let way = way(config, config.mode);
    let addresses = match way.find(deadline, &mut lookup) {
        Ok(addresses) => addresses,
        Err(cause) => {
            lookup.ended(deadline.elapsed());
            return Facts {
                lookup,
                lookup_failure: Some(Failure::new(Phase::Dns, cause)),
                visits: Vec::new(),
            };
        }
    };
    let mut plans = plans(config, &addresses);
    let visits = match (plans.pop(), plans.is_empty()) {
        (Some(only), true) => vec![visit(config, &only, &lookup, deadline)],
        (last, _) => {
            plans.extend(last);
            at_the_same_time(config, &plans, &lookup, deadline)
        }
    };
    Facts { lookup, lookup_failure: None, visits }
}

fn way(config: &Config, mode: TlsMode) -> Way<'_> {
    Way { target: &config.target, mode, tls: &config.tls, keeps_dialogue: config.style.verbosity >= 3 }
}

fn plans(config: &Config, addresses: &[SocketAddr]) -> Vec<Plan> {
    let (port, mode) = (config.target.port, config.mode);
    match &config.scope {
        Scope::One => vec![Plan { port, mode, addresses: addresses.to_vec() }],
        Scope::Addresses => {
            addresses.iter().map(|address| Plan { port, mode, addresses: vec![*address] }).collect()
        }
        Scope::Ports { asked, .. } => asked
            .iter()
            .map(|port| {
                let addresses =
                    addresses.iter().map(|address| SocketAddr::new(address.ip(), *port)).collect();
                Plan { port: *port, mode: TlsMode::of_port(*port), addresses }
            })
            .collect(),
    }
}

/// A thread a session: their number is bounded by the limits on addresses and ports.
fn at_the_same_time(config: &Config, plans: &[Plan], lookup: &Timeline, deadline: Deadline) -> Vec<Visit> {
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            plans.iter().map(|plan| scope.spawn(move || visit(config, plan, lookup, deadline))).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    })
}

fn visit(config: &Config, plan: &Plan, lookup: &Timeline, deadline: Deadline) -> Visit {
    let (mut mail, mut answers) = (None, Vec::new());
    let way = way(config, plan.mode);
    let contact = way.contact(plan.port, &plan.addresses, lookup, deadline, |mut session, record| {
        match commands(config, &mut session, record, &mut mail, &mut answers) {
            Ok(()) => Ok(session.leave()),
            Err(failure) => Err(Stopped { failure, channel: None }),
        }
    });
    Visit { contact, mail, answers }
}

/// MAIL FROM, then the admin's own commands; an answer of any code is a fact.
fn commands(
    config: &Config,
    session: &mut Session,
    record: &mut Record,
    mail: &mut Option<Reply>,
    answers: &mut Vec<Reply>,
) -> Result<(), Failure> {
    if let Some(from) = &config.from {
        *mail = Some(session.ask(Phase::Mail, &Command::Mail(from.clone()), record)?);
    }
    for asked in &config.commands {
        answers.push(session.ask(Phase::Commands, &asked.command, record)?);
    }
    Ok(())
}
