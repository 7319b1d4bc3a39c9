//! What was said, for `-vvv`: kept beside the mailbox, so that it is there whatever became of it.

use std::sync::{Arc, Mutex, PoisonError};

/// Lines kept.
const LINES_LIMIT: usize = 200;
/// Characters kept of each.
const LINE_LIMIT: usize = 300;

/// What was said to a mailbox's server, over all connections. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Dialogue(Option<Arc<Mutex<Vec<String>>>>);

impl Dialogue {
    /// One that is kept; the default one is not.
    pub fn kept() -> Self {
        Self(Some(Arc::default()))
    }

    /// What was said so far: `C: ` or `S: ` and the line, secrets starred; not yet cleaned.
    pub fn lines(&self) -> Vec<String> {
        let kept = self.0.as_ref().map(|lines| lines.lock().unwrap_or_else(PoisonError::into_inner).clone());
        kept.unwrap_or_default()
    }

    /// Keeps a line; what nobody will be shown is not put together.
    pub(super) fn keep(&self, who: &str, line: impl FnOnce() -> String) {
        let Some(lines) = &self.0 else { return };
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() < LINES_LIMIT {
            lines.push(format!("{who}: {}", line().chars().take(LINE_LIMIT).collect::<String>()));
        }
    }
}
