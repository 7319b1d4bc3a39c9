//! What was seen.

use check_smtp_core::contact::Contact;
use check_smtp_core::error::Failure;
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
    /// What every check sees.
    pub contact: Contact,
    /// The answer to MAIL FROM.
    pub mail: Option<Reply>,
    /// The answers to the admin's commands, in their order.
    pub answers: Vec<Reply>,
}
