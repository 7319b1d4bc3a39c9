//! Counting probes. The server's search is good enough for a number; what is found or removed is compared here.

use super::Imap;
use super::parse::Response;
use crate::mailbox::COUNTING;
use crate::mailbox::failure::{Cause, Failure, Step};
use crate::mailbox::header::PROBE_HEADER;

/// Messages of a folder that are searched, the last ones: so many numbers fit into one line of an answer.
pub(super) const WINDOW: u32 = 5000;

impl Imap {
    /// Probes of ours among the last messages of each folder; `None` where the server does not search.
    pub fn probes(&mut self) -> Result<Option<usize>, Failure> {
        let deadline = self.talk.connection().deadline();
        self.talk.connection().set_deadline(deadline.at_most(COUNTING));
        let mut counted = Ok(0);
        for index in 0..self.folders.len() {
            let is_refused = self.folders.get(index).is_some_and(|folder| folder.is_refused);
            if let (Ok(before), false) = (&counted, is_refused) {
                let before = *before;
                let within = self.count(index);
                counted = self.unless_refused(index, within).map(|within: usize| before + within);
            }
        }
        self.talk.connection().set_deadline(deadline);
        match counted {
            Ok(count) => Ok(Some(count)),
            Err(Failure { step: Step::Look, cause: Cause::Refused(_) }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    fn count(&mut self, index: usize) -> Result<usize, Failure> {
        if self.open.is_some_and(|open| open.index == index) {
            self.talk.ask(Step::Look, "NOOP", |_| {})?;
        } else {
            self.examine(index)?;
        }
        let exists = self.talk.exists;
        if exists == 0 {
            return Ok(0);
        }
        let first = exists.saturating_sub(WINDOW - 1).max(1);
        let command = format!("UID SEARCH {first}:* HEADER {PROBE_HEADER} \"{}/\"", self.instance);
        let (mut count, most) = (0_usize, usize::try_from(exists.min(WINDOW)).unwrap_or(usize::MAX));
        self.talk.ask(Step::Look, &command, |response| {
            if let Response::Search(found) = response {
                count = count.saturating_add(found.len()).min(most);
            }
        })?;
        Ok(count)
    }
}
