//! Commands and their answers over a connection.

use check_smtp_core::cli::TlsMode;
use check_smtp_core::error::Cause as Common;
use check_smtp_core::net::Deadline;
use check_smtp_core::smtp::Foreign;
use check_smtp_core::smtp::sasl::{Mechanism, Needs};

use super::parse::{self, Answer};
use crate::mailbox::connection::Connection;
use crate::mailbox::failure::{Cause, Failure, Step};
use crate::mailbox::login::{self, Carrier, Login};
use crate::mailbox::source::Server;
use crate::mailbox::{MESSAGE_LIMIT, PARTING, Way};

/// Bytes of a line.
const LINE_LIMIT: usize = 64 * 1024;
/// Messages a mailbox may have.
const MESSAGES_LIMIT: usize = 100_000;
/// Lines of a message that are read and not kept.
const LINES_LIMIT: usize = 10_000;
/// Octets of a command with its CRLF (RFC 2449 section 4); an AUTH above it goes without its initial response.
const COMMAND_LIMIT: usize = 255;

/// A dialogue with a POP3 server.
#[derive(Debug)]
pub struct Talk {
    connection: Connection,
    /// Its answer to CAPA, in capitals; `None`: it does not know the question.
    capabilities: Option<Vec<String>>,
}

impl Talk {
    /// Connects, begins TLS and logs in.
    pub fn open(server: &Server, way: &Way, login: &Login, deadline: Deadline) -> Result<Self, Failure> {
        let connection = Connection::open(server, way, deadline)?;
        let mut talk = Self { connection, capabilities: None };
        talk.greet()?;
        talk.learn()?;
        if server.mode == TlsMode::StartTls {
            if talk.capabilities.is_some() && !talk.can("STLS") {
                return Err(Failure::new(Step::StartTls, Common::StartTlsNotOffered(None)));
            }
            talk.ask(Step::StartTls, "STLS")?;
            talk = Self { connection: talk.connection.secure(&way.tls)?, capabilities: None };
            talk.learn()?;
        }
        talk.log_in(login)?;
        Ok(talk)
    }

    /// The connection.
    pub fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    fn greet(&mut self) -> Result<(), Failure> {
        let failed = |cause| Failure::new(Step::Greeting, cause);
        let line = match self.connection.line(LINE_LIMIT) {
            Ok(line) => line,
            Err(cause) => return Err(failed(foreign(self.connection.waiting()).unwrap_or(cause))),
        };
        self.connection.heard(&line);
        match parse::answer(&line) {
            Some(Answer::Ok(_)) => Ok(()),
            Some(Answer::Refused(words)) => Err(failed(Cause::Refused(self.connection.shown(&words)))),
            _ => Err(failed(foreign(&line).unwrap_or_else(|| self.no_answer(&line)))),
        }
    }

    fn no_answer(&self, line: &[u8]) -> Cause {
        Cause::Broken(format!("this is no answer of POP3: {}", self.connection.shown(line)))
    }

    fn line(&mut self, step: Step) -> Result<Vec<u8>, Failure> {
        self.connection.line(LINE_LIMIT).map_err(|cause| Failure::new(step, cause))
    }

    fn answer(&mut self, step: Step) -> Result<Answer, Failure> {
        let line = self.line(step)?;
        self.connection.heard(&line);
        parse::answer(&line).ok_or_else(|| Failure::new(step, self.no_answer(&line)))
    }

    fn send(&mut self, step: Step, command: &str, shown: &str) -> Result<(), Failure> {
        let sent = self.connection.send(format!("{command}\r\n").as_bytes(), shown);
        sent.map_err(|cause| Failure::new(step, cause))
    }

    /// Sends a command, which must be taken.
    fn ask(&mut self, step: Step, command: &str) -> Result<(), Failure> {
        self.ask_hidden(step, command, command)
    }

    fn ask_hidden(&mut self, step: Step, command: &str, shown: &str) -> Result<(), Failure> {
        self.send(step, command, shown)?;
        match self.answer(step)? {
            Answer::Ok(_) => Ok(()),
            Answer::Refused(words) => Err(Failure::new(step, Cause::Refused(self.connection.shown(&words)))),
            Answer::Challenge(_) => {
                Err(Failure::new(step, Cause::Broken("asks where there is nothing to say".to_owned())))
            }
        }
    }

    /// The lines of a longer answer, the dots taken off.
    fn lines(&mut self, step: Step, limit: usize, mut each: impl FnMut(&[u8])) -> Result<(), Failure> {
        for _ in 0..=limit {
            let line = self.line(step)?;
            match parse::unstuffed(&line) {
                Some(line) => each(line),
                None => return Ok(()),
            }
        }
        Err(Failure::new(step, Cause::Broken(format!("an answer of more than {limit} lines"))))
    }

    /// What the server can do (RFC 2449); old ones do not know the question.
    fn learn(&mut self) -> Result<(), Failure> {
        let step = Step::Capabilities;
        self.send(step, "CAPA", "CAPA")?;
        self.capabilities = match self.answer(step)? {
            Answer::Ok(_) => {
                let mut words = Vec::new();
                self.lines(step, 1000, |line| {
                    words.push(String::from_utf8_lossy(line).to_ascii_uppercase());
                })?;
                Some(words)
            }
            _ => None,
        };
        Ok(())
    }

    fn can(&self, capability: &str) -> bool {
        let words = self.capabilities.iter().flatten();
        words.map(|line| line.split(' ').next().unwrap_or_default()).any(|word| word == capability)
    }

    fn mechanisms(&self) -> Vec<String> {
        let lines = self.capabilities.iter().flatten();
        let words = lines.filter_map(|line| line.strip_prefix("SASL ")).flat_map(|rest| rest.split(' '));
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    /// By the strongest mechanism, or by USER and PASS where the server offers none that fits.
    fn log_in(&mut self, login: &Login) -> Result<(), Failure> {
        let offered = self.mechanisms();
        if let Some(mechanism) = login::choose(login, &offered, self.connection.is_tls()) {
            let room = COMMAND_LIMIT - format!("AUTH {mechanism} \r\n").len();
            return login::log_in(self, login, mechanism, &offered, Some(room));
        }
        let wants_it = login.mechanisms.is_empty() || login.mechanisms.contains(&Mechanism::Login);
        let takes_it = self.capabilities.is_none() || self.can("USER");
        if login.kind != Needs::Password || !wants_it || !takes_it {
            return Err(Failure::new(Step::Login, Common::NoMechanism(offered)));
        }
        let password = login.secret.expose();
        if [login.user.as_str(), password].iter().any(|text| text.contains(['\r', '\n', '\0'])) {
            let told = "the user or password holds a line break, which USER and PASS cannot send".to_owned();
            return Err(Failure::new(Step::Login, Common::Local(told)));
        }
        self.connection.hide(password);
        self.ask(Step::Login, &format!("USER {}", login.user))?;
        self.ask_hidden(Step::Login, &format!("PASS {password}"), "PASS ***")
    }

    /// Every message: its number in this session, and its name for good as a short number.
    pub fn list(&mut self) -> Result<Vec<(u32, u64)>, Failure> {
        self.ask(Step::Look, "UIDL")?;
        let mut messages = Vec::new();
        self.lines(Step::Look, MESSAGES_LIMIT, |line| {
            messages.extend(parse::listed(line).map(|(number, name)| (number, parse::short(name))));
        })?;
        Ok(messages)
    }

    /// The header of a message and so many lines of its body, 64 KiB at the most.
    pub fn top(&mut self, step: Step, number: u32, lines: usize) -> Result<Vec<u8>, Failure> {
        self.ask(step, &format!("TOP {number} {lines}"))?;
        let mut message = Vec::new();
        self.lines(step, LINES_LIMIT, |line| {
            let room = MESSAGE_LIMIT.saturating_sub(message.len());
            message.extend(line.iter().chain(b"\r\n").take(room));
        })?;
        Ok(message)
    }

    /// Marks a message for removal, which QUIT does.
    pub fn delete(&mut self, number: u32) -> Result<(), Failure> {
        self.ask(Step::Remove, &format!("DELE {number}"))
    }

    /// Ends the session, and removes what was marked.
    pub fn quit(mut self, step: Step) -> Result<(), Failure> {
        self.ask(step, "QUIT")
    }

    /// Ends the session in a short time; nothing was marked.
    pub fn leave(mut self) {
        let deadline = self.connection.deadline().at_most(PARTING);
        self.connection.set_deadline(deadline);
        let _ = self.quit(Step::Wait);
    }

    fn step_of_login(&mut self) -> Result<login::Answer, Failure> {
        Ok(match self.answer(Step::Login)? {
            Answer::Ok(_) => login::Answer::Accepted,
            Answer::Refused(words) => login::Answer::Refused(self.connection.shown(&words)),
            Answer::Challenge(text) => login::Answer::Challenge(text),
        })
    }
}

fn foreign(bytes: &[u8]) -> Option<Cause> {
    if matches!(bytes, [b'2', b'2', b'0', b' ' | b'-', ..]) {
        return Some(Cause::Broken("speaks SMTP, not POP3".to_owned()));
    }
    let foreign = Foreign::recognise(bytes).filter(|foreign| *foreign != Foreign::Pop3);
    foreign.map(|foreign| Cause::Foreign(foreign, "POP3"))
}

impl Carrier for Talk {
    fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    fn begin(&mut self, mechanism: Mechanism, initial: Option<&str>) -> Result<login::Answer, Failure> {
        let bare = format!("AUTH {mechanism}");
        match initial {
            None => self.send(Step::Login, &bare, &bare)?,
            Some(initial) => self.send(Step::Login, &format!("{bare} {initial}"), &format!("{bare} ***"))?,
        }
        self.step_of_login()
    }

    fn answer(&mut self, line: &str) -> Result<login::Answer, Failure> {
        let shown = if matches!(line, "" | "*") { line } else { "***" };
        self.send(Step::Login, line, shown)?;
        self.step_of_login()
    }
}
