//! Asks the server, or reads the file. Decides nothing: whatever is wrong is a fact.

use std::net::SocketAddr;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use check_smtp_core::contact::Way;
use check_smtp_core::error::{Cause, Failure, system_words};
use check_smtp_core::hello::Offer;
use check_smtp_core::net::tls::{self, KeyKind, Staple, StapleFault};
use check_smtp_core::net::{Deadline, clock, parallel};
use check_smtp_core::secret;
use check_smtp_core::timeline::{Phase, Timeline};

use crate::args::{Config, Server, Source};
use crate::facts::{Chain, Endpoint, Facts, Offered};

/// Sessions held at the same time.
const SESSIONS: usize = 48;
/// Trials at the same time: they ask one server again and again, which may count connections.
const TRIALS: usize = 16;

/// Looks at every certificate the configuration asks for.
pub fn probe(config: &Config, deadline: Deadline) -> Facts {
    let mut facts = Facts {
        now: clock::now(),
        lookup: Timeline::default(),
        failure: None,
        endpoints: Vec::new(),
        chains: Vec::new(),
        key_fits: None,
        versions: Vec::new(),
        injections: Vec::new(),
        not_written: None,
    };
    let (seen, addresses) = match &config.source {
        Source::Server(server) => ask(server, config, deadline, &mut facts),
        Source::File { chain, key } => (read(chain, key.as_deref(), deadline, &mut facts), Vec::new()),
    };
    facts.chains = seen.iter().map(|sent| judged(sent, config, deadline)).collect();
    // After the verdicts: a trial that hangs takes the rest of the time, and nothing else with it. Where no session came as far as TLS
    // there is nothing to try it with.
    if let Source::Server(server) = &config.source
        && facts.endpoints.iter().any(came_to_tls)
    {
        try_out(server, &addresses, deadline, &mut facts);
    }
    facts.not_written = config.pem.as_deref().and_then(|path| write(path, &seen, deadline).err());
    facts
}

fn failed(cause: Cause) -> Failure {
    Failure::new(Phase::Tls, cause)
}

/// The path is built once for each distinct chain, however many endpoints sent it.
fn judged(sent: &[Vec<u8>], config: &Config, deadline: Deadline) -> Chain {
    Chain::new(sent, tls::path(sent, &config.roots, deadline).map_err(failed))
}

fn read(path: &Path, key: Option<&Path>, deadline: Deadline, facts: &mut Facts) -> Vec<Vec<Vec<u8>>> {
    let chain = match tls::read_chain("-f/--file", path, deadline) {
        Ok(chain) => chain,
        Err(cause) => {
            facts.failure = Some(failed(cause));
            return Vec::new();
        }
    };
    let leaf = chain.first().map(Vec::as_slice).unwrap_or_default();
    facts.key_fits = key.map(|key| tls::key_fits("--key", key, leaf, deadline).map_err(failed));
    vec![chain]
}

/// Holds all sessions; the distinct chains in the order they were seen, and the addresses.
fn ask(
    server: &Server,
    config: &Config,
    deadline: Deadline,
    facts: &mut Facts,
) -> (Vec<Vec<Vec<u8>>>, Vec<SocketAddr>) {
    let keeps_dialogue = config.style.verbosity >= 3;
    let way = Way { target: &server.target, mode: server.mode, tls: &server.tls, keeps_dialogue };
    let addresses = match way.find(deadline, &mut facts.lookup) {
        Ok(addresses) => addresses,
        Err(cause) => {
            facts.lookup.ended(deadline.elapsed());
            facts.failure = Some(Failure::new(Phase::Dns, cause));
            return (Vec::new(), Vec::new());
        }
    };
    let plans = plans(server, &addresses);
    let visit = |plan: &Plan| {
        let tls = tls::Settings { key_kind: plan.key_kind, ..server.tls.clone() };
        let way = Way { tls: &tls, ..way };
        let port = server.target.port;
        way.contact(port, &plan.addresses, &facts.lookup, deadline, |session, _| Ok(session.leave()))
    };
    let contacts = parallel::each(&plans, SESSIONS, visit);
    let mut chains: Vec<Vec<Vec<u8>>> = Vec::new();
    for (plan, contact) in plans.iter().zip(contacts) {
        let sent = contact.record.tls.as_ref().map(|session| session.chain.clone());
        let chain = sent.map(|sent| {
            chains.iter().position(|known| *known == sent).unwrap_or_else(|| {
                chains.push(sent);
                chains.len() - 1
            })
        });
        let staple = contact.record.tls.as_ref().and_then(staple);
        facts.endpoints.push(Endpoint { contact, key_kind: plan.key_kind, chain, staple });
    }
    (chains, addresses)
}

fn came_to_tls(endpoint: &Endpoint) -> bool {
    let contact = &endpoint.contact;
    contact.record.tls.is_some()
        || contact.failure.as_ref().is_some_and(|failure| failure.phase == Phase::Tls)
}

/// A connection with each place for each version and for the injection, after the sessions that everything else is judged by.
fn try_out(server: &Server, addresses: &[SocketAddr], deadline: Deadline, facts: &mut Facts) {
    let way = Way { target: &server.target, mode: server.mode, tls: &server.tls, keeps_dialogue: false };
    let places = places(server, addresses);
    let is_only = places.len() == 1;
    let name = |place: &[SocketAddr]| match place.first() {
        Some(address) if !is_only => address.ip().to_string(),
        _ => String::new(),
    };
    let offers = server.forbidden.iter().flat_map(|_| Offer::ALL);
    let offered: Vec<(&Vec<SocketAddr>, Offer)> =
        offers.flat_map(|offer| places.iter().map(move |place| (place, offer))).collect();
    let ask = |(place, offer): &(&Vec<SocketAddr>, Offer)| {
        let answer = match secret::random::<32>() {
            Ok(random) => way.offer(place, deadline, &offer.client_hello(server.tls.sni.as_deref(), random)),
            Err(words) => Err(failed(Cause::Local(words))),
        };
        Offered { place: name(place), offer: *offer, answer }
    };
    facts.versions = parallel::each(&offered, TRIALS, ask);
    if server.tests_injection {
        let inject = |place: &Vec<SocketAddr>| (name(place), way.inject(place, deadline));
        facts.injections = parallel::each(&places, TRIALS, inject);
    }
}

/// The stapled response, verified by the issuer that was sent; without one it proves nothing.
fn staple(session: &tls::Session) -> Option<Result<Staple, StapleFault>> {
    let (response, leaf) = (session.staple.as_deref()?, session.chain.first()?);
    let read = |issuer: &Vec<u8>| tls::read_staple(response, leaf, issuer);
    Some(session.chain.get(1).map_or(Err(StapleFault::NoIssuer), read))
}

/// One session to hold.
struct Plan {
    addresses: Vec<SocketAddr>,
    key_kind: Option<KeyKind>,
}

/// The addresses, each by itself or all in one.
fn places(server: &Server, addresses: &[SocketAddr]) -> Vec<Vec<SocketAddr>> {
    if server.asks_each_address {
        addresses.iter().map(|address| vec![*address]).collect()
    } else {
        vec![addresses.to_vec()]
    }
}

fn plans(server: &Server, addresses: &[SocketAddr]) -> Vec<Plan> {
    let kinds = |addresses: Vec<SocketAddr>| {
        server.key_kinds.iter().map(move |kind| Plan { addresses: addresses.clone(), key_kind: *kind })
    };
    places(server, addresses).into_iter().flat_map(kinds).collect()
}

/// Writes beside the file and renames: nobody reads half a chain.
fn write(path: &Path, chains: &[Vec<Vec<u8>>], deadline: Deadline) -> Result<(), Failure> {
    let text: String = chains.iter().flatten().map(|der| pem(der)).collect();
    let owned = path.to_owned();
    let written = clock::within(deadline, move || {
        let mut beside = owned.clone().into_os_string();
        beside.push(format!(".{}.new", std::process::id()));
        let done = std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, &owned));
        if done.is_err() {
            let _ = std::fs::remove_file(&beside);
        }
        done
    });
    let words = match written {
        Some(Ok(())) => return Ok(()),
        Some(Err(error)) => system_words(&error),
        None => "could not be written in time".to_owned(),
    };
    Err(failed(Cause::Local(format!("--pem '{}': {words}", path.display()))))
}

/// RFC 7468: lines of 64 characters.
fn pem(der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let lines: Vec<&str> =
        base64.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}
