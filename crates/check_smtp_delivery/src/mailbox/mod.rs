//! The mailbox probes arrive in: found there by the header they were sent with, and removed without touching anything else.
//!
//! Every kind asks only for what is new since a [`Since`], compares the headers it fetched here, and gives back what is ours. What a
//! server sends is bounded in bytes and in time, whatever it is.

mod connection;
mod dialogue;
mod failure;
mod header;
mod http;
pub mod imap;
mod login;
mod maildir;
pub mod pop3;
mod report;
mod source;

use std::time::Duration;

use check_smtp_core::error::Cause as Common;
use check_smtp_core::net::{Deadline, Family, Host, tls};
use serde_json::Value;

pub use dialogue::Dialogue;
pub use failure::{Cause, Failure, Step};
pub use header::{Kind, MESSAGE_LIMIT, PROBE_HEADER, field, header_of, recognise};
pub use login::Login;
pub use report::{Action, Verdict, verdicts};
pub use source::{Api, Server, Site, Source};

use crate::tracker::{Instance, Token};
use http::Http;
use imap::Imap;
use maildir::Maildir;
use pop3::Pop3;

/// Messages of ours taken at once; the next look takes the next.
pub const FOUND_LIMIT: usize = 50;
/// A count of probes takes no longer than this: it is a side of the run.
const COUNTING: Duration = Duration::from_secs(3);
/// QUIT and LOGOUT wait no longer than this.
const PARTING: Duration = Duration::from_millis(500);

/// How a mailbox is reached, and what of it is looked at.
#[derive(Clone, Debug)]
pub struct Way {
    /// Where to connect, if not to the host named (`--receive-address`).
    pub connect: Option<Host>,
    /// Which addresses.
    pub family: Family,
    /// How TLS is spoken; `sni` and `identity` are those of [`Server::names`], or the admin's.
    pub tls: tls::Settings,
    /// Folders looked at besides the main one and the junk folder.
    pub folders: Vec<String>,
    /// The junk folder, where the server does not tell (SPECIAL-USE) or a Maildir cannot.
    pub junk_folder: Option<String>,
    /// Where the dialogue is kept (`-vvv`).
    pub dialogue: Dialogue,
}

/// Whose probes are looked for, and where.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// The mailbox.
    pub source: Source,
    /// How it is reached.
    pub way: Way,
    /// Only probes of this instance are found, and removed.
    pub instance: Instance,
    /// Who looks; a Maildir needs nobody, a sandbox only where it asks for a password.
    pub login: Option<Login>,
}

/// From where on a mailbox is looked through.
#[derive(Clone, Debug, PartialEq)]
pub enum Since {
    /// What comes from now on: nothing of ours is under way.
    Now,
    /// All of it, within bounds: something is under way, and nobody knows since when.
    Beginning,
    /// From where an earlier run has stopped: what [`Mailbox::mark`] gave. One that does not fit the mailbox any more is [`Since::Beginning`].
    Mark(Value),
}

/// A message of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The probe itself, or a report on it.
    pub kind: Kind,
    /// Whose.
    pub instance: Instance,
    /// Which one.
    pub token: Token,
    /// The folder it lies in.
    pub folder: String,
    /// Whether spam goes there.
    pub is_junk: bool,
    /// What the mailbox calls it, unique for good within the folder.
    pub uid: String,
    /// When the mailbox took it, since 1970, where it tells.
    pub arrived: Option<Duration>,
    /// Its beginning as it was fetched, 64 KiB at the most: of a probe the header, of a report some of the body too.
    pub message: Vec<u8>,
}

impl Found {
    /// What tells this copy from any other.
    pub fn copy(&self) -> String {
        format!("{}/{}", self.uid, self.folder)
    }
}

/// What came of a removal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Not there any more.
    pub gone: usize,
    /// Flagged `\Deleted` only: the server cannot remove single messages (UIDPLUS), and all that anybody has flagged is not ours to remove.
    pub flagged: usize,
    /// Left where they are: reports, and what was gone or had changed.
    pub left: usize,
}

/// A mailbox, open.
#[derive(Debug)]
pub struct Mailbox(Opened);

#[derive(Debug)]
enum Opened {
    Imap(Box<Imap>),
    Pop3(Box<Pop3>),
    Maildir(Box<Maildir>),
    Http(Box<Http>),
}

impl Mailbox {
    /// Opens it: connected, logged in, and sure of where "new" begins.
    pub fn open(receiver: &Receiver, since: &Since, deadline: Deadline) -> Result<Self, Failure> {
        let login = || {
            let none = Common::Local("no user and secret to log in with".to_owned());
            receiver.login.clone().ok_or_else(|| Failure::new(Step::Login, none))
        };
        let opened = match &receiver.source {
            Source::Imap(server) => {
                Opened::Imap(Box::new(Imap::open(server, receiver, &login()?, since, deadline)?))
            }
            Source::Pop3(server) => Opened::Pop3(Box::new(Pop3::open(
                server.clone(),
                receiver.clone(),
                login()?,
                since,
                deadline,
            )?)),
            Source::Maildir(path) => {
                Opened::Maildir(Box::new(Maildir::open(path, receiver, since, deadline)?))
            }
            Source::Http(api, site) => {
                Opened::Http(Box::new(Http::open(*api, site, receiver, since, deadline)?))
            }
        };
        Ok(Self(opened))
    }

    /// What of ours has come since the last look, 50 messages at the most.
    pub fn look(&mut self) -> Result<Vec<Found>, Failure> {
        match &mut self.0 {
            Opened::Imap(imap) => imap.look(),
            Opened::Pop3(pop3) => pop3.look(),
            Opened::Maildir(maildir) => maildir.look(),
            Opened::Http(http) => http.look(),
        }
    }

    /// All that is asked of it from now on ends by this deadline.
    pub fn set_deadline(&mut self, deadline: Deadline) {
        match &mut self.0 {
            Opened::Imap(imap) => imap.set_deadline(deadline),
            Opened::Pop3(pop3) => pop3.set_deadline(deadline),
            Opened::Maildir(maildir) => maildir.set_deadline(deadline),
            Opened::Http(http) => http.set_deadline(deadline),
        }
    }

    /// Waits before the next look, `at_most` so long; less where the mailbox tells that something has come (IDLE).
    pub fn pause(&mut self, at_most: Duration) -> Result<(), Failure> {
        match &mut self.0 {
            Opened::Imap(imap) => imap.pause(at_most),
            Opened::Pop3(pop3) => {
                pop3.pause(at_most);
                Ok(())
            }
            Opened::Maildir(maildir) => {
                maildir.pause(at_most);
                Ok(())
            }
            Opened::Http(http) => {
                http.pause(at_most);
                Ok(())
            }
        }
    }

    /// Removes exactly these, and of these only probes of the receiver's instance; nothing else, whatever others have flagged.
    pub fn remove(&mut self, found: &[Found]) -> Result<Removed, Failure> {
        match &mut self.0 {
            Opened::Imap(imap) => imap.remove(found),
            Opened::Pop3(pop3) => pop3.remove(found),
            Opened::Maildir(maildir) => maildir.remove(found),
            Opened::Http(http) => http.remove(found),
        }
    }

    /// How many probes of the receiver's instance lie there now, in all folders that are looked at: at least so many, since a large mailbox
    /// is counted in its last messages, or for 3 seconds. `None` where it cannot tell: POP3 has no search, and an IMAP server may refuse it.
    /// After a failure the mailbox is only to be left.
    pub fn probes(&mut self) -> Result<Option<usize>, Failure> {
        match &mut self.0 {
            Opened::Imap(imap) => imap.probes(),
            Opened::Pop3(_) => Ok(None),
            Opened::Maildir(maildir) => maildir.probes().map(Some),
            Opened::Http(http) => http.probes().map(Some),
        }
    }

    /// How far it was looked through, for the next run.
    pub fn mark(&self) -> Value {
        match &self.0 {
            Opened::Imap(imap) => imap.mark(),
            Opened::Pop3(pop3) => pop3.mark(),
            Opened::Maildir(maildir) => maildir.mark(),
            Opened::Http(http) => http.mark(),
        }
    }

    /// Junk folders that the server names and does not let us read: what lies there seems lost.
    pub fn unreadable(&self) -> Vec<String> {
        match &self.0 {
            Opened::Imap(imap) => imap.unreadable(),
            Opened::Pop3(_) | Opened::Maildir(_) | Opened::Http(_) => Vec::new(),
        }
    }

    /// Takes leave; whatever comes of it changes nothing.
    pub fn leave(self) {
        match self.0 {
            Opened::Imap(imap) => imap.leave(),
            Opened::Pop3(pop3) => pop3.leave(),
            Opened::Maildir(_) | Opened::Http(_) => {}
        }
    }
}
