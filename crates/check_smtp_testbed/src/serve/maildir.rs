//! A Maildir: written in tmp, moved to new, so that nobody reads half a message.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Makes the three directories.
pub fn create(path: &Path) -> io::Result<()> {
    ["tmp", "new", "cur"].iter().try_for_each(|name| std::fs::create_dir_all(path.join(name)))
}

/// Delivers a message and gives back its queue id.
pub fn deliver(path: &Path, message: &[u8]) -> io::Result<String> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let id = format!("{seconds:X}{:04X}", NEXT.fetch_add(1, Ordering::Relaxed));
    let name = format!("{seconds}.{}_{id}.testbed", std::process::id());
    std::fs::write(path.join("tmp").join(&name), message)?;
    std::fs::rename(path.join("tmp").join(&name), path.join("new").join(&name))?;
    Ok(id)
}
