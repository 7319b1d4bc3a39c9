//! Reads the files a message is made of.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use check_smtp_core::error::system_words;
use check_smtp_core::net::{Deadline, clock};

use crate::args::Parts;
use crate::message::Material;

/// Bytes of one file; what is larger is no probe.
const FILE_LIMIT: u64 = 100_000_000;

/// All files of a message that is built.
pub fn read(parts: &Parts, deadline: Deadline) -> Result<Material, String> {
    let text = |flag: &str, path: &Option<PathBuf>| -> Result<Option<String>, String> {
        let Some(path) = path else { return Ok(None) };
        let bytes = file(flag, path, deadline)?;
        String::from_utf8(bytes).map(Some).map_err(|_| format!("{flag} '{}': is not UTF-8", path.display()))
    };
    let attachments: Result<Vec<_>, String> = parts
        .attachments
        .iter()
        .map(|path| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            Ok((name.unwrap_or_else(|| "attachment".to_owned()), file("--attach", path, deadline)?))
        })
        .collect();
    Ok(Material {
        body: text("--body-file", &parts.body)?,
        html: text("--html", &parts.html)?,
        attachments: attachments?,
    })
}

/// A file, within the deadline; `flag` names it in errors.
pub fn file(flag: &str, path: &Path, deadline: Deadline) -> Result<Vec<u8>, String> {
    let wrong = |what: &str| format!("{flag} '{}': {what}", path.display());
    let owned = path.to_owned();
    match clock::within(deadline, move || limited(&owned)) {
        Some(Ok(bytes)) if bytes.len() as u64 > FILE_LIMIT => Err(wrong("is larger than 100 MB")),
        Some(Ok(bytes)) => Ok(bytes),
        Some(Err(error)) => Err(wrong(&system_words(&error))),
        None => Err(wrong("could not be read in time")),
    }
}

fn limited(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(FILE_LIMIT + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
