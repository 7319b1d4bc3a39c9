//! Removing probes, and nothing else: by number, where the server can remove single messages (UIDPLUS, RFC 4315).

use super::Imap;
use super::look::set;
use crate::mailbox::failure::{Failure, Step};
use crate::mailbox::header::Kind;
use crate::mailbox::{Found, Removed};

impl Imap {
    /// Removes these; without UIDPLUS they are flagged only, since EXPUNGE would remove what others have flagged.
    pub fn remove(&mut self, found: &[Found]) -> Result<Removed, Failure> {
        let mut result = Removed::default();
        for index in 0..self.folders.len() {
            let Some(folder) = self.folders.get(index) else { continue };
            let ours: Vec<(u32, u32)> = found
                .iter()
                .filter(|found| found.kind == Kind::Probe && found.instance == self.instance)
                .filter(|found| found.folder == folder.name)
                .filter_map(|found| numbers(&found.uid))
                .collect();
            if !ours.is_empty() {
                self.remove_from(index, &ours, &mut result)?;
            }
        }
        result.left = found.len() - result.gone - result.flagged;
        Ok(result)
    }

    fn remove_from(
        &mut self,
        index: usize,
        ours: &[(u32, u32)],
        result: &mut Removed,
    ) -> Result<(), Failure> {
        let numbers = self.select("SELECT", index, Step::Remove)?;
        let validity = numbers.validity.unwrap_or_default();
        let mut uids: Vec<u32> =
            ours.iter().filter(|(age, _)| *age == validity).map(|(_, uid)| *uid).collect();
        uids.sort_unstable();
        uids.dedup();
        if uids.is_empty() {
            return Ok(());
        }
        let set = set(uids.iter().copied());
        self.talk.ask(Step::Remove, &format!("UID STORE {set} +FLAGS.SILENT (\\Deleted)"), |_| {})?;
        if self.talk.can("UIDPLUS") || self.talk.can("IMAP4REV2") {
            self.talk.ask(Step::Remove, &format!("UID EXPUNGE {set}"), |_| {})?;
            result.gone += uids.len();
        } else {
            result.flagged += uids.len();
        }
        Ok(())
    }
}

/// `VALIDITY:UID`.
fn numbers(uid: &str) -> Option<(u32, u32)> {
    let (validity, uid) = uid.split_once(':')?;
    Some((validity.parse().ok()?, uid.parse().ok()?))
}
