//! IMAP (RFC 9051, RFC 3501): folders are looked at read-only (EXAMINE), so that nothing changes for others; only to remove probes one
//! is selected for writing. Nothing here ever says EXPUNGE or CLOSE, which would remove what others have flagged.
//!
//! The dialogue is our own and not the `imap` crate's: 3.0.0-alpha.15 was read. It collects all answers to a command in one buffer and
//! reads lines without a limit, parses the whole buffer again for each line of it, ends the session where a line is not understood,
//! keeps no deadline, and brings 27 crates. imap-proto alone has the same fault with lines nobody asked for.

mod count;
mod folder;
mod look;
pub mod parse;
mod remove;
mod talk;
mod utf7;
mod value;

use std::time::Duration;

use check_smtp_core::cli::TlsMode;
use check_smtp_core::error::Cause as Common;
use check_smtp_core::net::Deadline;
use check_smtp_core::smtp::sasl::{Mechanism, Needs};
use serde_json::{Map, Value, json};

use self::folder::{Folder, Position};
use self::parse::{Numbers, Response};
use self::talk::Talk;
use super::connection::Connection;
use super::failure::{Cause, Failure, Step};
use super::login::{self, Login};
use super::source::Server;
use super::{Receiver, Since};
use crate::tracker::Instance;

/// Base64 of an initial response; commands of 8192 octets are taken by all (RFC 7162 section 4).
const INITIAL_LIMIT: usize = 8000;
/// Junk folders of one account.
const JUNK_LIMIT: usize = 4;
/// A shorter wait is not worth the two commands of IDLE.
const IDLE_LEAST: Duration = Duration::from_millis(50);

/// A mailbox by IMAP.
#[derive(Debug)]
pub struct Imap {
    talk: Talk,
    instance: Instance,
    /// The main one is the last, so that it is the one open while we wait.
    folders: Vec<Folder>,
    open: Option<Open>,
    can_idle: bool,
    /// When the last look began that left nothing for another, since 1970.
    looked: Option<Duration>,
}

/// The folder that is open.
#[derive(Clone, Copy, Debug)]
struct Open {
    index: usize,
    /// Where its numbers stood when it was opened.
    numbers: Numbers,
}

impl Imap {
    /// Connects, begins TLS, logs in, finds the folders and opens the main one.
    pub fn open(
        server: &Server,
        receiver: &Receiver,
        login: &Login,
        since: &Since,
        deadline: Deadline,
    ) -> Result<Self, Failure> {
        let way = &receiver.way;
        let mut talk = Talk::new(Connection::open(server, way, deadline)?);
        let is_in = talk.greet()?;
        if server.mode == TlsMode::StartTls {
            if is_in {
                // Whoever says so in the clear keeps us from TLS (RFC 9051 section 7.1.4).
                let told = "lets us in before TLS can begin (PREAUTH)".to_owned();
                return Err(Failure::new(Step::StartTls, Cause::Broken(told)));
            }
            talk.learn()?;
            talk = talk.start_tls(&way.tls)?;
        }
        if !is_in {
            talk.learn()?;
            log_in(&mut talk, login)?;
        }
        talk.learn()?;
        let can_idle = talk.can("IDLE");
        let (instance, folders) = (receiver.instance.clone(), Vec::new());
        let mut imap = Self { talk, instance, folders, open: None, can_idle, looked: None };
        imap.find_folders(server, receiver)?;
        imap.place(since)?;
        Ok(imap)
    }

    /// The junk folders, the admin's, and the main one at the end.
    fn find_folders(&mut self, server: &Server, receiver: &Receiver) -> Result<(), Failure> {
        let way = &receiver.way;
        let mut folders = match &way.junk_folder {
            Some(name) => vec![Folder::named(name, true)],
            None => self.junk_folders()?,
        };
        let main = Folder::named(server.folder.as_deref().unwrap_or("INBOX"), false);
        for folder in way.folders.iter().map(|name| Folder::named(name, false)).chain([main]) {
            // The junk folder may be named once more; it is looked at once.
            let known = folders.iter().position(|known| known.wire == folder.wire);
            let folder = known.map_or(folder, |position| folders.remove(position));
            folders.push(folder);
        }
        self.folders = folders;
        Ok(())
    }

    /// By SPECIAL-USE (RFC 6154), never by name. Servers that do not say they know it may still mark the folder.
    fn junk_folders(&mut self) -> Result<Vec<Folder>, Failure> {
        let can_select = self.talk.can("SPECIAL-USE") && self.talk.can("LIST-EXTENDED");
        let command = if can_select { "LIST (SPECIAL-USE) \"\" \"*\"" } else { "LIST \"\" \"*\"" };
        let mut junk: Vec<Folder> = Vec::new();
        let listed = self.talk.ask(Step::Folder, command, |response| {
            let Response::Folder(attributes, name) = response else { return };
            let has = |wanted: &str| attributes.iter().any(|attribute| attribute == wanted);
            let is_usable = !has("\\noselect") && !has("\\nonexistent");
            // Gmail's word before there was a standard was \Spam.
            if (has("\\junk") || has("\\spam")) && is_usable && junk.len() < JUNK_LIMIT {
                junk.extend(Folder::listed(&name));
            }
        });
        match listed {
            Ok(_) => Ok(junk),
            Err(Failure { cause: Cause::Refused(_), .. }) => Ok(Vec::new()),
            Err(failure) => Err(failure),
        }
    }

    fn main(&self) -> usize {
        self.folders.len().saturating_sub(1)
    }

    /// Opens the main folder, and decides where "new" begins in each.
    fn place(&mut self, since: &Since) -> Result<(), Failure> {
        for index in 0..self.folders.len() {
            let placed = self.place_in(index, since);
            self.unless_refused(index, placed)?;
        }
        Ok(())
    }

    fn place_in(&mut self, index: usize, since: &Since) -> Result<(), Failure> {
        let Some(folder) = self.folders.get(index) else { return Ok(()) };
        let (is_main, is_now) = (index == self.main(), *since == Since::Now);
        let position = match since {
            Since::Mark(mark) => Position::marked(mark, &folder.wire),
            Since::Now if !is_main => self.numbers(index)?.position(),
            Since::Now | Since::Beginning => None,
        };
        if let Some(folder) = self.folders.get_mut(index) {
            folder.position = position;
        }
        if is_main || is_now && position.is_none() {
            let open = self.examine(index)?;
            if is_now {
                self.begin_here(open)?;
            }
        }
        Ok(())
    }

    /// A folder that only the server has named, and does not let us read, is passed over from now on.
    fn unless_refused<T: Default>(&mut self, index: usize, result: Result<T, Failure>) -> Result<T, Failure> {
        match (result, self.folders.get_mut(index)) {
            (Err(Failure { cause: Cause::Refused(_), step: Step::Folder }), Some(folder))
                if folder.is_listed =>
            {
                folder.is_refused = true;
                Ok(T::default())
            }
            (result, _) => result,
        }
    }

    /// The junk folders that the server does not let us read.
    pub fn unreadable(&self) -> Vec<String> {
        self.folders.iter().filter(|folder| folder.is_refused).map(|folder| folder.name.clone()).collect()
    }

    /// What is in the open folder is not new. Servers that do not tell where its numbers stand are asked for the last message.
    fn begin_here(&mut self, open: Open) -> Result<(), Failure> {
        let mut position = open.numbers.position();
        if position.is_none() {
            let mut last = 0;
            if self.talk.exists > 0 {
                self.talk.ask(Step::Folder, "FETCH * (UID)", |response| {
                    if let Response::Fetch(message) = response {
                        last = last.max(message.uid.unwrap_or_default());
                    }
                })?;
            }
            let validity = open.numbers.validity.unwrap_or_default();
            position = Some(Position { next: last.saturating_add(1), validity });
        }
        if let Some(folder) = self.folders.get_mut(open.index) {
            folder.position = position;
        }
        Ok(())
    }

    /// Opens a folder read-only. A position by other numbers than it has now is worth nothing, nor is one that it has not come to: it was
    /// put back from a copy, and what comes bears numbers that were there before.
    fn examine(&mut self, index: usize) -> Result<Open, Failure> {
        let numbers = self.select("EXAMINE", index, Step::Folder)?;
        let open = Open { index, numbers };
        if let Some(folder) = self.folders.get_mut(index) {
            folder.position = folder.position.filter(|at| {
                Some(at.validity) == numbers.validity.or(Some(0))
                    && numbers.next.is_none_or(|next| at.next <= next)
            });
        }
        self.open = Some(open);
        Ok(open)
    }

    fn select(&mut self, command: &str, index: usize, step: Step) -> Result<Numbers, Failure> {
        self.open = None;
        let wire = self.folders.get(index).map(|folder| folder.wire.as_str()).unwrap_or_default();
        let mut numbers = Numbers::default();
        self.talk.exists = 0;
        self.talk.ask(step, &format!("{command} {wire}"), |response| {
            if let Response::Status(word) = response {
                numbers.next = word.number("UIDNEXT").or(numbers.next);
                numbers.validity = word.number("UIDVALIDITY").or(numbers.validity);
            }
        })?;
        Ok(numbers)
    }

    /// Where the numbers of a folder stand that is not open.
    fn numbers(&mut self, index: usize) -> Result<Numbers, Failure> {
        let wire = self.folders.get(index).map(|folder| folder.wire.as_str()).unwrap_or_default();
        let mut numbers = Numbers::default();
        self.talk.ask(Step::Folder, &format!("STATUS {wire} (UIDNEXT UIDVALIDITY)"), |response| {
            if let Response::FolderStatus(found) = response {
                numbers = found;
            }
        })?;
        Ok(numbers)
    }

    /// Waits: in IDLE where the server has it and the main folder is open.
    pub fn pause(&mut self, at_most: Duration) -> Result<(), Failure> {
        let is_main_open = self.open.is_some_and(|open| open.index == self.main());
        if self.can_idle && is_main_open && at_most >= IDLE_LEAST {
            self.can_idle = self.talk.idle(at_most)?;
            if self.can_idle {
                return Ok(());
            }
        }
        let spoken = self.talk.connection().speaks_within(at_most);
        spoken.map(drop).map_err(|cause| Failure::new(Step::Wait, cause))
    }

    /// All that is asked from now on ends by this deadline.
    pub fn set_deadline(&mut self, deadline: Deadline) {
        self.talk.connection().set_deadline(deadline);
    }

    /// Where the next run goes on.
    pub fn mark(&self) -> Value {
        let places = self.folders.iter().filter_map(|folder| {
            let at = folder.position?;
            Some((folder.wire.clone(), json!([at.validity, at.next])))
        });
        let at = self.looked.and_then(|at| u64::try_from(at.as_millis()).ok());
        json!({ "kind": "imap", "at": at, "folders": places.collect::<Map<String, Value>>() })
    }

    /// Takes leave.
    pub fn leave(self) {
        self.talk.leave();
    }
}

/// By the strongest mechanism, or by LOGIN where the server offers none that fits.
fn log_in(talk: &mut Talk, login: &Login) -> Result<(), Failure> {
    let offered = talk.mechanisms();
    let can_bind = talk.connection().is_tls();
    if let Some(mechanism) = login::choose(login, &offered, can_bind) {
        let takes_initial = talk.can("SASL-IR").then_some(INITIAL_LIMIT);
        return login::log_in(talk, login, mechanism, &offered, takes_initial);
    }
    // The command says the password itself, as the mechanism of its name does.
    let wants_it = login.mechanisms.is_empty() || login.mechanisms.contains(&Mechanism::Login);
    if login.kind == Needs::Password && wants_it && !talk.can("LOGINDISABLED") {
        return talk.log_in(&login.user, login.secret.expose());
    }
    Err(Failure::new(Step::Login, Common::NoMechanism(offered)))
}
