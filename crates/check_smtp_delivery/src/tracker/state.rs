//! The state machine of a route's probes. Pure: the time is an argument, since 1970.

use std::time::Duration;

use serde_json::Value;

use super::probe::{NAME_LIMIT, WORDS_LIMIT, bounded};
use super::{Arrival, Place, Probe, State, Token};

/// Probes kept at the most whose end is not known, or that are lost.
pub const PROBES_LIMIT: usize = 1000;
/// Bytes kept of a header.
const HEADER_LIMIT: usize = 32 * 1024;
/// Probes kept at the most that arrived or bounced.
const FINISHED_LIMIT: usize = 50;

/// How long what may take. All ends are inclusive: a probe that took exactly `late_after` is in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A probe that arrives after more than this is late.
    pub late_after: Duration,
    /// A probe that has not arrived after more than this is lost.
    pub lost_after: Duration,
    /// So long a lost one counts, from when it was noticed.
    pub window: Duration,
}

/// What a report about a probe was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It ended what was open.
    First,
    /// A copy, and more are to come.
    Part,
    /// It had been lost and is there after all.
    AfterLoss,
    /// It had bounced, and arrived as well.
    AfterBounce,
    /// A further copy: so many are known now.
    Again(usize),
    /// This very copy was reported before.
    Known,
    /// None of ours, or one so old that it was forgotten.
    Stranger,
}

/// No room for another probe: all that are kept are pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Everything known about the probes of a route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tracker {
    /// In the order they were sent.
    probes: Vec<Probe>,
    /// How far the mailbox was looked through, in the mailbox's own words.
    mark: Option<Value>,
    /// The header of the last one that arrived.
    header: Option<(Token, String)>,
}

impl Tracker {
    pub(super) fn from_parts(
        mut probes: Vec<Probe>,
        mark: Option<Value>,
        header: Option<(Token, String)>,
    ) -> Self {
        probes.sort_by_key(|probe| probe.sent);
        Self { probes, mark, header }
    }

    /// Notes a probe before the end of its message is sent, so that no crash forgets it.
    ///
    /// Where there is no room the oldest lost one makes it, else the oldest uncertain one; pending ones never do.
    pub fn plan(&mut self, token: Token, recipients: &[&str], now: Duration) -> Result<(), Full> {
        let kept = self.probes.iter().filter(|probe| probe.is_wanted()).count();
        if kept >= PROBES_LIMIT {
            let position =
                |is_meant: fn(&State) -> bool| self.probes.iter().position(|probe| is_meant(&probe.state));
            let lost = position(|state| matches!(state, State::Lost(_)));
            let least = lost.or_else(|| position(|state| *state == State::Uncertain));
            self.probes.remove(least.ok_or(Full)?);
        }
        self.probes.push(Probe::planned(token, recipients, now));
        Ok(())
    }

    /// The server has taken it, or may have, for so many recipients.
    pub fn accepted(&mut self, token: &Token, queue_id: Option<&str>, recipients: usize) {
        if let Some(probe) = self.find(token).filter(|probe| probe.state == State::Uncertain) {
            probe.state = State::Pending;
            probe.expected = recipients;
            probe.queue_id = queue_id.map(|id| bounded(id, NAME_LIMIT));
        }
    }

    /// It was never sent: refused, put off, or broken off before the final dot.
    pub fn withdrawn(&mut self, token: &Token) {
        self.probes.retain(|probe| probe.token != *token || probe.state != State::Uncertain);
    }

    /// It was found.
    pub fn arrived(&mut self, token: &Token, arrival: &Arrival, limits: &Limits) -> Noted {
        let Some(probe) = self.find(token) else { return Noted::Stranger };
        if !probe.has_new(&arrival.copy) {
            return Noted::Known;
        }
        let noted = match probe.state {
            State::Uncertain | State::Pending | State::Lost(_) if probe.copies() < probe.expected => {
                return Noted::Part;
            }
            State::Uncertain | State::Pending => Noted::First,
            State::Lost(_) => Noted::AfterLoss,
            State::Bounced(..) => return Noted::AfterBounce,
            State::Received(..) | State::Late(..) => return Noted::Again(probe.copies()),
        };
        let took = arrival.at.saturating_sub(probe.sent);
        // What was called lost already is late, whatever its date says: an alarm stood.
        let is_late = took > limits.late_after || noted == Noted::AfterLoss;
        // A server whose clock is behind ours had it no earlier than we sent it.
        let at = arrival.at.max(probe.sent);
        let place = Place { folder: bounded(&arrival.place.folder, NAME_LIMIT), ..arrival.place };
        probe.state = if is_late { State::Late(place, at) } else { State::Received(place, at) };
        noted
    }

    /// It came back. That counts even where a copy has arrived.
    pub fn bounced(&mut self, token: &Token, at: Duration, words: &str) -> Noted {
        let Some(probe) = self.find(token) else { return Noted::Stranger };
        let noted = match probe.state {
            State::Bounced(..) => return Noted::Known,
            State::Lost(_) => Noted::AfterLoss,
            _ => Noted::First,
        };
        probe.state = State::Bounced(at.max(probe.sent), bounded(words, WORDS_LIMIT));
        noted
    }

    /// Lets time pass: what has waited too long is lost, what nobody asks about any more is forgotten.
    ///
    /// To be called after the mailbox was looked through, or what lies there would be called lost.
    pub fn advance(&mut self, now: Duration, limits: &Limits) {
        for probe in &mut self.probes {
            // The clock was set back: what seems to come from the future begins now.
            probe.sent = probe.sent.min(now);
            match &mut probe.state {
                State::Pending if now.saturating_sub(probe.sent) > limits.lost_after => {
                    probe.state = State::Lost(now);
                }
                State::Received(_, at) | State::Late(_, at) | State::Lost(at) | State::Bounced(at, _) => {
                    *at = (*at).min(now);
                }
                State::Pending | State::Uncertain => {}
            }
        }
        self.forget(now, limits);
    }

    fn forget(&mut self, now: Duration, limits: &Limits) {
        // Something is always known of the route, however long ago.
        let arrived = self.probes.iter().filter(|probe| probe.took().is_some());
        let last = arrived.max_by_key(|probe| probe.completed()).map(|probe| probe.token.clone());
        let is_last = |probe: &Probe| last.as_ref() == Some(&probe.token);
        self.probes.retain(|probe| match probe.completed() {
            Some(at) => is_last(probe) || now.saturating_sub(at) <= limits.window,
            None => {
                probe.state == State::Pending
                    || probe.age(now) <= limits.lost_after.saturating_add(limits.window)
            }
        });
        let finished = self.probes.iter().filter(|probe| !probe.is_wanted()).count();
        let mut surplus = finished.saturating_sub(FINISHED_LIMIT);
        self.probes.retain(|probe| {
            let goes = surplus > 0 && !probe.is_wanted() && !is_last(probe);
            surplus -= usize::from(goes);
            !goes
        });
    }

    fn find(&mut self, token: &Token) -> Option<&mut Probe> {
        self.probes.iter_mut().find(|probe| probe.token == *token)
    }

    /// All that are known, in the order they were sent.
    pub fn probes(&self) -> &[Probe] {
        &self.probes
    }

    /// One of them.
    pub fn probe(&self, token: &Token) -> Option<&Probe> {
        self.probes.iter().find(|probe| probe.token == *token)
    }

    /// Those to look for, the oldest first.
    pub fn wanted(&self) -> impl Iterator<Item = &Probe> {
        self.probes.iter().filter(|probe| probe.is_wanted())
    }

    /// The one whose outcome was known last; of several the one sent last.
    pub fn last_completed(&self) -> Option<&Probe> {
        self.probes.iter().filter(|probe| probe.completed().is_some()).max_by_key(|probe| probe.completed())
    }

    /// The oldest that was taken and has not arrived.
    pub fn oldest_pending(&self) -> Option<&Probe> {
        self.probes.iter().find(|probe| probe.state == State::Pending)
    }

    /// How many were taken and have not arrived.
    pub fn pending(&self) -> usize {
        self.probes.iter().filter(|probe| probe.state == State::Pending).count()
    }

    /// How many may have been sent.
    pub fn uncertain(&self) -> usize {
        self.probes.iter().filter(|probe| probe.state == State::Uncertain).count()
    }

    /// How many are lost within the window.
    pub fn lost(&self, now: Duration, limits: &Limits) -> usize {
        self.within(now, limits, |state| matches!(state, State::Lost(_)))
    }

    /// How many have bounced within the window.
    pub fn bounces(&self, now: Duration, limits: &Limits) -> usize {
        self.within(now, limits, |state| matches!(state, State::Bounced(..)))
    }

    fn within(&self, now: Duration, limits: &Limits, is_meant: impl Fn(&State) -> bool) -> usize {
        let counts = |probe: &&Probe| {
            is_meant(&probe.state)
                && probe.completed().is_some_and(|at| now.saturating_sub(at) <= limits.window)
        };
        self.probes.iter().filter(counts).count()
    }

    /// The header of a probe that arrived, as far as it is kept.
    pub fn header(&self, token: &Token) -> Option<&str> {
        self.header.as_ref().filter(|(of, _)| of == token).map(|(_, text)| text.as_str())
    }

    /// The one that is kept, and of which probe.
    pub(super) fn kept_header(&self) -> Option<&(Token, String)> {
        self.header.as_ref()
    }

    /// Keeps the header of the probe that arrived last: what it says holds until the next one arrives.
    pub fn keep_header(&mut self, token: &Token, header: &[u8]) {
        let Some(arrived) = self.probe(token).filter(|probe| probe.took().is_some()) else { return };
        let kept = self.header.as_ref().and_then(|(of, _)| self.probe(of)?.completed());
        if kept <= arrived.completed() {
            let header = header.get(..HEADER_LIMIT).unwrap_or(header);
            self.header = Some((token.clone(), String::from_utf8_lossy(header).into_owned()));
        }
    }

    /// How far the mailbox was looked through.
    pub fn mark(&self) -> Option<&Value> {
        self.mark.as_ref()
    }

    /// Keeps how far the mailbox was looked through.
    pub fn set_mark(&mut self, mark: Option<Value>) {
        self.mark = mark;
    }
}
