//! Keeps what is known of probes from one run to the next. Decides nothing: what cannot be kept is a fact.

use std::time::Duration;

use check_smtp_core::net::{Deadline, clock};
use check_smtp_core::secret;
use check_smtp_core::session::Fate;
use check_smtp_core::smtp::{Mailbox, queue_id};

use crate::args::{Config, Mode, Tracking};
use crate::facts::{History, Unsent};
use crate::mailbox::{Action, Found, Kind, Since, header_of, verdicts};
use crate::mark::Mark;
use crate::trace;
use crate::tracker::{Arrival, Noted, Place, Store, StoreFault, Token};

/// A state that another run has is waited for, and a file server that does not answer, in this part of the time.
const SHARE: u32 = 4;

/// The state of the route, held until the run is over.
pub struct Keeper {
    tracking: Tracking,
    mark: Mark,
    store: Option<Store>,
    history: History,
    /// When an earlier run last looked into the mailbox, where its mark says so.
    looked: Duration,
    /// When the mailbox was looked through for what earlier runs have sent.
    judged: Option<Duration>,
    deadline: Deadline,
}

impl Keeper {
    /// Takes hold of the state, waiting for another run that has it.
    pub fn open(config: &Config, tracking: Tracking, mark: &Mark, deadline: Deadline) -> Self {
        let directory = secret::state_directory(config.state_dir.as_deref());
        let opened = Store::open(&directory, &mark.instance, deadline.part(deadline.left() / SHARE));
        let mut keeper = Self {
            tracking,
            mark: mark.clone(),
            store: None,
            history: History::default(),
            looked: Duration::ZERO,
            judged: None,
            deadline,
        };
        match opened {
            Ok((store, tracker, found)) => {
                let looked = tracker.mark().and_then(|mark| mark.get("at")?.as_u64());
                keeper.looked = looked.map(Duration::from_millis).unwrap_or_default();
                keeper.store = Some(store);
                keeper.history = History { tracker, found: Some(found), ..History::default() };
            }
            // A run that waits for its message can do without, where nobody has asked for a state.
            Err(StoreFault::Missing { path })
                if config.state_dir.is_none() && tracking.mode == Mode::Wait =>
            {
                keeper.history.without = Some(path);
            }
            Err(fault) => keeper.history.fault = Some(fault),
        }
        keeper
    }

    /// Without a state nothing is sent where the next run is to look for it, nor is anything looked at.
    pub fn usable(mut self) -> Result<Self, Box<History>> {
        if self.tracking.mode == Mode::Wait || self.store.is_some() {
            return Ok(self);
        }
        self.history.unsent = Some(Unsent::NoState);
        Err(Box::new(self.finish()))
    }

    /// From where on the mailbox is to be looked through.
    pub fn since(&self) -> Since {
        match (&self.store, self.history.tracker.mark()) {
            (None, _) => Since::Now,
            (Some(_), None) => Since::Beginning,
            (Some(_), Some(mark)) => Since::Mark(mark.clone()),
        }
    }

    /// Whether anything of earlier runs may be known.
    pub fn remembers(&self) -> bool {
        self.store.is_some()
    }

    /// Notes what was found in the mailbox; whether it is one we know of.
    pub fn note(&mut self, found: &Found) -> bool {
        let now = clock::since_epoch();
        let not_before = self.not_before(&found.token, now);
        let (tracker, limits) = (&mut self.history.tracker, &self.tracking.limits);
        let stamp = || stamp(found, tracker.probe(&found.token)?.sent, self.looked);
        // The mailbox's clock may be ahead of ours; behind it is no fault either, see the tracker.
        let at = found.arrived.or_else(stamp).map_or(now, |at| at.clamp(not_before, now));
        let noted = match found.kind {
            Kind::Probe => {
                let place = Place { folder: found.folder.clone(), is_junk: found.is_junk };
                let noted = tracker.arrived(&found.token, &Arrival { at, place, copy: found.copy() }, limits);
                if matches!(noted, Noted::First | Noted::AfterLoss) {
                    self.history.came.push(found.token.clone());
                    tracker.keep_header(&found.token, header_of(&found.message));
                }
                if matches!(noted, Noted::Again(_)) && !self.history.again.contains(&found.token) {
                    self.history.again.push(found.token.clone());
                }
                noted
            }
            Kind::Report => {
                let failed =
                    verdicts(&found.message).into_iter().find(|verdict| verdict.action == Action::Failed);
                match failed {
                    Some(verdict) => {
                        let words = if verdict.words.is_empty() { verdict.status } else { verdict.words };
                        // Noticed now: one that has lain there for longer than the window must be told all the same.
                        tracker.bounced(&found.token, now, &words)
                    }
                    None if tracker.probe(&found.token).is_some() => Noted::Known,
                    None => Noted::Stranger,
                }
            }
        };
        // That of this run is ours, also where there was no room to remember it.
        let is_known = noted != Noted::Stranger || found.token == self.mark.token;
        self.history.strangers += usize::from(!is_known);
        is_known
    }

    /// What an earlier run has looked for in vain came after that, whatever the mailbox's clock says, or whoever has put it there.
    fn not_before(&self, token: &Token, now: Duration) -> Duration {
        let probe = self.history.tracker.probe(token);
        let was_missed = probe.is_some_and(|probe| probe.is_wanted() && probe.sent < self.looked);
        if was_missed && self.looked <= now { self.looked } else { Duration::ZERO }
    }

    /// Messages under our name that no run knows of.
    pub fn strangers(&self) -> usize {
        self.history.strangers
    }

    /// Once the mailbox was looked through: what should have been there and was not is lost.
    pub fn looked(&mut self) {
        let now = clock::since_epoch();
        self.history.tracker.advance(now, &self.tracking.limits);
        self.judged = Some(now);
    }

    /// Notes the probe before it is sent; whether it may be. One that could not be remembered is not sent where the next run is to look
    /// for it.
    pub fn plan(&mut self, recipients: &[Mailbox]) -> bool {
        let to: Vec<&str> = recipients.iter().map(Mailbox::address).collect();
        let token = self.mark.token.clone();
        if self.history.tracker.plan(token, &to, clock::since_epoch()).is_err() {
            self.history.unsent = Some(Unsent::TooMany);
            return self.tracking.mode == Mode::Wait;
        }
        self.save(self.deadline);
        let may = self.tracking.mode == Mode::Wait || self.history.fault.is_none();
        if !may {
            self.history.tracker.withdrawn(&self.mark.token);
            self.history.unsent = Some(Unsent::NoState);
        }
        may
    }

    /// What became of the sending.
    pub fn sent(&mut self, fates: &[Fate]) {
        let token = &self.mark.token;
        let accepted = fates.iter().find_map(|fate| match fate {
            Fate::Accepted(reply) => Some(reply),
            _ => None,
        });
        let expected = expected(fates);
        match accepted {
            Some(reply) => {
                self.history.tracker.accepted(token, queue_id(reply).as_deref(), expected);
            }
            None if expected == 0 => self.history.tracker.withdrawn(token),
            // It stays uncertain.
            None => {}
        }
        self.save(self.deadline);
    }

    /// The mailbox was looked through up to here, and what was to be removed is: the next run begins there.
    pub fn looked_through(&mut self, mark: serde_json::Value) {
        self.history.tracker.set_mark(Some(mark));
    }

    /// Keeps what is known so far.
    pub fn keep(&mut self) {
        self.save(self.deadline);
    }

    /// By when all else must have ended, so that there is time to keep what is known.
    pub fn deadline_of_others(&self) -> Deadline {
        self.deadline.less((RESERVE / 2).min(self.deadline.left() / 2))
    }

    /// Keeps everything, and tells what is known.
    pub fn finish(mut self) -> History {
        self.save(self.deadline);
        // As of the look: what was noticed then must not be over when it is told.
        self.history.now = self.judged.unwrap_or_else(clock::since_epoch);
        self.history
    }

    /// The first fault is the one that is told.
    fn save(&mut self, deadline: Deadline) {
        if let Some(store) = &self.store
            && let Err(fault) = store.save(&self.history.tracker, deadline)
        {
            self.history.fault.get_or_insert(fault);
        }
    }
}

/// When the last server took a message, for a mailbox that does not tell when it arrived itself (POP3): else its time would be that from
/// one run to the next. `None` where it did not get on from there for a while: it was not there when the mailbox was last looked at.
fn stamp(found: &Found, sent: Duration, looked: Duration) -> Option<Duration> {
    trace::received_at(header_of(&found.message)).filter(|stamp| sent.max(*stamp) >= looked)
}

/// Copies to wait for: one for each recipient whose message was taken, or may have been.
pub fn expected(fates: &[Fate]) -> usize {
    fates.iter().filter(|fate| fate.is_accepted() || matches!(fate, Fate::Uncertain(_))).count()
}

/// The part of the time that is kept for saving what is known, and for taking leave.
pub const RESERVE: Duration = Duration::from_secs(1);
