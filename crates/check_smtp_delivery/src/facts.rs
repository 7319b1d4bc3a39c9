//! What was seen.

use std::path::PathBuf;
use std::time::Duration;

use check_smtp_core::cli::Target;
use check_smtp_core::contact::Contact;
use check_smtp_core::contact::token::TokenOrigin;
use check_smtp_core::error::{Cause, Failure};
use check_smtp_core::net::dns::Exchangers;
use check_smtp_core::session::{Fate, Login};
use check_smtp_core::timeline::{Phase, Timeline};

use crate::mailbox::{Failure as MailboxFailure, Removed, Verdict};
use crate::mark::Mark;
use crate::tracker::{Found, StoreFault, Token, Tracker};

/// Everything a run saw.
#[derive(Clone, Debug)]
pub struct Facts {
    /// What marks this probe; `None` where the system gave no random bytes.
    pub mark: Option<Mark>,
    /// Its Message-ID, where it was built.
    pub message_id: Option<String>,
    /// Bytes of the message, where it was built.
    pub size: Option<usize>,
    /// The MX records of the recipients' domain, with `--mx`.
    pub exchangers: Option<Exchangers>,
    /// The time they took.
    pub lookup: Timeline,
    /// The hosts asked, in order; the last one is the one that counts.
    pub visits: Vec<Visit>,
    /// What was seen in the mailbox, where one is looked into and there was something to send.
    pub arrival: Option<Arrival>,
    /// What is known of this probe and earlier ones, where a mailbox is looked into.
    pub history: Option<History>,
}

/// What is known of probes from one run to the next.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// All that is known, at the end of the run.
    pub tracker: Tracker,
    /// When it was judged: as of the look for what earlier runs have sent, or the end of the run where there was none. Since 1970.
    pub now: Duration,
    /// What the state file was; `None` where none could be had.
    pub found: Option<Found>,
    /// The usual directory, which is not there: nothing is kept.
    pub without: Option<PathBuf>,
    /// What is wrong with the state.
    pub fault: Option<StoreFault>,
    /// Why no message was sent.
    pub unsent: Option<Unsent>,
    /// Probes of earlier runs that were found in this one.
    pub came: Vec<Token>,
    /// Probes of earlier runs of which a further copy was found in this one.
    pub again: Vec<Token>,
    /// Messages of ours in the mailbox that no run knows of.
    pub strangers: usize,
}

/// Why no message was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsent {
    /// The next run would not know of it.
    NoState,
    /// As many as can be kept are under way.
    TooMany,
}

/// What was seen in the mailbox the message was to arrive in.
#[derive(Clone, Debug, Default)]
pub struct Arrival {
    /// Copies waited for: one for each recipient whose message was taken, or may have been.
    pub expected: usize,
    /// Copies found, in the order they were seen.
    pub copies: Vec<Copy>,
    /// The header of the first copy, 64 KiB of it at the most.
    pub header: Option<Vec<u8>>,
    /// What reports on this message say.
    pub reports: Vec<Verdict>,
    /// Why it could not be looked at, or no longer.
    pub failure: Option<MailboxFailure>,
    /// How long it was looked for after the message was sent.
    pub waited: Duration,
    /// What came of the removal, where anything was to be removed.
    pub removal: Option<Result<Removed, MailboxFailure>>,
    /// Probes that would have been removed (`--dry-run`).
    pub spared: usize,
    /// Probes of this instance that lie in the mailbox at the end, where something may have stayed there and the mailbox tells.
    pub lying: Option<usize>,
    /// Junk folders that cannot be read.
    pub unreadable: Vec<String>,
    /// What was said (`-vvv`).
    pub dialogue: Vec<String>,
}

/// A copy of the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// The folder it lies in.
    pub folder: String,
    /// Whether spam goes there.
    pub is_junk: bool,
    /// When it was seen, since the sending began.
    pub after: Duration,
}

/// One host and what it said.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The host as a target of its own.
    pub target: Target,
    /// What every check sees.
    pub contact: Contact,
    /// The login, where one was to be made.
    pub login: Attempt,
    /// What became of the message for each recipient; empty where it was not begun.
    pub fates: Vec<Fate>,
}

/// A login and where its secret came from.
#[derive(Clone, Debug, Default)]
pub struct Attempt {
    /// Who logged in.
    pub user: String,
    /// Where the token came from, where one was to be fetched.
    pub token: Option<TokenOrigin>,
    /// The login, once it was begun.
    pub login: Option<Login>,
}

impl Visit {
    /// Whether a sender would ask the next host (RFC 5321 section 5.1): this one was never reached, or put us off at the greeting.
    /// Nothing was said about the message yet.
    pub fn leads_on(&self) -> bool {
        match &self.contact.failure {
            Some(Failure { phase: Phase::Dns | Phase::Connect, cause }) => !matches!(cause, Cause::Local(_)),
            Some(Failure { phase: Phase::Banner, cause: Cause::Refused(reply) }) => reply.is_transient(),
            Some(Failure { phase: Phase::Banner, cause: Cause::Closed | Cause::Reset }) => true,
            _ => false,
        }
    }
}
