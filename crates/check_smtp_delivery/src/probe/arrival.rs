//! Looks for the message where it is to arrive. Decides nothing.

use std::borrow::Cow;
use std::time::Duration;

use check_smtp_core::error::Cause as Common;
use check_smtp_core::net::{Deadline, clock};
use check_smtp_core::secret::Hidden;
use check_smtp_core::smtp::sasl::{Credentials, Needs};

use crate::args::{Access, Cleanup, Config, Mode, Receive};
use crate::facts::{Arrival, Copy, History};
use crate::mailbox::{
    Action, Cause, Dialogue, FOUND_LIMIT, Failure, Found, Kind, Login, Mailbox, Receiver, Removed, Step,
    header_of, verdicts,
};
use crate::mark::Mark;
use crate::probe::keeper::{Keeper, RESERVE};

/// Looks without a pause through a mailbox that has more of ours than is taken at once.
const LOOKS_LIMIT: usize = 20;
/// Messages of ours kept in mind; more of them lie there only where somebody makes them, and stay there.
const OURS_LIMIT: usize = LOOKS_LIMIT * FOUND_LIMIT;
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
    /// The secrets, which the mailbox and the servers on the way may repeat before they were told.
    hidden: Hidden,
    /// Of this run or one that is known of.
    ours: Vec<Found>,
    /// What is known of probes.
    keeper: Keeper,
    arrival: Arrival,
}

impl<'c> Watch<'c> {
    /// Opens it, in a share of the time: whatever comes of it, the message must still go out.
    pub fn open(
        config: &Config,
        receive: &'c Receive,
        keeper: Keeper,
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
            keeper,
            arrival: Arrival::default(),
        };
        let opening = before_sending(receive, deadline);
        let share = deadline.part(opening);
        let login = match login(&receive.access, sender, share) {
            Ok(login) => login,
            Err(words) => {
                watch.failed(Failure::new(Step::Login, Common::Local(words)));
                return watch;
            }
        };
        // Who takes the message knows this one too.
        if let Some(sender) = sender {
            watch.hidden.add(sender.secret.expose());
        }
        if let Some(login) = &login {
            watch.hidden.add(login.secret.expose());
        }
        let mut way = receive.way.clone();
        way.dialogue = dialogue;
        let instance = mark.instance.clone();
        let receiver = Receiver { source: receive.source.clone(), way, instance, login };
        let since = watch.keeper.since();
        // What opens it keeps the whole time for what follows.
        match clock::within(share, move || Mailbox::open(&receiver, &since, deadline)) {
            Some(Ok(mailbox)) => watch.mailbox = Some(mailbox),
            Some(Err(failure)) => watch.failed(failure),
            None => watch.failed(Failure::new(Step::Open, Common::Timeout(opening))),
        }
        watch
    }

    /// Looks for what earlier runs have sent: all of it, or what is there would be called lost. In a share of the time, as it is opened.
    pub fn look_back(&mut self, deadline: Deadline) {
        if !self.keeper.remembers() {
            return;
        }
        self.ends(deadline.part(before_sending(self.receive, deadline)));
        for _ in 0..LOOKS_LIMIT {
            if self.look(deadline) < FOUND_LIMIT {
                break;
            }
        }
        self.ends(deadline);
        if self.mailbox.is_some() {
            self.keeper.looked();
        }
    }

    /// What is known of probes.
    pub fn keeper(&mut self) -> &mut Keeper {
        &mut self.keeper
    }

    /// Looks until `expected` copies have come, or the wait is over. Times are those of the sending, by its deadline.
    pub fn wait(&mut self, expected: usize, deadline: Deadline) {
        self.arrival.expected = expected;
        if expected == 0 || self.mailbox.is_none() {
            return;
        }
        let reserve = RESERVE.min(deadline.left() / 4);
        let wait = deadline.less(reserve).at_most(self.receive.wait);
        let (sent, mut looks) = (deadline.elapsed(), 0);
        loop {
            // The last look comes after the wait is over.
            let is_over = wait.left().is_zero();
            // What found no room in one look is there already.
            let is_cut = self.look(deadline) >= FOUND_LIMIT && looks < LOOKS_LIMIT;
            looks += 1;
            let is_complete = self.arrival.copies.len() + self.arrival.bounced() >= expected;
            if is_complete || is_over || self.mailbox.is_none() {
                break;
            }
            if is_cut {
                continue;
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

    /// Removes what was found, takes leave, and tells what was seen and what is known.
    pub fn finish(mut self) -> (Arrival, History) {
        self.ends(self.keeper.deadline_of_others());
        if let Some(mailbox) = &mut self.mailbox {
            self.arrival.unreadable = mailbox.unreadable();
            let probes: Vec<Found> =
                self.ours.iter().filter(|found| found.kind == Kind::Probe).cloned().collect();
            if self.receive.cleanup == Cleanup::Remove && !probes.is_empty() {
                // What is not there any more the next run would call lost, should this one not live to the end.
                self.keeper.keep();
            }
            match self.receive.cleanup {
                Cleanup::Remove if !probes.is_empty() => self.arrival.removal = Some(mailbox.remove(&probes)),
                Cleanup::DryRun => self.arrival.spared = probes.len(),
                Cleanup::Remove | Cleanup::Keep => {}
            }
            let strangers = Some(self.keeper.strangers()).filter(|count| *count > 0);
            self.arrival.lying =
                lying(mailbox, self.receive.cleanup, self.arrival.removal.as_ref()).or(strangers);
        }
        let mailbox = self.mailbox.take();
        if let Some(mailbox) = &mailbox {
            self.keeper.looked_through(mailbox.mark());
        }
        let history = self.keeper.finish();
        if let Some(mailbox) = mailbox {
            mailbox.leave();
        }
        let hidden = &self.hidden;
        let dialogue = self.dialogue.lines().iter().map(|line| hidden.star(line).into_owned()).collect();
        for report in &mut self.arrival.reports {
            report.words = hidden.star(&report.words).into_owned();
        }
        let failure = self.arrival.failure.map(|failure| starred(failure, hidden));
        let removal = self.arrival.removal.map(|removal| removal.map_err(|failure| starred(failure, hidden)));
        (Arrival { failure, removal, dialogue, ..self.arrival }, history)
    }

    /// How many messages were found.
    fn look(&mut self, deadline: Deadline) -> usize {
        let Some(mailbox) = &mut self.mailbox else { return 0 };
        let all = match mailbox.look() {
            Ok(found) => found,
            Err(failure) => {
                self.failed(failure);
                return 0;
            }
        };
        let (count, after) = (all.len(), deadline.elapsed());
        for found in all {
            let found = Found { message: told(found.message, &self.hidden), ..found };
            let has_room = self.ours.len() < OURS_LIMIT || found.token == self.mark.token;
            if has_room
                && found.instance == self.mark.instance
                && self.ours.iter().all(|known| known.copy() != found.copy())
                && self.keeper.note(&found)
            {
                self.take(found, after);
            }
        }
        count
    }

    fn take(&mut self, found: Found, after: Duration) {
        match found.kind {
            _ if found.token != self.mark.token => {}
            Kind::Probe => {
                self.arrival.header.get_or_insert_with(|| header_of(&found.message).to_vec());
                let (folder, is_junk) = (found.folder.clone(), found.is_junk);
                self.arrival.copies.push(Copy { folder, is_junk, after });
            }
            Kind::Report => self.arrival.reports.extend(verdicts(&found.message)),
        }
        // Its number is all that a removal wants.
        self.ours.push(Found { message: Vec::new(), ..found });
    }

    /// All that the mailbox is asked from now on ends by this deadline.
    fn ends(&mut self, deadline: Deadline) {
        if let Some(mailbox) = &mut self.mailbox {
            mailbox.set_deadline(deadline);
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

/// Where the message is looked for and how, as part of the route's name; nothing where it is not.
pub fn named(config: &Config) -> String {
    let (Some(receive), Some(tracking)) = (&config.receive, config.tracking) else { return String::new() };
    let run = match tracking.mode {
        Mode::Wait => "wait",
        Mode::Async => "async",
    };
    let user = match &receive.access {
        Access::Login(login) => login.user.as_deref().unwrap_or_default(),
        Access::Open => "",
    };
    format!("{run} {} {user}", receive.url)
}

/// What a mailbox may take before the message is sent, to open and once more to look through.
fn before_sending(receive: &Receive, deadline: Deadline) -> Duration {
    let left = deadline.left();
    (left.saturating_sub(receive.wait) / 2).max(left / 4)
}

/// A message without the secret, should whoever serves the mailbox have put it there: it is kept.
fn told(message: Vec<u8>, hidden: &Hidden) -> Vec<u8> {
    let starred = match hidden.star(&String::from_utf8_lossy(&message)) {
        Cow::Borrowed(_) => None,
        Cow::Owned(starred) => Some(starred.into_bytes()),
    };
    starred.unwrap_or(message)
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

/// How many probes of ours lie in the mailbox, where something may have stayed: a run that cleans up after itself does not ask. That a
/// mailbox cannot tell is no fault of the run.
pub fn lying(
    mailbox: &mut Mailbox,
    cleanup: Cleanup,
    removal: Option<&Result<Removed, Failure>>,
) -> Option<usize> {
    let is_clean =
        |removal: &Result<Removed, Failure>| matches!(removal, Ok(Removed { flagged: 0, left: 0, .. }));
    if cleanup == Cleanup::Remove && removal.is_none_or(is_clean) {
        return None;
    }
    mailbox.probes().ok().flatten()
}

/// The mailbox's own user and secret, or the sender's.
fn login(access: &Access, sender: Option<&Credentials>, deadline: Deadline) -> Result<Option<Login>, String> {
    let Access::Login(wanted) = access else { return Ok(None) };
    let name = if wanted.kind == Needs::Token { "token" } else { "password" };
    let secret = match (&wanted.secret, sender) {
        (Some(source), _) => source
            .read(deadline)
            .map_err(|words| format!("the {name} of --receive cannot be read: {words}"))?,
        (None, Some(sender)) => sender.secret.clone(),
        (None, None) => return Err("no secret to log in with: give --receive-password-file".to_owned()),
    };
    let user = wanted.user.clone().or_else(|| sender.map(|sender| sender.user.clone()));
    let user = user.ok_or("no user to log in: give --receive-user")?;
    if secret.expose().is_empty() {
        return Err(format!("the {name} of --receive is empty"));
    }
    Ok(Some(Login { user, secret, kind: wanted.kind, mechanisms: wanted.mechanisms.clone() }))
}
