//! What was seen.

use check_smtp_core::cli::Target;
use check_smtp_core::contact::Contact;
use check_smtp_core::contact::token::TokenOrigin;
use check_smtp_core::error::{Cause, Failure};
use check_smtp_core::net::dns::Exchangers;
use check_smtp_core::session::{Fate, Login};
use check_smtp_core::timeline::{Phase, Timeline};

use crate::mark::Mark;

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
