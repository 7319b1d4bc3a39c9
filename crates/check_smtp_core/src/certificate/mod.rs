//! Certificates as facts (RFC 5280), and what is wrong with them. Pure: the time is an argument.

mod details;

use std::fmt;
use std::net::IpAddr;

use chrono::DateTime;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

pub use details::Details;

/// Names taken from a certificate at the most.
const NAMES_LIMIT: usize = 200;

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Subject as text.
    pub subject: String,
    /// Issuer as text.
    pub issuer: String,
    /// The subject's common name.
    pub common_name: Option<String>,
    /// DNS names of the subject alternative name.
    pub dns_names: Vec<String>,
    /// Addresses of the subject alternative name.
    pub addresses: Vec<IpAddr>,
    /// Begin of validity, seconds since 1970.
    pub not_before: i64,
    /// End of validity (inclusive), seconds since 1970.
    pub not_after: i64,
    /// Kind and size of the key.
    pub key: Key,
    /// Whether subject and issuer are the same.
    pub is_self_issued: bool,
    /// Whether the signature's hash is MD5 or SHA-1.
    pub has_weak_signature: bool,
}

/// A public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// RSA with its modulus in bits.
    Rsa(usize),
    /// An elliptic curve with its size in bits.
    Ec(usize),
    /// Anything else (Ed25519, Ed448, DSA...).
    Other,
}

/// Who the server must be: the reference identity of RFC 9525.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A host name in A-labels.
    Name(String),
    /// An address.
    Address(IpAddr),
}

/// What is wrong with a TLS session. Each variant carries what its sentence needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The server sent no certificate.
    NoCertificate,
    /// The leaf signs itself and is not a trusted root.
    SelfSigned,
    /// No path to a trusted root: OpenSSL's reason and the element it is about.
    Untrusted {
        /// OpenSSL's reason.
        reason: String,
        /// The certificate it is about.
        element: String,
    },
    /// An element is past its end of validity.
    Expired {
        /// The certificate it is about.
        element: String,
        /// Its end of validity.
        not_after: i64,
        /// The time it was judged at.
        now: i64,
    },
    /// An element is before its begin of validity.
    NotYetValid {
        /// The certificate it is about.
        element: String,
        /// Its begin of validity.
        not_before: i64,
        /// The time it was judged at.
        now: i64,
    },
    /// An element ends before it begins.
    InvertedDates {
        /// The certificate it is about.
        element: String,
    },
    /// The names in the certificate are others.
    WrongName {
        /// The reference identity.
        wanted: String,
        /// The names it holds.
        found: Vec<String>,
    },
    /// No subject alternative name; a common name is not an identity (RFC 9525 section 2).
    NoAlternativeName {
        /// Its common name.
        common_name: Option<String>,
    },
    /// A key too small to be safe.
    WeakKey {
        /// The certificate it is about.
        element: String,
        /// Its key.
        key: Key,
    },
    /// An MD5 or SHA-1 signature below the root.
    WeakSignature {
        /// The certificate it is about.
        element: String,
    },
    /// A protocol version below the least one asked for.
    OldProtocol {
        /// What was negotiated.
        version: String,
        /// What was asked for.
        least: &'static str,
    },
}

impl Certificate {
    /// Reads a certificate from its DER form; the error says what cannot be read.
    pub fn from_der(der: &[u8]) -> Result<Self, String> {
        let (_, parsed) =
            X509Certificate::from_der(der).map_err(|_| "certificate cannot be read".to_owned())?;
        let common_name =
            parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok()).map(str::to_owned);
        let mut dns_names = Vec::new();
        let mut addresses = Vec::new();
        if let Ok(Some(extension)) = parsed.subject_alternative_name() {
            for name in extension.value.general_names.iter().take(NAMES_LIMIT) {
                match name {
                    GeneralName::DNSName(name) => dns_names.push((*name).to_owned()),
                    GeneralName::IPAddress(bytes) => addresses.extend(read_address(bytes)),
                    _ => {}
                }
            }
        }
        Ok(Self {
            subject: parsed.subject().to_string(),
            issuer: parsed.issuer().to_string(),
            common_name,
            dns_names,
            addresses,
            not_before: parsed.validity().not_before.timestamp(),
            not_after: parsed.validity().not_after.timestamp(),
            key: read_key(&parsed),
            is_self_issued: parsed.subject().as_raw() == parsed.issuer().as_raw(),
            has_weak_signature: is_weak_signature(&parsed.signature_algorithm.algorithm.to_id_string()),
        })
    }

    /// The name an admin knows it by: common name, first DNS name, or subject.
    pub fn label(&self) -> &str {
        let named = self.common_name.as_deref().or(self.dns_names.first().map(String::as_str));
        named.unwrap_or(&self.subject)
    }

    /// From begin to end of validity in seconds, both ends included (RFC 5280 section 4.1.2.5).
    pub fn lifetime(&self) -> i64 {
        self.not_after.saturating_sub(self.not_before).saturating_add(1)
    }

    /// Whether its common name is `identity`: what clients went by before RFC 6125.
    pub fn is_named(&self, identity: &Identity) -> bool {
        let common_name = self.common_name.as_deref().unwrap_or_default();
        match identity {
            Identity::Name(name) => dns_name_matches(common_name, name),
            Identity::Address(address) => common_name == address.to_string(),
        }
    }

    /// Whether it is valid at `now` (seconds since 1970).
    pub fn time_fault(&self, now: i64) -> Option<Fault> {
        let element = self.label().to_owned();
        if self.not_after < self.not_before {
            Some(Fault::InvertedDates { element })
        } else if now > self.not_after {
            Some(Fault::Expired { element, not_after: self.not_after, now })
        } else if now < self.not_before {
            Some(Fault::NotYetValid { element, not_before: self.not_before, now })
        } else {
            None
        }
    }

    /// Whether it is a certificate of `identity` (RFC 9525 section 6): subject alternative names only, wildcards for one whole label.
    pub fn name_fault(&self, identity: &Identity) -> Option<Fault> {
        let matches = match identity {
            Identity::Name(name) => self.dns_names.iter().any(|pattern| dns_name_matches(pattern, name)),
            Identity::Address(address) => self.addresses.contains(address),
        };
        if matches {
            return None;
        }
        if self.dns_names.is_empty() && self.addresses.is_empty() {
            return Some(Fault::NoAlternativeName { common_name: self.common_name.clone() });
        }
        let found =
            self.dns_names.iter().cloned().chain(self.addresses.iter().map(ToString::to_string)).collect();
        Some(Fault::WrongName { wanted: identity.to_string(), found })
    }

    /// Whether its key and signature are too weak today (CA/Browser Forum: RSA 2048, EC 256; no MD5, no SHA-1).
    pub fn strength_fault(&self) -> Option<Fault> {
        let element = self.label().to_owned();
        match self.key {
            Key::Rsa(bits) if bits < 2048 => Some(Fault::WeakKey { element, key: self.key }),
            Key::Ec(bits) if bits < 256 => Some(Fault::WeakKey { element, key: self.key }),
            _ if self.has_weak_signature && !self.is_self_issued => Some(Fault::WeakSignature { element }),
            _ => None,
        }
    }
}

fn read_address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

fn read_key(parsed: &X509Certificate<'_>) -> Key {
    match parsed.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => Key::Rsa(key.key_size()),
        Ok(PublicKey::EC(point)) => Key::Ec(point.key_size()),
        _ => Key::Other,
    }
}

/// md5WithRSA, sha1WithRSA (PKCS#1), ecdsa-with-SHA1, dsa-with-sha1.
fn is_weak_signature(oid: &str) -> bool {
    matches!(
        oid,
        "1.2.840.113549.1.1.4"
            | "1.2.840.113549.1.1.5"
            | "1.2.840.10045.4.1"
            | "1.2.840.10040.4.3"
            | "1.3.14.3.2.29"
    )
}

/// Case-insensitive, a trailing dot on either side does not count, `*` stands for exactly one leftmost label.
fn dns_name_matches(pattern: &str, name: &str) -> bool {
    let normal = |text: &str| text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let (pattern, name) = (normal(pattern), normal(name));
    match pattern.strip_prefix("*.") {
        Some(parent) => {
            parent.contains('.')
                && name.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == parent)
        }
        None => !pattern.is_empty() && pattern == name,
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => address.fmt(f),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(bits) => write!(f, "RSA {bits} bit"),
            Self::Ec(bits) => write!(f, "EC {bits} bit"),
            Self::Other => f.write_str("other"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCertificate => f.write_str("server sent no certificate"),
            Self::SelfSigned => f.write_str("certificate is self-signed"),
            Self::Untrusted { reason, element } => {
                write!(f, "certificate is not trusted: {reason} ({element})")
            }
            Self::Expired { element, not_after, now } => {
                write!(
                    f,
                    "certificate of {element} expired {} ago, on {}",
                    span(now - not_after),
                    date(*not_after)
                )
            }
            Self::NotYetValid { element, not_before, now } => {
                write!(
                    f,
                    "certificate of {element} is not valid before {}, in {}",
                    date(*not_before),
                    span(not_before - now)
                )
            }
            Self::InvertedDates { element } => write!(f, "certificate of {element} ends before it begins"),
            Self::WrongName { wanted, found } => {
                let shown: Vec<&str> = found.iter().take(5).map(String::as_str).collect();
                let more =
                    if found.len() > 5 { format!(" and {} more", found.len() - 5) } else { String::new() };
                write!(f, "certificate is not for {wanted} but for {}{more}", shown.join(", "))
            }
            Self::NoAlternativeName { common_name } => {
                write!(
                    f,
                    "certificate has no subject alternative name (common name {})",
                    common_name.as_deref().unwrap_or("none")
                )
            }
            Self::WeakKey { element, key } => write!(f, "key of {element} is weak: {key}"),
            Self::WeakSignature { element } => {
                write!(f, "certificate of {element} is signed with MD5 or SHA-1")
            }
            Self::OldProtocol { version, least } => {
                write!(f, "{version} negotiated, {least} is the least allowed")
            }
        }
    }
}

impl Fault {
    /// Stable identifier of the kind of fault.
    pub fn id(&self) -> &'static str {
        match self {
            Self::NoCertificate => "no_certificate",
            Self::SelfSigned => "certificate_self_signed",
            Self::Untrusted { .. } => "certificate_untrusted",
            Self::Expired { .. } => "certificate_expired",
            Self::NotYetValid { .. } => "certificate_not_yet_valid",
            Self::InvertedDates { .. } => "certificate_dates_inverted",
            Self::WrongName { .. } => "certificate_wrong_name",
            Self::NoAlternativeName { .. } => "certificate_without_alternative_name",
            Self::WeakKey { .. } => "certificate_weak_key",
            Self::WeakSignature { .. } => "certificate_weak_signature",
            Self::OldProtocol { .. } => "tls_version_too_old",
        }
    }
}

/// A date in UTC, as ISO 8601 writes it.
pub fn date(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0)
        .map_or_else(|| "an impossible date".to_owned(), |date| date.format("%Y-%m-%d").to_string())
}

/// A length of time in its two largest units: `9 d 4 h`, `3 h 12 min`, `40 s`.
pub fn span(seconds: i64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::{dns_name_matches, span};

    #[test]
    fn wildcards_stand_for_one_label() {
        for (pattern, name) in [
            ("mail.example.org", "MAIL.example.org."),
            ("mail.example.org.", "mail.example.org"),
            ("*.example.org", "mx.example.org"),
        ] {
            assert!(dns_name_matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("*.example.org", "a.b.example.org"),
            ("*.example.org", "example.org"),
            ("*.org", "example.org"),
            ("m*.example.org", "mx.example.org"),
            ("", ""),
        ] {
            assert!(!dns_name_matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn spans_show_two_units() {
        assert_eq!(
            [span(40), span(150), span(11_520), span(10 * 86_400 + 7_300)],
            ["40 s", "2 min", "3 h 12 min", "10 d 2 h"]
        );
    }
}
