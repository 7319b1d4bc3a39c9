//! Commands and their answers over a connection.

use std::time::Duration;

use check_smtp_core::error::Cause as Common;
use check_smtp_core::net::tls;
use check_smtp_core::smtp::Foreign;
use check_smtp_core::smtp::sasl::Mechanism;

use super::parse::{self, Response, Status, Word};
use crate::mailbox::connection::Connection;
use crate::mailbox::failure::{Cause, Failure, Step};
use crate::mailbox::login::{Answer, Carrier};
use crate::mailbox::{MESSAGE_LIMIT, PARTING};

/// Bytes of a line.
const LINE_LIMIT: usize = 64 * 1024;
/// Bytes of a literal: what we ask for is smaller, so a larger one is an attack or a fault.
const LITERAL_LIMIT: u64 = 2 * MESSAGE_LIMIT as u64;
/// Bytes of a response with all its literals.
const FRAME_LIMIT: usize = 4 * MESSAGE_LIMIT;
/// Responses to one command.
const RESPONSES_LIMIT: u32 = 200_000;

/// A dialogue with an IMAP server.
#[derive(Debug)]
pub struct Talk {
    connection: Connection,
    /// Of the last command.
    number: u32,
    /// What the server said it can do, last.
    pub capabilities: Vec<String>,
    /// So many messages are in the open folder; servers tell it in passing, whatever was asked.
    pub exists: u32,
    /// Its parting words.
    parting: Option<String>,
}

impl Talk {
    /// Takes a connection whose greeting was not read yet.
    pub fn new(connection: Connection) -> Self {
        Self { connection, number: 0, capabilities: Vec::new(), exists: 0, parting: None }
    }

    /// The connection below.
    pub fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Reads the greeting; whether we are logged in already (PREAUTH).
    pub fn greet(&mut self) -> Result<bool, Failure> {
        let failed = |cause| Failure::new(Step::Greeting, cause);
        let line =
            self.frame().map_err(|cause| failed(foreign(self.connection.waiting()).unwrap_or(cause)))?;
        let Some(Response::Status(word)) = parse::response(&line) else {
            return Err(failed(foreign(&line).unwrap_or_else(|| self.no_response(&line))));
        };
        self.capabilities = word.capabilities().unwrap_or_default();
        match word.status {
            Status::Ok => Ok(false),
            Status::PreAuth => Ok(true),
            _ => Err(failed(Cause::Refused(self.connection.shown(&word.text)))),
        }
    }

    fn no_response(&self, line: &[u8]) -> Cause {
        Cause::Broken(format!("this is no answer of IMAP: {}", self.connection.shown(line)))
    }

    /// A response with its literals.
    fn frame(&mut self) -> Result<Vec<u8>, Cause> {
        let mut frame = self.connection.line(LINE_LIMIT)?;
        self.connection.heard(&frame);
        let mut line_begins = 0;
        loop {
            let line = frame.get(line_begins..).unwrap_or_default();
            let Some(length) = parse::literal_length(line, line_begins == 0) else { return Ok(frame) };
            if length > LITERAL_LIMIT {
                return Err(Cause::Broken(format!(
                    "announces {length} bytes, {LITERAL_LIMIT} are the limit"
                )));
            }
            // At most LITERAL_LIMIT, which fits.
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            if frame.len().saturating_add(length) > FRAME_LIMIT {
                return Err(Cause::Broken(format!("an answer of more than {FRAME_LIMIT} bytes")));
            }
            frame.extend_from_slice(b"\r\n");
            frame.append(&mut self.connection.bytes(length)?);
            line_begins = frame.len();
            let mut rest = self.connection.line(LINE_LIMIT)?;
            frame.append(&mut rest);
            if frame.len() > FRAME_LIMIT {
                return Err(Cause::Broken(format!("an answer of more than {FRAME_LIMIT} bytes")));
            }
        }
    }

    /// The next response. Capabilities and parting words are noted in passing.
    pub fn response(&mut self) -> Result<Response, Cause> {
        let frame = match self.frame() {
            Err(Cause::Common(Common::Closed | Common::Reset)) if self.parting.is_some() => {
                return Err(Cause::Refused(self.parting.take().unwrap_or_default()));
            }
            other => other?,
        };
        let response = parse::response(&frame).ok_or_else(|| self.no_response(&frame))?;
        match &response {
            Response::Capability(words) => self.capabilities.clone_from(words),
            Response::Exists(count) => self.exists = *count,
            Response::Status(word) | Response::Tagged(_, word) => {
                if let Some(words) = word.capabilities() {
                    self.capabilities = words;
                }
                if word.status == Status::Bye {
                    self.parting = Some(self.connection.shown(&word.text));
                }
            }
            _ => {}
        }
        Ok(response)
    }

    /// Sends a command, in the form that may be shown.
    pub fn send(&mut self, step: Step, command: &str) -> Result<String, Failure> {
        self.send_hidden(step, command, command)
    }

    fn send_hidden(&mut self, step: Step, command: &str, shown: &str) -> Result<String, Failure> {
        self.number += 1;
        let tag = format!("a{}", self.number);
        let sent = self.connection.send(format!("{tag} {command}\r\n").as_bytes(), &format!("{tag} {shown}"));
        sent.map_err(|cause| Failure::new(step, cause))?;
        Ok(tag)
    }

    /// Reads up to the end of a command; any end is one.
    pub fn finish(&mut self, step: Step, tag: &str, mut each: impl FnMut(Response)) -> Result<Word, Failure> {
        let failed = |cause| Failure::new(step, cause);
        for _ in 0..RESPONSES_LIMIT {
            match self.response().map_err(failed)? {
                Response::Tagged(found, word) if found == tag.as_bytes() => return Ok(word),
                Response::Tagged(..) => {
                    return Err(failed(Cause::Broken("ends a command that was not sent".to_owned())));
                }
                other => each(other),
            }
        }
        Err(failed(Cause::Broken(format!("more than {RESPONSES_LIMIT} answers to one command"))))
    }

    /// Sends a command and reads up to its end, which must be OK.
    pub fn ask(&mut self, step: Step, command: &str, each: impl FnMut(Response)) -> Result<Word, Failure> {
        let tag = self.send(step, command)?;
        let word = self.finish(step, &tag, each)?;
        self.must_be_ok(step, word)
    }

    fn must_be_ok(&self, step: Step, word: Word) -> Result<Word, Failure> {
        match word.status {
            Status::Ok => Ok(word),
            _ => Err(Failure::new(step, Cause::Refused(self.connection.shown(&word.text)))),
        }
    }

    /// Asks what the server can do, unless it has just said so.
    pub fn learn(&mut self) -> Result<(), Failure> {
        if self.capabilities.is_empty() {
            self.ask(Step::Capabilities, "CAPABILITY", |_| {})?;
        }
        Ok(())
    }

    /// Whether the server can do something.
    pub fn can(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|word| word == capability)
    }

    /// The mechanisms it offers.
    pub fn mechanisms(&self) -> Vec<String> {
        self.capabilities.iter().filter_map(|word| word.strip_prefix("AUTH=").map(str::to_owned)).collect()
    }

    /// Begins TLS (RFC 9051 section 6.2.1); what was said in the clear counts no more.
    pub fn start_tls(mut self, settings: &tls::Settings) -> Result<Self, Failure> {
        if !self.can("STARTTLS") {
            return Err(Failure::new(Step::StartTls, Common::StartTlsNotOffered(None)));
        }
        self.ask(Step::StartTls, "STARTTLS", |_| {})?;
        Ok(Self {
            connection: self.connection.secure(settings)?,
            capabilities: Vec::new(),
            parting: None,
            ..self
        })
    }

    /// The LOGIN command (RFC 9051 section 6.2.3), for servers without a mechanism.
    pub fn log_in(&mut self, user: &str, password: &str) -> Result<(), Failure> {
        self.connection.hide(password);
        let failed = |cause| Failure::new(Step::Login, cause);
        self.number += 1;
        let tag = format!("a{}", self.number);
        let mut line = format!("{tag} LOGIN").into_bytes();
        for text in [user, password] {
            line.push(b' ');
            if let Some(quoted) = quoted(text) {
                line.extend(quoted.into_bytes());
                continue;
            }
            line.extend(format!("{{{}}}\r\n", text.len()).into_bytes());
            self.connection.send(&line, "LOGIN ***").map_err(failed)?;
            match self.response().map_err(failed)? {
                Response::Continue(_) => line = text.as_bytes().to_vec(),
                Response::Tagged(_, word) | Response::Status(word) => {
                    return Err(failed(Cause::Refused(self.connection.shown(&word.text))));
                }
                _ => return Err(failed(Cause::Broken("does not go on at a literal".to_owned()))),
            }
        }
        line.extend(b"\r\n");
        self.connection.send(&line, &format!("{tag} LOGIN ***")).map_err(failed)?;
        self.capabilities.clear();
        let word = self.finish(Step::Login, &tag, |_| {})?;
        self.must_be_ok(Step::Login, word).map(drop)
    }

    /// Waits until the folder has changed (IDLE, RFC 2177), `at_most` so long. `false`: the server will not.
    pub fn idle(&mut self, at_most: Duration) -> Result<bool, Failure> {
        let failed = |cause| Failure::new(Step::Wait, cause);
        let deadline = self.connection.deadline();
        let ends = deadline.elapsed() + at_most;
        let tag = self.send(Step::Wait, "IDLE")?;
        let mut has_changed = false;
        loop {
            match self.response().map_err(failed)? {
                Response::Continue(_) => break,
                Response::Tagged(..) => return Ok(false),
                Response::Exists(_) => has_changed = true,
                _ => {}
            }
        }
        while !has_changed {
            let left = ends.saturating_sub(deadline.elapsed());
            if left.is_zero() || !self.connection.speaks_within(left).map_err(failed)? {
                break;
            }
            match self.response().map_err(failed)? {
                Response::Exists(_) => has_changed = true,
                // It has ended the command by itself.
                Response::Tagged(..) => return Ok(true),
                _ => {}
            }
        }
        self.connection.send(b"DONE\r\n", "DONE").map_err(failed)?;
        self.finish(Step::Wait, &tag, |_| {}).map(|_| true)
    }

    /// Takes leave without removing anything.
    pub fn leave(mut self) {
        let deadline = self.connection.deadline().at_most(PARTING);
        self.connection.set_deadline(deadline);
        let _ = self.ask(Step::Wait, "LOGOUT", |_| {});
    }

    fn step_of_login(&mut self) -> Result<Answer, Failure> {
        let failed = |cause| Failure::new(Step::Login, cause);
        for _ in 0..RESPONSES_LIMIT {
            match self.response().map_err(failed)? {
                Response::Continue(text) => return Ok(Answer::Challenge(text)),
                Response::Tagged(tag, word) if tag == format!("a{}", self.number).into_bytes() => {
                    return Ok(match word.status {
                        Status::Ok => Answer::Accepted,
                        _ => Answer::Refused(self.connection.shown(&word.text)),
                    });
                }
                _ => {}
            }
        }
        Err(failed(Cause::Broken(format!("more than {RESPONSES_LIMIT} answers to one command"))))
    }
}

impl Carrier for Talk {
    fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    fn begin(&mut self, mechanism: Mechanism, initial: Option<&str>) -> Result<Answer, Failure> {
        self.capabilities.clear();
        let bare = format!("AUTHENTICATE {mechanism}");
        match initial {
            None => self.send(Step::Login, &bare)?,
            Some(initial) => {
                self.send_hidden(Step::Login, &format!("{bare} {initial}"), &format!("{bare} ***"))?
            }
        };
        self.step_of_login()
    }

    fn answer(&mut self, line: &str) -> Result<Answer, Failure> {
        let shown = if matches!(line, "" | "*") { line } else { "***" };
        let sent = self.connection.send(format!("{line}\r\n").as_bytes(), shown);
        sent.map_err(|cause| Failure::new(Step::Login, cause))?;
        self.step_of_login()
    }
}

fn foreign(bytes: &[u8]) -> Option<Cause> {
    if matches!(bytes, [b'2', b'2', b'0', b' ' | b'-', ..]) {
        return Some(Cause::Broken("speaks SMTP, not IMAP".to_owned()));
    }
    let foreign = Foreign::recognise(bytes).filter(|foreign| *foreign != Foreign::Imap);
    foreign.map(|foreign| Cause::Foreign(foreign, "IMAP"))
}

/// A quoted string; `None` where only a literal can carry the text.
pub fn quoted(text: &str) -> Option<String> {
    let is_plain = text.chars().all(|character| matches!(character, ' '..='~'));
    is_plain.then(|| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}
