//! TLSA records (RFC 6698) and the certificates they stand for, as mail servers use them (RFC 7672). Pure: DNS and TLS are elsewhere.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use sha2::{Digest as _, Sha256, Sha512};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::x509::SubjectPublicKeyInfo;

/// Records looked at; a name with more is a mistake or an attack.
pub const RECORDS_LIMIT: usize = 64;
/// Certificates of a chain looked at.
const ELEMENTS_LIMIT: usize = 32;
/// Bytes of the association data that a status line shows.
const SHOWN_BYTES: usize = 8;

/// A TLSA record as DNS gives it (RFC 6698 section 2.1): whether it is of use is [`Tlsa::usability`]'s to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tlsa {
    /// Certificate usage.
    pub usage: u8,
    /// What of the certificate is meant: 0 all of it, 1 its public key.
    pub selector: u8,
    /// How it is written: 0 as it is, 1 as SHA-256, 2 as SHA-512.
    pub matching: u8,
    /// Certificate association data.
    pub data: Vec<u8>,
}

/// The certificate usages that SMTP knows (RFC 7672 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// DANE-TA(2): a CA of the chain.
    TrustAnchor,
    /// DANE-EE(3): the server's own certificate; neither its names nor its dates count (RFC 7672 section 3.1.1).
    EndEntity,
}

/// Why a record is of no use: clients pass over it as if it were not there (RFC 7671 section 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// PKIX-TA(0) and PKIX-EE(1) (RFC 7672 section 3.1.3).
    #[error("usage {0} asks for a public CA, which SMTP does not do: publish usage 3 or 2")]
    Pkix(u8),
    /// A usage nobody has defined.
    #[error("usage {0} is unknown: publish usage 3 or 2")]
    Usage(u8),
    /// A selector nobody has defined.
    #[error("selector {0} is unknown: publish selector 1 (public key) or 0 (certificate)")]
    Selector(u8),
    /// A matching type nobody has defined.
    #[error("matching type {0} is unknown: publish matching type 1 (SHA-256)")]
    Matching(u8),
    /// A hash cut off or made by another function.
    #[error("{name} has {wanted} bytes, not {found}")]
    HashLength {
        /// The hash.
        name: &'static str,
        /// Bytes it has.
        wanted: usize,
        /// Bytes that stand in the record.
        found: usize,
    },
    /// No data at all.
    #[error("it holds no data")]
    Empty,
    /// Matching type 0, selector 0.
    #[error("its data is no certificate in DER")]
    NoCertificate,
    /// Matching type 0, selector 1.
    #[error("its data is no public key (SubjectPublicKeyInfo) in DER")]
    NoKey,
}

/// A record and the certificate it stands for, each by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Index among the records.
    pub record: usize,
    /// Index in the chain; 0 is the leaf.
    pub element: usize,
}

impl Tlsa {
    /// A record of these fields.
    pub fn new(usage: u8, selector: u8, matching: u8, data: Vec<u8>) -> Self {
        Self { usage, selector, matching, data }
    }

    /// What an SMTP client may do with it (RFC 7672 section 3.1), or why nothing.
    pub fn usability(&self) -> Result<Usage, Unusable> {
        let usage = match self.usage {
            0 | 1 => return Err(Unusable::Pkix(self.usage)),
            2 => Usage::TrustAnchor,
            3 => Usage::EndEntity,
            other => return Err(Unusable::Usage(other)),
        };
        if self.selector > 1 {
            return Err(Unusable::Selector(self.selector));
        }
        if self.data.is_empty() {
            return Err(Unusable::Empty);
        }
        match self.matching {
            0 => self.whole_data()?,
            1 => self.hash_of("SHA-256", 32)?,
            2 => self.hash_of("SHA-512", 64)?,
            other => return Err(Unusable::Matching(other)),
        }
        Ok(usage)
    }

    fn whole_data(&self) -> Result<(), Unusable> {
        let (is_whole, otherwise) = match self.selector {
            0 => (is_read_whole(X509Certificate::from_der(&self.data)), Unusable::NoCertificate),
            _ => (is_read_whole(SubjectPublicKeyInfo::from_der(&self.data)), Unusable::NoKey),
        };
        if is_whole { Ok(()) } else { Err(otherwise) }
    }

    fn hash_of(&self, name: &'static str, wanted: usize) -> Result<(), Unusable> {
        let found = self.data.len();
        if found == wanted { Ok(()) } else { Err(Unusable::HashLength { name, wanted, found }) }
    }

    /// Whether a certificate is what its data says (RFC 6698 section 2.1). Where the certificate stands in the chain is [`hits`]' business;
    /// an unusable record matches nothing.
    pub fn matches(&self, certificate_der: &[u8]) -> bool {
        self.usability().is_ok() && self.is_of(certificate_der)
    }

    fn is_of(&self, certificate_der: &[u8]) -> bool {
        let selected = match self.selector {
            0 => Some(certificate_der),
            1 => X509Certificate::from_der(certificate_der)
                .ok()
                .map(|(_, parsed)| parsed.tbs_certificate.subject_pki.raw),
            _ => None,
        };
        selected.is_some_and(|selected| match self.matching {
            0 => self.data == selected,
            1 => self.data == *Sha256::digest(selected),
            2 => self.data == *Sha512::digest(selected),
            _ => false,
        })
    }

    /// Its data in hexadecimal, all of it.
    pub fn hex(&self) -> String {
        hex(&self.data)
    }
}

/// The records that stand for a certificate of the chain: DANE-EE for the leaf only, DANE-TA for what is above it, as OpenSSL does; the leaf
/// sent again is still the leaf. At most [`RECORDS_LIMIT`] records and 32 certificates are looked at.
pub fn hits(records: &[Tlsa], chain: &[Vec<u8>]) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (record, tlsa) in records.iter().enumerate().take(RECORDS_LIMIT) {
        let Ok(usage) = tlsa.usability() else { continue };
        let elements = chain.iter().enumerate().take(ELEMENTS_LIMIT);
        let found = elements
            .filter(|(element, der)| match usage {
                Usage::EndEntity => *element == 0,
                Usage::TrustAnchor => chain.first() != Some(*der),
            })
            .filter(|(_, der)| tlsa.is_of(der));
        hits.extend(found.map(|(element, _)| Hit { record, element }));
    }
    hits
}

/// Whether it could be read and nothing stands behind it.
fn is_read_whole<T, E>(read: Result<(&[u8], T), E>) -> bool {
    read.is_ok_and(|(rest, _)| rest.is_empty())
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// For a status line: `3 1 1 8cb0fc6c527506a0...`, the data no further than its first eight bytes.
impl fmt::Display for Tlsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, more) = match self.data.split_at_checked(SHOWN_BYTES) {
            Some((shown, rest)) if !rest.is_empty() => (shown, "..."),
            _ => (self.data.as_slice(), ""),
        };
        write!(f, "{} {} {} {}{more}", self.usage, self.selector, self.matching, hex(shown))
    }
}

/// Reads a record as zone files write it (RFC 6698 section 2.2): `3 1 1 8cb0fc6c...`, the hexadecimal with blanks in it if need be.
impl FromStr for Tlsa {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const WANTED: &str = "give a TLSA record such as 3 1 1 and the hash in hexadecimal";
        let mut words = text.split_ascii_whitespace();
        let mut number = || words.next().and_then(|word| word.parse().ok()).ok_or(WANTED);
        let (usage, selector, matching) = (number()?, number()?, number()?);
        let digits: Option<Vec<u8>> = words.flat_map(str::chars).map(digit).collect();
        match digits.as_deref().map(<[u8]>::as_chunks::<2>) {
            Some((pairs, [])) if !pairs.is_empty() => {
                let data = pairs.iter().map(|[high, low]| high << 4 | low).collect();
                Ok(Self::new(usage, selector, matching, data))
            }
            _ => Err(WANTED.to_owned()),
        }
    }
}

fn digit(character: char) -> Option<u8> {
    character.to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// By name and number, as RFC 7218 has them.
impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TrustAnchor => "DANE-TA(2)",
            Self::EndEntity => "DANE-EE(3)",
        })
    }
}

#[cfg(test)]
mod tests {
    use openssl::asn1::Asn1Time;
    use openssl::bn::BigNum;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::hash::{MessageDigest, hash};
    use openssl::nid::Nid;
    use openssl::pkey::PKey;
    use openssl::x509::{X509, X509Name};

    use super::{Hit, Tlsa, Unusable, Usage, hits};

    /// A certificate with a new key: itself and its key in DER, both as OpenSSL writes them.
    fn certificate(name: &str) -> (Vec<u8>, Vec<u8>) {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        let mut subject = X509Name::builder().unwrap();
        subject.append_entry_by_text("CN", name).unwrap();
        let subject = subject.build();
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        builder.set_serial_number(&BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap()).unwrap();
        builder.set_subject_name(&subject).unwrap();
        builder.set_issuer_name(&subject).unwrap();
        builder.set_not_before(&Asn1Time::from_unix(0).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::from_unix(2_000_000_000).unwrap()).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        (builder.build().to_der().unwrap(), key.public_key_to_der().unwrap())
    }

    /// The data of a record for `bytes`, hashed by OpenSSL.
    fn written(matching: u8, bytes: &[u8]) -> Vec<u8> {
        match matching {
            0 => bytes.to_vec(),
            1 => hash(MessageDigest::sha256(), bytes).unwrap().to_vec(),
            _ => hash(MessageDigest::sha512(), bytes).unwrap().to_vec(),
        }
    }

    #[test]
    fn every_selector_and_matching_type_finds_its_certificate_and_no_other() {
        let (whole, key) = certificate("mail.example.org");
        let (other, _) = certificate("mail.example.org");
        for (selector, part) in [(0, &whole), (1, &key)] {
            for matching in 0..=2 {
                let record = Tlsa::new(3, selector, matching, written(matching, part));
                assert_eq!(record.usability(), Ok(Usage::EndEntity), "{record}");
                assert!(record.matches(&whole) && !record.matches(&other), "{record}");
                let crossed = Tlsa { selector: 1 - selector, ..record };
                assert!(!crossed.matches(&whole), "{crossed}");
            }
        }
    }

    #[test]
    fn what_is_unusable_says_why_and_matches_nothing() {
        let (whole, key) = certificate("mail.example.org");
        let sha256 = written(1, &whole);
        let behind = [&key[..], b"more"].concat();
        let scenes = [
            (0, 0, 1, &sha256, "usage 0 asks for a public CA, which SMTP does not do: publish usage 3 or 2"),
            (1, 0, 1, &sha256, "usage 1 asks for a public CA, which SMTP does not do: publish usage 3 or 2"),
            (255, 0, 1, &sha256, "usage 255 is unknown: publish usage 3 or 2"),
            (3, 2, 1, &sha256, "selector 2 is unknown: publish selector 1 (public key) or 0 (certificate)"),
            (3, 0, 3, &sha256, "matching type 3 is unknown: publish matching type 1 (SHA-256)"),
            (3, 0, 2, &sha256, "SHA-512 has 64 bytes, not 32"),
            (2, 1, 1, &whole[..31].to_vec(), "SHA-256 has 32 bytes, not 31"),
            (3, 0, 0, &Vec::new(), "it holds no data"),
            (3, 0, 0, &key, "its data is no certificate in DER"),
            (3, 1, 0, &whole, "its data is no public key (SubjectPublicKeyInfo) in DER"),
            (3, 1, 0, &behind, "its data is no public key (SubjectPublicKeyInfo) in DER"),
        ];
        for (usage, selector, matching, data, words) in scenes {
            let record = Tlsa::new(usage, selector, matching, data.clone());
            assert_eq!(record.usability().unwrap_err().to_string(), words);
            assert!(!record.matches(&whole) && hits(&[record], &[whole.clone(), whole.clone()]).is_empty());
        }
    }

    #[test]
    fn the_leaf_is_for_dane_ee_and_what_is_above_for_dane_ta() {
        let chain = [certificate("mail.example.org").0, certificate("CA").0, certificate("Root").0];
        let record = |usage, element: usize| Tlsa::new(usage, 0, 1, written(1, &chain[element]));
        let records = [record(2, 0), record(3, 1), record(0, 0), record(3, 0), record(2, 2), record(2, 1)];
        let found = [(3, 0), (4, 2), (5, 1)].map(|(record, element)| Hit { record, element });
        assert_eq!(hits(&records, &chain), found);
        assert_eq!(hits(&records, &[]), []);
        assert_eq!(hits(&[], &chain), []);
    }

    #[test]
    fn no_more_is_looked_at_than_the_limits() {
        let ((leaf, _), (whole, _)) = (certificate("leaf"), certificate("CA"));
        let records = vec![Tlsa::new(2, 0, 1, written(1, &whole)); 70];
        let chain: Vec<_> = std::iter::once(leaf).chain(vec![whole; 40]).collect();
        let found = hits(&records, &chain);
        assert_eq!(found.len(), 64 * 31);
        assert!(found.iter().all(|hit| hit.record < 64 && (1..32).contains(&hit.element)));
    }

    #[test]
    fn the_leaf_sent_again_is_no_trust_anchor() {
        let ((leaf, _), (issuer, _)) = (certificate("leaf"), certificate("CA"));
        let records = [Tlsa::new(2, 0, 1, written(1, &leaf)), Tlsa::new(2, 0, 0, leaf.clone())];
        assert_eq!(hits(&records, &[leaf.clone(), issuer, leaf]), []);
    }

    #[test]
    fn garbage_is_no_certificate() {
        for garbage in [&b""[..], b"\x30", b"\x30\x82\xff\xff\x00", &[0xff; 300]] {
            for selector in 0..=1 {
                for matching in 0..=2 {
                    let record = Tlsa::new(3, selector, matching, written(matching, garbage));
                    // A hash says nothing of what was hashed.
                    let is_hash_of_all = selector == 0 && matching > 0;
                    assert_eq!(record.matches(garbage), is_hash_of_all, "{record}");
                }
            }
        }
    }

    #[test]
    fn records_are_read_and_written_as_in_a_zone() {
        let record: Tlsa =
            "3 1 1  8CB0fc6c 527506a0\t53f4f14c8464bebb d6dede2738d11468dd953d7d6a3021f1".parse().unwrap();
        assert_eq!(record.to_string(), "3 1 1 8cb0fc6c527506a0...");
        assert_eq!(record.hex(), "8cb0fc6c527506a053f4f14c8464bebbd6dede2738d11468dd953d7d6a3021f1");
        assert_eq!(Tlsa::new(2, 0, 9, vec![0, 0xab]).to_string(), "2 0 9 00ab");
        for text in ["", "3 1 1", "3 1 1 abc", "3 1 1 xy", "3 1 256 ab", "-3 1 1 ab", "3 1 1 ä9"] {
            assert!(text.parse::<Tlsa>().is_err(), "{text}");
        }
        assert_eq!(Unusable::Empty, Tlsa::new(3, 1, 1, Vec::new()).usability().unwrap_err());
    }
}
