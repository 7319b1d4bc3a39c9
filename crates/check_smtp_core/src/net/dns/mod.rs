//! DNS records other than addresses, and addresses with proof: MX, TLSA, TXT, and whether DNSSEC vouches for them.
//!
//! Addresses alone come from getaddrinfo (`net::resolve`). What is asked here goes to name servers, by hickory-resolver on a runtime
//! of its own thread: the deadline leaves it behind like every other lookup.

mod answer;
mod ask;
mod host;

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use hickory_resolver::proto::rr::{RData, RecordType};

use self::ask::{Answer, Asker};
pub use self::host::{HostRecords, TlsaLookup, Tlsas};
use super::clock::{self, Deadline};
use super::resolve::Family;
use crate::error::{Cause, seconds};

/// MX hosts looked at; a domain with more is a mistake or an attack.
const EXCHANGER_LIMIT: usize = 16;

/// Which name servers are asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Servers {
    /// Those of /etc/resolv.conf.
    #[default]
    System,
    /// This one alone (`--resolver`).
    Only(SocketAddr),
}

/// Whose proof counts for DNSSEC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Proving {
    /// Nobody's: nothing is secure.
    #[default]
    Nobody,
    /// Our own validation from the root's keys, or from the keys in this file.
    Own(Option<PathBuf>),
    /// The name server's word, the AD bit (RFC 4035 section 3.2.3): it and the path to it are trusted.
    Server,
}

/// How names are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Who is asked.
    pub servers: Servers,
    /// Who proves.
    pub proving: Proving,
}

/// Where the mail of a domain goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchangers {
    /// Preference and name, best first (RFC 5321 section 5.1).
    pub hosts: Vec<(u16, String)>,
    /// There is no MX record: the domain itself is the host.
    pub is_implicit: bool,
    /// The domain says that it takes no mail (`0 .`, RFC 7505).
    pub has_null: bool,
    /// Hosts that were left out, beyond the limit.
    pub left_out: usize,
    /// The name that has the records, where the domain is an alias of it.
    pub alias_of: Option<String>,
    /// DNSSEC vouches for all of this; of an implicit MX only the addresses can tell.
    pub is_secure: bool,
}

/// Asks name servers, within a deadline.
#[derive(Clone)]
pub struct Resolver {
    asker: Arc<Asker>,
    servers: Servers,
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resolver")
    }
}

impl Resolver {
    /// Reads what must be read: the system's configuration, the trust anchors.
    pub fn new(settings: &Settings, deadline: Deadline) -> Result<Self, Cause> {
        let servers = settings.servers.clone();
        let settings = settings.clone();
        let asker = bounded(deadline, &servers, move || Asker::new(&settings))?;
        Ok(Self { asker: Arc::new(asker), servers })
    }

    /// The MX records of a domain. That it does not exist is a failure; that it has none is not.
    pub fn exchangers(&self, domain: &str, deadline: Deadline) -> Result<Exchangers, Cause> {
        let (asker, domain) = (self.asker.clone(), domain.to_owned());
        let answer = bounded(deadline, &self.servers, {
            let domain = domain.clone();
            move || asker.wait(asker.ask(&domain, RecordType::MX))
        })?;
        Ok(answer.map_or_else(|| Exchangers::implicit(&domain), |answer| Exchangers::of(&domain, &answer)))
    }

    /// The addresses of each name, and its TLSA records for `tlsa_port` where one is given; all at the same time. Of several names one
    /// whose zone is silent takes half of what is left, so that the others can still be asked.
    pub fn hosts(
        &self,
        names: &[String],
        family: Family,
        tlsa_port: Option<u16>,
        deadline: Deadline,
    ) -> Vec<HostRecords> {
        let (asker, wanted) = (self.asker.clone(), names.to_owned());
        let share = if names.len() > 1 { deadline.left() / 2 } else { deadline.left() };
        let question = host::Question { family, tlsa_port, share };
        let found = bounded(deadline, &self.servers, move || Ok(host::look_up(&asker, wanted, question)));
        found.unwrap_or_else(|cause| {
            names.iter().map(|_| HostRecords::failed(cause.clone(), tlsa_port.is_some())).collect()
        })
    }

    /// The texts of a name's TXT records, each put together from its strings; none where the name does not exist.
    pub fn texts(&self, name: &str, deadline: Deadline) -> Result<Vec<Vec<u8>>, Cause> {
        let (asker, name) = (self.asker.clone(), name.to_owned());
        let answer =
            bounded(deadline, &self.servers, move || match asker.wait(asker.ask(&name, RecordType::TXT)) {
                Err(Cause::NameNotFound(_)) => Ok(None),
                other => other,
            })?;
        let records = answer.map(|answer| answer.data).unwrap_or_default();
        Ok(records
            .iter()
            .filter_map(|data| match data {
                RData::TXT(text) => Some(text.txt_data.concat()),
                _ => None,
            })
            .collect())
    }

    /// The addresses of one name, without proof.
    pub fn addresses(&self, name: &str, deadline: Deadline) -> Result<Vec<IpAddr>, Cause> {
        let found = self.hosts(&[name.to_owned()], Family::Any, None, deadline).pop();
        found.map_or_else(|| Err(Cause::NameNotFound(name.to_owned())), |host| host.addresses)
    }
}

impl Exchangers {
    fn implicit(domain: &str) -> Self {
        Self {
            hosts: vec![(0, domain.to_owned())],
            is_implicit: true,
            has_null: false,
            left_out: 0,
            alias_of: None,
            is_secure: false,
        }
    }

    fn of(domain: &str, answer: &Answer) -> Self {
        let mut hosts: Vec<(u16, String)> = answer
            .data
            .iter()
            .filter_map(|data| match data {
                RData::MX(mx) => Some((mx.preference, ask::text(&mx.exchange))),
                _ => None,
            })
            .collect();
        let all = hosts.len();
        hosts.retain(|(_, name)| !name.is_empty());
        let has_null = hosts.len() < all;
        hosts.sort();
        let mut seen = HashSet::new();
        hosts.retain(|(_, name)| seen.insert(name.clone()));
        let left_out = hosts.len().saturating_sub(EXCHANGER_LIMIT);
        hosts.truncate(EXCHANGER_LIMIT);
        let alias_of = Some(answer.name.clone()).filter(|name| name != domain);
        Self { hosts, is_implicit: false, has_null, left_out, alias_of, is_secure: answer.is_secure }
    }
}

/// On a thread of its own; what the runtime does not end in time is left behind.
fn bounded<T: Send + 'static>(
    deadline: Deadline,
    servers: &Servers,
    work: impl FnOnce() -> Result<T, Cause> + Send + 'static,
) -> Result<T, Cause> {
    clock::within(deadline, work).unwrap_or_else(|| {
        Err(match servers {
            Servers::System => Cause::Timeout(deadline.budget()),
            Servers::Only(address) => {
                Cause::LookupFailed(format!("no answer of {address} within {}", seconds(deadline.budget())))
            }
        })
    })
}
