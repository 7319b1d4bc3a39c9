//! Which hosts are asked, and where they are: the one named, or the MX hosts of a domain.

use std::net::SocketAddr;

use check_smtp_core::certificate::Identity;
use check_smtp_core::cli::Target;
use check_smtp_core::contact::Way;
use check_smtp_core::error::{Cause, Failure};
use check_smtp_core::net::dns::{HostRecords, Resolver, TlsaLookup};
use check_smtp_core::net::{Deadline, Host, parallel, resolve, tls};
use check_smtp_core::timeline::{Phase, Timeline};

use crate::args::{Dane, Hosts, Server};
use crate::facts::{Facts, HostSeen};

/// Names looked up at the same time by getaddrinfo.
const LOOKUPS: usize = 16;

/// How a host is reached.
pub struct Place {
    /// The host as a target of its own.
    pub target: Target,
    /// TLS with its name.
    pub tls: tls::Settings,
}

/// Finds the hosts, in the order in which a sender would try them; the time it takes goes to the lookup.
pub fn find(
    server: &Server,
    resolver: Option<&Resolver>,
    deadline: Deadline,
    facts: &mut Facts,
) -> Result<Vec<Place>, Cause> {
    let began = deadline.elapsed();
    let targets = targets(server, resolver, deadline, facts)?;
    let records = records(server, resolver, &targets, deadline);
    let found = addresses(server, &targets, records.as_deref(), deadline);
    let only = targets.len() == 1 && server.domain.hosts == Hosts::One;
    let mut places = Vec::new();
    for (index, (target, addresses)) in targets.into_iter().zip(found).enumerate() {
        if let (true, Err(failure)) = (only, &addresses) {
            return Err(failure.cause.clone());
        }
        let tls = settings(server, &target, records.as_ref().and_then(|records| records.get(index)));
        facts.hosts.push(HostSeen {
            name: target.host(),
            identity: tls.identity.clone(),
            addresses,
            records: records.as_ref().and_then(|records| records.get(index).cloned()),
        });
        places.push(Place { target, tls });
    }
    if !only || records.is_some() || matches!(server.target.connect, Host::Name(_)) {
        facts.lookup.finished(Phase::Dns, began, deadline.elapsed());
    }
    Ok(places)
}

/// The hosts as targets. A name that no sender could use stays, its lookup says why it fails.
fn targets(
    server: &Server,
    resolver: Option<&Resolver>,
    deadline: Deadline,
    facts: &mut Facts,
) -> Result<Vec<Target>, Cause> {
    let (Hosts::OfDomain(domain), Some(resolver)) = (&server.domain.hosts, resolver) else {
        return Ok(vec![server.target.clone()]);
    };
    let exchangers = resolver.exchangers(domain, deadline)?;
    let hosts = exchangers.hosts.iter().map(|(_, name)| Host::Name(name.clone()));
    let targets = hosts.map(|host| Target { name: host.clone(), connect: host, ..server.target.clone() });
    let targets = targets.collect();
    facts.exchangers = Some(exchangers);
    Ok(targets)
}

/// What DNS knows of each host, where DNS is to be asked.
fn records(
    server: &Server,
    resolver: Option<&Resolver>,
    targets: &[Target],
    deadline: Deadline,
) -> Option<Vec<HostRecords>> {
    let resolver = resolver.filter(|_| server.domain.asks_dns_for_addresses)?;
    // Only names that are looked up: literals and sockets have no records.
    let names: Vec<String> = targets.iter().map(Target::host).collect();
    let tlsa_port = (server.domain.dane != Dane::Off).then_some(server.target.port);
    match server.target.name {
        Host::Name(_) => Some(resolver.hosts(&names, server.target.family, tlsa_port, deadline)),
        _ => None,
    }
}

type Found = Result<Vec<SocketAddr>, Failure>;

fn addresses(
    server: &Server,
    targets: &[Target],
    records: Option<&[HostRecords]>,
    deadline: Deadline,
) -> Vec<Found> {
    let failed = |cause| Failure::new(Phase::Dns, cause);
    // A silent zone must leave time for the others.
    let share = if targets.len() > 1 { deadline.at_most(deadline.left() / 2) } else { deadline };
    let numbered: Vec<usize> = (0..targets.len()).collect();
    parallel::each(&numbered, LOOKUPS, |index| {
        let target = targets.get(*index).unwrap_or(&server.target);
        if let Host::Name(name) = &target.connect
            && !matches!(name.parse(), Ok(Host::Name(_)))
        {
            let words = format!("'{name}' in the MX record is no host name (RFC 5321 section 5.1)");
            return Err(failed(Cause::LookupFailed(words)));
        }
        let known = records.and_then(|records| records.get(*index)).filter(|_| target.connect == target.name);
        if let Some(records) = known {
            let addresses = records.addresses.clone().map_err(failed)?;
            return resolve::ordered(addresses, target.port, target.family).map_err(failed);
        }
        let way = Way { target, mode: server.mode, tls: &server.tls, keeps_dialogue: false };
        way.find(share, &mut Timeline::default()).map_err(|cause| match cause {
            Cause::Timeout(_) if targets.len() > 1 => {
                failed(Cause::LookupFailed("no answer of the name server in the time for it".to_owned()))
            }
            other => failed(other),
        })
    })
}

/// Each MX host is asked for and verified by its own name. Where TLSA records stand at another of its names, senders ask for that
/// (RFC 7672 section 8.1); `--sni` goes before.
fn settings(server: &Server, target: &Target, records: Option<&HostRecords>) -> tls::Settings {
    let mut settings = server.tls.clone();
    if let (Hosts::OfDomain(_), Host::Name(name)) = (&server.domain.hosts, &target.name) {
        settings.sni = Some(name.clone());
        settings.identity = Identity::Name(name.clone());
    }
    let is_usual = matches!(&target.name, Host::Name(name) if settings.sni.as_deref() == Some(name.trim_end_matches('.')));
    if let Some(TlsaLookup::Secure(tlsas)) = records.and_then(|records| records.tlsa.as_ref())
        && is_usual
    {
        settings.sni = Some(tlsas.base.clone());
    }
    settings
}
