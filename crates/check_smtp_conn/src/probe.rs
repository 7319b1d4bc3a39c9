//! Asks the server. Decides nothing: whatever happens is a fact.

use std::net::SocketAddr;

use check_smtp_core::cli::TlsMode;
use check_smtp_core::error::{Cause, Failure};
use check_smtp_core::net::{Attempt, Deadline, Host, Wire, dial, proxy, resolve};
use check_smtp_core::session::{Channel, Connected, Record, Session, Stopped, helo_name};
use check_smtp_core::smtp::Command;
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
    let addresses = match find(config, deadline, &mut lookup) {
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

/// The addresses; none for a Unix socket. A literal is no lookup and gets no time.
fn find(config: &Config, deadline: Deadline, lookup: &mut Timeline) -> Result<Vec<SocketAddr>, Cause> {
    let target = &config.target;
    if matches!(target.connect, Host::Socket(_)) {
        return Ok(Vec::new());
    }
    let began = deadline.elapsed();
    let addresses = resolve::resolve(&target.connect, target.port, target.family, deadline)?;
    if matches!(target.connect, Host::Name(_)) {
        lookup.finished(Phase::Dns, began, deadline.elapsed());
    }
    Ok(addresses)
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
    let record = Record { timeline: lookup.clone(), ..Record::default() };
    let mut visit = Visit {
        port: plan.port,
        address: None,
        attempts: Vec::new(),
        record,
        mail: None,
        answers: Vec::new(),
        failure: None,
    };
    let began = deadline.elapsed();
    let (attempts, connected) = connect(config, plan, deadline);
    visit.attempts = attempts;
    match connected {
        Ok((wire, address)) => {
            visit.record.timeline.finished(Phase::Connect, began, deadline.elapsed());
            visit.address = address;
            converse(config, plan, wire, &mut visit, deadline);
        }
        Err(cause) => {
            visit.record.timeline.ended(deadline.elapsed());
            visit.failure = Some(Failure::new(Phase::Connect, cause));
        }
    }
    visit
}

type Dialed = Result<(Wire, Option<SocketAddr>), Cause>;

fn connect(config: &Config, plan: &Plan, deadline: Deadline) -> (Vec<Attempt>, Dialed) {
    if let Host::Socket(path) = &config.target.connect {
        return (Vec::new(), dial::dial_socket(path, deadline).map(|wire| (wire, None)));
    }
    let (attempts, dialed) = dial::dial(&plan.addresses, config.target.source, deadline);
    (attempts, dialed.map(|(wire, address)| (wire, Some(address))))
}

/// The dialogue, and QUIT whenever the server still listens.
fn converse(config: &Config, plan: &Plan, wire: Wire, visit: &mut Visit, deadline: Deadline) {
    let channel = match talk(config, plan, wire, visit, deadline) {
        Ok(channel) => Some(channel),
        Err(stopped) => {
            visit.failure = Some(stopped.failure);
            stopped.channel.map(|channel| *channel)
        }
    };
    if let Some(channel) = channel {
        channel.quit(&mut visit.record);
    }
}

fn talk(
    config: &Config,
    plan: &Plan,
    wire: Wire,
    visit: &mut Visit,
    deadline: Deadline,
) -> Result<Channel, Stopped> {
    let record = &mut visit.record;
    let ends = wire.local_address().zip(visit.address).filter(|_| config.target.proxy.is_some());
    let preamble = config.target.proxy.map(|version| proxy::header(version, ends)).unwrap_or_default();
    let mut connected =
        Connected::open(wire, &preamble, deadline).map_err(|failure| Stopped { failure, channel: None })?;
    if plan.mode == TlsMode::Implicit {
        connected = connected.secure(&config.tls, record)?;
    }
    let greeted = connected.greet(record)?;
    if let Some(refusal) = record.greeting.clone().filter(|greeting| !greeting.is_positive()) {
        let failure = Failure::new(Phase::Banner, Cause::Refused(refusal));
        return Err(Stopped { failure, channel: Some(Box::new(greeted.leave())) });
    }
    let name = helo_name(config.target.helo.as_deref(), &greeted);
    let mut session = greeted.introduce(config.target.protocol, &name, record)?;
    if plan.mode == TlsMode::StartTls {
        session = session.start_tls(&config.tls, record)?.introduce(config.target.protocol, &name, record)?;
    }
    match commands(config, &mut session, visit) {
        Ok(()) => Ok(session.leave()),
        Err(failure) => Err(Stopped { failure, channel: None }),
    }
}

/// MAIL FROM, then the admin's own commands; an answer of any code is a fact.
fn commands(config: &Config, session: &mut Session, visit: &mut Visit) -> Result<(), Failure> {
    if let Some(from) = &config.from {
        visit.mail = Some(session.ask(Phase::Mail, &Command::Mail(from.clone()), &mut visit.record)?);
    }
    for asked in &config.commands {
        visit.answers.push(session.ask(Phase::Commands, &asked.command, &mut visit.record)?);
    }
    Ok(())
}
