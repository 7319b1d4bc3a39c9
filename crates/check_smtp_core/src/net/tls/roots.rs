//! Trusted roots, found the cheap way: only those whose subject an issuer in the chain names are read at all.
//!
//! Loading a bundle of 144 roots costs OpenSSL 238 M instructions; a hashed directory costs a file, a scan 6 M.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use openssl::x509::X509;

use super::names;
use crate::error::{Cause, system_words};
use crate::net::clock::{self, Deadline};

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
    ///
    /// Files are read on a thread of their own, within the deadline; OpenSSL sees them on this one.
    pub fn candidates(&self, chain: &[X509], deadline: Deadline) -> Result<Vec<X509>, Cause> {
        match self {
            Self::File(path) => in_bundle("--ca-file", path, chain, deadline),
            Self::Directory(path) => {
                let found = climb(chain, std::slice::from_ref(path), deadline)?;
                if found.is_empty() { refuse_no_directory(path, deadline) } else { Ok(found) }
            }
            Self::System => system(chain, deadline),
        }
    }
}

/// Nothing found in it: perhaps it is no directory at all.
fn refuse_no_directory(path: &Path, deadline: Deadline) -> Result<Vec<X509>, Cause> {
    let owned = path.to_owned();
    match bounded(deadline, move || std::fs::metadata(owned).map(|about| about.is_dir()))? {
        Ok(true) => Ok(Vec::new()),
        Ok(false) => Err(local("--ca-dir", path, "is not a directory")),
        Err(error) => Err(local("--ca-dir", path, &system_words(&error))),
    }
}

fn local(flag: &str, path: &Path, words: &str) -> Cause {
    Cause::Local(format!("{flag} '{}': {words}", path.display()))
}

fn bounded<T: Send + 'static>(
    deadline: Deadline,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Cause> {
    let done = clock::within(deadline, work);
    done.ok_or_else(|| Cause::Local("the trusted roots could not be read in time".to_owned()))
}

/// The hashed directories first; a bundle only where they know none of the issuers.
fn system(chain: &[X509], deadline: Deadline) -> Result<Vec<X509>, Cause> {
    let directories: Vec<PathBuf> = SYSTEM_DIRECTORIES.iter().map(PathBuf::from).collect();
    let hashed = climb(chain, &directories, deadline)?;
    if !hashed.is_empty() {
        return Ok(hashed);
    }
    let bundle = bounded(deadline, || SYSTEM_BUNDLES.iter().map(PathBuf::from).find(|path| path.is_file()))?;
    bundle.map_or_else(|| Ok(Vec::new()), |path| in_bundle("the system's roots", &path, chain, deadline))
}

/// Looks up the issuers of the chain, then the issuers of what was found.
fn climb(chain: &[X509], directories: &[PathBuf], deadline: Deadline) -> Result<Vec<X509>, Cause> {
    let mut wanted: Vec<u32> = chain.iter().map(|certificate| certificate.issuer_name_hash()).collect();
    let mut asked: Vec<u32> = Vec::new();
    let mut found: Vec<X509> = Vec::new();
    loop {
        wanted.sort_unstable();
        wanted.dedup();
        wanted.retain(|hash| !asked.contains(hash));
        if wanted.is_empty() || asked.len() >= LOOKUP_LIMIT {
            return Ok(found);
        }
        asked.extend(&wanted);
        let (hashes, places) = (std::mem::take(&mut wanted), directories.to_vec());
        let files = bounded(deadline, move || hashed_files(&places, &hashes))?;
        for certificate in files.iter().filter_map(|pem| X509::from_pem(pem).ok()) {
            wanted.push(certificate.issuer_name_hash());
            found.push(certificate);
        }
    }
}

/// The files `HASH.0`, `HASH.1`... of each directory.
fn hashed_files(directories: &[PathBuf], hashes: &[u32]) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for hash in hashes {
        for directory in directories {
            let numbered = (0..COLLISIONS).map(|n| read_limited(&directory.join(format!("{hash:08x}.{n}"))));
            files.extend(numbered.map_while(Result::ok));
        }
    }
    files
}

fn read_limited(path: &Path) -> std::io::Result<Vec<u8>> {
    // Room for one root: growing from nothing reads it in eight pieces.
    let mut bytes = Vec::with_capacity(8 * 1024);
    std::fs::File::open(path)?.take(BUNDLE_LIMIT).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Scans the bundle: each certificate's subject is compared with the issuers sent, the few that fit are given to OpenSSL.
///
/// A bundle may hold intermediates whose own issuer stands elsewhere in it, so passes go on until one finds nothing new.
fn in_bundle(flag: &str, path: &Path, chain: &[X509], deadline: Deadline) -> Result<Vec<X509>, Cause> {
    let issuers = chain.iter().filter_map(|certificate| certificate.issuer_name().to_der().ok());
    let issuers: Vec<Vec<u8>> = issuers.map(|name| names::comparable(&name)).collect();
    let owned = path.to_owned();
    match bounded(deadline, move || read_limited(&owned).map(|pem| scan(&pem, issuers)))? {
        Err(error) => Err(local(flag, path, &system_words(&error))),
        Ok(None) => Err(local(flag, path, "no PEM certificate in it")),
        Ok(Some(found)) => Ok(found.iter().filter_map(|der| X509::from_der(der).ok()).collect()),
    }
}

/// The certificates a path could go over, in DER, for issuers in their comparable form; `None` when there is no certificate at all.
fn scan(pem: &[u8], mut issuers: Vec<Vec<u8>>) -> Option<Vec<Vec<u8>>> {
    let blocks = der_blocks(pem);
    let named = blocks.iter().filter_map(|der| {
        let (subject, issuer) = names::subject_and_issuer(der)?;
        Some((der, names::comparable(subject), issuer))
    });
    let named: Vec<_> = named.collect();
    let mut found = Vec::new();
    let mut searched = 0;
    while searched < issuers.len() && searched < LOOKUP_LIMIT {
        let fresh = issuers.split_off(searched);
        let hits = named.iter().filter(|(_, subject, _)| fresh.contains(subject));
        let mut above = Vec::new();
        for (der, _, issuer) in hits {
            above.push(names::comparable(issuer));
            found.push((*der).clone());
        }
        issuers.extend(fresh);
        searched = issuers.len();
        above.retain(|name| !issuers.contains(name));
        issuers.extend(above);
    }
    (!blocks.is_empty()).then_some(found)
}

/// The DER form of every certificate in a PEM text; what stands between them is skipped.
pub(super) fn der_blocks(pem: &[u8]) -> Vec<Vec<u8>> {
    x509_parser::pem::Pem::iter_from_buffer(pem)
        .map_while(Result::ok)
        .filter(|block| block.label == "CERTIFICATE")
        .map(|block| block.contents)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use openssl::asn1::{Asn1Time, Asn1Type};
    use openssl::ec::{EcGroup, EcKey};
    use openssl::hash::MessageDigest;
    use openssl::nid::Nid;
    use openssl::pkey::PKey;
    use openssl::x509::{X509, X509Builder, X509Name, X509NameBuilder};

    use super::{Deadline, Roots};

    fn name(text: &str, kind: Asn1Type) -> X509Name {
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_nid_with_type(Nid::COMMONNAME, text, kind).unwrap();
        name.build()
    }

    fn certificate(subject: &X509Name, issuer: &X509Name) -> X509 {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        let mut builder = X509Builder::new().unwrap();
        builder.set_subject_name(subject).unwrap();
        builder.set_issuer_name(issuer).unwrap();
        let date = Asn1Time::from_unix(0).unwrap();
        builder.set_not_before(&date).unwrap();
        builder.set_not_after(&date).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        builder.build()
    }

    /// A directory of the test's own, gone when dropped.
    struct Directory(PathBuf);

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_root_whose_name_is_written_otherwise_is_found_in_a_directory_and_in_a_bundle() {
        let own = name("Example Root", Asn1Type::UTF8STRING);
        let (root, other) = (certificate(&own, &own), name("Other Root", Asn1Type::UTF8STRING));
        let other = certificate(&other, &other);
        let leaf = certificate(
            &name("mail.example.org", Asn1Type::UTF8STRING),
            &name("EXAMPLE  Root", Asn1Type::PRINTABLESTRING),
        );
        let place = Directory(std::env::temp_dir().join(format!("roots-{}", std::process::id())));
        std::fs::create_dir_all(&place.0).unwrap();
        let hashed = place.0.join(format!("{:08x}.0", root.subject_name_hash()));
        let bundle = place.0.join("bundle.pem");
        std::fs::write(&hashed, root.to_pem().unwrap()).unwrap();
        std::fs::write(&bundle, [other.to_pem().unwrap(), root.to_pem().unwrap()].concat()).unwrap();
        for roots in [Roots::Directory(place.0.clone()), Roots::File(bundle)] {
            let deadline = Deadline::after(Duration::from_secs(60));
            let found = roots.candidates(std::slice::from_ref(&leaf), deadline).unwrap();
            let found: Vec<_> = found.iter().map(|found| found.to_der().unwrap()).collect();
            assert_eq!(found, [root.to_der().unwrap()], "{roots:?}");
        }
    }
}
