//! What was seen in a session, as it was seen.

use crate::net::tls;
use crate::smtp::{Capabilities, Reply};
use crate::timeline::Timeline;

/// Lines of dialogue kept for `-vvv`.
const DIALOGUE_LIMIT: usize = 200;
/// Characters kept of each.
const DIALOGUE_LINE: usize = 300;
/// Everything seen in a session so far; what was seen before a failure stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Whether the dialogue is kept; what nobody will be shown is not put together.
    pub keeps_dialogue: bool,
    /// The finished steps.
    pub timeline: Timeline,
    /// What was said, secrets starred out, bounded; not yet cleaned, which [`crate::plugin::Section`] does.
    pub dialogue: Vec<String>,
    /// The greeting.
    pub greeting: Option<Reply>,
    /// Each introduction, in order: in the clear, then inside TLS.
    pub introductions: Vec<Introduction>,
    /// What the handshake showed.
    pub tls: Option<tls::Session>,
}

impl Record {
    pub(super) fn said(&mut self, who: &str, line: &str) {
        if self.keeps_dialogue && self.dialogue.len() < DIALOGUE_LIMIT {
            let kept = line
                .char_indices()
                .nth(DIALOGUE_LINE)
                .map_or(line, |(end, _)| line.get(..end).unwrap_or(line));
            self.dialogue.push(format!("{who}: {kept}"));
        }
    }

    pub(super) fn replied(&mut self, reply: &Reply) {
        if !self.keeps_dialogue {
            return;
        }
        let last = reply.lines().len().saturating_sub(1);
        for (index, line) in reply.lines().iter().enumerate().take(DIALOGUE_LIMIT) {
            let separator = if index == last { ' ' } else { '-' };
            self.said("S", &format!("{:03}{separator}{line}", reply.code()));
        }
    }
}

/// The server's answer to EHLO, LHLO or HELO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introduction {
    /// Whether it was said inside TLS.
    pub is_over_tls: bool,
    /// Whether EHLO was refused and HELO taken, which announces nothing.
    pub is_helo: bool,
    /// What it announced.
    pub capabilities: Capabilities,
}
