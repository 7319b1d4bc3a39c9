//! A Maildir on this machine. Only headers are read; exactly the files that carry our header are removed.
//!
//! It may lie on a file server that does not answer: all work on it is done on a thread that the deadline leaves behind.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use check_smtp_core::error::{Cause as Common, system_words};
use check_smtp_core::net::{Deadline, clock};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;
use serde_json::{Value, json};

use super::failure::{Cause, Failure, Step};
use super::header::{self, Kind, MESSAGE_LIMIT};
use super::{COUNTING, FOUND_LIMIT, Found, Receiver, Removed, Since};
use crate::tracker::{Instance, Token};

/// Messages a folder may have.
const MESSAGES_LIMIT: usize = 500_000;
/// Bytes read at once: most headers fit.
const CHUNK: usize = 8 * 1024;
/// How much older than the mark a file may be and still be new to us: clocks of file servers differ.
const MARGIN: Duration = Duration::from_secs(3600);
/// How often it is looked at again.
const INTERVAL: Duration = Duration::from_millis(200);

/// A Maildir, and what of it is known already.
#[derive(Debug)]
pub struct Maildir {
    folders: Vec<Folder>,
    instance: Instance,
    /// Files changed before this are not new.
    since: Duration,
    mark: Duration,
    /// By folder and unique name.
    seen: HashSet<(usize, String)>,
    deadline: Deadline,
}

#[derive(Clone, Debug)]
struct Folder {
    name: String,
    path: PathBuf,
    is_junk: bool,
}

/// A file of a folder.
struct Entry {
    /// `new` or `cur`.
    place: &'static str,
    /// Its name without the flags behind the colon: that stays.
    unique: String,
    name: String,
}

impl Maildir {
    /// Opens it; its folders must be there.
    pub fn open(
        path: &Path,
        receiver: &Receiver,
        since: &Since,
        deadline: Deadline,
    ) -> Result<Self, Failure> {
        let named = |name: &String, is_junk| Folder {
            name: name.clone(),
            path: path.join(format!(".{name}")),
            is_junk,
        };
        let mut folders = vec![Folder { name: "INBOX".to_owned(), path: path.to_owned(), is_junk: false }];
        folders.extend(receiver.way.junk_folder.iter().map(|name| named(name, true)));
        folders.extend(receiver.way.folders.iter().map(|name| named(name, false)));
        if let Some(bad) =
            folders.iter().skip(1).find(|folder| folder.name.contains(['/', '\0']) || folder.name.is_empty())
        {
            let told = format!(
                "folder '{}' of a Maildir: give its name without '/', levels divided by '.'",
                bad.name
            );
            return Err(Failure::new(Step::Folder, Common::Local(told)));
        }
        let begins = match since {
            Since::Now | Since::Beginning => Duration::ZERO,
            // The clock may have been set back since then.
            Since::Mark(mark) => marked(mark).min(clock::since_epoch()).saturating_sub(MARGIN),
        };
        let mut maildir = Self {
            folders,
            instance: receiver.instance.clone(),
            since: begins,
            mark: clock::since_epoch(),
            seen: HashSet::new(),
            deadline,
        };
        let entries = maildir.list()?;
        if *since == Since::Now {
            maildir.seen = entries.into_iter().map(|(folder, entry)| (folder, entry.unique)).collect();
        }
        Ok(maildir)
    }

    /// Reads what is new.
    pub fn look(&mut self) -> Result<Vec<Found>, Failure> {
        // Taken before the look: what comes in its course is new to the next.
        let began = clock::since_epoch();
        let fresh: Vec<(usize, Entry)> = self
            .list()?
            .into_iter()
            .filter(|(folder, entry)| !self.seen.contains(&(*folder, entry.unique.clone())))
            .collect();
        let (folders, since, instance) = (self.folders.clone(), self.since, self.instance.clone());
        let read = within(self.deadline, Step::Look, move || {
            let mut seen = Vec::new();
            let mut found = Vec::new();
            for (index, entry) in fresh {
                if found.len() >= FOUND_LIMIT {
                    return Ok((seen, found, false));
                }
                if let Some(folder) = folders.get(index) {
                    found.extend(folder.read(&entry, since)?.filter(|found| found.instance == instance));
                }
                seen.push((index, entry.unique));
            }
            Ok((seen, found, true))
        });
        let (seen, found, is_whole) = read?;
        self.seen.extend(seen);
        if is_whole {
            self.mark = began;
        }
        Ok(found)
    }

    /// All that is asked from now on ends by this deadline.
    pub fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = deadline;
    }

    /// Lets the time to the next look pass.
    pub fn pause(&self, at_most: Duration) {
        clock::pause(self.deadline, at_most.min(INTERVAL));
    }

    /// Removes the files that carry these marks, each looked at once more.
    pub fn remove(&mut self, found: &[Found]) -> Result<Removed, Failure> {
        let wanted: Vec<(usize, String, Token)> = found
            .iter()
            .filter(|found| found.kind == Kind::Probe && found.instance == self.instance)
            .filter_map(|found| {
                let index = self.folders.iter().position(|folder| folder.name == found.folder)?;
                Some((index, found.uid.clone(), found.token.clone()))
            })
            .collect();
        let (folders, instance, all) = (self.folders.clone(), self.instance.clone(), found.len());
        let entries = self.list()?;
        let removed = within(self.deadline, Step::Remove, move || {
            let mut removed = 0;
            for (index, entry) in entries {
                let token = wanted.iter().find(|(folder, uid, _)| *folder == index && *uid == entry.unique);
                if let (Some((.., token)), Some(folder)) = (token, folders.get(index)) {
                    removed += usize::from(folder.remove(&entry, &instance, token)?);
                }
            }
            Ok(removed)
        })?;
        Ok(Removed { gone: removed, flagged: 0, left: all - removed })
    }

    /// Probes of ours in all folders, or in as much of them as there is time to read.
    pub fn probes(&self) -> Result<usize, Failure> {
        let patience = self.deadline.at_most(COUNTING);
        let reading = patience.less(patience.left() / 10);
        let (folders, instance) = (self.folders.clone(), self.instance.clone());
        within(patience, Step::Look, move || {
            let mut count = 0;
            for folder in &folders {
                for entry in folder.list()? {
                    if reading.left().is_zero() {
                        return Ok(count);
                    }
                    let found = folder.read(&entry, Duration::ZERO)?;
                    count += usize::from(
                        found.is_some_and(|found| found.kind == Kind::Probe && found.instance == instance),
                    );
                }
            }
            Ok(count)
        })
    }

    /// Where the next run goes on.
    pub fn mark(&self) -> Value {
        json!({ "kind": "maildir", "at": u64::try_from(self.mark.as_millis()).unwrap_or(u64::MAX) })
    }

    fn list(&self) -> Result<Vec<(usize, Entry)>, Failure> {
        let folders = self.folders.clone();
        within(self.deadline, Step::Look, move || {
            let mut all = Vec::new();
            for (index, folder) in folders.iter().enumerate() {
                all.extend(folder.list()?.into_iter().map(|entry| (index, entry)));
            }
            Ok(all)
        })
    }
}

/// Works on it on a thread that is waited for until the deadline.
fn within<T: Send + 'static>(
    deadline: Deadline,
    step: Step,
    work: impl FnOnce() -> Result<T, Cause> + Send + 'static,
) -> Result<T, Failure> {
    let timeout = || Err(Common::Timeout(deadline.budget()).into());
    clock::within(deadline, work).unwrap_or_else(timeout).map_err(|cause| Failure::new(step, cause))
}

/// The time of a mark; none of ours: from the beginning.
fn marked(mark: &Value) -> Duration {
    let is_ours = mark.get("kind").and_then(Value::as_str) == Some("maildir");
    let at = mark.get("at").and_then(Value::as_u64).filter(|_| is_ours);
    at.map(Duration::from_millis).unwrap_or_default()
}

impl Folder {
    fn fault(&self, place: &str, error: Errno) -> Cause {
        let path = self.path.join(place);
        Common::Local(format!("Maildir '{}': {}", path.display(), system_words(&error.into()))).into()
    }

    fn open(&self, place: &str) -> Result<OwnedFd, Cause> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        rustix::fs::open(self.path.join(place), flags, Mode::empty())
            .map_err(|error| self.fault(place, error))
    }

    fn list(&self) -> Result<Vec<Entry>, Cause> {
        let mut entries = Vec::new();
        for place in ["new", "cur"] {
            let directory = self.open(place)?;
            for entry in Dir::read_from(&directory).map_err(|error| self.fault(place, error))? {
                let entry = entry.map_err(|error| self.fault(place, error))?;
                // A name that is not UTF-8 is none a mail server gives.
                let Ok(name) = entry.file_name().to_str() else { continue };
                if name.starts_with('.') {
                    continue;
                }
                if entries.len() >= MESSAGES_LIMIT {
                    return Err(Cause::Broken(format!("a folder of more than {MESSAGES_LIMIT} messages")));
                }
                let unique = name.split(':').next().unwrap_or(name).to_owned();
                entries.push(Entry { place, unique, name: name.to_owned() });
            }
        }
        Ok(entries)
    }

    /// What a file is to us; `None`: nothing, or it is gone, or it is older than `since`.
    fn read(&self, entry: &Entry, since: Duration) -> Result<Option<Found>, Cause> {
        let directory = self.open(entry.place)?;
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = match rustix::fs::openat(&directory, entry.name.as_str(), flags, Mode::empty()) {
            Ok(file) => file,
            // Another program may move messages about; and a link is no message.
            Err(Errno::NOENT | Errno::LOOP) => return Ok(None),
            Err(error) => return Err(self.fault(entry.place, error)),
        };
        let about = rustix::fs::fstat(&file).map_err(|error| self.fault(entry.place, error))?;
        let seconds = |time: i64| Duration::from_secs(u64::try_from(time).unwrap_or_default());
        let is_file = FileType::from_raw_mode(about.st_mode) == FileType::RegularFile;
        if !is_file || seconds(about.st_ctime) + Duration::from_secs(1) < since {
            return Ok(None);
        }
        let message = beginning(File::from(file));
        let message = message
            .map_err(|error| self.fault(entry.place, Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
        let Some((kind, instance, token)) = header::recognise(&message) else { return Ok(None) };
        Ok(Some(Found {
            kind,
            instance,
            token,
            folder: self.name.clone(),
            is_junk: self.is_junk,
            uid: entry.unique.clone(),
            arrived: Some(seconds(about.st_mtime) + Duration::from_nanos(about.st_mtime_nsec)),
            message,
        }))
    }

    fn remove(&self, entry: &Entry, instance: &Instance, token: &Token) -> Result<bool, Cause> {
        let is_it = self.read(entry, Duration::ZERO)?.is_some_and(|found| {
            found.kind == Kind::Probe && found.instance == *instance && found.token == *token
        });
        if !is_it {
            return Ok(false);
        }
        match rustix::fs::unlinkat(self.open(entry.place)?, entry.name.as_str(), AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(self.fault(entry.place, error)),
        }
    }
}

/// The header; of a report 64 KiB.
fn beginning(mut file: File) -> std::io::Result<Vec<u8>> {
    let mut message = Vec::new();
    loop {
        let room = CHUNK.min(MESSAGE_LIMIT - message.len());
        let count = file.by_ref().take(room as u64).read_to_end(&mut message)?;
        if count == 0 || message.len() >= MESSAGE_LIMIT {
            return Ok(message);
        }
        let header = header::header_of(&message);
        if header.len() < message.len() && !header::is_report(header) {
            let length = header.len();
            message.truncate(length);
            return Ok(message);
        }
    }
}
