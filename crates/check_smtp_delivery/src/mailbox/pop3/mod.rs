//! POP3 (RFC 1939). A session sees the mailbox as it was at its login, so that each look is a session of its own; between two of them
//! there is none, since some servers lock the mailbox for as long as one lasts.
//!
//! Never a whole message: UIDL tells which are new, TOP gives their headers.

pub mod parse;
mod talk;

use std::collections::HashSet;
use std::time::Duration;

use check_smtp_core::net::{Deadline, clock};
use serde_json::{Value, json};

use self::talk::Talk;
use super::failure::{Failure, Step};
use super::header::{self, Kind};
use super::login::Login;
use super::source::Server;
use super::{FOUND_LIMIT, Found, Receiver, Removed, Since};

/// Messages looked at from the end where nobody knows what is new.
const TAIL: usize = 200;
/// Names kept for the next run: the last of the mailbox.
const MARK_LIMIT: usize = 512;
/// Lines of the body of a report: enough to quote our header.
const REPORT_LINES: usize = 400;

/// A mailbox by POP3.
#[derive(Debug)]
pub struct Pop3 {
    server: Server,
    receiver: Receiver,
    login: Login,
    deadline: Deadline,
    /// The session of the last look, until it is ended.
    session: Option<Session>,
    /// All that need not be looked at any more.
    seen: HashSet<u64>,
    /// The names of the last messages, in the order of the mailbox.
    last: Vec<u64>,
    /// When the mailbox was as the last look has seen it, since 1970.
    looked: Duration,
}

#[derive(Debug)]
struct Session {
    /// Since 1970; what comes later it does not see.
    began: Duration,
    talk: Talk,
    messages: Vec<(u32, u64)>,
}

impl Pop3 {
    /// Logs in once, and decides what is new.
    pub fn open(
        server: Server,
        receiver: Receiver,
        login: Login,
        since: &Since,
        deadline: Deadline,
    ) -> Result<Self, Failure> {
        let (seen, last, looked) = (HashSet::new(), Vec::new(), Duration::ZERO);
        let mut pop3 = Self { server, receiver, login, deadline, session: None, seen, last, looked };
        pop3.begin()?;
        let messages = pop3.session.iter().flat_map(|session| &session.messages).map(|(_, name)| *name);
        let names: Vec<u64> = messages.collect();
        pop3.seen = seen_of(&names, since);
        pop3.last = tail(names.iter().copied().filter(|name| pop3.seen.contains(name)).collect());
        Ok(pop3)
    }

    fn begin(&mut self) -> Result<(), Failure> {
        let began = clock::since_epoch();
        let mut talk = Talk::open(&self.server, &self.receiver.way, &self.login, self.deadline)?;
        let messages = talk.list()?;
        self.session = Some(Session { began, talk, messages });
        Ok(())
    }

    /// Looks at the headers of new messages.
    pub fn look(&mut self) -> Result<Vec<Found>, Failure> {
        if self.session.is_none() {
            self.begin()?;
        }
        let mut found = Vec::new();
        let Some(session) = &mut self.session else { return Ok(found) };
        self.looked = session.began;
        for (number, name) in &session.messages {
            if found.len() >= FOUND_LIMIT {
                break;
            }
            if self.seen.contains(name) {
                continue;
            }
            let mut message = session.talk.top(Step::Look, *number, 0)?;
            if header::is_report(header::header_of(&message)) {
                message = session.talk.top(Step::Look, *number, REPORT_LINES)?;
            }
            self.seen.insert(*name);
            let Some((kind, instance, token)) = header::recognise(&message) else { continue };
            if instance == self.receiver.instance {
                found.push(Found {
                    kind,
                    instance,
                    token,
                    folder: "INBOX".to_owned(),
                    is_junk: false,
                    uid: format!("{name:016x}"),
                    arrived: None,
                    message,
                });
            }
        }
        let known = session.messages.iter().map(|(_, name)| *name).filter(|name| self.seen.contains(name));
        self.last = tail(known.collect());
        Ok(found)
    }

    /// All that is asked from now on ends by this deadline.
    pub fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = deadline;
        if let Some(session) = &mut self.session {
            session.talk.connection().set_deadline(deadline);
        }
    }

    /// Ends the session, and lets the time to the next pass.
    pub fn pause(&mut self, at_most: Duration) {
        if let Some(session) = self.session.take() {
            session.talk.leave();
        }
        clock::pause(self.deadline, at_most);
    }

    /// Removes these, each looked at once more.
    pub fn remove(&mut self, found: &[Found]) -> Result<Removed, Failure> {
        let wanted: Vec<&Found> = found
            .iter()
            .filter(|found| found.kind == Kind::Probe && found.instance == self.receiver.instance)
            .collect();
        let mut result = Removed::default();
        if wanted.is_empty() {
            return Ok(Removed { left: found.len(), ..result });
        }
        if self.session.is_none() {
            self.begin()?;
        }
        let Some(mut session) = self.session.take() else { return Ok(result) };
        for found in wanted {
            let is_it = |(_, name): &&(u32, u64)| format!("{name:016x}") == found.uid;
            let Some((number, _)) = session.messages.iter().find(is_it) else { continue };
            let message = session.talk.top(Step::Remove, *number, 0)?;
            let mark = header::recognise(&message);
            if mark == Some((Kind::Probe, found.instance.clone(), found.token.clone())) {
                session.talk.delete(*number)?;
                result.gone += 1;
            }
        }
        session.talk.quit(Step::Remove)?;
        result.left = found.len() - result.gone;
        Ok(result)
    }

    /// Where the next run goes on.
    pub fn mark(&self) -> Value {
        let names: Vec<String> = self.last.iter().map(|name| format!("{name:016x}")).collect();
        json!({ "kind": "pop3", "seen": names, "at": u64::try_from(self.looked.as_millis()).unwrap_or(u64::MAX) })
    }

    /// Takes leave.
    pub fn leave(self) {
        if let Some(session) = self.session {
            session.talk.leave();
        }
    }
}

/// What need not be looked at of a mailbox with these names, in its order.
fn seen_of(names: &[u64], since: &Since) -> HashSet<u64> {
    let before_tail = names.len().saturating_sub(TAIL);
    let kept: HashSet<u64> = match since {
        Since::Now => return names.iter().copied().collect(),
        Since::Beginning => HashSet::new(),
        Since::Mark(mark) => marked(mark),
    };
    // What stands before the first that is known was there before it; where none is known any more the last are looked at.
    let first = names.iter().position(|name| kept.contains(name)).unwrap_or(before_tail);
    names.iter().take(first).copied().chain(kept).collect()
}

fn marked(mark: &Value) -> HashSet<u64> {
    let is_ours = mark.get("kind").and_then(Value::as_str) == Some("pop3");
    let names = mark.get("seen").and_then(Value::as_array).filter(|_| is_ours);
    let names = names.into_iter().flatten().filter_map(Value::as_str);
    names.filter_map(|name| u64::from_str_radix(name, 16).ok()).collect()
}

/// The last of them.
fn tail(mut names: Vec<u64>) -> Vec<u64> {
    let surplus = names.len().saturating_sub(MARK_LIMIT);
    names.drain(..surplus);
    names
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Since, seen_of};

    /// How many of these are new.
    fn fresh(names: &[u64], since: &Since) -> Vec<u64> {
        let seen = seen_of(names, since);
        names.iter().copied().filter(|name| !seen.contains(name)).collect()
    }

    #[test]
    fn what_is_new() {
        let names: Vec<u64> = (1..=1000).collect();
        assert!(fresh(&names, &Since::Now).is_empty());
        assert_eq!(fresh(&names, &Since::Beginning), (801..=1000).collect::<Vec<u64>>());
        let mark = |names: &[&str]| Since::Mark(json!({ "kind": "pop3", "seen": names }));
        // 998 and 999 are known, 999 is gone, 1000 is new.
        assert_eq!(fresh(&names[..1000], &mark(&["00000000000003e6", "00000000000003e7"])), [1000]);
        // Nothing known is there any more, or the mark is another's.
        assert_eq!(fresh(&names, &mark(&["ffffffffffffffff"])).len(), 200);
        assert_eq!(fresh(&names, &Since::Mark(json!({ "kind": "imap" }))).len(), 200);
        assert_eq!(fresh(&[7], &mark(&[])), [7]);
    }
}
