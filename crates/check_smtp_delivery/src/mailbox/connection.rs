//! Lines and counted bytes over a connection, each within a limit and all within the deadline.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use check_smtp_core::certificate::Fault;
use check_smtp_core::cli::TlsMode;
use check_smtp_core::error::Cause as Common;
use check_smtp_core::net::{Deadline, Stream, dial, resolve, tls};
use check_smtp_core::plugin::Clean;
use check_smtp_core::secret::Hidden;

use super::Way;
use super::dialogue::Dialogue;
use super::failure::{Cause, Failure, Step};
use super::source::Server;

/// Bytes read at once.
const CHUNK: usize = 8 * 1024;

/// A connection to a mailbox's server.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    /// Bytes read and not yet asked for: those from `taken` on.
    unread: Vec<u8>,
    taken: usize,
    deadline: Deadline,
    /// What the server must not make us repeat.
    hidden: Hidden,
    dialogue: Dialogue,
}

impl Connection {
    /// Connects to the first address that answers; with implicit TLS the handshake and its verdict too.
    pub fn open(server: &Server, way: &Way, deadline: Deadline) -> Result<Self, Failure> {
        let host = way.connect.as_ref().unwrap_or(&server.host);
        let addresses = resolve::resolve(host, server.port, way.family, deadline)
            .map_err(|cause| Failure::new(Step::Lookup, cause))?;
        let dialed = dial::dial(&addresses, None, deadline).1;
        let (wire, _) = dialed.map_err(|cause| Failure::new(Step::Connect, cause))?;
        let connection = Self {
            stream: Stream::Plain(wire),
            unread: Vec::new(),
            taken: 0,
            deadline,
            hidden: Hidden::default(),
            dialogue: way.dialogue.clone(),
        };
        if server.mode == TlsMode::Implicit { connection.secure(&way.tls) } else { Ok(connection) }
    }

    /// Begins TLS. What was read in the clear and not yet asked for is a failure, never taken over (RFC 9051 section 11.1).
    pub fn secure(self, settings: &tls::Settings) -> Result<Self, Failure> {
        let behind = self.unread.len() - self.taken;
        if behind > 0 {
            return Err(Failure::new(Step::StartTls, Common::BytesBehindStartTls(behind)));
        }
        let failed = |cause: Common| Failure::new(Step::Tls, cause);
        let wire = match self.stream {
            Stream::Plain(wire) => wire,
            Stream::Tls(_) => return Err(failed(Common::Handshake("TLS inside TLS".to_owned()))),
        };
        let (stream, session) =
            tls::handshake(wire, settings, self.deadline).map_err(|cause| match cause {
                Common::Foreign(protocol) => Failure::new(Step::Tls, Cause::Foreign(protocol, "TLS")),
                other => failed(other),
            })?;
        let faults: Vec<Fault> = session.verdicts.faults();
        if settings.is_verified && !faults.is_empty() {
            return Err(failed(Common::Unverified(faults)));
        }
        Ok(Self { stream: Stream::Tls(Box::new(stream)), ..self })
    }

    /// Sends bytes; `shown` goes into the dialogue in their place.
    pub fn send(&mut self, bytes: &[u8], shown: &str) -> Result<(), Cause> {
        self.dialogue.keep("C", || self.hidden.star(shown).into_owned());
        self.stream.write_all(bytes).map_err(|error| Common::from_io(&error, self.deadline.budget()).into())
    }

    /// The next line without its end, of `limit` bytes at the most.
    pub fn line(&mut self, limit: usize) -> Result<Vec<u8>, Cause> {
        let mut searched = self.taken;
        loop {
            let fresh = self.unread.get(searched..).unwrap_or_default();
            if let Some(length) = fresh.iter().position(|byte| *byte == b'\n') {
                let mut line = self.take(searched - self.taken + length + 1);
                line.pop();
                line.pop_if(|byte| *byte == b'\r');
                return Ok(line);
            }
            let waiting = self.unread.len() - self.taken;
            if waiting > limit {
                return Err(Cause::Broken(format!("a line of more than {limit} bytes")));
            }
            self.fill()?;
            searched = self.taken + waiting;
        }
    }

    /// So many bytes; the caller has held their number against its limit.
    pub fn bytes(&mut self, count: usize) -> Result<Vec<u8>, Cause> {
        while self.unread.len() - self.taken < count {
            self.fill()?;
        }
        Ok(self.take(count))
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let end = (self.taken + count).min(self.unread.len());
        let bytes = self.unread.get(self.taken..end).unwrap_or_default().to_vec();
        self.taken = end;
        bytes
    }

    fn fill(&mut self) -> Result<(), Cause> {
        self.unread.drain(..self.taken);
        self.taken = 0;
        let mut chunk = [0; CHUNK];
        match self.stream.read(&mut chunk) {
            Ok(0) => Err(Common::Closed.into()),
            Ok(count) => {
                self.unread.extend(chunk.iter().take(count));
                Ok(())
            }
            Err(error) => Err(Common::from_io(&error, self.deadline.budget()).into()),
        }
    }

    /// Waits for the server's next word, `at_most` so long; whether there is one.
    pub fn speaks_within(&mut self, at_most: Duration) -> Result<bool, Cause> {
        if self.taken < self.unread.len() {
            return Ok(true);
        }
        let spoken = self.stream.speaks_within(at_most);
        spoken.map_err(|error| Common::from_io(&error, self.deadline.budget()).into())
    }

    /// The bytes that have come and nobody has asked for, to tell what speaks there.
    pub fn waiting(&self) -> &[u8] {
        self.unread.get(self.taken..).unwrap_or_default()
    }

    /// The deadline every operation carries.
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// The deadline every operation carries from now on.
    pub fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = deadline;
        self.stream.set_deadline(deadline);
    }

    /// Hides a text from all that is shown.
    pub fn hide(&mut self, text: &str) {
        self.hidden.add(text);
    }

    /// Hides a text as it was sent.
    pub fn hide_verbatim(&mut self, text: &str) {
        self.hidden.add_verbatim(text);
    }

    /// A server's words as they may be shown: secrets starred out, cleaned, bounded.
    pub fn shown(&self, words: &[u8]) -> String {
        Clean::new(&self.hidden.star(&String::from_utf8_lossy(words))).to_string()
    }

    /// Keeps a line of the server.
    pub fn heard(&self, line: &[u8]) {
        self.dialogue.keep("S", || self.hidden.star(&String::from_utf8_lossy(line)).into_owned());
    }

    /// What ties a login to the TLS session.
    pub fn binding(&self) -> Option<(&'static str, Vec<u8>)> {
        self.stream.binding()
    }

    /// Whether it is inside TLS.
    pub fn is_tls(&self) -> bool {
        self.stream.is_tls()
    }
}
