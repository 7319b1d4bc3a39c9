//! Trusted roots, found the cheap way: only those whose subject an issuer in the chain names are read at all.
//!
//! Loading a bundle of 144 roots costs OpenSSL 238 M instructions; a hashed directory costs a file, a scan 3 M.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use openssl::x509::{X509, X509Ref};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::error::{Cause, system_words};

/// Directories in OpenSSL's hashed form, where distributions keep them.
const SYSTEM_DIRECTORIES: [&str; 3] =
    ["/etc/ssl/certs", "/etc/pki/ca-trust/extracted/pem/directory-hash", "/etc/pki/tls/certs"];
/// Bundles, where distributions keep them.
const SYSTEM_BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// Certificates that may share one hash.
const COLLISIONS: usize = 16;
/// Bytes of a bundle.
const BUNDLE_LIMIT: u64 = 32 * 1024 * 1024;
/// Issuers looked up for one chain: a hostile chain must not make us search for ever.
const LOOKUP_LIMIT: usize = 32;

/// Where trusted roots are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Roots {
    /// The system's own.
    System,
    /// A PEM bundle (`--ca-file`).
    File(PathBuf),
    /// A hashed directory (`--ca-dir`).
    Directory(PathBuf),
}

impl Roots {
    /// The trusted certificates that could end a path for `chain`, and those that could go on above them.
    pub fn candidates(&self, chain: &[X509]) -> Result<Vec<X509>, Cause> {
        match self {
            Self::File(path) => in_bundle(path, chain).map_err(|error| local("--ca-file", path, &error)),
            Self::Directory(path) => {
                std::fs::read_dir(path).map_err(|error| local("--ca-dir", path, &error))?;
                Ok(climb(chain, |hash| in_directory(path, hash)))
            }
            Self::System => Ok(system(chain)),
        }
    }
}

fn local(flag: &str, path: &Path, error: &std::io::Error) -> Cause {
    Cause::Local(format!("{flag} '{}': {}", path.display(), system_words(error)))
}

/// The hashed directories first; a bundle only where they know none of the issuers.
fn system(chain: &[X509]) -> Vec<X509> {
    let hashed = climb(chain, |hash| {
        SYSTEM_DIRECTORIES.iter().flat_map(|directory| in_directory(Path::new(directory), hash)).collect()
    });
    if !hashed.is_empty() {
        return hashed;
    }
    let bundle = SYSTEM_BUNDLES.iter().map(Path::new).find(|path| path.is_file());
    bundle.and_then(|path| in_bundle(path, chain).ok()).unwrap_or_default()
}

/// Looks up the issuers of the chain, then the issuers of what was found.
fn climb(chain: &[X509], find: impl Fn(u32) -> Vec<X509>) -> Vec<X509> {
    let mut wanted: Vec<u32> = chain.iter().map(|certificate| certificate.issuer_name_hash()).collect();
    let mut asked: Vec<u32> = Vec::new();
    let mut found: Vec<X509> = Vec::new();
    while let Some(hash) = wanted.pop() {
        if asked.contains(&hash) || asked.len() == LOOKUP_LIMIT {
            continue;
        }
        asked.push(hash);
        for certificate in find(hash) {
            wanted.push(certificate.issuer_name_hash());
            found.push(certificate);
        }
    }
    found
}

fn in_directory(directory: &Path, hash: u32) -> Vec<X509> {
    let files = (0..COLLISIONS).map(|n| std::fs::read(directory.join(format!("{hash:08x}.{n}"))));
    files.map_while(Result::ok).filter_map(|pem| X509::from_pem(&pem).ok()).collect()
}

/// One pass over the bundle: each certificate's subject is compared with the issuers sent, the few that fit are read.
///
/// A bundle may hold intermediates whose own issuer stands elsewhere in it, so passes go on until one finds nothing new.
fn in_bundle(path: &Path, chain: &[X509]) -> std::io::Result<Vec<X509>> {
    let mut pem = Vec::new();
    std::fs::File::open(path)?.take(BUNDLE_LIMIT).read_to_end(&mut pem)?;
    let blocks = der_blocks(&pem);
    if blocks.is_empty() {
        return Err(std::io::Error::other("no PEM certificate in it"));
    }
    let mut issuers: Vec<Vec<u8>> = chain.iter().filter_map(|certificate| issuer(certificate)).collect();
    let mut found: Vec<X509> = Vec::new();
    let mut searched = 0;
    while let Some(fresh) =
        issuers.get(searched..).filter(|fresh| !fresh.is_empty() && searched < LOOKUP_LIMIT)
    {
        let hits: Vec<X509> = blocks
            .iter()
            .filter(|der| subject_is_among(der, fresh))
            .filter_map(|der| X509::from_der(der).ok())
            .collect();
        searched = issuers.len();
        for certificate in hits {
            issuers.extend(issuer(&certificate).filter(|name| !issuers.contains(name)));
            found.push(certificate);
        }
    }
    Ok(found)
}

fn issuer(certificate: &X509Ref) -> Option<Vec<u8>> {
    certificate.issuer_name().to_der().ok()
}

fn subject_is_among(der: &[u8], names: &[Vec<u8>]) -> bool {
    X509Certificate::from_der(der)
        .is_ok_and(|(_, parsed)| names.iter().any(|name| name == parsed.subject().as_raw()))
}

/// The DER form of every certificate in a PEM text; what stands between them is skipped.
fn der_blocks(pem: &[u8]) -> Vec<Vec<u8>> {
    x509_parser::pem::Pem::iter_from_buffer(pem)
        .map_while(Result::ok)
        .filter(|block| block.label == "CERTIFICATE")
        .map(|block| block.contents)
        .collect()
}
