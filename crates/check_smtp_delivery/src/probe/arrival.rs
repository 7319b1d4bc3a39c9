//! Looks for the message where it is to arrive. Decides nothing.

use std::time::Duration;

use check_smtp_core::error::Cause as Common;
use check_smtp_core::net::{Deadline, clock};
use check_smtp_core::secret::Hidden;
use check_smtp_core::smtp::sasl::{Credentials, Needs};

use crate::args::{Access, Config, Receive};
use crate::facts::{Arrival, Copy};
use crate::mailbox::{
    Action, Cause, Dialogue, Failure, Found, Kind, Login, Mailbox, Receiver, Since, Step, header_of, verdicts,
};
use crate::mark::Mark;

/// Kept of the time: to remove what was found, and to take leave.
const RESERVE: Duration = Duration::from_secs(1);
/// Between two looks at the least and at the most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// So long a second copy may take after the last one that was waited for.
const SETTLE: Duration = Duration::from_millis(250);

/// A mailbox that is watched from before the message was sent.
pub struct Watch<'c> {
    receive: &'c Receive,
    mark: Mark,
    mailbox: Option<Mailbox>,
    dialogue: Dialogue,
    /// The secret, which the mailbox may repeat before it was told.
    hidden: Hidden,
    ours: Vec<Found>,
    arrival: Arrival,
}

impl<'c> Watch<'c> {
    /// Opens it, in a share of the time: whatever comes of it, the message must still go out.
    pub fn open(
        config: &Config,
        receive: &'c Receive,
        mark: &Mark,
        sender: Option<&Credentials>,
        deadline: Deadline,
    ) -> Self {
        let dialogue = if config.style.verbosity >= 3 { Dialogue::kept() } else { Dialogue::default() };
        let mut watch = Self {
            receive,
            mark: mark.clone(),
            mailbox: None,
            dialogue: dialogue.clone(),
            hidden: Hidden::default(),
            ours: Vec::new(),
            arrival: Arrival::default(),
        };
        let left = deadline.left();
        let opening = (left.saturating_sub(receive.wait) / 2).max(left / 4);
        let share = deadline.part(opening);
        let login = match login(config, &receive.access, sender, share) {
            Ok(login) => login,
            Err(words) => {
                watch.failed(Failure::new(Step::Login, Common::Local(words)));
                return watch;
            }
        };
        if let Some(login) = &login {
            watch.hidden.add(login.secret.expose());
        }
        let mut way = receive.way.clone();
        way.dialogue = dialogue;
        let instance = mark.instance.clone();
        let receiver = Receiver { source: receive.source.clone(), way, instance, login };
        // What opens it keeps the whole time for what follows.
        match clock::within(share, move || Mailbox::open(&receiver, &Since::Now, deadline)) {
            Some(Ok(mailbox)) => watch.mailbox = Some(mailbox),
            Some(Err(failure)) => watch.failed(failure),
            None => watch.failed(Failure::new(Step::Open, Common::Timeout(opening))),
        }
        watch
    }

    /// Looks until `expected` copies have come, or the wait is over. Times are those of the sending, by its deadline.
    pub fn wait(&mut self, expected: usize, deadline: Deadline) {
        self.arrival.expected = expected;
        if expected == 0 || self.mailbox.is_none() {
            return;
        }
        let reserve = RESERVE.min(deadline.left() / 4);
        let wait = deadline.less(reserve).at_most(self.receive.wait);
        let sent = deadline.elapsed();
        loop {
            // The last look comes after the wait is over.
            let is_over = wait.left().is_zero();
            self.look(deadline);
            let is_complete = self.arrival.copies.len() + self.arrival.bounced() >= expected;
            if is_complete || is_over || self.mailbox.is_none() {
                break;
            }
            let waited = deadline.elapsed().saturating_sub(sent);
            self.pause((waited / 8).clamp(PAUSES.0, PAUSES.1).min(wait.left()));
        }
        self.arrival.waited = deadline.elapsed().saturating_sub(sent);
        if self.arrival.copies.len() >= expected && deadline.left() > RESERVE {
            clock::pause(deadline, SETTLE);
            self.look(deadline);
        }
    }

    /// Removes what was found, takes leave, and tells what was seen.
    pub fn finish(mut self) -> Arrival {
        if let Some(mailbox) = &mut self.mailbox {
            self.arrival.unreadable = mailbox.unreadable();
            let probes: Vec<Found> =
                self.ours.iter().filter(|found| found.kind == Kind::Probe).cloned().collect();
            if !self.receive.is_kept && !probes.is_empty() {
                self.arrival.removal = Some(mailbox.remove(&probes));
            }
        }
        if let Some(mailbox) = self.mailbox {
            mailbox.leave();
        }
        let hidden = &self.hidden;
        let dialogue = self.dialogue.lines().iter().map(|line| hidden.star(line).into_owned()).collect();
        for report in &mut self.arrival.reports {
            report.words = hidden.star(&report.words).into_owned();
        }
        let failure = self.arrival.failure.map(|failure| starred(failure, hidden));
        let removal = self.arrival.removal.map(|removal| removal.map_err(|failure| starred(failure, hidden)));
        let header = self
            .arrival
            .header
            .map(|header| hidden.star(&String::from_utf8_lossy(&header)).into_owned().into_bytes());
        Arrival { header, failure, removal, dialogue, ..self.arrival }
    }

    fn look(&mut self, deadline: Deadline) {
        let Some(mailbox) = &mut self.mailbox else { return };
        let found = match mailbox.look() {
            Ok(found) => found,
            Err(failure) => return self.failed(failure),
        };
        let after = deadline.elapsed();
        for found in found {
            let is_ours = found.token == self.mark.token && found.instance == self.mark.instance;
            if !is_ours || self.ours.iter().any(|known| known.copy() == found.copy()) {
                continue;
            }
            match found.kind {
                Kind::Probe => {
                    self.arrival.header.get_or_insert_with(|| header_of(&found.message).to_vec());
                    let (folder, is_junk) = (found.folder.clone(), found.is_junk);
                    self.arrival.copies.push(Copy { folder, is_junk, after });
                }
                Kind::Report => self.arrival.reports.extend(verdicts(&found.message)),
            }
            self.ours.push(found);
        }
    }

    fn pause(&mut self, at_most: Duration) {
        if let Some(Err(failure)) = self.mailbox.as_mut().map(|mailbox| mailbox.pause(at_most)) {
            self.failed(failure);
        }
    }

    /// It is not asked again.
    fn failed(&mut self, failure: Failure) {
        self.mailbox = None;
        self.arrival.failure = Some(failure);
    }
}

fn starred(failure: Failure, hidden: &Hidden) -> Failure {
    let cause = match failure.cause {
        Cause::Refused(words) => Cause::Refused(hidden.star(&words).into_owned()),
        Cause::Broken(words) => Cause::Broken(hidden.star(&words).into_owned()),
        other => other,
    };
    Failure { cause, ..failure }
}

impl Arrival {
    /// Recipients whose message has come back.
    pub fn bounced(&self) -> usize {
        self.reports.iter().filter(|verdict| verdict.action == Action::Failed).count()
    }
}

/// The mailbox's own user and secret, or the sender's.
fn login(
    config: &Config,
    access: &Access,
    sender: Option<&Credentials>,
    deadline: Deadline,
) -> Result<Option<Login>, String> {
    let Access::Login(user, secret) = access else { return Ok(None) };
    let user = user.clone().or_else(|| sender.map(|sender| sender.user.clone()));
    let (secret, kind) = match (secret, sender, &config.login) {
        (Some(source), ..) => {
            let secret = source
                .read(deadline)
                .map_err(|words| format!("the password of --receive cannot be read: {words}"))?;
            (secret, Needs::Password)
        }
        (None, Some(sender), Some(plan)) => (sender.secret.clone(), plan.account.kind),
        _ => return Err("no secret to log in with: give --receive-password-file".to_owned()),
    };
    let user = user.ok_or("no user to log in: give --receive-user")?;
    if secret.expose().is_empty() {
        return Err("the password of --receive is empty".to_owned());
    }
    Ok(Some(Login { user, secret, kind, mechanisms: Vec::new() }))
}
