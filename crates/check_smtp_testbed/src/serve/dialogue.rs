//! One session of the embedded server.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use openssl::ssl::SslContext;

use super::maildir;
use crate::Result;
use crate::socket::Connection;

/// RFC 5321 section 4.5.3.1.6, with room for SMTPUTF8.
const LINE_LIMIT: usize = 4096;
/// What SIZE announces.
const MESSAGE_LIMIT: usize = 10_485_760;
/// Commands of one session.
const COMMANDS_LIMIT: usize = 1000;

/// What a listener does with its clients.
pub struct Service {
    pub context: SslContext,
    pub is_implicit: bool,
    /// The first reply, whole; with a code other than 220 the client is not served.
    pub greeting: String,
    pub requires_tls: bool,
    /// Before the reply to EHLO.
    pub delay: Duration,
    /// Before each reply.
    pub pace: Duration,
    pub maildir: PathBuf,
    pub user: String,
    pub password: String,
}

struct Dialogue<'a> {
    service: &'a Service,
    connection: Connection,
    is_tls: bool,
    has_sender: bool,
    has_recipient: bool,
}

/// Holds a session to its end.
pub fn hold(service: &Service, mut connection: Connection) -> Result<()> {
    if service.is_implicit {
        connection.secure(&service.context)?;
    }
    let mut dialogue = Dialogue {
        service,
        connection,
        is_tls: service.is_implicit,
        has_sender: false,
        has_recipient: false,
    };
    dialogue.say(&service.greeting)?;
    for _ in 0..COMMANDS_LIMIT {
        let Some(line) = dialogue.connection.line(LINE_LIMIT)? else { return Ok(()) };
        if !dialogue.answer(&String::from_utf8_lossy(&line))? {
            return Ok(());
        }
    }
    dialogue.say("421 4.7.0 too many commands")?;
    Ok(())
}

impl Dialogue<'_> {
    fn say(&mut self, text: &str) -> io::Result<()> {
        self.reply(&format!("{text}\r\n"))
    }

    fn reply(&mut self, lines: &str) -> io::Result<()> {
        if !self.service.pace.is_zero() {
            self.connection.pause(self.service.pace)?;
        }
        self.connection.write_all(lines.as_bytes())
    }

    /// Answers one command; `false` ends the session.
    fn answer(&mut self, line: &str) -> Result<bool> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let verb = verb.to_ascii_uppercase();
        let needs_tls = self.service.requires_tls && !self.is_tls;
        match verb.as_str() {
            "EHLO" => self.hello()?,
            "HELO" => self.say("250 mail.example.org")?,
            "STARTTLS" if !self.is_tls => {
                self.say("220 2.0.0 Ready to start TLS")?;
                // What was sent before TLS counts no more (CVE-2011-0411).
                self.connection.forget();
                self.connection.secure(&self.service.context)?;
                self.is_tls = true;
            }
            "AUTH" | "MAIL" if needs_tls => self.say("530 5.7.0 Must issue a STARTTLS command first")?,
            "AUTH" => self.authenticate(rest)?,
            "MAIL" => {
                self.has_sender = rest.to_ascii_uppercase().starts_with("FROM:");
                self.has_recipient = false;
                self.say(if self.has_sender {
                    "250 2.1.0 Ok"
                } else {
                    "501 5.5.4 Syntax: MAIL FROM:<address>"
                })?;
            }
            "RCPT" if self.has_sender => {
                self.has_recipient = true;
                self.say("250 2.1.5 Ok")?;
            }
            "DATA" if self.has_recipient => self.message()?,
            "RCPT" | "DATA" => self.say("503 5.5.1 bad sequence of commands")?,
            "RSET" => {
                (self.has_sender, self.has_recipient) = (false, false);
                self.say("250 2.0.0 Ok")?;
            }
            "NOOP" => self.say("250 2.0.0 Ok")?,
            "VRFY" => self.say("252 2.0.0 try and see")?,
            "HELP" => self.say("214 2.0.0 see RFC 5321")?,
            "QUIT" => {
                self.say("221 2.0.0 Bye")?;
                return Ok(false);
            }
            _ => self.say("502 5.5.2 command not recognized")?,
        }
        Ok(true)
    }

    fn hello(&mut self) -> io::Result<()> {
        self.connection.pause(self.service.delay)?;
        let mut lines = vec!["mail.example.org", "PIPELINING", "SIZE 10485760", "8BITMIME", "SMTPUTF8"];
        lines.push(if self.is_tls { "AUTH PLAIN LOGIN" } else { "STARTTLS" });
        let mut reply = String::new();
        for line in lines {
            reply.extend(["250-", line, "\r\n"]);
        }
        reply.push_str("250 ENHANCEDSTATUSCODES\r\n");
        self.reply(&reply)
    }

    fn authenticate(&mut self, rest: &str) -> io::Result<()> {
        if !self.is_tls {
            return self.say("538 5.7.11 Encryption required for requested authentication mechanism");
        }
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        let (user, password) = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => {
                let response = if initial.is_empty() { self.challenge("")? } else { decode(initial) };
                let mut parts = response.split('\0').skip(1).map(str::to_owned);
                (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
            }
            "LOGIN" => {
                let user = if initial.is_empty() { self.challenge("Username:")? } else { decode(initial) };
                (user, self.challenge("Password:")?)
            }
            _ => return self.say("504 5.5.4 Unrecognized authentication type"),
        };
        if user == self.service.user && password == self.service.password {
            self.say("235 2.7.0 Authentication successful")
        } else {
            self.say("535 5.7.8 Authentication credentials invalid")
        }
    }

    fn challenge(&mut self, prompt: &str) -> io::Result<String> {
        self.say(&format!("334 {}", BASE64.encode(prompt)))?;
        let line = self.connection.line(LINE_LIMIT)?.unwrap_or_default();
        Ok(decode(&String::from_utf8_lossy(&line)))
    }

    fn message(&mut self) -> io::Result<()> {
        self.say("354 End data with <CR><LF>.<CR><LF>")?;
        let mut message = Vec::new();
        while let Some(line) = self.connection.line(MESSAGE_LIMIT)? {
            if line == b"." {
                (self.has_sender, self.has_recipient) = (false, false);
                if message.len() > MESSAGE_LIMIT {
                    return self.say("552 5.3.4 Message size exceeds fixed limit");
                }
                let id = maildir::deliver(&self.service.maildir, &message)?;
                return self.say(&format!("250 2.0.0 Ok: queued as {id}"));
            }
            // What is too large is read to its end, and refused there.
            if message.len() <= MESSAGE_LIMIT {
                message.extend(line.strip_prefix(b".").unwrap_or(&line));
                message.extend(b"\r\n");
            }
        }
        Ok(())
    }
}

fn decode(text: &str) -> String {
    BASE64.decode(text).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}
