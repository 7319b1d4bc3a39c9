//! Certificates and keys in local files.

use std::path::Path;

use openssl::pkey::PKey;
use openssl::x509::X509;

use super::roots::der_blocks;
use super::{local, read_local};
use crate::error::Cause;
use crate::net::clock::Deadline;

/// The certificates of a PEM file in their order, in DER. `flag` names the file in errors.
pub fn read_chain(flag: &str, path: &Path, deadline: Deadline) -> Result<Vec<Vec<u8>>, Cause> {
    let chain = der_blocks(&read_local(flag, path, deadline)?);
    if chain.is_empty() { Err(local(flag, path, "no PEM certificate in it")) } else { Ok(chain) }
}

/// Whether the PEM key in `path` is the one of the certificate.
pub fn key_fits(flag: &str, path: &Path, certificate: &[u8], deadline: Deadline) -> Result<bool, Cause> {
    let pem = read_local(flag, path, deadline)?;
    // With the callback OpenSSL never asks at a terminal; a key under a passphrase cannot be read here.
    let key = PKey::private_key_from_pem_callback(&pem, |_| Ok(0))
        .map_err(|_| local(flag, path, "no PEM key in it, or one under a passphrase"))?;
    let public = X509::from_der(certificate).and_then(|certificate| certificate.public_key());
    Ok(public.is_ok_and(|public| public.public_eq(&key)))
}
