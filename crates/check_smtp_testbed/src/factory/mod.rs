//! A throwaway authority and every kind of certificate the field knows. Keys are ECDSA P-256 where the kind does
//! not say otherwise: they cost a fraction of a millisecond.

mod kind;
mod mint;
mod staple;
#[cfg(test)]
mod tests;
mod tlsa;

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslContext, SslContextBuilder, SslMethod, SslMode, SslVerifyMode, SslVersion};
use openssl::symm::Cipher;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{X509, X509PurposeId};

pub use self::kind::Kind;
use self::mint::{DAY, HOUR, Pair, Request, Validity, ecdsa, rsa};
pub use self::staple::Staple;
use crate::error::{Error, Result};

/// What a server needs to speak TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The certificates as the server sends them, leaf first, PEM.
    pub chain_pem: String,
    /// The leaf's private key, PKCS #8 PEM.
    pub key_pem: String,
}

impl Identity {
    /// The key under a passphrase, PKCS #8 PEM.
    pub fn encrypted_key(&self, passphrase: &str) -> Result<String> {
        let key = PKey::private_key_from_pem(self.key_pem.as_bytes())?;
        text(key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), passphrase.as_bytes())?)
    }

    /// A server context that sends exactly this chain and speaks the versions from `min` to `max` (`None`: whatever
    /// OpenSSL has). Security level 0: SHA-1, RSA-1024 and TLS 1.0 are what we are here to show.
    pub fn server_context(&self, min: Option<SslVersion>, max: Option<SslVersion>) -> Result<SslContext> {
        Ok(self.context_builder(min, max)?.build())
    }

    /// The same, and the client must show a certificate of the factory's authority.
    pub fn server_context_for_clients_of(
        &self,
        factory: &Factory,
        min: Option<SslVersion>,
        max: Option<SslVersion>,
    ) -> Result<SslContext> {
        let mut builder = self.context_builder(min, max)?;
        let mut store = X509StoreBuilder::new()?;
        store.add_cert(factory.root.certificate.clone())?;
        // The factory's leaves are for servers; here they pass for clients as well.
        store.set_purpose(X509PurposeId::ANY)?;
        builder.set_verify_cert_store(store.build())?;
        builder.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
        Ok(builder.build())
    }

    /// The same with a second certificate of another kind of key, as dual-certificate servers have it. Both stand below the same
    /// intermediate, which is sent with either.
    pub fn dual_context(&self, second: &Self, max: Option<SslVersion>) -> Result<SslContext> {
        let mut builder = self.context_builder(None, max)?;
        let leaf = X509::from_pem(second.chain_pem.as_bytes())?;
        builder.set_certificate(&leaf)?;
        let key = PKey::private_key_from_pem(second.key_pem.as_bytes())?;
        builder.set_private_key(&key)?;
        Ok(builder.build())
    }

    /// The same, with an OCSP response stapled to each handshake.
    pub fn stapling_context(
        &self,
        response: Vec<u8>,
        min: Option<SslVersion>,
        max: Option<SslVersion>,
    ) -> Result<SslContext> {
        let mut builder = self.context_builder(min, max)?;
        builder.set_status_callback(move |ssl| ssl.set_ocsp_status(&response).map(|()| true))?;
        Ok(builder.build())
    }

    fn context_builder(&self, min: Option<SslVersion>, max: Option<SslVersion>) -> Result<SslContextBuilder> {
        let mut builder = SslContext::builder(SslMethod::tls_server())?;
        builder.set_security_level(0);
        builder.set_cipher_list("ALL:@SECLEVEL=0")?;
        // Some distributions configure TLS 1.2 as the least.
        builder.set_min_proto_version(Some(min.unwrap_or(SslVersion::TLS1)))?;
        builder.set_max_proto_version(max)?;
        builder.set_mode(SslMode::NO_AUTO_CHAIN);
        let mut chain = X509::stack_from_pem(self.chain_pem.as_bytes())?.into_iter();
        let leaf = chain.next().ok_or_else(|| Error::Other("an identity without a certificate".into()))?;
        builder.set_certificate(&leaf)?;
        for certificate in chain {
            builder.add_extra_chain_cert(certificate)?;
        }
        let key = PKey::private_key_from_pem(self.key_pem.as_bytes())?;
        builder.set_private_key(&key)?;
        Ok(builder)
    }
}

/// The authority, and the identities made so far.
#[derive(Debug)]
pub struct Factory {
    /// Unix time at which it was made: all validities count from here.
    now: i64,
    root: Pair,
    intermediate: Pair,
    made: Mutex<HashMap<Kind, Identity>>,
}

impl Factory {
    /// Makes the root and the intermediate; identities follow when they are asked for.
    pub fn new() -> Result<Self> {
        Self::with_keys(ecdsa)
    }

    /// The same with RSA 2048 keys for both authorities, as most public ones have: slower to make, cheaper to verify.
    pub fn with_rsa() -> Result<Self> {
        Self::with_keys(|| rsa(2048))
    }

    fn with_keys(key: fn() -> Result<PKey<Private>>) -> Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let root = authority_with(key()?, now, "Testbed Root", Validity::AUTHORITY, None)?;
        let name = "Testbed Intermediate";
        let intermediate = authority_with(key()?, now, name, Validity::AUTHORITY, Some(&root))?;
        Ok(Self { now, root, intermediate, made: Mutex::default() })
    }

    /// The factory all servers of this process share.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<Factory>> = OnceLock::new();
        SHARED.get_or_init(Self::new).as_ref().map_err(|error| Error::Other(error.to_string()))
    }

    /// The root's certificate, PEM: what a client is told to trust.
    pub fn ca_pem(&self) -> Result<String> {
        pem(&self.root.certificate)
    }

    /// The intermediate's certificate, PEM: it signs every leaf whose chain is as usual.
    pub fn intermediate_pem(&self) -> Result<String> {
        pem(&self.intermediate.certificate)
    }

    /// The file name OpenSSL looks for in a directory of roots (`-CApath`), such as `1a2b3c4d.0`.
    pub fn ca_hash_name(&self) -> String {
        format!("{:08x}.0", self.root.certificate.subject_name_hash())
    }

    /// So many roots of other authorities, each with a name and a key of its own, PEM: what a bundle holds besides.
    pub fn other_roots(&self, count: usize) -> Result<String> {
        let root = |number| {
            let other = authority(self.now, &format!("Other Root {number}"), Validity::AUTHORITY, None)?;
            pem(&other.certificate)
        };
        (0..count).map(root).collect()
    }

    /// The identity of that kind, made on the first call.
    pub fn identity(&self, kind: Kind) -> Result<Identity> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(identity) = made.get(&kind) {
            return Ok(identity.clone());
        }
        let identity = self.make(kind)?;
        made.insert(kind, identity.clone());
        Ok(identity)
    }

    /// A new identity for these DNS names below the intermediate, which is sent with it: for 90 days, 80 of them left, or expired
    /// ten days ago.
    pub fn identity_for(&self, names: &[&str], is_expired: bool) -> Result<Identity> {
        let key = ecdsa()?;
        let validity = if is_expired { Validity::EXPIRED } else { Validity::LEAF };
        // A common name holds 64 characters at most (RFC 5280, ub-common-name); nobody reads it beside the DNS names.
        let common_name = names.first().filter(|name| name.len() <= 64).unwrap_or(&"Testbed Leaf");
        let leaf = Request { common_name, dns: names, ip: &[], validity, ..Request::leaf() };
        let leaf = leaf.sign(self.now, &key, Some(&self.intermediate))?;
        identity(&key, &[&leaf, &self.intermediate.certificate])
    }

    fn make(&self, kind: Kind) -> Result<Identity> {
        match kind {
            Kind::SelfSignedExpiredWrongHost => {
                let key = ecdsa()?;
                let leaf = Request { validity: Validity::EXPIRED, ..leaf_request(Kind::WrongHost) };
                identity(&key, &[&leaf.sign(self.now, &key, None)?])
            }
            Kind::SelfSigned => {
                let key = ecdsa()?;
                let leaf = Request::leaf().sign(self.now, &key, None)?;
                identity(&key, &[&leaf])
            }
            Kind::UnknownCa
            | Kind::ExpiredIntermediate
            | Kind::MissingIntermediate
            | Kind::WrongOrder
            | Kind::UnrelatedExtra
            | Kind::RootSent
            | Kind::ExpiredCrossSign => self.make_chain(kind),
            _ => {
                let key = match kind {
                    Kind::GoodRsa => rsa(2048)?,
                    Kind::Rsa1024 => rsa(1024)?,
                    _ => ecdsa()?,
                };
                let leaf = leaf_request(kind).sign(self.now, &key, Some(&self.intermediate))?;
                identity(&key, &[&leaf, &self.intermediate.certificate])
            }
        }
    }

    /// The kinds whose leaf is good and whose chain is not as usual.
    fn make_chain(&self, kind: Kind) -> Result<Identity> {
        let key = ecdsa()?;
        let now = self.now;
        let valid = Validity::AUTHORITY;
        let sign = |issuer: &Pair| Request::leaf().sign(now, &key, Some(issuer));
        let (root, intermediate) = (&self.root.certificate, &self.intermediate.certificate);
        match kind {
            Kind::UnknownCa => {
                let other = authority(now, "Unknown Root", valid, None)?;
                let below = authority(now, "Unknown Intermediate", valid, Some(&other))?;
                identity(&key, &[&sign(&below)?, &below.certificate])
            }
            Kind::ExpiredIntermediate => {
                let expired =
                    authority(now, "Testbed Expired Intermediate", Validity::EXPIRED, Some(&self.root))?;
                identity(&key, &[&sign(&expired)?, &expired.certificate])
            }
            Kind::MissingIntermediate => identity(&key, &[&sign(&self.intermediate)?]),
            Kind::WrongOrder => {
                let lower = authority(now, "Testbed Lower Intermediate", valid, Some(&self.intermediate))?;
                identity(&key, &[&sign(&lower)?, intermediate, &lower.certificate])
            }
            Kind::UnrelatedExtra => {
                let other = authority(now, "Unrelated Root", valid, None)?;
                identity(&key, &[&sign(&self.intermediate)?, intermediate, &other.certificate])
            }
            Kind::RootSent => identity(&key, &[&sign(&self.intermediate)?, intermediate, root]),
            _ => {
                let older = authority(now, "Testbed Older Root", valid, None)?;
                let mut cross = Request::authority("Testbed Root");
                cross.validity = Validity::EXPIRED;
                let cross = cross.sign(now, &self.root.key, Some(&older))?;
                identity(&key, &[&sign(&self.intermediate)?, intermediate, &cross])
            }
        }
    }
}

impl Factory {
    /// The OCSP response of the intermediate for the leaf of an identity, in DER.
    pub fn staple(&self, identity: &Identity, staple: Staple) -> Result<Vec<u8>> {
        let leaf = X509::from_pem(identity.chain_pem.as_bytes())?;
        staple.sign(&leaf, &self.intermediate, &self.root, self.now)
    }
}

/// What the leaf of a kind says whose chain is as usual.
fn leaf_request(kind: Kind) -> Request<'static> {
    let mut leaf = Request::leaf();
    let only = |common_name: &'static str, dns: &'static [&'static str]| Request {
        common_name,
        dns,
        ip: &[],
        ..Request::leaf()
    };
    match kind {
        Kind::Wildcard => return only("*.example.org", &["*.example.org"]),
        Kind::WildcardTwoLabels => return only("*.org", &["*.org", "*.*.example.org"]),
        Kind::IpSan => return Request { ip: &["127.0.0.1", "::1"], ..only("addresses only", &[]) },
        Kind::Idn => return only("xn--bcher-kva.example.org", &["xn--bcher-kva.example.org"]),
        Kind::TrailingDot => return only("mail.example.org.", &["mail.example.org."]),
        Kind::CnOnly => return only("mail.example.org", &[]),
        Kind::WrongHost => return only("other.example.net", &["other.example.net"]),
        Kind::Expired => leaf.validity = Validity::EXPIRED,
        Kind::NotYetValid => leaf.validity = Validity { from: 10 * DAY, until: 100 * DAY },
        Kind::Inverted => leaf.validity = Validity { from: 10 * DAY, until: -10 * DAY },
        Kind::LongLifetime => leaf.validity = Validity { from: -10 * DAY, until: 3650 * DAY },
        Kind::PublicLongLifetime => {
            leaf.validity = Validity { from: -10 * DAY, until: 3650 * DAY };
            leaf.is_public = true;
        }
        Kind::MustStaple => leaf.must_staple = true,
        Kind::SixDay => leaf.validity = Validity { from: -60 * HOUR, until: 100 * HOUR },
        Kind::Sha1 => leaf.digest = MessageDigest::sha1(),
        _ => {}
    }
    leaf
}

fn authority(now: i64, name: &str, validity: Validity, issuer: Option<&Pair>) -> Result<Pair> {
    authority_with(ecdsa()?, now, name, validity, issuer)
}

fn authority_with(
    key: PKey<Private>,
    now: i64,
    name: &str,
    validity: Validity,
    issuer: Option<&Pair>,
) -> Result<Pair> {
    let request = Request { validity, ..Request::authority(name) };
    let certificate = request.sign(now, &key, issuer)?;
    Ok(Pair { certificate, key })
}

fn identity(key: &PKey<Private>, chain: &[&X509]) -> Result<Identity> {
    let chain_pem = chain.iter().map(|certificate| pem(certificate)).collect::<Result<String>>()?;
    let key_pem = text(key.private_key_to_pem_pkcs8()?)?;
    Ok(Identity { chain_pem, key_pem })
}

fn pem(certificate: &X509) -> Result<String> {
    text(certificate.to_pem()?)
}

fn text(pem: Vec<u8>) -> Result<String> {
    String::from_utf8(pem).map_err(|_| Error::Other("PEM that is not text".into()))
}
