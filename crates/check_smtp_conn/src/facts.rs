//! What was seen.

use std::net::SocketAddr;
use std::time::Duration;

use check_smtp_core::error::Failure;
use check_smtp_core::net::Attempt;
use check_smtp_core::session::Record;
use check_smtp_core::smtp::Reply;
use check_smtp_core::timeline::Timeline;

/// Everything a run saw.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The name lookup, shared by all visits, with its time.
    pub lookup: Timeline,
    /// The lookup failed; there are no visits then.
    pub lookup_failure: Option<Failure>,
    /// Each session that was tried.
    pub visits: Vec<Visit>,
}

/// One session, from the connect on.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The port that was asked.
    pub port: u16,
    /// The address that answered; a Unix socket has none.
    pub address: Option<SocketAddr>,
    /// Addresses tried, when, and with what result.
    pub attempts: Vec<Attempt>,
    /// What the session saw.
    pub record: Record,
    /// The answer to MAIL FROM.
    pub mail: Option<Reply>,
    /// The answers to the admin's commands, in their order.
    pub answers: Vec<Reply>,
    /// Where the session could not go on.
    pub failure: Option<Failure>,
}

impl Visit {
    /// The time until the session had done all it was asked, QUIT not counted.
    pub fn total(&self) -> Duration {
        self.record.timeline.total()
    }

    /// Whether the connection was established.
    pub fn is_connected(&self) -> bool {
        self.record.timeline.of(check_smtp_core::Phase::Connect).is_some()
    }
}
