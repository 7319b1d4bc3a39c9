//! What is known of a host: its addresses, and its TLSA records (RFC 6698, for SMTP RFC 7672).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::proto::rr::{RData, RecordType};

use super::ask::{Answer, Asker};
use crate::dane::{RECORDS_LIMIT, Tlsa};
use crate::error::{Cause, seconds};
use crate::net::resolve::Family;

/// Addresses and records of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRecords {
    /// Its addresses.
    pub addresses: Result<Vec<IpAddr>, Cause>,
    /// Why there are none of the other family, where that is a fault and no absence.
    pub half: Option<Cause>,
    /// The name behind its aliases, where it is one.
    pub alias_of: Option<String>,
    /// DNSSEC vouches for the addresses.
    pub is_secure: bool,
    /// Its TLSA records; `None` where they were not asked for.
    pub tlsa: Option<TlsaLookup>,
}

/// The TLSA records of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tlsas {
    /// The name they stand at: `_25._tcp.mail.example.org`.
    pub owner: String,
    /// The host's name in it (the TLSA base domain): what senders ask for by SNI and look for in the certificate (RFC 7672 section 3.2.2).
    pub base: String,
    /// The records, in one order whatever the name server's.
    pub records: Vec<Tlsa>,
    /// How many more there are, beyond what is looked at.
    pub left_out: usize,
}

/// What asking for TLSA records came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsaLookup {
    /// Records that DNSSEC vouches for.
    Secure(Tlsas),
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
        Self { addresses: Err(cause), half: None, alias_of: None, is_secure: false, tlsa }
    }
}

/// What is asked about each name.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// Which addresses.
    pub family: Family,
    /// The port of the TLSA records, where they are asked for.
    pub tlsa_port: Option<u16>,
    /// The time a name may take.
    pub share: Duration,
}

/// Looks all names up at the same time; blocks until the last is done.
pub fn look_up(asker: &Arc<Asker>, names: Vec<String>, question: Question) -> Vec<HostRecords> {
    let failed = |cause| HostRecords::failed(cause, question.tlsa_port.is_some());
    asker.wait(async {
        let tasks: Vec<_> = names
            .into_iter()
            .map(|name| {
                let asker = asker.clone();
                let all = async move { host(&asker, &name, question).await };
                tokio::spawn(tokio::time::timeout(question.share, all))
            })
            .collect();
        let mut found = Vec::new();
        for task in tasks {
            found.push(match task.await {
                Ok(Ok(records)) => records,
                Ok(Err(_)) => {
                    let words = format!("no answer of {} within {}", asker.who(), seconds(question.share));
                    failed(Cause::LookupFailed(words))
                }
                Err(_) => failed(Cause::LookupFailed("the lookup broke off".to_owned())),
            });
        }
        found
    })
}

async fn host(asker: &Asker, name: &str, question: Question) -> HostRecords {
    let Question { family, tlsa_port, .. } = question;
    let of = |kind: RecordType, is_wanted: bool| async move {
        if is_wanted { asker.ask(name, kind).await } else { Ok(None) }
    };
    let (v4, v6) =
        tokio::join!(of(RecordType::A, family != Family::V6), of(RecordType::AAAA, family != Family::V4));
    let answers: Vec<&Answer> =
        [&v4, &v6].into_iter().filter_map(|one| one.as_ref().ok()?.as_ref()).collect();
    let is_secure = !answers.is_empty() && answers.iter().all(|answer| answer.is_secure);
    let alias = answers.iter().map(|answer| answer.name.clone()).find(|target| !is_same(target, name));
    let found: Vec<IpAddr> = answers.iter().flat_map(|answer| &answer.data).filter_map(address).collect();
    // One family may fail while the other stands: senders use what they have.
    let failure = [v4.err(), v6.err()].into_iter().flatten().next();
    let (addresses, half) = match (found.is_empty(), failure) {
        (false, failure) => (Ok(found), failure),
        (true, Some(cause)) => (Err(cause), None),
        (true, None) => (Err(Cause::NoAddress(family.name())), None),
    };
    let tlsa = match (tlsa_port, &addresses) {
        (None, _) => None,
        (_, Err(cause)) => Some(TlsaLookup::Failed(cause.clone())),
        (Some(port), Ok(_)) => Some(tlsa(asker, name, alias.as_deref(), is_secure, port).await),
    };
    HostRecords { addresses, half, alias_of: alias, is_secure, tlsa }
}

fn address(data: &RData) -> Option<IpAddr> {
    match data {
        RData::A(address) => Some(IpAddr::V4(address.0)),
        RData::AAAA(address) => Some(IpAddr::V6(address.0)),
        _ => None,
    }
}

fn is_same(one: &str, other: &str) -> bool {
    one.trim_end_matches('.').eq_ignore_ascii_case(other.trim_end_matches('.'))
}

/// At the name behind the aliases first, then at the name itself. Where the addresses are not secure, but the alias is, at the name itself
/// only; where that is not either, no sender asks (RFC 7672 sections 2.2.2 and 2.2.3).
async fn tlsa(asker: &Asker, name: &str, alias: Option<&str>, is_secure: bool, port: u16) -> TlsaLookup {
    let bases: Vec<&str> = match (is_secure, alias) {
        (true, alias) => alias.into_iter().chain([name]).collect(),
        (false, Some(_)) if has_secure_alias(asker, name).await => vec![name],
        (false, _) => return TlsaLookup::NotAsked,
    };
    let mut last = TlsaLookup::NotAsked;
    for base in bases {
        let owner = format!("_{port}._tcp.{}", base.trim_end_matches('.'));
        let found = match asker.ask(&owner, RecordType::TLSA).await {
            Ok(Some(answer)) => records(owner, base, &answer),
            Ok(None) | Err(Cause::NameNotFound(_)) => TlsaLookup::Absent(owner),
            Err(cause) => TlsaLookup::Failed(cause),
        };
        match found {
            TlsaLookup::Secure(..) | TlsaLookup::Failed(_) => return found,
            // Records that are not secure count as none, but are worth a word.
            TlsaLookup::Absent(_) if matches!(last, TlsaLookup::Insecure(..)) => {}
            found => last = found,
        }
    }
    last
}

async fn has_secure_alias(asker: &Asker, name: &str) -> bool {
    asker.ask(name, RecordType::CNAME).await.is_ok_and(|answer| answer.is_some_and(|answer| answer.is_secure))
}

fn records(owner: String, base: &str, answer: &Answer) -> TlsaLookup {
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
    let left_out = records.len().saturating_sub(RECORDS_LIMIT);
    records.truncate(RECORDS_LIMIT);
    if answer.is_secure {
        TlsaLookup::Secure(Tlsas { owner, base: base.trim_end_matches('.').to_owned(), records, left_out })
    } else {
        TlsaLookup::Insecure(owner, records.len() + left_out)
    }
}
