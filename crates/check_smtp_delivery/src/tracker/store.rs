//! The file that keeps a route's probes from one run to the next.
//!
//! The directory is opened once and everything is done relative to it; nothing in it is followed that is a symbolic link. The lock is
//! held as long as the [`Store`] lives, so that two runs never work on the same state. The file is replaced by rename after it was
//! synced, and the directory is synced after that: what was reported written is there after a crash, whole.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use check_smtp_core::error::system_words;
use check_smtp_core::net::{Deadline, clock};
use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::json::{self, Unreadable};
use super::{Instance, Tracker};

/// Bytes of a state file.
const FILE_LIMIT: u64 = 2 * 1024 * 1024;
/// Files moved aside that are kept; a disk is not filled with them.
const ASIDE_LIMIT: u32 = 100;
/// Ours alone.
const OWN: Mode = Mode::from_raw_mode(0o600);

/// The state of a route, locked.
#[derive(Debug)]
pub struct Store {
    held: Arc<Held>,
}

/// Shared with the thread that writes, so that the lock outlives a run that could not wait for it.
#[derive(Debug)]
struct Held {
    place: Place,
    /// Closing it lets the lock go.
    _lock: OwnedFd,
}

/// Where a state is kept.
#[derive(Debug)]
struct Place {
    directory: OwnedFd,
    path: PathBuf,
    instance: Instance,
}

/// What was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing: the first run.
    Nothing,
    /// A state.
    State,
    /// A file that is broken. It is kept under the name given, and everything it knew is unknown.
    MovedAside {
        /// Its new name.
        to: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// Why the state cannot be used. Each says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreFault {
    /// The directory is not there.
    #[error("--state-dir '{}': is not there: make it for the user that runs the checks (install -d -m 700 -o USER DIR)", path.display())]
    Missing {
        /// The directory.
        path: PathBuf,
    },
    /// The directory is not ours, or open to others.
    #[error("--state-dir '{}': {what}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What is wrong, and what would be right.
        what: String,
    },
    /// A file in it cannot be read or written.
    #[error("state file '{}' (--state-dir): {what}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what would be right.
        what: String,
    },
    /// Another run of the same route is still at work.
    #[error("another run with the same state is at work ('{}' is locked): let runs end before the next begins, or give each route its own state", .0.display())]
    Locked(PathBuf),
    /// The file system does not answer.
    #[error("--state-dir '{}': could not be read or written in time: is it on a file server that does not answer?", .0.display())]
    Slow(PathBuf),
}

impl Store {
    /// Opens the state of an instance below `directory`, waiting for another run that has it, within the deadline.
    pub fn open(
        directory: &Path,
        instance: &Instance,
        deadline: Deadline,
    ) -> Result<(Self, Tracker, Found), StoreFault> {
        let waits = Arc::new(AtomicBool::new(false));
        let (path, instance, told) = (directory.to_owned(), instance.clone(), Arc::clone(&waits));
        let lock_path = path.join(lock_name(&instance));
        let opened = clock::within(deadline, move || open(path, instance, &told));
        opened.unwrap_or_else(|| {
            let is_locked = waits.load(Ordering::Acquire);
            Err(if is_locked {
                StoreFault::Locked(lock_path)
            } else {
                StoreFault::Slow(directory.to_owned())
            })
        })
    }

    /// Puts the state on the disk; it is there when this returns.
    pub fn save(&self, tracker: &Tracker, deadline: Deadline) -> Result<(), StoreFault> {
        let held = Arc::clone(&self.held);
        let text = json::write(&held.place.instance, tracker);
        let slow = || StoreFault::Slow(self.held.place.path.clone());
        let saved = clock::within(deadline, move || held.place.replace(text.as_bytes()));
        saved.unwrap_or_else(|| Err(slow()))
    }

    /// The file.
    pub fn path(&self) -> PathBuf {
        self.held.place.path.join(file_name(&self.held.place.instance))
    }
}

fn file_name(instance: &Instance) -> String {
    format!("delivery-{instance}.json")
}

fn lock_name(instance: &Instance) -> String {
    format!("delivery-{instance}.lock")
}

fn open(
    path: PathBuf,
    instance: Instance,
    waits: &AtomicBool,
) -> Result<(Store, Tracker, Found), StoreFault> {
    let place = Place { directory: open_directory(&path)?, path, instance };
    let lock = place.lock(waits)?;
    let (tracker, found) = place.load()?;
    Ok((Store { held: Arc::new(Held { place, _lock: lock }) }, tracker, found))
}

/// A directory that is ours or root's, and that nobody else can write to: whoever can, can put anything in our file's place.
fn open_directory(path: &Path) -> Result<OwnedFd, StoreFault> {
    let fault = |what: String| StoreFault::Directory { path: path.to_owned(), what };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| match error {
        Errno::NOENT => StoreFault::Missing { path: path.to_owned() },
        other => fault(no_directory(other)),
    })?;
    let about = rustix::fs::fstat(&directory).map_err(|error| fault(words(error)))?;
    if about.st_mode & 0o022 != 0 {
        return Err(fault(
            "can be written by others: chmod go-w it, or give a directory of its own".to_owned(),
        ));
    }
    if ![0, rustix::process::geteuid().as_raw()].contains(&about.st_uid) {
        return Err(fault(format!(
            "belongs to the user with the number {}: chown it to the user that runs the checks",
            about.st_uid
        )));
    }
    Ok(directory)
}

fn no_directory(error: Errno) -> String {
    match error {
        Errno::NOTDIR => "is no directory: give one".to_owned(),
        Errno::ACCESS => "permission denied: chown it to the user that runs the checks".to_owned(),
        other => words(other),
    }
}

impl Place {
    fn fault(&self, name: &str, what: String) -> StoreFault {
        StoreFault::File { path: self.path.join(name), what }
    }

    fn told(&self, name: &str) -> impl Fn(Errno) -> StoreFault {
        let path = self.path.join(name);
        move |error| StoreFault::File { path: path.clone(), what: remedy(error) }
    }

    /// Waits for the lock as long as it takes: the caller has a deadline and leaves this thread behind.
    fn lock(&self, waits: &AtomicBool) -> Result<OwnedFd, StoreFault> {
        let name = lock_name(&self.instance);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let lock =
            rustix::fs::openat(&self.directory, name.as_str(), flags, OWN).map_err(self.told(&name))?;
        waits.store(true, Ordering::Release);
        loop {
            match rustix::fs::flock(&lock, FlockOperation::LockExclusive) {
                Ok(()) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(self.told(&name)(error)),
            }
        }
        waits.store(false, Ordering::Release);
        Ok(lock)
    }

    fn load(&self) -> Result<(Tracker, Found), StoreFault> {
        let name = file_name(&self.instance);
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = match rustix::fs::openat(&self.directory, name.as_str(), flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok((Tracker::default(), Found::Nothing)),
            Err(error) => return Err(self.told(&name)(error)),
        };
        let about = rustix::fs::fstat(&file).map_err(self.told(&name))?;
        self.refuse_foreign(&name, &about)?;
        let mut text = Vec::new();
        let read = File::from(file).take(FILE_LIMIT + 1).read_to_end(&mut text);
        read.map_err(|error| self.fault(&name, system_words(&error)))?;
        if text.len() as u64 > FILE_LIMIT {
            return self.move_aside(&name, "it is larger than 2 MiB");
        }
        match json::read(&text, &self.instance) {
            Ok(tracker) => Ok((tracker, Found::State)),
            Err(Unreadable::Corrupt(why)) => self.move_aside(&name, &why),
            Err(Unreadable::Newer(schema)) => Err(self.fault(
                &name,
                format!(
                    "was written by a newer version (schema {schema}): bring this check up to date, or move the file away"
                ),
            )),
        }
    }

    /// A file that others have written, or could have, is not believed; nor is it touched.
    fn refuse_foreign(&self, name: &str, about: &Stat) -> Result<(), StoreFault> {
        let what = if FileType::from_raw_mode(about.st_mode) != FileType::RegularFile {
            "is no regular file: move it away"
        } else if about.st_mode & 0o022 != 0 {
            "can be written by others: chmod 600 it"
        } else if about.st_uid != rustix::process::geteuid().as_raw() {
            "belongs to another user: chown it to the user that runs the checks"
        } else {
            return Ok(());
        };
        Err(self.fault(name, what.to_owned()))
    }

    /// Keeps a broken file for whoever wants to know, under a name that is still free.
    fn move_aside(&self, name: &str, why: &str) -> Result<(Tracker, Found), StoreFault> {
        for number in 1..=ASIDE_LIMIT {
            let aside = format!("{name}.corrupt-{number}");
            // Never over an earlier one: a hard link fails where a rename would replace it.
            match rustix::fs::linkat(&self.directory, name, &self.directory, aside.as_str(), AtFlags::empty())
            {
                Ok(()) => {}
                Err(Errno::EXIST) => continue,
                Err(error) => return Err(self.told(name)(error)),
            }
            rustix::fs::unlinkat(&self.directory, name, AtFlags::empty()).map_err(self.told(name))?;
            rustix::fs::fsync(&self.directory).map_err(self.told(name))?;
            let found = Found::MovedAside { to: self.path.join(aside), why: why.to_owned() };
            return Ok((Tracker::default(), found));
        }
        let what = format!(
            "is broken ({why}), and {ASIDE_LIMIT} broken ones lie beside it: look at them and remove them"
        );
        Err(self.fault(name, what))
    }

    /// Written beside, synced, renamed, and the directory synced.
    fn replace(&self, text: &[u8]) -> Result<(), StoreFault> {
        let name = file_name(&self.instance);
        let beside = format!("{name}.new");
        let told = self.told(&name);
        if text.len() as u64 > FILE_LIMIT {
            return Err(self.fault(&name, "would be larger than 2 MiB, which is not read again".to_owned()));
        }
        // What a killed run has left.
        match rustix::fs::unlinkat(&self.directory, beside.as_str(), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(told(error)),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let written = rustix::fs::openat(&self.directory, beside.as_str(), flags, OWN).and_then(|file| {
            let mut file = File::from(file);
            file.write_all(text).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
            rustix::fs::fsync(&file)?;
            rustix::fs::renameat(&self.directory, beside.as_str(), &self.directory, name.as_str())?;
            rustix::fs::fsync(&self.directory)
        });
        written.map_err(|error| {
            let _ = rustix::fs::unlinkat(&self.directory, beside.as_str(), AtFlags::empty());
            told(error)
        })
    }
}

/// The system's words, and what to do.
fn remedy(error: Errno) -> String {
    let what = match error {
        Errno::LOOP => "is a symbolic link: remove it",
        Errno::ACCESS | Errno::PERM => {
            "permission denied: chown it and its directory to the user that runs the checks"
        }
        Errno::ROFS => "the file system is read-only: mount it writable, or give another directory",
        Errno::NOSPC | Errno::DQUOT => "no space left: make room, or give another directory",
        Errno::ISDIR => "is a directory: move it away",
        other => return words(other),
    };
    what.to_owned()
}

fn words(error: Errno) -> String {
    system_words(&error.into())
}
