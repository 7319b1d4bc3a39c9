//! A session with a mail server, each stage a type of its own: connected, greeted, introduced (EHLO).
//!
//! A stage is consumed by the next one, so that nothing read before STARTTLS can be taken for something said after it.
//! What was seen goes into a [`Record`] as it is seen; a stage that fails gives the channel back, for QUIT.

mod auth;
mod envelope;
mod fate;
mod record;
mod trial;

use std::io::{Read as _, Write as _};
use std::time::Duration;

use crate::certificate::Fault;
use crate::error::{Cause, Failure};
use crate::net::{Deadline, Stream, Wire, tls};
use crate::secret::Hidden;
use crate::smtp::{Capabilities, Command, Foreign, Reply, ReplyError, ReplyParser, foreign};
use crate::timeline::Phase;

pub use auth::{Login, Outcome};
pub use envelope::{Order, StopAfter};
pub use fate::Fate;
pub use record::{Introduction, Record};

/// QUIT waits no longer than this, and no longer than a tenth of the budget.
const QUIT_SHARE: Duration = Duration::from_secs(1);
/// What is kept back to ask a silent server what it speaks.
const KNOCK_SHARE: Duration = Duration::from_millis(250);

/// SMTP or its local twin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// SMTP (RFC 5321).
    #[default]
    Smtp,
    /// LMTP (RFC 2033): LHLO instead of EHLO, and no HELO.
    Lmtp,
}

/// A stage that was not finished. The channel is there while the server may still listen.
#[derive(Debug)]
pub struct Stopped {
    /// Why.
    pub failure: Failure,
    /// For QUIT.
    pub channel: Option<Box<Channel>>,
}

/// Bytes, replies and the deadline over a stream; every stage holds one.
#[derive(Debug)]
pub struct Channel {
    stream: Stream,
    parser: ReplyParser,
    /// Bytes read behind the last reply.
    unread: Vec<u8>,
    deadline: Deadline,
    /// What the server must not make us repeat.
    hidden: Hidden,
    /// Not another word may be sent: it would be taken for something else.
    is_abandoned: bool,
}

impl Channel {
    fn new(stream: Stream, deadline: Deadline) -> Self {
        Self {
            stream,
            parser: ReplyParser::default(),
            unread: Vec::new(),
            deadline,
            hidden: Hidden::default(),
            is_abandoned: false,
        }
    }

    /// Sends a whole command in one write and reads its reply; a finished step goes into the record.
    fn ask(&mut self, phase: Phase, command: &Command, record: &mut Record) -> Result<Reply, Cause> {
        record.said("C", &command.redacted());
        self.send(phase, &format!("{command}\r\n"), record)
    }

    /// Sends a line that was put into the record already, in whatever form may be shown.
    fn send(&mut self, phase: Phase, line: &str, record: &mut Record) -> Result<Reply, Cause> {
        let began = self.deadline.elapsed();
        let sent = self.stream.write_all(line.as_bytes());
        // A server that says 421 and closes makes the write fail; its words are still to be read.
        let reply = match (self.reply(record), sent) {
            (Ok(reply), _) => reply,
            (Err(_), Err(error)) => return Err(self.io_cause(&error)),
            (Err(cause), Ok(())) => return Err(cause),
        };
        record.timeline.finished(phase, began, self.deadline.elapsed());
        Ok(reply)
    }

    fn reply(&mut self, record: &mut Record) -> Result<Reply, Cause> {
        let mut unread = std::mem::take(&mut self.unread);
        let mut buffer = [0; 2048];
        loop {
            let (taken, reply) =
                self.parser.push(&unread).map_err(|error| malformed(self.without_hidden(error)))?;
            if let Some(reply) = reply {
                self.unread = unread.split_off(taken);
                let reply = if self.hidden.is_empty() {
                    reply
                } else {
                    reply.with_lines(|line| self.hidden.star(&line).into_owned())
                };
                record.replied(&reply);
                return Ok(reply);
            }
            let count = match self.stream.read(&mut buffer) {
                Ok(0) => return Err(self.partly(Cause::Closed)),
                Ok(count) => count,
                Err(error) => return Err(self.partly(self.io_cause(&error))),
            };
            unread.clear();
            unread.extend(buffer.iter().take(count));
        }
    }

    fn without_hidden(&self, error: ReplyError) -> ReplyError {
        match error {
            ReplyError::NotAReply(line) => ReplyError::NotAReply(self.hidden.star(&line).into_owned()),
            other => other,
        }
    }

    /// A line that was begun may tell what the server speaks, whatever ended it.
    fn partly(&self, cause: Cause) -> Cause {
        Foreign::recognise(self.parser.partial_line()).map_or(cause, Cause::Foreign)
    }

    fn io_cause(&self, error: &std::io::Error) -> Cause {
        Cause::from_io(error, self.deadline.budget())
    }

    fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = deadline;
        self.stream.set_deadline(deadline);
    }

    /// Says QUIT and waits a small share for the answer. Whatever comes of it changes no result.
    pub fn quit(mut self, record: &mut Record) {
        record.timeline.ended(self.deadline.elapsed());
        if self.is_abandoned {
            return;
        }
        self.set_deadline(self.deadline.at_most(self.parting_share()));
        if self.ask(Phase::Quit, &Command::Quit, record).is_err() {
            record.said("C", "(no answer to QUIT)");
        }
    }

    /// Says RSET (RFC 5321 section 4.1.1.5) before QUIT, and waits for the answer as for that of QUIT.
    fn take_back(&mut self, record: &mut Record) {
        let whole = self.deadline;
        self.set_deadline(whole.at_most(self.parting_share()));
        // Whatever comes of it changes no result: QUIT ends the transaction as well.
        let _ = self.ask(Phase::Quit, &Command::Reset, record);
        self.set_deadline(whole);
    }

    fn parting_share(&self) -> Duration {
        (self.deadline.budget() / 10).min(QUIT_SHARE)
    }

    fn stop(self, phase: Phase, cause: Cause, record: &mut Record) -> Stopped {
        record.timeline.ended(self.deadline.elapsed());
        let listens = matches!(
            cause,
            Cause::Refused(_)
                | Cause::StartTlsNotOffered(_)
                | Cause::Unverified(_)
                | Cause::AuthNotOffered
                | Cause::NoMechanism(_)
                | Cause::NotOffered(_)
                | Cause::Sasl(_)
        );
        Stopped { failure: Failure::new(phase, cause), channel: listens.then(|| Box::new(self)) }
    }
}

fn malformed(error: ReplyError) -> Cause {
    let foreign = match &error {
        ReplyError::NotAReply(line) => Foreign::recognise(line.as_bytes()),
        _ => None,
    };
    foreign.map_or(Cause::Malformed(error), Cause::Foreign)
}

/// Connected; nothing was read yet.
#[derive(Debug)]
pub struct Connected {
    channel: Channel,
}

impl Connected {
    /// Takes a new connection; `preamble` (a PROXY header) is sent before anything else.
    pub fn open(mut wire: Wire, preamble: &[u8], deadline: Deadline) -> Result<Self, Failure> {
        let sent = wire.write_all(preamble);
        sent.map_err(|error| Failure::new(Phase::Connect, Cause::from_io(&error, deadline.budget())))?;
        let mut channel = Channel::new(Stream::Plain(wire), deadline);
        // The connect may have had less.
        channel.set_deadline(deadline);
        Ok(Self { channel })
    }

    /// Begins TLS at once (implicit TLS, RFC 8314 section 3).
    pub fn secure(self, settings: &tls::Settings, record: &mut Record) -> Result<Self, Stopped> {
        secure(self.channel, settings, record).map(|channel| Self { channel })
    }

    /// Reads the greeting. Any well-formed reply is one: which code is welcome is not decided here.
    pub fn greet(mut self, record: &mut Record) -> Result<Greeted, Stopped> {
        let whole = self.channel.deadline;
        let began = whole.elapsed();
        self.channel.set_deadline(whole.less(KNOCK_SHARE.min(whole.budget() / 20)));
        let greeting = match self.channel.reply(record) {
            Ok(greeting) => greeting,
            Err(Cause::Timeout(budget)) if !self.channel.parser.is_midway() => {
                let foreign = self.knock(whole);
                return Err(self.channel.stop(
                    Phase::Banner,
                    foreign.map_or(Cause::Timeout(budget), Cause::Foreign),
                    record,
                ));
            }
            // Bytes have come: the rest of the budget is theirs.
            Err(Cause::Timeout(_)) => {
                self.channel.set_deadline(whole);
                match self.channel.reply(record) {
                    Ok(greeting) => greeting,
                    Err(cause) => return Err(self.channel.stop(Phase::Banner, cause, record)),
                }
            }
            Err(cause) => return Err(self.channel.stop(Phase::Banner, cause, record)),
        };
        self.channel.set_deadline(whole);
        record.timeline.finished(Phase::Banner, began, whole.elapsed());
        record.greeting = Some(greeting);
        Ok(Greeted { channel: self.channel })
    }

    /// A server silent to the end is asked for a word: TLS answers a hello with a hello or an alert, HTTP with an error. SMTP's own
    /// greeting, come this late, is not taken, because we have spoken first.
    fn knock(&mut self, deadline: Deadline) -> Option<Foreign> {
        self.channel.set_deadline(deadline);
        let mut buffer = [0; 64];
        self.channel.stream.write_all(&foreign::knock()).ok()?;
        let count = self.channel.stream.read(&mut buffer).ok()?;
        Foreign::recognise(buffer.get(..count)?)
    }
}

/// Greeted, or fresh out of a TLS handshake: the next word is our introduction.
#[derive(Debug)]
pub struct Greeted {
    channel: Channel,
}

impl Greeted {
    /// Our own end of the connection, for an address literal as HELO name.
    pub fn local_address(&self) -> Option<std::net::SocketAddr> {
        self.channel.stream.wire().local_address()
    }

    /// Ends the session where the greeting was not the welcome one.
    pub fn leave(self) -> Channel {
        self.channel
    }

    /// Says EHLO, and HELO when that is refused for good (RFC 5321 section 3.2); LHLO for LMTP.
    pub fn introduce(
        mut self,
        protocol: Protocol,
        name: &str,
        record: &mut Record,
    ) -> Result<Session, Stopped> {
        let hello = match protocol {
            Protocol::Smtp => Command::Ehlo(name.to_owned()),
            Protocol::Lmtp => Command::Lhlo(name.to_owned()),
        };
        let mut is_helo = false;
        let mut answer = self.channel.ask(Phase::Ehlo, &hello, record);
        if protocol == Protocol::Smtp && matches!(&answer, Ok(reply) if reply.is_permanent()) {
            is_helo = true;
            answer = self.channel.ask(Phase::Ehlo, &Command::Helo(name.to_owned()), record);
        }
        let reply = match answer {
            Ok(reply) if reply.is_positive() => reply,
            Ok(reply) => return Err(self.channel.stop(Phase::Ehlo, Cause::Refused(reply), record)),
            Err(cause) => return Err(self.channel.stop(Phase::Ehlo, cause, record)),
        };
        let capabilities = Capabilities::from_reply(&reply);
        let is_over_tls = self.channel.stream.is_tls();
        record.introductions.push(Introduction { is_over_tls, is_helo, capabilities: capabilities.clone() });
        Ok(Session { channel: self.channel, capabilities })
    }
}

/// Introduced: commands may be sent.
#[derive(Debug)]
pub struct Session {
    channel: Channel,
    capabilities: Capabilities,
}

impl Session {
    /// Begins TLS (RFC 3207). Consumes the session: what was announced in the clear counts no more.
    pub fn start_tls(mut self, settings: &tls::Settings, record: &mut Record) -> Result<Greeted, Stopped> {
        if !self.capabilities.offers("STARTTLS") {
            let overwritten = self.capabilities.overwritten_keyword().map(str::to_owned);
            return Err(self.channel.stop(Phase::StartTls, Cause::StartTlsNotOffered(overwritten), record));
        }
        match self.channel.ask(Phase::StartTls, &Command::StartTls, record) {
            Ok(reply) if reply.code() == 220 => {}
            Ok(reply) => return Err(self.channel.stop(Phase::StartTls, Cause::Refused(reply), record)),
            Err(cause) => return Err(self.channel.stop(Phase::StartTls, cause, record)),
        }
        if !self.channel.unread.is_empty() {
            let count = self.channel.unread.len();
            return Err(self.channel.stop(Phase::StartTls, Cause::BytesBehindStartTls(count), record));
        }
        secure(self.channel, settings, record).map(|channel| Greeted { channel })
    }

    /// Sends a command; any well-formed reply is a success here.
    pub fn ask(&mut self, phase: Phase, command: &Command, record: &mut Record) -> Result<Reply, Failure> {
        let answer = self.channel.ask(phase, command, record);
        answer.map_err(|cause| {
            record.timeline.ended(self.channel.deadline.elapsed());
            Failure::new(phase, cause)
        })
    }

    /// What the last EHLO announced.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Ends the session.
    pub fn leave(self) -> Channel {
        self.channel
    }

    /// Ends the session for a reason of the check's own; the server still listens.
    pub fn stop(self, phase: Phase, cause: Cause, record: &mut Record) -> Stopped {
        self.channel.stop(phase, cause, record)
    }
}

/// The handshake over a plaintext channel, whose buffers are not taken along.
fn secure(channel: Channel, settings: &tls::Settings, record: &mut Record) -> Result<Channel, Stopped> {
    let deadline = channel.deadline;
    let began = deadline.elapsed();
    let failed = |cause, record: &mut Record| {
        record.timeline.ended(deadline.elapsed());
        Stopped { failure: Failure::new(Phase::Tls, cause), channel: None }
    };
    let wire = match channel.stream {
        Stream::Plain(wire) => wire,
        Stream::Tls(_) => return Err(failed(Cause::Handshake("TLS inside TLS".to_owned()), record)),
    };
    let (stream, session) =
        tls::handshake(wire, settings, deadline).map_err(|cause| failed(cause, record))?;
    record.timeline.finished(Phase::Tls, began, deadline.elapsed());
    let faults: Vec<Fault> = session.verdicts.faults();
    record.tls = Some(session);
    let channel = Channel::new(Stream::Tls(Box::new(stream)), deadline);
    if faults.is_empty() {
        Ok(channel)
    } else {
        Err(channel.stop(Phase::Tls, Cause::Unverified(faults), record))
    }
}

/// The name we introduce ourselves by: the one given, else this machine's full name, else the address literal of our end.
///
/// Never empty (RFC 5321 section 4.1.4). A short host name is looked for in the hosts file, as `hostname --fqdn` does.
pub fn helo_name(given: Option<&str>, greeted: &Greeted) -> String {
    if let Some(name) = given {
        return name.to_owned();
    }
    if let Some(name) = crate::net::own_name::full_name() {
        return name;
    }
    match greeted.local_address().map(|address| address.ip()) {
        Some(std::net::IpAddr::V4(address)) => format!("[{address}]"),
        Some(std::net::IpAddr::V6(address)) => format!("[IPv6:{address}]"),
        None => "localhost".to_owned(),
    }
}
