//! What was seen.

use std::net::SocketAddr;

use check_smtp_core::certificate::{Certificate, Details, Identity};
use check_smtp_core::contact::Contact;
use check_smtp_core::dane::Hit;
use check_smtp_core::error::Failure;
use check_smtp_core::hello::{Answer, Offer};
use check_smtp_core::mta_sts::{Id, Policy, PolicyFault, RecordFault};
use check_smtp_core::net::dns::{Exchangers, HostRecords};
use check_smtp_core::net::https;
use check_smtp_core::net::tls::{KeyKind, Path, Staple, StapleFault};
use check_smtp_core::smtp::Reply;
use check_smtp_core::timeline::Timeline;

/// Everything a run saw.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// When the certificates are judged, seconds since 1970.
    pub now: i64,
    /// The name lookup, with its time.
    pub lookup: Timeline,
    /// Nothing could be looked at at all: no address, no file.
    pub failure: Option<Failure>,
    /// The domain's MX records, with `--mx`.
    pub exchangers: Option<Exchangers>,
    /// The domain's MTA-STS policy, where it was asked for.
    pub mta_sts: Option<MtaStsSeen>,
    /// The hosts that were asked; none with a file.
    pub hosts: Vec<HostSeen>,
    /// Each session that was tried; none with a file.
    pub endpoints: Vec<Endpoint>,
    /// The distinct chains.
    pub chains: Vec<Chain>,
    /// Whether the key fits, where one was to be tried.
    pub key_fits: Option<Result<bool, Failure>>,
    /// What was answered to each version offered.
    pub versions: Vec<Offered>,
    /// The answer to QUIT behind an injection, where one was tried, by the address asked.
    pub injections: Vec<(String, Result<Reply, Failure>)>,
    /// The chains could not be written.
    pub not_written: Option<Failure>,
}

/// A host, and what DNS knows of it.
#[derive(Clone, Debug)]
pub struct HostSeen {
    /// Its name, as shown.
    pub name: String,
    /// Whom its certificate must be for.
    pub identity: Identity,
    /// Its addresses, or why there are none.
    pub addresses: Result<Vec<SocketAddr>, Failure>,
    /// Its records, where DNS was asked for them.
    pub records: Option<HostRecords>,
}

/// A domain's MTA-STS policy (RFC 8461).
#[derive(Clone, Debug)]
pub struct MtaStsSeen {
    /// The TXT record that announces it; `None` within where there is none.
    pub record: Result<Result<Option<Id>, RecordFault>, Failure>,
    /// The media type it is served as, where that is told.
    pub content_type: Option<String>,
    /// The policy, where it was fetched.
    pub policy: Option<Result<Policy, NoPolicy>>,
}

/// Why an announced policy cannot be had.
#[derive(Clone, Debug)]
pub enum NoPolicy {
    /// Its host's name cannot be looked up.
    NotFound(Failure),
    /// No answer over HTTPS.
    Unreachable(https::Fault),
    /// An answer that is no policy: its HTTP status, and where a redirect leads is of no account.
    Status(u16),
    /// A policy that is not sound.
    Malformed(PolicyFault),
}

/// What the TLSA records say of a chain.
#[derive(Clone, Debug)]
pub struct DaneSeen {
    /// The records that match.
    pub hits: Vec<Hit>,
    /// The chain with its path to a trust anchor that a record names, where one does.
    pub anchored: Option<Chain>,
}

/// A version that was offered alone.
#[derive(Clone, Debug)]
pub struct Offered {
    /// The address asked; empty where there is only one.
    pub place: String,
    /// The version.
    pub offer: Offer,
    /// What came.
    pub answer: Result<Answer, Failure>,
}

/// One session.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its host, by its place among the hosts.
    pub host: usize,
    /// What every check sees.
    pub contact: Contact,
    /// The kind of certificate that was asked for.
    pub key_kind: Option<KeyKind>,
    /// Its chain, by its place among the chains.
    pub chain: Option<usize>,
    /// The OCSP response it stapled, read.
    pub staple: Option<Result<Staple, StapleFault>>,
    /// What the host's TLSA records say of the chain, where there are any that count.
    pub dane: Option<DaneSeen>,
}

/// A chain as sent, and the path built from it.
#[derive(Clone, Debug)]
pub struct Chain {
    /// As sent, leaf first.
    pub sent: Vec<Element>,
    /// Certificates that cannot be read.
    pub unreadable: usize,
    /// The path to a trusted root, leaf first; empty where none could be tried.
    pub path: Vec<Element>,
    /// Why there is none.
    pub fault: Result<Option<check_smtp_core::certificate::Fault>, Failure>,
}

/// A certificate of a chain.
#[derive(Clone, Debug)]
pub struct Element {
    /// What it says.
    pub certificate: Certificate,
    /// What else it says.
    pub details: Details,
}

impl Element {
    fn read(der: &[u8]) -> Option<Self> {
        Some(Self { certificate: Certificate::from_der(der).ok()?, details: Details::from_der(der).ok()? })
    }
}

impl Chain {
    /// Reads a chain and its path.
    pub fn new(sent: &[Vec<u8>], path: Result<Path, Failure>) -> Self {
        let read = |chain: &[Vec<u8>]| -> Vec<Element> {
            chain.iter().filter_map(|der| Element::read(der)).collect()
        };
        let readable = read(sent);
        let unreadable = sent.len() - readable.len();
        let (path, fault) = match path {
            Ok(path) => (read(&path.elements), Ok(path.fault)),
            Err(failure) => (Vec::new(), Err(failure)),
        };
        Self { sent: readable, unreadable, path, fault }
    }

    /// The server's own certificate.
    pub fn leaf(&self) -> Option<&Element> {
        self.sent.first()
    }

    /// Whether the path ends in a trusted root.
    pub fn is_trusted(&self) -> bool {
        matches!(self.fault, Ok(None))
    }

    /// The certificates that count: those of the path; where there is none, all that were sent.
    pub fn judged(&self) -> &[Element] {
        if self.is_trusted() && !self.path.is_empty() { &self.path } else { &self.sent }
    }
}
