//! One question to the name servers, and what its answer is worth.

use std::future::Future;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverOpts};
use hickory_resolver::net::dnssec::DnssecDnsHandle;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::{DnsHandle, FirstAnswer, RetryDnsHandle};
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::dnssec::{Proof, TrustAnchors};
use hickory_resolver::proto::op::{DnsRequestOptions, DnsResponse, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{NameServerPool, PoolContext, TlsConfig, system_conf};
use tokio::runtime::Runtime;

use super::answer::{ALIAS_LIMIT, Found, is_denied_by_its_zone};
use super::{Proving, Servers, Settings};
use crate::error::{Cause, system_words};

/// Bytes of a file of trust anchors.
const ANCHOR_LIMIT: u64 = 64 * 1024;
/// A name server named by hand gets so long for one try, and so many tries.
const TRY: Duration = Duration::from_secs(2);
const TRIES: usize = 3;

type Pool = RetryDnsHandle<NameServerPool<TokioRuntimeProvider>>;

/// The name servers, and the runtime that talks to them.
pub struct Asker {
    runtime: Runtime,
    pool: Pool,
    /// Our own validation, where it is asked for.
    validator: Option<DnssecDnsHandle<Pool>>,
    /// The server's word counts.
    trusts_server: bool,
    /// The one server that is asked, if it is one.
    named: Option<SocketAddr>,
}

/// What is proven about that which is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Denial {
    /// Nothing is open.
    Sound,
    /// The zone proves nothing that binds (NSEC3 with too many iterations, RFC 9276): as if it were not signed.
    Insecure,
    /// hickory could not prove it.
    Unproven,
}

/// What a name has of a kind.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The records' data.
    pub data: Vec<RData>,
    /// The name that has them, behind all aliases.
    pub name: String,
    /// DNSSEC vouches for the records and for each alias before them.
    pub is_secure: bool,
}

impl Asker {
    /// Reads the configuration; blocks while it does.
    pub fn new(settings: &Settings) -> Result<Self, Cause> {
        let (servers, mut options) = match settings.servers {
            Servers::System => of_the_system()?,
            Servers::Only(address) => {
                let mut options = ResolverOpts::default();
                (options.timeout, options.attempts) = (TRY, TRIES);
                (vec![one(address)], options)
            }
        };
        options.edns0 = true;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Cause::Local(format!("DNS: {}", system_words(&error))))?;
        let tls = TlsConfig::new().map_err(|error| Cause::Local(format!("DNS: {error}")))?;
        let attempts = options.attempts;
        let context = Arc::new(PoolContext::new(options, tls));
        let pool = NameServerPool::from_config(servers, context, TokioRuntimeProvider::default());
        let pool = RetryDnsHandle::new(pool, attempts);
        let validator = match &settings.proving {
            Proving::Own(file) => {
                let anchors = file.as_deref().map_or_else(|| Ok(TrustAnchors::default()), anchors)?;
                Some(DnssecDnsHandle::with_trust_anchor(pool.clone(), Arc::new(anchors)))
            }
            Proving::Nobody | Proving::Server => None,
        };
        let named = match settings.servers {
            Servers::System => None,
            Servers::Only(address) => Some(address),
        };
        Ok(Self { runtime, pool, validator, trusts_server: settings.proving == Proving::Server, named })
    }

    /// Drives a question, and all that are asked beside it, to its end.
    pub fn wait<T>(&self, question: impl Future<Output = T>) -> T {
        self.runtime.block_on(question)
    }

    /// The records of a name; `None` where it has none of this kind. Aliases are followed, also where the server does not.
    pub async fn ask(&self, name: &str, kind: RecordType) -> Result<Option<Answer>, Cause> {
        match self.follow(name, kind).await {
            // Before a zone is called bogus: does anything signed get here at all?
            Err(Cause::Bogus(_)) if !self.passes_signatures().await => Err(Cause::NoProof(self.who())),
            other => other,
        }
    }

    async fn follow(&self, name: &str, kind: RecordType) -> Result<Option<Answer>, Cause> {
        let unsound = || Cause::LookupFailed(format!("'{name}' is no domain name"));
        let mut asked = Name::from_ascii(name).map_err(|_| unsound())?;
        asked.set_fqdn(true);
        let mut is_secure = true;
        for _ in 0..ALIAS_LIMIT {
            let Some((response, denial)) = self.send(&asked, kind).await? else { return Ok(None) };
            let found = Found::read(&response, &asked, kind);
            is_secure &= self.is_proven(&response, &found, kind)? && denial != Denial::Insecure;
            let absence = || Cause::Bogus(format!("absence of {kind} of {}", text(&asked)));
            let is_nothing = found.is_nothing(&asked);
            if denial == Denial::Unproven && (is_nothing || !found.has_proven_expansions(&response)) {
                return Err(absence());
            }
            if is_nothing {
                let is_ours = self.validator.is_none() || is_denied_by_its_zone(&response, &asked);
                return if is_ours { Ok(None) } else { Err(absence()) };
            }
            if !found.data.is_empty() {
                return Ok(Some(Answer { data: found.data, name: text(&found.name), is_secure }));
            }
            asked = found.name;
        }
        Err(Cause::LookupFailed(format!(
            "'{name}' is an alias of an alias, and so on: more than {ALIAS_LIMIT}"
        )))
    }

    /// Whether the keys of the root come with their signature, as they do from every server that knows DNSSEC. An error tells nothing.
    async fn passes_signatures(&self) -> bool {
        let mut options = DnsRequestOptions::default();
        options.edns_set_dnssec_ok = true;
        let asked = self.pool.lookup(Query::query(Name::root(), RecordType::DNSKEY), options);
        match asked.first_answer().await {
            Ok(response) => response.answers.iter().any(|record| record.record_type() == RecordType::RRSIG),
            Err(NetError::Dns(DnsError::NoRecordsFound(_))) => false,
            Err(_) => true,
        }
    }

    /// Who is asked, for texts.
    pub fn who(&self) -> String {
        self.named.map_or_else(|| "the name server".to_owned(), |address| address.to_string())
    }

    async fn send(&self, name: &Name, kind: RecordType) -> Result<Option<(DnsResponse, Denial)>, Cause> {
        let query = Query::query(name.clone(), kind);
        let mut options = DnsRequestOptions::default();
        options.edns_set_dnssec_ok = self.validator.is_some() || self.trusts_server;
        let answered = match &self.validator {
            Some(validator) => validator.lookup(query, options).first_answer().await,
            None => self.pool.lookup(query, options).first_answer().await,
        };
        match answered {
            Ok(response) => Ok(Some((response, Denial::Sound))),
            Err(NetError::Dns(DnsError::Nsec { response, proof, .. })) => {
                let is_insecure = proof == Proof::Insecure;
                let denial = if is_insecure { Denial::Insecure } else { Denial::Unproven };
                Ok(Some((*response, denial)))
            }
            Err(NetError::Dns(DnsError::NoRecordsFound(none)))
                if none.response_code != ResponseCode::NXDomain =>
            {
                Ok(None)
            }
            Err(error) => Err(self.cause(&error, name, kind)),
        }
    }

    fn cause(&self, error: &NetError, name: &Name, kind: RecordType) -> Cause {
        let about = |words: String| Cause::LookupFailed(format!("{kind} of {}: {words}", text(name)));
        match error {
            NetError::Dns(DnsError::NoRecordsFound(_)) => Cause::NameNotFound(text(name)),
            NetError::Dns(DnsError::ResponseCode(code)) => {
                about(format!("the name server answered {}", mnemonic(*code)))
            }
            NetError::Timeout | NetError::NoConnections | NetError::Busy => {
                about(format!("no answer of {}", self.who()))
            }
            NetError::Io(error) => about(system_words(error)),
            other => about(other.to_string()),
        }
    }

    /// Whether the records are secure; a proof that fails is a failure of the lookup.
    fn is_proven(&self, response: &DnsResponse, found: &Found, kind: RecordType) -> Result<bool, Cause> {
        if self.trusts_server {
            return Ok(response.metadata.authentic_data);
        }
        if self.validator.is_none() {
            return Ok(false);
        }
        if response.response_code == ResponseCode::NXDomain
            && found.data.is_empty()
            && found.proofs.is_empty()
        {
            return Err(Cause::NameNotFound(text(&found.name)));
        }
        match found.proofs.iter().find(|(_, proof)| matches!(proof, Proof::Bogus | Proof::Indeterminate)) {
            Some((name, _)) => Err(Cause::Bogus(format!("{kind} of {}", text(name)))),
            None => Ok(found.proofs.iter().all(|(_, proof)| *proof == Proof::Secure)),
        }
    }
}

/// A name as people write it: lower case, without the dot at its end.
pub fn text(name: &Name) -> String {
    let written = name.to_lowercase().to_ascii();
    written.strip_suffix('.').map(str::to_owned).unwrap_or(written)
}

fn one(address: SocketAddr) -> NameServerConfig {
    let (mut udp, mut tcp) = (ConnectionConfig::udp(), ConnectionConfig::tcp());
    (udp.port, tcp.port) = (address.port(), address.port());
    NameServerConfig::new(address.ip(), true, vec![udp, tcp])
}

fn of_the_system() -> Result<(Vec<NameServerConfig>, ResolverOpts), Cause> {
    let (configuration, options) = system_conf::read_system_conf()
        .map_err(|error| Cause::Local(format!("/etc/resolv.conf: {error}")))?;
    Ok((configuration.into_parts().2, options))
}

/// DNSKEY records as in a zone file.
fn anchors(path: &Path) -> Result<TrustAnchors, Cause> {
    let local = |words: &str| Cause::Local(format!("--trust-anchor '{}': {words}", path.display()));
    let mut text = String::new();
    let read =
        std::fs::File::open(path).and_then(|file| file.take(ANCHOR_LIMIT + 1).read_to_string(&mut text));
    let length = read.map_err(|error| local(&system_words(&error)))?;
    if u64::try_from(length).unwrap_or(u64::MAX) > ANCHOR_LIMIT {
        return Err(local("is longer than 64 KiB, give a file of DNSKEY records"));
    }
    let anchors = text.parse::<TrustAnchors>();
    let anchors =
        anchors.map_err(|_| local("give DNSKEY records, such as '. IN DNSKEY 257 3 8 AwEAAa...'"))?;
    // Where no key was read every proof would fail.
    let mut records = text.lines().map(|line| line.split(';').next().unwrap_or_default());
    if records.any(|line| line.contains("DNSKEY")) {
        Ok(anchors)
    } else {
        Err(local("no DNSKEY record in it"))
    }
}

/// As administrators know them.
fn mnemonic(code: ResponseCode) -> String {
    match code {
        ResponseCode::ServFail => "SERVFAIL".to_owned(),
        ResponseCode::Refused => "REFUSED".to_owned(),
        ResponseCode::NotAuth => "NOTAUTH".to_owned(),
        ResponseCode::NotImp => "NOTIMP".to_owned(),
        ResponseCode::FormErr => "FORMERR".to_owned(),
        other => other.to_string(),
    }
}
