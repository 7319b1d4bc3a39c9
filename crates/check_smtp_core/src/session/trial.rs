//! What is tried on a connection that is given up for it: a hello made by hand, a command behind STARTTLS.

use std::io::{Read as _, Write as _};

use super::{Channel, Connected, Record, Session, secure};
use crate::error::{Cause, Failure};
use crate::hello::Answer;
use crate::net::tls;
use crate::smtp::{Command, Foreign, Reply};
use crate::timeline::Phase;

/// Bytes read in answer to a hello made by hand.
const ANSWER_LIMIT: usize = 64 * 1024;

impl Connected {
    /// Begins TLS at once with a hello made by hand, and reads what the server answers to it.
    pub fn offer(self, hello: &[u8]) -> Result<Answer, Failure> {
        offer(self.channel, hello)
    }
}

impl Session {
    /// Begins TLS with a hello made by hand, and reads what the server answers to it. The connection is of no use afterwards.
    pub fn offer(mut self, hello: &[u8], record: &mut Record) -> Result<Answer, Failure> {
        let failed = |cause| Failure::new(Phase::StartTls, cause);
        match self.channel.ask(Phase::StartTls, &Command::StartTls, record) {
            Ok(reply) if reply.code() == 220 && self.channel.unread.is_empty() => {}
            Ok(reply) if reply.code() == 220 => {
                return Err(failed(Cause::BytesBehindStartTls(self.channel.unread.len())));
            }
            Ok(reply) => return Err(failed(Cause::Refused(reply))),
            Err(cause) => return Err(failed(cause)),
        }
        offer(self.channel, hello)
    }

    /// Sends STARTTLS and a NOOP in one write, then QUIT inside TLS: its first reply tells whether the server took the NOOP over, which
    /// anybody on the path could have added (CVE-2011-0411).
    pub fn inject(mut self, settings: &tls::Settings, record: &mut Record) -> Result<Reply, Failure> {
        record.said("C", "STARTTLS");
        record.said("C", "NOOP");
        match self.channel.send(Phase::StartTls, "STARTTLS\r\nNOOP\r\n", record) {
            Ok(reply) if reply.code() == 220 => {}
            Ok(reply) => return Err(Failure::new(Phase::StartTls, Cause::Refused(reply))),
            Err(cause) => return Err(Failure::new(Phase::StartTls, cause)),
        }
        if !self.channel.unread.is_empty() {
            let count = self.channel.unread.len();
            return Err(Failure::new(Phase::StartTls, Cause::BytesBehindStartTls(count)));
        }
        let mut channel = secure(self.channel, settings, record).map_err(|stopped| stopped.failure)?;
        channel.ask(Phase::Quit, &Command::Quit, record).map_err(|cause| Failure::new(Phase::Quit, cause))
    }
}

/// Sends a hello made by hand and reads up to the answer; never more than a hello can have.
fn offer(mut channel: Channel, hello: &[u8]) -> Result<Answer, Failure> {
    let failed = |cause| Failure::new(Phase::Tls, cause);
    let sent = channel.stream.write_all(hello);
    sent.map_err(|error| failed(Cause::from_io(&error, channel.deadline.budget())))?;
    let (mut came, mut buffer) = (Vec::new(), [0; 2048]);
    loop {
        match Answer::parse(&came) {
            Ok(Some(answer)) => return Ok(answer),
            Ok(None) if came.len() <= ANSWER_LIMIT => {}
            Ok(None) => return Err(failed(Cause::Handshake("an endless server hello".to_owned()))),
            Err(words) => {
                let foreign = Foreign::recognise(&came).filter(|foreign| *foreign != Foreign::Tls);
                return Err(failed(foreign.map_or(Cause::Handshake(words.to_owned()), Cause::Foreign)));
            }
        }
        match channel.stream.read(&mut buffer) {
            Ok(0) => return Err(failed(Cause::Closed)),
            Ok(count) => came.extend(buffer.iter().take(count)),
            Err(error) => return Err(failed(channel.io_cause(&error))),
        }
    }
}
