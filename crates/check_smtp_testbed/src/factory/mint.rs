//! One certificate: what is to be said in it, and by whom it is signed.

use openssl::asn1::{Asn1Object, Asn1OctetString, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
    SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Extension, X509Name};

use crate::error::Result;

/// An hour and a day in seconds.
pub(super) const HOUR: i64 = 3600;
pub(super) const DAY: i64 = 24 * HOUR;

/// Validity in seconds from the moment the factory was made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Validity {
    pub from: i64,
    pub until: i64,
}

impl Validity {
    /// Ten days old, eighty to go.
    pub(super) const LEAF: Self = Self { from: -10 * DAY, until: 80 * DAY };
    /// What an authority has.
    pub(super) const AUTHORITY: Self = Self { from: -365 * DAY, until: 3650 * DAY };
    /// Over since ten days.
    pub(super) const EXPIRED: Self = Self { from: -100 * DAY, until: -10 * DAY };
}

/// A certificate and its private key.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub certificate: X509,
    pub key: PKey<Private>,
}

/// What a certificate is to say.
#[derive(Clone)]
pub(super) struct Request<'a> {
    pub common_name: &'a str,
    /// Empty: no subject alternative name at all.
    pub dns: &'a [&'a str],
    pub ip: &'a [&'a str],
    pub validity: Validity,
    pub is_authority: bool,
    /// Says that it was issued under the Baseline Requirements (domain validated).
    pub is_public: bool,
    /// Says that the server must staple.
    pub must_staple: bool,
    pub digest: MessageDigest,
}

impl<'a> Request<'a> {
    /// A leaf for the names of the suite.
    pub(super) fn leaf() -> Self {
        Self {
            common_name: "mail.example.org",
            dns: &["mail.example.org", "localhost"],
            ip: &["127.0.0.1", "::1"],
            validity: Validity::LEAF,
            is_authority: false,
            is_public: false,
            must_staple: false,
            digest: MessageDigest::sha256(),
        }
    }

    /// An authority of that name.
    pub(super) fn authority(common_name: &'a str) -> Self {
        let validity = Validity::AUTHORITY;
        let digest = MessageDigest::sha256();
        Self {
            common_name,
            dns: &[],
            ip: &[],
            validity,
            is_authority: true,
            is_public: false,
            must_staple: false,
            digest,
        }
    }

    /// Signs it with `issuer`, or with its own key when there is none. `now` is Unix time.
    pub(super) fn sign(&self, now: i64, key: &PKey<Private>, issuer: Option<&Pair>) -> Result<X509> {
        let subject = name(self.common_name)?;
        let mut builder = X509::builder()?;
        builder.set_version(2)?;
        let mut serial = BigNum::new()?;
        serial.rand(127, MsbOption::ONE, false)?;
        let serial = serial.to_asn1_integer()?;
        builder.set_serial_number(&serial)?;
        builder.set_subject_name(&subject)?;
        match issuer {
            Some(issuer) => builder.set_issuer_name(issuer.certificate.subject_name())?,
            None => builder.set_issuer_name(&subject)?,
        }
        builder.set_pubkey(key)?;
        let (from, until) = (now + self.validity.from, now + self.validity.until);
        let (from, until) = (Asn1Time::from_unix(from)?, Asn1Time::from_unix(until)?);
        builder.set_not_before(&from)?;
        builder.set_not_after(&until)?;
        self.add_extensions(&mut builder, issuer)?;
        builder.sign(issuer.map_or(key, |issuer| &issuer.key), self.digest)?;
        Ok(builder.build())
    }

    fn add_extensions(&self, builder: &mut X509Builder, issuer: Option<&Pair>) -> Result<()> {
        if self.is_authority {
            builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
            builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
        } else {
            builder.append_extension(BasicConstraints::new().critical().build()?)?;
            let usage = KeyUsage::new().critical().digital_signature().key_encipherment().build()?;
            builder.append_extension(usage)?;
            builder.append_extension(ExtendedKeyUsage::new().server_auth().build()?)?;
        }
        let subject_key = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
        builder.append_extension(subject_key)?;
        if let Some(issuer) = issuer {
            let context = builder.x509v3_context(Some(&issuer.certificate), None);
            let authority_key = AuthorityKeyIdentifier::new().keyid(true).build(&context)?;
            builder.append_extension(authority_key)?;
        }
        if self.must_staple {
            // SEQUENCE { INTEGER 5 }: status_request.
            let features = Asn1OctetString::new_from_bytes(&[0x30, 0x03, 0x02, 0x01, 0x05])?;
            let oid = Asn1Object::from_str("1.3.6.1.5.5.7.1.24")?;
            builder.append_extension(X509Extension::new_from_der(&oid, false, &features)?)?;
        }
        if self.is_public {
            // SEQUENCE { SEQUENCE { OBJECT IDENTIFIER 2.23.140.1.2.1 } }
            let policies = [0x30, 0x0a, 0x30, 0x08, 0x06, 0x06, 0x67, 0x81, 0x0c, 0x01, 0x02, 0x01];
            let (oid, value) =
                (Asn1Object::from_str("2.5.29.32")?, Asn1OctetString::new_from_bytes(&policies)?);
            builder.append_extension(X509Extension::new_from_der(&oid, false, &value)?)?;
        }
        if !self.dns.is_empty() || !self.ip.is_empty() {
            let mut names = SubjectAlternativeName::new();
            for dns in self.dns {
                names.dns(dns);
            }
            for ip in self.ip {
                names.ip(ip);
            }
            let names = names.build(&builder.x509v3_context(None, None))?;
            builder.append_extension(names)?;
        }
        Ok(())
    }
}

/// A new ECDSA P-256 key.
pub(super) fn ecdsa() -> Result<PKey<Private>> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    Ok(PKey::from_ec_key(EcKey::generate(&group)?)?)
}

/// A new RSA key of so many bits.
pub(super) fn rsa(bits: u32) -> Result<PKey<Private>> {
    Ok(PKey::from_rsa(Rsa::generate(bits)?)?)
}

fn name(common_name: &str) -> Result<X509Name> {
    let mut name = X509Name::builder()?;
    name.append_entry_by_nid(Nid::ORGANIZATIONNAME, "smtp testbed")?;
    name.append_entry_by_nid(Nid::COMMONNAME, common_name)?;
    Ok(name.build())
}
