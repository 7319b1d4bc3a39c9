//! What only a look at the certificate itself needs: fingerprints, serial number, extensions. Apart from [`super::Certificate`],
//! because the hashes cost every check that only verifies.

use sha2::{Digest as _, Sha256};
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// The TLS feature extension (RFC 7633): `status_request` in it is called "must staple".
const TLS_FEATURE: &str = "1.3.6.1.5.5.7.1.24";
/// `SEQUENCE { INTEGER 5 }`: the one feature of that extension, `status_request`.
const STATUS_REQUEST: [u8; 5] = [0x30, 0x03, 0x02, 0x01, 0x05];
/// Policies of the CA/Browser Forum's Baseline Requirements, section 7.1.6.1, and EV: every publicly trusted certificate has one.
const PUBLIC_POLICIES: [&str; 4] = ["2.23.140.1.2.1", "2.23.140.1.2.2", "2.23.140.1.2.3", "2.23.140.1.1"];

/// More of what a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    /// Serial number in hexadecimal, without leading zeros.
    pub serial: String,
    /// Signature algorithm by name, or by its number where it has none here.
    pub signature: String,
    /// SHA-256 over the certificate.
    pub sha256: [u8; 32],
    /// SHA-256 over the public key (`SubjectPublicKeyInfo`).
    pub spki_sha256: [u8; 32],
    /// Whether a server must staple an OCSP response (RFC 7633).
    pub must_staple: bool,
    /// Whether it says that it was issued under the Baseline Requirements, which limit its lifetime; a private CA's does not.
    pub is_public: bool,
}

impl Details {
    /// Reads a certificate from its DER form; the error says what cannot be read.
    pub fn from_der(der: &[u8]) -> Result<Self, String> {
        let (_, parsed) =
            X509Certificate::from_der(der).map_err(|_| "certificate cannot be read".to_owned())?;
        let algorithm = parsed.signature_algorithm.algorithm.to_id_string();
        Ok(Self {
            serial: format!("{:x}", parsed.tbs_certificate.serial),
            signature: signature_name(&algorithm).map_or(algorithm, str::to_owned),
            sha256: Sha256::digest(der).into(),
            spki_sha256: Sha256::digest(parsed.public_key().raw).into(),
            must_staple: must_staple(&parsed),
            is_public: is_public(&parsed),
        })
    }
}

fn must_staple(parsed: &X509Certificate<'_>) -> bool {
    let mut features = parsed.extensions().iter().filter(|one| one.oid.to_id_string() == TLS_FEATURE);
    features.any(|feature| feature.value == STATUS_REQUEST)
}

fn is_public(parsed: &X509Certificate<'_>) -> bool {
    parsed.extensions().iter().any(|extension| match extension.parsed_extension() {
        ParsedExtension::CertificatePolicies(policies) => {
            policies.iter().any(|policy| PUBLIC_POLICIES.contains(&policy.policy_id.to_id_string().as_str()))
        }
        _ => false,
    })
}

/// The algorithms that mail servers show.
fn signature_name(oid: &str) -> Option<&'static str> {
    let name = match oid {
        "1.2.840.113549.1.1.4" => "RSA with MD5",
        "1.2.840.113549.1.1.5" => "RSA with SHA-1",
        "1.2.840.113549.1.1.10" => "RSA-PSS",
        "1.2.840.113549.1.1.11" => "RSA with SHA-256",
        "1.2.840.113549.1.1.12" => "RSA with SHA-384",
        "1.2.840.113549.1.1.13" => "RSA with SHA-512",
        "1.2.840.10045.4.1" => "ECDSA with SHA-1",
        "1.2.840.10045.4.3.2" => "ECDSA with SHA-256",
        "1.2.840.10045.4.3.3" => "ECDSA with SHA-384",
        "1.2.840.10045.4.3.4" => "ECDSA with SHA-512",
        "1.3.101.112" => "Ed25519",
        "1.3.101.113" => "Ed448",
        _ => return None,
    };
    Some(name)
}
