//! A tree as the packages hold it, below a directory.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::list::{Entry, Source};
use crate::Result;

/// Lays the entries out below `top`, modes and times set, owners left to the package's format.
pub fn lay(entries: &[Entry], top: &Path, epoch: i64) -> Result<()> {
    for entry in entries {
        let place = below(top, &entry.destination);
        if let Some(parent) = place.parent() {
            std::fs::create_dir_all(parent)?;
        }
        match &entry.source {
            Source::File(path) => drop(std::fs::copy(path, &place)?),
            Source::Text(text) => std::fs::write(&place, text)?,
            Source::Directory => std::fs::create_dir_all(&place)?,
            Source::Link(first) => std::fs::hard_link(below(top, first), &place)?,
        }
        std::fs::set_permissions(&place, Permissions::from_mode(entry.mode))?;
    }
    settle(top, entries, SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(epoch)?))
}

/// A destination below another root.
pub fn below(top: &Path, destination: &str) -> PathBuf {
    top.join(destination.trim_start_matches('/'))
}

/// Gives everything one time, and the directories nobody named the usual mode whatever the umask.
fn settle(top: &Path, entries: &[Entry], time: SystemTime) -> Result<()> {
    for child in std::fs::read_dir(top)? {
        let child = child?.path();
        if child.is_dir() {
            settle(&child, entries, time)?;
        }
        File::open(&child)?.set_modified(time)?;
    }
    let is_named = entries.iter().any(|entry| top.ends_with(entry.destination.trim_start_matches('/')));
    if !is_named {
        std::fs::set_permissions(top, Permissions::from_mode(0o755))?;
    }
    File::open(top)?.set_modified(time)?;
    Ok(())
}
