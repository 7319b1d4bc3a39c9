//! Looking for probes: a glance at three header lines of each new message, and the whole header of those that are ours.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use check_smtp_core::net::clock;

use super::count::WINDOW;
use super::folder::Position;
use super::parse::{Message, Response};
use super::{Imap, Open};
use crate::mailbox::failure::{Cause, Failure, Step};
use crate::mailbox::header::{self, Kind, MESSAGE_LIMIT, PROBE_HEADER};
use crate::mailbox::{FOUND_LIMIT, Found};
use crate::tracker::Instance;

/// Bytes of the three header lines.
const GLANCE_LIMIT: usize = 4096;
/// Messages glanced at from the end where nobody knows what is new, besides those the server finds.
const TAIL: u32 = 200;
/// Numbers taken from a search.
const SEARCH_LIMIT: usize = 500;
/// Messages of one look at one folder that may be ours.
const CANDIDATES_LIMIT: usize = 10_000;

/// Messages that may be ours, by number.
type Candidates = BTreeMap<u32, Kind>;

impl Imap {
    /// What of ours is new in any of the folders.
    pub fn look(&mut self) -> Result<Vec<Found>, Failure> {
        let began = clock::since_epoch();
        let mut found = Vec::new();
        for index in 0..self.folders.len() {
            let room = FOUND_LIMIT.saturating_sub(found.len());
            let is_refused = self.folders.get(index).is_some_and(|folder| folder.is_refused);
            if room > 0 && !is_refused {
                let looked = self.look_into(index, room);
                found.extend(self.unless_refused(index, looked)?);
            }
        }
        // The main one is the last, unless there was no room left: a wait is for what comes there.
        if self.open.is_none_or(|open| open.index != self.main()) {
            self.examine(self.main())?;
        }
        if found.len() < FOUND_LIMIT {
            self.looked = Some(began);
        }
        Ok(found)
    }

    fn look_into(&mut self, index: usize, room: usize) -> Result<Vec<Found>, Failure> {
        let Some(open) = self.enter(index)? else { return Ok(Vec::new()) };
        let position = self.folders.get(index).and_then(|folder| folder.position);
        let (candidates, mut seen) = match position {
            Some(position) if self.talk.exists == 0 => (Candidates::new(), position.next),
            Some(position) => self.new_since(position.next)?,
            None => self.backlog(open)?,
        };
        if index != self.main() {
            // So that its STATUS tells next time that there is nothing to open it for.
            seen = seen.max(open.numbers.next.unwrap_or_default());
        }
        let taken: Vec<(u32, Kind)> = candidates.iter().take(room).map(|(uid, kind)| (*uid, *kind)).collect();
        let found = self.fetch(index, open, &taken)?;
        // What found no room is new to the next look.
        let next = candidates.keys().nth(taken.len()).copied().unwrap_or(seen);
        if let Some(folder) = self.folders.get_mut(index) {
            folder.position = Some(Position { next, validity: open.numbers.validity.unwrap_or_default() });
        }
        Ok(found)
    }

    /// Opens the folder, or lets the server tell what is new in the open one. `None`: nothing is.
    fn enter(&mut self, index: usize) -> Result<Option<Open>, Failure> {
        if let Some(open) = self.open.filter(|open| open.index == index) {
            // Servers show what has come with the next command (RFC 9051 section 6.1.2).
            self.talk.ask(Step::Look, "NOOP", |_| {})?;
            return Ok(Some(open));
        }
        let position = self.folders.get(index).and_then(|folder| folder.position);
        if index != self.main() && position.is_some() && self.numbers(index)?.position() == position {
            return Ok(None);
        }
        self.examine(index).map(Some)
    }

    /// The new messages that may be ours, and the least number that will be new after them.
    fn new_since(&mut self, next: u32) -> Result<(Candidates, u32), Failure> {
        let next = next.max(1);
        // The star is the last message, whatever its number.
        self.glance(&format!("UID FETCH {next}:*"), next)
    }

    /// Where nobody knows what is new: what the server finds, and the last messages, since its index may lag behind.
    fn backlog(&mut self, open: Open) -> Result<(Candidates, u32), Failure> {
        let (mut candidates, mut next) = (Candidates::new(), open.numbers.next.unwrap_or(1));
        let (exists, mut uids) = (self.talk.exists, Vec::new());
        if exists == 0 {
            return Ok((candidates, next));
        }
        let first = exists.saturating_sub(WINDOW - 1).max(1);
        let command = format!("UID SEARCH {first}:{exists} HEADER {PROBE_HEADER} \"{}/\"", self.instance);
        let searched = self.talk.ask(Step::Look, &command, |response| {
            if let Response::Search(found) = response {
                uids.extend(found.into_iter().take(SEARCH_LIMIT * 20));
                uids.sort_unstable();
                let surplus = uids.len().saturating_sub(SEARCH_LIMIT);
                uids.drain(..surplus);
            }
        });
        match searched {
            Ok(_) | Err(Failure { cause: Cause::Refused(_), .. }) => {}
            Err(failure) => return Err(failure),
        }
        let (tail, after) = self.glance(&format!("FETCH {}:*", exists.saturating_sub(TAIL - 1).max(1)), 1)?;
        candidates.extend(tail);
        next = next.max(after);
        uids.retain(|uid| !candidates.contains_key(uid));
        if !uids.is_empty() {
            candidates.extend(self.glance(&format!("UID FETCH {}", set(uids.iter().copied())), 1)?.0);
        }
        Ok((candidates, next))
    }

    /// Three header lines of each message, from the number `least` on.
    fn glance(&mut self, command: &str, least: u32) -> Result<(Candidates, u32), Failure> {
        let fields = format!(
            "(UID BODY.PEEK[HEADER.FIELDS ({PROBE_HEADER} Message-ID Content-Type)]<0.{GLANCE_LIMIT}>)"
        );
        let (mut candidates, mut next) = (Candidates::new(), least);
        let instance = &self.instance;
        self.talk.ask(Step::Look, &format!("{command} {fields}"), |response| {
            let Response::Fetch(Message { uid: Some(uid), part: Some(part), .. }) = response else { return };
            if uid < least {
                return;
            }
            next = next.max(uid.saturating_add(1));
            if let Some(kind) = promise(&part, instance).filter(|_| candidates.len() < CANDIDATES_LIMIT) {
                candidates.insert(uid, kind);
            }
        })?;
        Ok((candidates, next))
    }

    /// The headers of those that may be ours, each compared here.
    fn fetch(&mut self, index: usize, open: Open, wanted: &[(u32, Kind)]) -> Result<Vec<Found>, Failure> {
        let mut found = Vec::new();
        let Some(folder) = self.folders.get(index) else { return Ok(found) };
        let validity = open.numbers.validity.unwrap_or_default();
        for (kind, section) in [(Kind::Probe, "HEADER"), (Kind::Report, "")] {
            let uids = wanted.iter().filter(|(_, wanted)| *wanted == kind).map(|(uid, _)| *uid);
            let uids: Vec<u32> = uids.collect();
            if uids.is_empty() {
                continue;
            }
            let set = set(uids.iter().copied());
            let command =
                format!("UID FETCH {set} (UID INTERNALDATE BODY.PEEK[{section}]<0.{MESSAGE_LIMIT}>)");
            let instance = &self.instance;
            self.talk.ask(Step::Look, &command, |response| {
                let Response::Fetch(Message { uid: Some(uid), part: Some(message), arrived }) = response
                else {
                    return;
                };
                if !uids.contains(&uid) || found.len() >= wanted.len() {
                    return;
                }
                let Some((kind, owner, token)) = header::recognise(&message) else { return };
                if owner == *instance {
                    found.push(Found {
                        kind,
                        instance: owner,
                        token,
                        folder: folder.name.clone(),
                        is_junk: folder.is_junk,
                        uid: format!("{validity}:{uid}"),
                        arrived,
                        message,
                    });
                }
            })?;
        }
        Ok(found)
    }
}

/// What a message may be to us, by the three header lines.
fn promise(glance: &[u8], instance: &Instance) -> Option<Kind> {
    match header::mark_of(glance) {
        Some((owner, _)) => (owner == *instance).then_some(Kind::Probe),
        None => header::is_report(glance).then_some(Kind::Report),
    }
}

/// Numbers as a set, runs drawn together.
pub fn set(numbers: impl Iterator<Item = u32>) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let mut text = String::new();
    for (first, last) in runs {
        let comma = if text.is_empty() { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = if first == last {
            write!(text, "{comma}{first}")
        } else {
            write!(text, "{comma}{first}:{last}")
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::set;

    #[test]
    fn runs_are_drawn_together() {
        assert_eq!(set([1, 2, 3, 5, 7, 8].into_iter()), "1:3,5,7:8");
        assert_eq!(set([u32::MAX].into_iter()), "4294967295");
        assert_eq!(set(std::iter::empty()), "");
    }
}
