//! One probe and what is known of it.

use std::time::Duration;

use super::Token;

/// Bytes kept of what a server said.
pub(super) const WORDS_LIMIT: usize = 300;
/// Bytes kept of a recipient: the longest path SMTP knows (RFC 5321 section 4.5.3.1.3).
const RECIPIENT_LIMIT: usize = 254;
/// Bytes kept of a folder's name, a queue id, the place of a copy.
pub(super) const NAME_LIMIT: usize = 100;
/// Copies of one message told apart, beyond those that are to come.
const COPIES_LIMIT: usize = 8;

/// A message that was sent, or may have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Which one it is.
    pub token: Token,
    /// To whom; several with commas between.
    pub recipient: String,
    /// Copies that are to arrive: one for each recipient whose message was taken, or may have been.
    pub expected: usize,
    /// When it was sent, since 1970.
    pub sent: Duration,
    /// The number the server gave it.
    pub queue_id: Option<String>,
    /// What became of it.
    pub state: State,
    /// Where each copy was found; more than one is a duplicate.
    pub(super) copies: Vec<String>,
}

/// What became of a probe. Times are since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It may have been sent: no answer came after the final dot, or the run ended before it.
    Uncertain,
    /// Taken by the server, not yet arrived.
    Pending,
    /// Arrived in time.
    Received(Place, Duration),
    /// Arrived, but later than it should.
    Late(Place, Duration),
    /// Not arrived in its time; when that was noticed.
    Lost(Duration),
    /// Came back, when, and in whose words.
    Bounced(Duration, String),
}

/// Where a probe arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The folder.
    pub folder: String,
    /// Whether that is where spam goes.
    pub is_junk: bool,
}

/// A probe that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When it arrived, since 1970.
    pub at: Duration,
    /// Where.
    pub place: Place,
    /// What tells this copy from another of the same message: folder and number in it.
    pub copy: String,
}

impl Probe {
    /// A probe that is about to be sent: uncertain, until the server has answered.
    pub(super) fn planned(token: Token, recipients: &[&str], now: Duration) -> Self {
        Self {
            token,
            recipient: bounded(&recipients.join(", "), RECIPIENT_LIMIT),
            expected: recipients.len(),
            sent: now,
            queue_id: None,
            state: State::Uncertain,
            copies: Vec::new(),
        }
    }

    /// How long ago it was sent.
    pub fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.sent)
    }

    /// When its outcome was known.
    pub fn completed(&self) -> Option<Duration> {
        match &self.state {
            State::Uncertain | State::Pending => None,
            State::Received(_, at) | State::Late(_, at) | State::Lost(at) | State::Bounced(at, _) => {
                Some(*at)
            }
        }
    }

    /// How long it took to arrive; `None` unless it has.
    pub fn took(&self) -> Option<Duration> {
        match &self.state {
            State::Received(_, at) | State::Late(_, at) => Some(at.saturating_sub(self.sent)),
            _ => None,
        }
    }

    /// Copies found of it.
    pub fn copies(&self) -> usize {
        self.copies.len()
    }

    /// Whether more copies have come than were to.
    pub fn is_duplicate(&self) -> bool {
        self.copies.len() > self.expected
    }

    /// Whether it is still to be looked for: it has not arrived, or not any more.
    pub fn is_wanted(&self) -> bool {
        matches!(self.state, State::Uncertain | State::Pending | State::Lost(_))
    }

    /// Notes a copy; whether it is a new one.
    pub(super) fn has_new(&mut self, copy: &str) -> bool {
        let copy = bounded(copy, NAME_LIMIT);
        if self.copies.iter().any(|known| *known == copy || is_renumbered(known, &copy)) {
            return false;
        }
        if self.copies.len() < self.expected.saturating_add(COPIES_LIMIT) {
            self.copies.push(copy);
        }
        true
    }
}

/// Whether these are numbers of two ages in one IMAP folder (`UIDVALIDITY:UID/FOLDER`): it may be one copy under a new number.
fn is_renumbered(known: &str, copy: &str) -> bool {
    let parts = |copy: &str| {
        let (uid, folder) = copy.split_once('/')?;
        let (age, number) = uid.split_once(':')?;
        Some((age.parse::<u32>().ok()?, number.parse::<u32>().ok()?, folder.to_owned()))
    };
    let (Some((age, _, folder)), Some((other, _, same))) = (parts(known), parts(copy)) else { return false };
    age != other && folder == same
}

/// The first `limit` bytes at the most, in whole characters, control characters as spaces: the file stays bounded.
pub(super) fn bounded(text: &str, limit: usize) -> String {
    let mut kept = String::with_capacity(text.len().min(limit));
    for character in text.chars() {
        if kept.len() + character.len_utf8() > limit {
            break;
        }
        kept.push(if character.is_control() { ' ' } else { character });
    }
    kept
}
