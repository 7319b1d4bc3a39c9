//! Messages of others in a mailbox, which no run may touch, and ours among them.

use std::path::{Path, PathBuf};

use check_smtp_testbed::real::Dovecot;
use check_smtp_testbed::{Error, Result};

/// Messages of others in each mailbox.
pub const OTHERS: usize = 60;

/// Makes a mailbox with messages of others, some of which look like ours, some flagged \Deleted by somebody else.
pub fn fill(maildir: &Path) -> Result<()> {
    let (user, group) = Dovecot::owner()?;
    std::fs::create_dir_all(maildir)?;
    std::os::unix::fs::chown(maildir, Some(user), Some(group))?;
    for part in ["tmp", "new", "cur"] {
        std::fs::create_dir(maildir.join(part))?;
        std::os::unix::fs::chown(maildir.join(part), Some(user), Some(group))?;
    }
    let name = maildir.file_name().unwrap_or_default().display();
    for number in 0..OTHERS {
        let token = format!("{number:032x}");
        let mark = match number % 3 {
            // Another host's, and one of an earlier run of ours.
            0 => format!("X-Smtp-Monitoring-Probe: another/{token}\r\n"),
            1 => format!("X-Smtp-Monitoring-Probe: {name}/{token}\r\n"),
            _ => String::new(),
        };
        let text = format!("X-Of-Others: yes\r\n{mark}Subject: message {number}\r\n\r\ntext {number}\r\n");
        let (place, flags) = if number % 2 == 0 { ("new", "") } else { ("cur", ":2,ST") };
        let path = maildir.join(place).join(format!("1.M{number}.mail{flags}"));
        std::fs::write(&path, text)?;
        std::os::unix::fs::chown(&path, Some(user), Some(group))?;
    }
    Ok(())
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
