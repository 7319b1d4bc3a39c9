//! Asks the servers, or reads the file. Decides nothing: whatever is wrong is a fact.

mod dane;
mod hosts;
mod pem;
mod policy;
mod trials;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use check_smtp_core::contact::{Contact, Way};
use check_smtp_core::error::{Cause, Failure};
use check_smtp_core::net::dns::Resolver;
use check_smtp_core::net::tls::{self, KeyKind, Staple, StapleFault};
use check_smtp_core::net::{Deadline, clock, parallel};
use check_smtp_core::timeline::Phase;

use self::hosts::Place;
use crate::args::{Config, Hosts, Server, Source};
use crate::facts::{Chain, Endpoint, Facts};

/// Sessions held at the same time.
const SESSIONS: usize = 48;

/// Time for reading roots and building paths, at the most.
const VERDICTS: Duration = Duration::from_millis(250);

/// The chains that were sent, each once.
type Sent = Vec<Vec<Vec<u8>>>;

/// Looks at every certificate the configuration asks for.
pub fn probe(config: &Config, deadline: Deadline) -> Facts {
    let mut facts = Facts { now: clock::now(), ..Facts::default() };
    let (sent, places) = match &config.source {
        Source::Server(server) => ask(server, config, deadline.less(reserve(deadline)), &mut facts),
        Source::File { chain, key } => (read(chain, key.as_deref(), deadline, &mut facts), Vec::new()),
    };
    facts.chains = sent.iter().map(|chain| judged(chain, config, deadline)).collect();
    dane::look(&sent, &mut facts, deadline);
    facts.not_written = config.pem.as_deref().and_then(|path| pem::write(path, &sent, deadline).err());
    // After the verdicts: a trial that hangs takes the rest of the time, and nothing else with it. Where no session came as far as TLS
    // there is nothing to try it with.
    if let Source::Server(server) = &config.source
        && facts.endpoints.iter().any(came_to_tls)
    {
        trials::try_out(server, &places, deadline, &mut facts);
    }
    facts
}

/// What the sessions leave to the verdicts: one that stalls must not take those of the others with it, nor its own.
fn reserve(deadline: Deadline) -> Duration {
    (deadline.budget() / 20).min(VERDICTS)
}

fn failed(cause: Cause) -> Failure {
    Failure::new(Phase::Tls, cause)
}

/// The path is built once for each distinct chain, however many endpoints sent it.
fn judged(sent: &[Vec<u8>], config: &Config, deadline: Deadline) -> Chain {
    Chain::new(sent, tls::path(sent, &config.roots, deadline).map_err(failed))
}

fn read(path: &Path, key: Option<&Path>, deadline: Deadline, facts: &mut Facts) -> Sent {
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

/// Finds the hosts and holds all sessions; the policy is fetched meanwhile.
fn ask(server: &Server, config: &Config, deadline: Deadline, facts: &mut Facts) -> (Sent, Vec<Place>) {
    let resolver = match server.domain.dns.as_ref().map(|dns| Resolver::new(dns, deadline)).transpose() {
        Ok(resolver) => resolver,
        Err(cause) => return without_hosts(cause, deadline, facts),
    };
    let places = match hosts::find(server, resolver.as_ref(), deadline, facts) {
        Ok(places) => places,
        Err(cause) => return without_hosts(cause, deadline, facts),
    };
    let visits = visits(server, &places, facts);
    let (contacts, mta_sts) = std::thread::scope(|scope| {
        let policy = match (&server.domain.hosts, &resolver) {
            (Hosts::OfDomain(domain), Some(resolver)) if policy::is_wanted(server) => {
                Some(scope.spawn(move || policy::look_up(config, &server.domain, domain, resolver, deadline)))
            }
            _ => None,
        };
        let keeps_dialogue = config.style.verbosity >= 3;
        let contacts = parallel::each(&visits, SESSIONS, |visit| {
            contact(server, visit, keeps_dialogue, facts, deadline)
        });
        (contacts, policy.and_then(|policy| policy.join().ok()))
    });
    facts.mta_sts = mta_sts;
    let sent = gather(&visits, contacts, facts);
    (sent, places)
}

fn without_hosts(cause: Cause, deadline: Deadline, facts: &mut Facts) -> (Sent, Vec<Place>) {
    facts.lookup.ended(deadline.elapsed());
    facts.failure = Some(Failure::new(Phase::Dns, cause));
    (Vec::new(), Vec::new())
}

/// One session to hold.
struct Visit<'a> {
    host: usize,
    place: &'a Place,
    addresses: Result<Vec<SocketAddr>, Failure>,
    key_kind: Option<KeyKind>,
}

fn visits<'a>(server: &Server, places: &'a [Place], facts: &Facts) -> Vec<Visit<'a>> {
    let mut visits = Vec::new();
    for (host, (place, seen)) in places.iter().zip(&facts.hosts).enumerate() {
        match &seen.addresses {
            Ok(addresses) => {
                for addresses in spots(server, addresses) {
                    visits.extend(server.key_kinds.iter().map(|kind| Visit {
                        host,
                        place,
                        addresses: Ok(addresses.clone()),
                        key_kind: *kind,
                    }));
                }
            }
            Err(failure) => {
                visits.push(Visit { host, place, addresses: Err(failure.clone()), key_kind: None });
            }
        }
    }
    visits
}

/// A host's addresses, each by itself or all in one.
fn spots(server: &Server, addresses: &[SocketAddr]) -> Vec<Vec<SocketAddr>> {
    if server.asks_each_address {
        addresses.iter().map(|address| vec![*address]).collect()
    } else {
        vec![addresses.to_vec()]
    }
}

fn contact(
    server: &Server,
    visit: &Visit<'_>,
    keeps_dialogue: bool,
    facts: &Facts,
    deadline: Deadline,
) -> Contact {
    let target = &visit.place.target;
    let addresses = match &visit.addresses {
        Ok(addresses) => addresses,
        Err(failure) => return Contact::none(target.port, facts.lookup.clone(), failure.clone(), deadline),
    };
    let tls = tls::Settings { key_kind: visit.key_kind, ..visit.place.tls.clone() };
    let way = Way { target, mode: server.mode, tls: &tls, keeps_dialogue };
    way.contact(target.port, addresses, &facts.lookup, deadline, |session, _| Ok(session.leave()))
}

/// The endpoints, and the distinct chains in the order they were seen.
fn gather(visits: &[Visit<'_>], contacts: Vec<Contact>, facts: &mut Facts) -> Sent {
    let mut chains: Sent = Vec::new();
    for (visit, contact) in visits.iter().zip(contacts) {
        let sent = contact.record.tls.as_ref().map(|session| session.chain.clone());
        let chain = sent.map(|sent| {
            chains.iter().position(|known| *known == sent).unwrap_or_else(|| {
                chains.push(sent);
                chains.len() - 1
            })
        });
        let staple = contact.record.tls.as_ref().and_then(staple);
        let (host, key_kind) = (visit.host, visit.key_kind);
        facts.endpoints.push(Endpoint { host, contact, key_kind, chain, staple, dane: None });
    }
    chains
}

fn came_to_tls(endpoint: &Endpoint) -> bool {
    let contact = &endpoint.contact;
    contact.record.tls.is_some()
        || contact.failure.as_ref().is_some_and(|failure| failure.phase == Phase::Tls)
}

/// The stapled response, verified by the issuer that was sent; without one it proves nothing.
fn staple(session: &tls::Session) -> Option<Result<Staple, StapleFault>> {
    let (response, leaf) = (session.staple.as_deref()?, session.chain.first()?);
    let read = |issuer: &Vec<u8>| tls::read_staple(response, leaf, issuer);
    Some(session.chain.get(1).map_or(Err(StapleFault::NoIssuer), read))
}
