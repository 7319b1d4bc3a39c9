//! Writes the chains that were seen.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use check_smtp_core::error::{Cause, Failure, system_words};
use check_smtp_core::net::{Deadline, clock};
use check_smtp_core::timeline::Phase;

/// Writes beside the file and renames: nobody reads half a chain.
pub fn write(path: &Path, chains: &[Vec<Vec<u8>>], deadline: Deadline) -> Result<(), Failure> {
    let text: String = chains.iter().flatten().map(|der| pem(der)).collect();
    let owned = path.to_owned();
    let written = clock::within(deadline, move || {
        let mut beside = owned.clone().into_os_string();
        beside.push(format!(".{}.new", std::process::id()));
        let done = std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, &owned));
        if done.is_err() {
            let _ = std::fs::remove_file(&beside);
        }
        done
    });
    let words = match written {
        Some(Ok(())) => return Ok(()),
        Some(Err(error)) => system_words(&error),
        None => "could not be written in time".to_owned(),
    };
    Err(Failure::new(Phase::Tls, Cause::Local(format!("--pem '{}': {words}", path.display()))))
}

/// RFC 7468: lines of 64 characters.
fn pem(der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let lines: Vec<&str> =
        base64.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}
