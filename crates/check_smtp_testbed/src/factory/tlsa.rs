//! TLSA records of certificates (RFC 6698), put together by OpenSSL: the other side of the checks' own code.

use std::fmt::Write as _;

use openssl::hash::{MessageDigest, hash};
use openssl::x509::X509;

use super::Identity;
use crate::{Error, Result};

impl Identity {
    /// The data of a TLSA record for a certificate of the chain (0 is the leaf), as a zone file has it: `3 1 1 8cb0fc6c...`.
    pub fn tlsa(&self, element: usize, usage: u8, selector: u8, matching: u8) -> Result<String> {
        let chain = X509::stack_from_pem(self.chain_pem.as_bytes())?;
        let certificate = chain
            .get(element)
            .ok_or_else(|| Error::Other(format!("no certificate {element} in the chain")))?;
        let selected = match selector {
            0 => certificate.to_der()?,
            _ => certificate.public_key()?.public_key_to_der()?,
        };
        let data = match matching {
            0 => selected,
            1 => hash(MessageDigest::sha256(), &selected)?.to_vec(),
            _ => hash(MessageDigest::sha512(), &selected)?.to_vec(),
        };
        let mut record = format!("{usage} {selector} {matching} ");
        for byte in data {
            let _ = write!(record, "{byte:02x}");
        }
        Ok(record)
    }
}
