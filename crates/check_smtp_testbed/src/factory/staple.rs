//! OCSP responses (RFC 6960 section 4.2.1), put together by hand: OpenSSL's program makes no stale ones.

use chrono::DateTime;
use openssl::bn::BigNumContext;
use openssl::ec::PointConversionForm;
use openssl::hash::{MessageDigest, hash};
use openssl::sign::Signer;
use openssl::x509::X509;

use super::mint::{DAY, Pair};
use crate::error::{Error, Result};

/// What is right or wrong with a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staple {
    /// Good, an hour old, for six days more.
    Good,
    /// Revoked three days ago.
    Revoked,
    /// The CA does not know the certificate.
    Unknown,
    /// Good until a day ago.
    Stale,
    /// Signed by another authority.
    Forged,
    /// About another certificate.
    Other,
    /// No OCSP response.
    Garbage,
}

impl Staple {
    /// Reads the word of case files.
    pub fn parse(word: &str) -> Result<Self, String> {
        let known = [
            ("good", Self::Good),
            ("revoked", Self::Revoked),
            ("unknown", Self::Unknown),
            ("stale", Self::Stale),
            ("forged", Self::Forged),
            ("other", Self::Other),
            ("garbage", Self::Garbage),
        ];
        let found = known.into_iter().find(|(name, _)| *name == word);
        found.map(|(_, staple)| staple).ok_or_else(|| format!("no staple is called '{word}'"))
    }

    pub(super) fn sign(self, leaf: &X509, issuer: &Pair, stranger: &Pair, now: i64) -> Result<Vec<u8>> {
        if self == Self::Garbage {
            return Ok(b"no response".to_vec());
        }
        let (from, until) =
            if self == Self::Stale { (now - 8 * DAY, now - DAY) } else { (now - 3600, now + 6 * DAY) };
        let signer = if self == Self::Forged { stranger } else { issuer };
        let mut serial = leaf.serial_number().to_bn()?.to_vec();
        if self == Self::Other {
            serial.reverse();
        }
        // A first bit that is set would be a sign.
        if serial.first().is_some_and(|byte| *byte >= 0x80) {
            serial.insert(0, 0);
        }
        let name = issuer.certificate.subject_name().to_der()?;
        let point = issuer.key.ec_key()?;
        let mut context = BigNumContext::new()?;
        let key =
            point.public_key().to_bytes(point.group(), PointConversionForm::UNCOMPRESSED, &mut context)?;
        let id = sequence(&[
            sequence(&[tagged(6, &[0x2b, 0x0e, 0x03, 0x02, 0x1a]), tagged(5, &[])]),
            tagged(4, &hash(MessageDigest::sha1(), &name)?),
            tagged(4, &hash(MessageDigest::sha1(), &key)?),
            tagged(2, &serial),
        ]);
        let status = match self {
            Self::Revoked => tagged(0xa1, &time(now - 3 * DAY)?),
            Self::Unknown => tagged(0x82, &[]),
            _ => tagged(0x80, &[]),
        };
        let single = sequence(&[id, status, time(from)?, tagged(0xa0, &time(until)?)]);
        let data = sequence(&[tagged(0xa1, &name), time(from)?, sequence(&[single])]);
        let mut signing = Signer::new(MessageDigest::sha256(), &signer.key)?;
        let signature = signing.sign_oneshot_to_vec(&data)?;
        // ecdsa-with-SHA256: the factory's authorities have such keys.
        let algorithm = sequence(&[tagged(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02])]);
        let basic = sequence(&[data, algorithm, tagged(3, &[&[0], signature.as_slice()].concat())]);
        let kind = tagged(6, &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01]);
        let bytes = sequence(&[kind, tagged(4, &basic)]);
        Ok(sequence(&[tagged(10, &[0]), tagged(0xa0, &bytes)]))
    }
}

fn time(seconds: i64) -> Result<Vec<u8>> {
    let date =
        DateTime::from_timestamp(seconds, 0).ok_or_else(|| Error::Other("an impossible date".into()))?;
    Ok(tagged(0x18, date.format("%Y%m%d%H%M%SZ").to_string().as_bytes()))
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tagged(0x30, &parts.concat())
}

/// A value under a tag, its length in the definite form.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut bytes = vec![tag];
    match significant.as_slice() {
        [] => bytes.push(0),
        [short] if *short < 0x80 => bytes.push(*short),
        long => {
            bytes.push(0x80 | u8::try_from(long.len()).unwrap_or(0x7f));
            bytes.extend(long);
        }
    }
    bytes.extend(content);
    bytes
}
