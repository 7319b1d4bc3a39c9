//! Which hosts are asked, in the order of a sender: the one named, or the MX hosts of the recipients' domain.

use std::net::SocketAddr;

use check_smtp_core::certificate::Identity;
use check_smtp_core::cli::Target;
use check_smtp_core::contact::Way;
use check_smtp_core::error::{Cause, Failure};
use check_smtp_core::net::dns::{Exchangers, Resolver, Servers};
use check_smtp_core::net::{Deadline, Host, resolve, tls};
use check_smtp_core::timeline::{Phase, Timeline};

use crate::args::{Config, Route};

/// The hosts to ask, and who knows their addresses.
#[derive(Debug)]
pub struct Hosts {
    /// In order.
    pub targets: Vec<Target>,
    /// The MX records, with `--mx`.
    pub exchangers: Option<Exchangers>,
    /// The one name server that is asked for addresses too.
    resolver: Option<Resolver>,
    /// The time the MX records took.
    pub lookup: Timeline,
}

/// Finds the hosts; there may be none (null MX).
pub fn find(config: &Config, deadline: Deadline) -> Result<Hosts, Failure> {
    let (Route::Domain(domain), Some(settings)) = (&config.route, &config.dns) else {
        let targets = vec![config.target.clone()];
        return Ok(Hosts { targets, exchangers: None, resolver: None, lookup: Timeline::default() });
    };
    let failed = |cause| Failure::new(Phase::Dns, cause);
    let began = deadline.elapsed();
    let resolver = Resolver::new(settings, deadline).map_err(failed)?;
    let exchangers = resolver.exchangers(domain, deadline).map_err(failed)?;
    let mut lookup = Timeline::default();
    lookup.finished(Phase::Dns, began, deadline.elapsed());
    let hosts = exchangers.hosts.iter().map(|(_, name)| Host::Name(name.clone()));
    let targets = hosts.map(|host| Target { name: host.clone(), connect: host, ..config.target.clone() });
    Ok(Hosts {
        targets: targets.collect(),
        exchangers: Some(exchangers),
        resolver: Some(resolver).filter(|_| matches!(settings.servers, Servers::Only(_))),
        lookup,
    })
}

impl Hosts {
    /// All addresses of a host; of an MX host from the name server that was named, where one was.
    pub fn addresses(
        &self,
        way: &Way<'_>,
        lookup: &mut Timeline,
        deadline: Deadline,
    ) -> Result<Vec<SocketAddr>, Failure> {
        let failed = |cause| Failure::new(Phase::Dns, cause);
        let target = way.target;
        let Host::Name(name) = &target.connect else { return way.find(deadline, lookup).map_err(failed) };
        if self.exchangers.is_some() && !matches!(name.parse(), Ok(Host::Name(_))) {
            let words = format!("'{name}' in the MX record is no host name (RFC 5321 section 5.1)");
            return Err(failed(Cause::LookupFailed(words)));
        }
        let Some(resolver) = &self.resolver else { return way.find(deadline, lookup).map_err(failed) };
        let began = deadline.elapsed();
        let records = resolver.hosts(std::slice::from_ref(name), target.family, None, deadline).pop();
        let found = records.map_or_else(|| Err(Cause::NameNotFound(name.clone())), |host| host.addresses);
        lookup.finished(Phase::Dns, began, deadline.elapsed());
        found.and_then(|found| resolve::ordered(found, target.port, target.family)).map_err(failed)
    }
}

/// Each MX host is asked for and verified by its own name.
pub fn tls(config: &Config, target: &Target) -> tls::Settings {
    match (&config.route, &target.name) {
        (Route::Domain(_), Host::Name(name)) => tls::Settings {
            sni: Some(name.clone()),
            identity: Identity::Name(name.clone()),
            ..config.tls.clone()
        },
        _ => config.tls.clone(),
    }
}
