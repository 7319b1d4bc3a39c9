//! What is known of a host: its addresses, and its TLSA records (RFC 6698, for SMTP RFC 7672).

use std::net::IpAddr;
use std::sync::Arc;

use hickory_resolver::proto::rr::{RData, RecordType};

use super::ask::{Answer, Asker};
use crate::dane::Tlsa;
use crate::error::Cause;
use crate::net::resolve::Family;

/// Addresses and records of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRecords {
    /// Its addresses.
    pub addresses: Result<Vec<IpAddr>, Cause>,
    /// The name behind its aliases, where it is one.
    pub alias_of: Option<String>,
    /// DNSSEC vouches for the addresses.
    pub is_secure: bool,
    /// Its TLSA records; `None` where they were not asked for.
    pub tlsa: Option<TlsaLookup>,
}

/// What asking for TLSA records came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsaLookup {
    /// Records that DNSSEC vouches for, at this name.
    Secure(String, Vec<Tlsa>),
    /// So many records that it does not vouch for, at this name: nobody may use them.
    Insecure(String, usize),
    /// None, at this name.
    Absent(String),
    /// The addresses are not secure: no sender asks further (RFC 7672 section 2.2.2).
    NotAsked,
    /// Whether there are any cannot be told: a sender must put mail off.
    Failed(Cause),
}

impl HostRecords {
    /// Nothing is known.
    pub fn failed(cause: Cause, wants_tlsa: bool) -> Self {
        let tlsa = wants_tlsa.then(|| TlsaLookup::Failed(cause.clone()));
        Self { addresses: Err(cause), alias_of: None, is_secure: false, tlsa }
    }
}

/// Looks all names up at the same time; blocks until the last is done.
pub fn look_up(
    asker: &Arc<Asker>,
    names: Vec<String>,
    family: Family,
    tlsa_port: Option<u16>,
) -> Vec<HostRecords> {
    asker.wait(async {
        let tasks: Vec<_> = names
            .into_iter()
            .map(|name| {
                let asker = asker.clone();
                tokio::spawn(async move { host(&asker, &name, family, tlsa_port).await })
            })
            .collect();
        let mut found = Vec::new();
        for task in tasks {
            let broken = || Cause::LookupFailed("the lookup broke off".to_owned());
            found.push(task.await.unwrap_or_else(|_| HostRecords::failed(broken(), tlsa_port.is_some())));
        }
        found
    })
}

async fn host(asker: &Asker, name: &str, family: Family, tlsa_port: Option<u16>) -> HostRecords {
    let of = |kind: RecordType, is_wanted: bool| async move {
        if is_wanted { asker.ask(name, kind).await } else { Ok(None) }
    };
    let (v4, v6) =
        tokio::join!(of(RecordType::A, family != Family::V6), of(RecordType::AAAA, family != Family::V4));
    let answers: Vec<&Answer> =
        [&v4, &v6].into_iter().filter_map(|one| one.as_ref().ok()?.as_ref()).collect();
    let is_secure = !answers.is_empty() && answers.iter().all(|answer| answer.is_secure);
    let alias = answers.iter().map(|answer| answer.name.clone()).find(|target| !is_same(target, name));
    let data = answers.iter().flat_map(|answer| &answer.data);
    let found: Vec<IpAddr> = data
        .filter_map(|data| match data {
            RData::A(address) => Some(IpAddr::V4(address.0)),
            RData::AAAA(address) => Some(IpAddr::V6(address.0)),
            _ => None,
        })
        .collect();
    // One family may fail while the other stands: senders use what they have.
    let failure = [v4.err(), v6.err()].into_iter().flatten().next();
    let addresses = match (found.is_empty(), failure) {
        (false, _) => Ok(found),
        (true, Some(cause)) => Err(cause),
        (true, None) => Err(Cause::NoAddress(family.name())),
    };
    let tlsa = match (tlsa_port, &addresses) {
        (None, _) => None,
        (_, Err(cause)) => Some(TlsaLookup::Failed(cause.clone())),
        (Some(port), Ok(_)) => Some(tlsa(asker, name, alias.as_deref(), is_secure, port).await),
    };
    HostRecords { addresses, alias_of: alias, is_secure, tlsa }
}

fn is_same(one: &str, other: &str) -> bool {
    one.trim_end_matches('.').eq_ignore_ascii_case(other.trim_end_matches('.'))
}

/// At the name behind the aliases first, then at the name itself (RFC 7672 section 2.2.2).
async fn tlsa(asker: &Asker, name: &str, alias: Option<&str>, is_secure: bool, port: u16) -> TlsaLookup {
    if !is_secure {
        return TlsaLookup::NotAsked;
    }
    let mut last = TlsaLookup::NotAsked;
    for base in alias.into_iter().chain([name]) {
        let owner = format!("_{port}._tcp.{}", base.trim_end_matches('.'));
        last = match asker.ask(&owner, RecordType::TLSA).await {
            Ok(Some(answer)) => return records(owner, &answer),
            Ok(None) | Err(Cause::NameNotFound(_)) => TlsaLookup::Absent(owner),
            Err(cause) => return TlsaLookup::Failed(cause),
        };
    }
    last
}

fn records(owner: String, answer: &Answer) -> TlsaLookup {
    let mut records: Vec<Tlsa> = answer
        .data
        .iter()
        .filter_map(|data| match data {
            RData::TLSA(record) => Some(Tlsa::new(
                record.cert_usage.into(),
                record.selector.into(),
                record.matching.into(),
                record.cert_data.clone(),
            )),
            _ => None,
        })
        .collect();
    // Name servers turn the order with each answer.
    records.sort_by(|one, other| {
        let key = |record: &Tlsa| (record.usage, record.selector, record.matching);
        key(one).cmp(&key(other)).then_with(|| one.data.cmp(&other.data))
    });
    if answer.is_secure {
        TlsaLookup::Secure(owner, records)
    } else {
        TlsaLookup::Insecure(owner, records.len())
    }
}
