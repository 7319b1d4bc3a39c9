//! Messages of others in a mailbox, which no run may touch, and ours among them.

use std::path::{Path, PathBuf};

use check_smtp_testbed::real::Dovecot;
use check_smtp_testbed::{Error, Result, TempDir};

/// Messages of others in each mailbox.
pub const OTHERS: usize = 2000;

/// Of the last of these some look like probes of ours that no run knows of: fewer than the limit on what may stay in a mailbox.
const OURS: usize = 60;

/// Messages of others, written once: each mailbox has links to them.
pub struct Crowd(TempDir);

impl Crowd {
    /// Writes them.
    pub fn new() -> Result<Self> {
        let files = TempDir::new()?;
        for number in 0..OTHERS {
            write(&files.path().join(number.to_string()), number, "another")?;
        }
        Ok(Self(files))
    }

    /// Makes a mailbox with all of them, some of which look like ours, some flagged \Deleted by somebody else.
    pub fn fill(&self, maildir: &Path) -> Result<()> {
        std::fs::create_dir_all(maildir)?;
        give(maildir)?;
        for part in ["tmp", "new", "cur"] {
            std::fs::create_dir(maildir.join(part))?;
            give(&maildir.join(part))?;
        }
        let name = maildir.file_name().unwrap_or_default().to_string_lossy();
        for number in 0..OTHERS {
            let (place, flags) = if number % 2 == 0 { ("new", "") } else { ("cur", ":2,ST") };
            let path = maildir.join(place).join(format!("1.M{number}.mail{flags}"));
            if number >= OTHERS - OURS && number % 3 == 1 {
                write(&path, number, &name)?;
            } else {
                std::fs::hard_link(self.0.path().join(number.to_string()), &path)?;
            }
        }
        Ok(())
    }
}

/// Two of three carry the mark of a probe.
fn write(path: &Path, number: usize, instance: &str) -> Result<()> {
    let mark = if number % 3 == 2 {
        String::new()
    } else {
        format!("X-Smtp-Monitoring-Probe: {instance}/{number:032x}\r\n")
    };
    let text = format!("X-Of-Others: yes\r\n{mark}Subject: message {number}\r\n\r\ntext {number}\r\n");
    std::fs::write(path, text)?;
    give(path)
}

/// Hands it to the user whom Dovecot runs as.
fn give(path: &Path) -> Result<()> {
    let (user, group) = Dovecot::owner()?;
    Ok(std::os::unix::fs::chown(path, Some(user), Some(group))?)
}

/// Those of others.
pub fn others(maildir: &Path) -> Result<Vec<Vec<u8>>> {
    let mut others = messages(maildir)?;
    others.retain(|text| is_of_others(text));
    if others.len() < OTHERS {
        return Err(Error::Other(format!("{} messages of others", others.len())));
    }
    Ok(others)
}

/// All but those.
pub fn ours(maildir: &Path) -> Result<Vec<Vec<u8>>> {
    let mut ours = messages(maildir)?;
    ours.retain(|text| !is_of_others(text));
    Ok(ours)
}

fn is_of_others(text: &[u8]) -> bool {
    text.starts_with(b"X-Of-Others: yes")
}

/// All messages of a mailbox, sorted: what is in them, and whether they are flagged \Deleted.
fn messages(maildir: &Path) -> Result<Vec<Vec<u8>>> {
    let folders = [maildir.to_owned(), maildir.join(".Spam and more")];
    let places = folders.iter().flat_map(|folder| [folder.join("new"), folder.join("cur")]);
    let mut messages = Vec::new();
    for place in places.filter(|place| place.is_dir()) {
        for entry in std::fs::read_dir(place)? {
            let path: PathBuf = entry?.path();
            // It may be moved from new to cur meanwhile; then it is counted at the next look.
            let Ok(mut text) = std::fs::read(&path) else { continue };
            let flags = path.to_string_lossy().split(":2,").nth(1).unwrap_or_default().to_owned();
            text.push(u8::from(flags.contains('T')));
            messages.push(text);
        }
    }
    messages.sort_unstable();
    Ok(messages)
}
