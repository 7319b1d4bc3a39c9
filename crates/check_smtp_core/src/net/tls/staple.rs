//! OCSP responses that a server staples to its handshake (RFC 6960, RFC 6066 section 8).

use chrono::NaiveDateTime;
use openssl::asn1::Asn1GeneralizedTimeRef;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::ocsp::{OcspCertId, OcspCertStatus, OcspFlag, OcspResponse, OcspResponseStatus};
use openssl::stack::Stack;
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::X509VerifyFlags;

/// What the CA says of the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StapleStatus {
    /// Not revoked.
    Good,
    /// Revoked, at that time (seconds since 1970).
    Revoked(Option<i64>),
    /// The CA does not know it.
    Unknown,
}

/// A response whose signature holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Staple {
    /// The state of the certificate.
    pub status: StapleStatus,
    /// Known to be so at this time, seconds since 1970.
    pub this_update: i64,
    /// The time by which there will be newer information; `None`: at any time.
    pub next_update: Option<i64>,
}

/// Why a response is worth nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StapleFault {
    /// No OCSP response.
    #[error("it cannot be read")]
    Unreadable,
    /// The responder had no answer, by its status code.
    #[error("the responder gave no answer (status {0})")]
    NoAnswer(i32),
    /// It is about other certificates.
    #[error("it is about another certificate")]
    OtherCertificate,
    /// There is nothing to verify it with.
    #[error("the issuer's certificate was not sent, so nothing proves it")]
    NoIssuer,
    /// It is not signed by the issuer, or whom the issuer has named.
    #[error("its signature does not hold")]
    BadSignature,
}

/// Reads and verifies the response for a certificate, both in DER; `issuer` is the certificate that signed it.
pub fn read_staple(response: &[u8], certificate: &[u8], issuer: &[u8]) -> Result<Staple, StapleFault> {
    let response = OcspResponse::from_der(response).map_err(|_| StapleFault::Unreadable)?;
    if response.status() != OcspResponseStatus::SUCCESSFUL {
        return Err(StapleFault::NoAnswer(response.status().as_raw()));
    }
    judge(&response, certificate, issuer).unwrap_or(Err(StapleFault::Unreadable))
}

fn judge(
    response: &OcspResponse,
    certificate: &[u8],
    issuer: &[u8],
) -> Result<Result<Staple, StapleFault>, ErrorStack> {
    let (certificate, issuer) = (X509::from_der(certificate)?, X509::from_der(issuer)?);
    let basic = response.basic()?;
    let mut signers = Stack::new()?;
    signers.push(issuer.clone())?;
    let mut store = X509StoreBuilder::new()?;
    // The issuer is all the trust there is to it; whether it is trusted and in time is judged with the path.
    store.set_flags(X509VerifyFlags::PARTIAL_CHAIN | X509VerifyFlags::NO_CHECK_TIME)?;
    store.add_cert(issuer.clone())?;
    if basic.verify(&signers, &store.build(), OcspFlag::empty()).is_err() {
        return Ok(Err(StapleFault::BadSignature));
    }
    for digest in [MessageDigest::sha1(), MessageDigest::sha256()] {
        let id = OcspCertId::from_cert(digest, &certificate, &issuer)?;
        let Some(found) = basic.find_status(&id) else { continue };
        let status = match found.status {
            OcspCertStatus::GOOD => StapleStatus::Good,
            OcspCertStatus::REVOKED => StapleStatus::Revoked(found.revocation_time.and_then(seconds)),
            _ => StapleStatus::Unknown,
        };
        let this_update = seconds(found.this_update);
        return Ok(this_update.ok_or(StapleFault::Unreadable).map(|this_update| Staple {
            status,
            this_update,
            next_update: found.next_update().and_then(seconds),
        }));
    }
    Ok(Err(StapleFault::OtherCertificate))
}

/// OpenSSL gives the time as text alone: `Nov 24 16:00:00 2026 GMT`.
fn seconds(time: &Asn1GeneralizedTimeRef) -> Option<i64> {
    let text = time.to_string();
    NaiveDateTime::parse_from_str(&text, "%b %e %H:%M:%S %Y GMT").ok().map(|time| time.and_utc().timestamp())
}
