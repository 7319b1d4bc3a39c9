//! A mail transaction (RFC 5321 section 3.3): MAIL FROM, RCPT TO, DATA and the message, in groups where PIPELINING is offered (RFC 2920).
//!
//! What became of the message is told for each recipient. Once the last byte of it is out and no answer comes, nobody can know: that is
//! [`Fate::Uncertain`], and it is never sent a second time.

use std::io::{ErrorKind, Write as _};
use std::time::Duration;

use super::{Channel, Fate, Protocol, Record, Session, Stopped};
use crate::error::{Cause, Failure};
use crate::smtp::{Capabilities, Command, Envelope, Message, Reply};
use crate::timeline::Phase;

/// What is to be sent, and how far.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// From whom, for whom.
    pub envelope: &'a Envelope,
    /// What.
    pub message: &'a Message,
    /// LMTP answers the message once for each recipient (RFC 2033 section 4.2).
    pub protocol: Protocol,
    /// By BDAT (RFC 3030) instead of DATA.
    pub is_chunked: bool,
    /// Where to stop, so that nothing is sent.
    pub stop_after: Option<StopAfter>,
}

/// The last step before we stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopAfter {
    /// MAIL FROM.
    Mail,
    /// RCPT TO of all recipients.
    Rcpt,
    /// DATA and its 354. There is no orderly way back from here: the connection is closed without the final dot, and the server must
    /// throw the transaction away (RFC 5321 section 4.1.1.4).
    Data,
}

impl Session {
    /// Sends a message. What became of it for each recipient goes into `fates`, in their order, as soon as it is known.
    ///
    /// A refusal is a fate and no failure; a failure is a session that broke.
    pub fn deliver(
        self,
        order: Order<'_>,
        record: &mut Record,
        fates: &mut Vec<Fate>,
    ) -> Result<Channel, Stopped> {
        fates.clear();
        fates.resize(order.envelope.to.len(), Fate::NotTried);
        let chunking = (order.is_chunked && !self.capabilities.offers("CHUNKING")).then_some("CHUNKING");
        if let Some(keyword) = order.envelope.lacks(order.message, &self.capabilities).or(chunking) {
            return Err(self.stop(Phase::Mail, Cause::NotOffered(keyword), record));
        }
        let Self { channel, capabilities } = self;
        let mut transaction = Transaction { channel, order, record, fates, agreed: Vec::new() };
        let ended = transaction.run(&capabilities);
        let Transaction { mut channel, record, .. } = transaction;
        record.timeline.ended(channel.deadline.elapsed());
        match ended {
            Ok(End::Orderly) => Ok(channel),
            Ok(End::TakenBack) => {
                channel.take_back(record);
                Ok(channel)
            }
            Ok(End::InMidData) => {
                channel.is_abandoned = true;
                Ok(channel)
            }
            Err(failure) => Err(Stopped { failure, channel: None }),
        }
    }
}

/// How a transaction came to its end.
enum End {
    /// There is nothing left but QUIT.
    Orderly,
    /// Stopped before the message: RSET comes first.
    TakenBack,
    /// Stopped behind a 354, or within the message: not another word, it would be part of it.
    InMidData,
}

/// One command before the message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Mail,
    /// For the recipient at this place.
    Rcpt(usize),
    Data,
}

impl Step {
    fn phase(self) -> Phase {
        match self {
            Self::Mail => Phase::Mail,
            Self::Rcpt(_) => Phase::Rcpt,
            Self::Data => Phase::Data,
        }
    }
}

/// Whether anything can still come of the transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    GoesOn,
    IsOver,
}

struct Transaction<'a> {
    channel: Channel,
    order: Order<'a>,
    record: &'a mut Record,
    fates: &'a mut [Fate],
    /// The recipients the server has agreed to, by their place, with what it said.
    agreed: Vec<(usize, Reply)>,
}

impl Transaction<'_> {
    fn run(&mut self, offered: &Capabilities) -> Result<End, Failure> {
        let steps = self.steps(offered);
        let data = if offered.offers("PIPELINING") { self.in_group(&steps)? } else { self.in_turn(&steps)? };
        match (self.order.stop_after, data) {
            (Some(StopAfter::Data), Some(reply)) => {
                self.stop_here(|_| Fate::Agreed(Phase::Data, reply.clone()));
                Ok(End::InMidData)
            }
            (Some(_), _) => {
                self.stop_here(|reply| Fate::Agreed(Phase::Rcpt, reply));
                let is_open = self.fates.iter().any(|fate| matches!(fate, Fate::Agreed(..)));
                Ok(if is_open { End::TakenBack } else { End::Orderly })
            }
            (None, Some(_)) if self.agreed.is_empty() => Ok(self.lone_dot()),
            (None, Some(_)) => self.send(&self.order.message.dotted()),
            (None, None) if self.order.is_chunked && !self.agreed.is_empty() => self.send(&self.chunk()),
            (None, None) => Ok(End::Orderly),
        }
    }

    /// The commands before the message.
    fn steps(&self, offered: &Capabilities) -> Vec<(Step, Command)> {
        let Order { envelope, message, stop_after, is_chunked, .. } = self.order;
        let mut steps = vec![(Step::Mail, envelope.mail(message, offered))];
        if stop_after == Some(StopAfter::Mail) {
            return steps;
        }
        let recipients = envelope.to.iter().enumerate();
        steps.extend(recipients.map(|(place, to)| (Step::Rcpt(place), envelope.rcpt(to, offered))));
        if stop_after != Some(StopAfter::Rcpt) && !is_chunked {
            steps.push((Step::Data, Command::Data));
        }
        steps
    }

    /// All in one write, DATA last (RFC 2920 section 3.1); the replies strictly in their order. Gives the 354.
    fn in_group(&mut self, steps: &[(Step, Command)]) -> Result<Option<Reply>, Failure> {
        self.nothing_unasked(Phase::Mail)?;
        let mut lines = String::new();
        for (_, command) in steps {
            self.record.said("C", &command.redacted());
            lines.extend([&command.to_string(), "\r\n"]);
        }
        let mut began = self.channel.deadline.elapsed();
        let sent = self.channel.stream.write_all(lines.as_bytes());
        let mut flow = Flow::GoesOn;
        for (step, _) in steps {
            let reply = match (self.channel.reply(self.record), &sent) {
                (Ok(reply), _) => reply,
                // What it said before it went away stands.
                (Err(_), _) if flow == Flow::IsOver => return Ok(None),
                (Err(_), Err(error)) => return Err(Failure::new(step.phase(), self.channel.io_cause(error))),
                (Err(cause), Ok(())) => return Err(Failure::new(step.phase(), cause)),
            };
            let ended = self.channel.deadline.elapsed();
            self.record.timeline.finished(step.phase(), began, ended);
            began = ended;
            if *step == Step::Data && reply.code() == 354 {
                return Ok(Some(reply));
            }
            // The answers to the rest of the group follow; only 421 is the last word.
            if flow == Flow::GoesOn {
                flow = self.judge(*step, &reply)?;
            }
            if reply.code() == 421 {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// One after the other, each after the answer to the one before. Gives the 354.
    fn in_turn(&mut self, steps: &[(Step, Command)]) -> Result<Option<Reply>, Failure> {
        for (step, command) in steps {
            if *step == Step::Data && self.agreed.is_empty() {
                return Ok(None);
            }
            self.nothing_unasked(step.phase())?;
            let answer = self.channel.ask(step.phase(), command, self.record);
            let reply = answer.map_err(|cause| Failure::new(step.phase(), cause))?;
            if *step == Step::Data && reply.code() == 354 {
                return Ok(Some(reply));
            }
            if self.judge(*step, &reply)? == Flow::IsOver {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// What a reply means for the recipients. One that neither agrees nor refuses belongs to another command.
    fn judge(&mut self, step: Step, reply: &Reply) -> Result<Flow, Failure> {
        let phase = step.phase();
        if reply.code() == 421 {
            // It closes: nobody gets anything.
            self.agreed.clear();
            let open = self.fates.iter_mut().filter(|fate| **fate == Fate::NotTried);
            open.for_each(|fate| *fate = Fate::PutOff(phase, reply.clone()));
            return Ok(Flow::IsOver);
        }
        match (step, reply.is_positive(), Fate::of_refusal(phase, reply)) {
            (Step::Mail, true, _) => {
                if self.order.stop_after == Some(StopAfter::Mail) {
                    self.fates.fill(Fate::Agreed(phase, reply.clone()));
                }
                Ok(Flow::GoesOn)
            }
            (Step::Rcpt(place), true, _) => {
                self.agreed.push((place, reply.clone()));
                Ok(Flow::GoesOn)
            }
            (Step::Mail, _, Some(fate)) => {
                self.fates.fill(fate);
                Ok(Flow::IsOver)
            }
            (Step::Rcpt(place), _, Some(fate)) => {
                self.decide(place, fate);
                Ok(Flow::GoesOn)
            }
            (Step::Data, _, Some(fate)) => {
                self.stop_here(|_| fate.clone());
                Ok(Flow::IsOver)
            }
            _ => Err(Failure::new(phase, Cause::OutOfStep(format!("answered {reply}")))),
        }
    }

    /// Sends the whole message; from its last byte on its fate is the server's to tell.
    fn send(&mut self, wire: &[u8]) -> Result<End, Failure> {
        self.nothing_unasked(Phase::Body)?;
        self.record.said("C", &format!("(message of {} bytes)", self.order.message.size()));
        let began = self.channel.deadline.elapsed();
        // A server that refuses in the middle may read no further.
        self.channel.stream.heed_input(true);
        let sent = self.channel.stream.write_all(wire);
        self.channel.stream.heed_input(false);
        match sent {
            Ok(()) => self.answers(began),
            Err(error) => self.broken_off(&error),
        }
    }

    /// The answer to the message, in LMTP one for each recipient that was agreed to.
    fn answers(&mut self, began: Duration) -> Result<End, Failure> {
        let places: Vec<usize> = self.agreed.drain(..).map(|(place, _)| place).collect();
        let share = if self.order.protocol == Protocol::Lmtp { 1 } else { places.len() };
        let mut left = places.as_slice();
        while let Some((answered, rest)) = left.split_at_checked(share).filter(|_| !left.is_empty()) {
            let answer = match self.channel.reply(self.record) {
                Ok(reply) if reply.is_positive() => Ok(Fate::Accepted(reply)),
                Ok(reply) => Fate::of_refusal(Phase::Body, &reply)
                    .ok_or_else(|| Cause::OutOfStep(format!("answered {reply}"))),
                Err(cause) => Err(cause),
            };
            let fate = match answer {
                Ok(fate) => fate,
                Err(cause) => {
                    for place in left {
                        self.decide(*place, Fate::Uncertain(cause.clone()));
                    }
                    return Err(Failure::new(Phase::Body, cause));
                }
            };
            for place in answered {
                self.decide(*place, fate.clone());
            }
            left = rest;
        }
        self.record.timeline.finished(Phase::Body, began, self.channel.deadline.elapsed());
        Ok(End::Orderly)
    }

    /// The end of the message never went out: it cannot arrive. The server may have said why.
    fn broken_off(&mut self, error: &std::io::Error) -> Result<End, Failure> {
        let failed = |cause| Err(Failure::new(Phase::Body, cause));
        match self.channel.reply(self.record) {
            Ok(reply) => match Fate::of_refusal(Phase::Body, &reply) {
                Some(fate) => {
                    self.stop_here(|_| fate.clone());
                    Ok(End::InMidData)
                }
                None => failed(Cause::OutOfStep(format!("answered {reply} before its end"))),
            },
            Err(cause) if error.kind() == ErrorKind::WouldBlock => failed(cause),
            Err(_) => failed(self.channel.io_cause(error)),
        }
    }

    /// The 354 of a server that has refused all recipients: it waits for a message, and gets none (RFC 2920 section 3.1).
    fn lone_dot(&mut self) -> End {
        // LMTP would answer once for each recipient, and there is none.
        if self.order.protocol == Protocol::Lmtp {
            return End::InMidData;
        }
        self.record.said("C", ".");
        // Whatever it answers: there was nobody to get it.
        match self.channel.send(Phase::Data, ".\r\n", self.record) {
            Ok(_) => End::Orderly,
            Err(_) => End::InMidData,
        }
    }

    /// BDAT and the message, in one write.
    fn chunk(&self) -> Vec<u8> {
        let message = self.order.message;
        [format!("{}\r\n", Command::LastChunk(message.size())).as_bytes(), message.bytes()].concat()
    }

    /// Nothing may have been said that nobody has asked for: a 250 that stands there before the message would be taken for its answer.
    fn nothing_unasked(&self, phase: Phase) -> Result<(), Failure> {
        if self.channel.unread.is_empty() {
            return Ok(());
        }
        let words = String::from_utf8_lossy(&self.channel.unread);
        let words = self.channel.hidden.star(words.trim_end()).into_owned();
        Err(Failure::new(phase, Cause::OutOfStep(format!("{words} came unasked"))))
    }

    /// The same end for all that were agreed to.
    fn stop_here(&mut self, fate: impl Fn(Reply) -> Fate) {
        for (place, reply) in std::mem::take(&mut self.agreed) {
            self.decide(place, fate(reply));
        }
    }

    fn decide(&mut self, place: usize, fate: Fate) {
        if let Some(decided) = self.fates.get_mut(place) {
            *decided = fate;
        }
    }
}
