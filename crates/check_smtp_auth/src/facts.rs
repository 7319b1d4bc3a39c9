//! What was seen.

use check_smtp_core::contact::Contact;
use check_smtp_core::contact::token::TokenOrigin;
use check_smtp_core::session::Login;
use check_smtp_core::smtp::Reply;
use check_smtp_core::timeline::Phase;

use crate::args::Test;

/// Everything a run saw.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The session that logs in; `None` with `--no-login`.
    pub visit: Option<Visit>,
    /// The other side of the door.
    pub doors: Vec<Door>,
}

/// The session that logs in.
#[derive(Clone, Debug)]
pub struct Visit {
    /// What every check sees.
    pub contact: Contact,
    /// What the login was.
    pub attempt: Attempt,
}

/// A login and what came after it.
#[derive(Clone, Debug, Default)]
pub struct Attempt {
    /// Who logged in.
    pub user: String,
    /// Where the token came from, where one was to be fetched.
    pub token: Option<TokenOrigin>,
    /// The login, once it was begun.
    pub login: Option<Login>,
    /// The answer to MAIL FROM.
    pub mail: Option<Reply>,
    /// The answer to RCPT TO.
    pub rcpt: Option<Reply>,
}

/// One test of the other side of the door.
#[derive(Clone, Debug)]
pub struct Door {
    /// Which.
    pub test: Test,
    /// Its own contact with the server.
    pub contact: Contact,
    /// The reply that tells, and to what: RCPT TO (or MAIL FROM, where that was refused already), or AUTH.
    pub answer: Option<(Phase, Reply)>,
    /// The login with the random password.
    pub login: Option<Login>,
}
