//! One contact with a server, the same for every check: name lookup, connect, greeting, EHLO, TLS, then the check's own
//! dialogue, QUIT. And what every check says of it.
//!
//! [`Way`] asks and decides nothing; [`findings`], [`timing`] and [`show`] judge and show, and touch nothing.

#[cfg(feature = "dns")]
pub mod domain;
pub mod findings;
pub mod login;
pub mod show;
pub mod timing;
#[cfg(feature = "https")]
pub mod token;

use std::net::SocketAddr;
use std::time::Duration;

use crate::cli::{Target, TlsMode};
use crate::error::{Cause, Failure};
use crate::hello::Answer;
use crate::net::{Attempt, Deadline, Host, Wire, dial, proxy, resolve, tls};
use crate::session::{Channel, Connected, Record, Session, Stopped, helo_name};
use crate::smtp::Reply;
use crate::timeline::{Phase, Timeline};

/// What a contact with a server showed.
#[derive(Clone, Debug)]
pub struct Contact {
    /// The port that was asked.
    pub port: u16,
    /// The address that answered; a Unix socket has none.
    pub address: Option<SocketAddr>,
    /// Addresses tried, when, and with what result.
    pub attempts: Vec<Attempt>,
    /// What the session saw.
    pub record: Record,
    /// Where the session could not go on.
    pub failure: Option<Failure>,
    /// Why it went on in the clear, on a new connection, where TLS is opportunistic and was offered.
    pub tls_failure: Option<Failure>,
}

impl Contact {
    /// The time until the session had done all it was asked, QUIT not counted.
    pub fn total(&self) -> Duration {
        self.record.timeline.total()
    }

    /// Whether the connection was established.
    pub fn is_connected(&self) -> bool {
        self.record.timeline.of(Phase::Connect).is_some()
    }

    /// The contact that never came to be.
    pub fn none(port: u16, mut lookup: Timeline, failure: Failure, deadline: Deadline) -> Self {
        lookup.ended(deadline.elapsed());
        Self {
            port,
            address: None,
            attempts: Vec::new(),
            record: Record { timeline: lookup, ..Record::default() },
            failure: Some(failure),
            tls_failure: None,
        }
    }
}

/// How a server is reached.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    /// Which server.
    pub target: &'a Target,
    /// When TLS begins.
    pub mode: TlsMode,
    /// How TLS is spoken.
    pub tls: &'a tls::Settings,
    /// Whether the dialogue will be shown (`-vvv`).
    pub keeps_dialogue: bool,
}

impl Way<'_> {
    /// The addresses; none for a Unix socket. A literal is no lookup and gets no time.
    pub fn find(&self, deadline: Deadline, lookup: &mut Timeline) -> Result<Vec<SocketAddr>, Cause> {
        let target = self.target;
        if matches!(target.connect, Host::Socket(_)) {
            return Ok(Vec::new());
        }
        let began = deadline.elapsed();
        let addresses = resolve::resolve(&target.connect, target.port, target.family, deadline)?;
        if matches!(target.connect, Host::Name(_)) {
            lookup.finished(Phase::Dns, began, deadline.elapsed());
        }
        Ok(addresses)
    }

    /// Holds a session with the first of `addresses` that answers, and QUITs whenever the server still listens.
    pub fn contact(
        &self,
        port: u16,
        addresses: &[SocketAddr],
        lookup: &Timeline,
        deadline: Deadline,
        dialogue: impl FnOnce(Session, &mut Record) -> Result<Channel, Stopped>,
    ) -> Contact {
        self.contact_within(port, addresses, lookup, (deadline, deadline), dialogue)
    }

    /// The same, where the connect has a deadline of its own: another server is to be asked if this one is not reached.
    pub fn contact_within(
        &self,
        port: u16,
        addresses: &[SocketAddr],
        lookup: &Timeline,
        (deadline, until_connected): (Deadline, Deadline),
        dialogue: impl FnOnce(Session, &mut Record) -> Result<Channel, Stopped>,
    ) -> Contact {
        let record =
            Record { timeline: lookup.clone(), keeps_dialogue: self.keeps_dialogue, ..Record::default() };
        let attempts = Vec::new();
        let mut contact = Contact { port, address: None, attempts, record, failure: None, tls_failure: None };
        let begun = match self.begin(addresses, &mut contact, (deadline, until_connected)) {
            Err(Stopped { failure, channel }) if self.falls_back(&failure) && !deadline.left().is_zero() => {
                contact.tls_failure = Some(failure);
                if let Some(channel) = channel {
                    channel.quit(&mut contact.record);
                }
                let in_the_clear = Self { mode: TlsMode::None, ..*self };
                in_the_clear.begin(addresses, &mut contact, (deadline, until_connected))
            }
            begun => begun,
        };
        let record = &mut contact.record;
        let channel = match begun.and_then(|session| dialogue(session, record)) {
            Ok(channel) => Some(channel),
            Err(stopped) => {
                contact.failure = Some(stopped.failure);
                stopped.channel.map(|channel| *channel)
            }
        };
        if let Some(channel) = channel {
            channel.quit(&mut contact.record);
        }
        contact
    }

    /// Connects, and goes up to the last EHLO.
    fn begin(
        &self,
        addresses: &[SocketAddr],
        contact: &mut Contact,
        (deadline, until_connected): (Deadline, Deadline),
    ) -> Result<Session, Stopped> {
        let began = deadline.elapsed();
        let (attempts, dialed) = self.dial(addresses, until_connected);
        contact.attempts.extend(attempts);
        match dialed {
            Ok((wire, address)) => {
                contact.record.timeline.finished(Phase::Connect, began, deadline.elapsed());
                contact.address = address;
                self.enter(wire, address, &mut contact.record, deadline)
            }
            Err(cause) => {
                contact.record.timeline.ended(deadline.elapsed());
                Err(Stopped { failure: Failure::new(Phase::Connect, cause), channel: None })
            }
        }
    }

    /// Whether opportunistic TLS gives way to the clear (RFC 7435 section 3). It does not where somebody tampers, nor for a fault of ours, nor
    /// below the version that was asked for.
    fn falls_back(&self, failure: &Failure) -> bool {
        self.mode == TlsMode::Opportunistic
            && matches!(failure.phase, Phase::StartTls | Phase::Tls)
            && matches!(
                failure.cause,
                Cause::Refused(_) | Cause::Handshake(_) | Cause::Closed | Cause::Reset | Cause::PlaintextSmtp
            )
    }

    /// Offers TLS by a hello made by hand, on a connection of its own.
    pub fn offer(
        &self,
        addresses: &[SocketAddr],
        deadline: Deadline,
        hello: &[u8],
    ) -> Result<Answer, Failure> {
        let (wire, address) =
            self.dial(addresses, deadline).1.map_err(|cause| Failure::new(Phase::Connect, cause))?;
        let mut record = Record::default();
        if self.mode == TlsMode::Implicit {
            return self.open(wire, address, deadline)?.offer(hello);
        }
        let way = Self { mode: TlsMode::None, ..*self };
        let session = way.enter(wire, address, &mut record, deadline).map_err(|stopped| stopped.failure)?;
        session.offer(hello, &mut record)
    }

    /// Tries whether a command added behind STARTTLS is taken into TLS, on a connection of its own; the server's answer to the QUIT.
    pub fn inject(&self, addresses: &[SocketAddr], deadline: Deadline) -> Result<Reply, Failure> {
        let (wire, address) =
            self.dial(addresses, deadline).1.map_err(|cause| Failure::new(Phase::Connect, cause))?;
        let mut record = Record::default();
        let way = Self { mode: TlsMode::None, ..*self };
        let session = way.enter(wire, address, &mut record, deadline).map_err(|stopped| stopped.failure)?;
        session.inject(self.tls, &mut record)
    }

    fn dial(&self, addresses: &[SocketAddr], deadline: Deadline) -> (Vec<Attempt>, Dialed) {
        if let Host::Socket(path) = &self.target.connect {
            return (Vec::new(), dial::dial_socket(path, deadline).map(|wire| (wire, None)));
        }
        let (attempts, dialed) = dial::dial(addresses, self.target.source, deadline);
        (attempts, dialed.map(|(wire, address)| (wire, Some(address))))
    }

    /// A new connection, with its PROXY header where one is asked for.
    fn open(
        &self,
        wire: Wire,
        address: Option<SocketAddr>,
        deadline: Deadline,
    ) -> Result<Connected, Failure> {
        let ends = wire.local_address().zip(address).filter(|_| self.target.proxy.is_some());
        let preamble = self.target.proxy.map(|version| proxy::header(version, ends)).unwrap_or_default();
        Connected::open(wire, &preamble, deadline)
    }

    /// From the greeting to the last EHLO.
    fn enter(
        &self,
        wire: Wire,
        address: Option<SocketAddr>,
        record: &mut Record,
        deadline: Deadline,
    ) -> Result<Session, Stopped> {
        let target = self.target;
        let mut connected =
            self.open(wire, address, deadline).map_err(|failure| Stopped { failure, channel: None })?;
        if self.mode == TlsMode::Implicit {
            connected = connected.secure(self.tls, record)?;
        }
        let greeted = connected.greet(record)?;
        if let Some(refusal) = record.greeting.clone().filter(|greeting| !greeting.is_positive()) {
            let failure = Failure::new(Phase::Banner, Cause::Refused(refusal));
            return Err(Stopped { failure, channel: Some(Box::new(greeted.leave())) });
        }
        let name = helo_name(target.helo.as_deref(), &greeted);
        let session = greeted.introduce(target.protocol, &name, record)?;
        let begins_tls = match self.mode {
            TlsMode::None | TlsMode::Implicit => false,
            TlsMode::Opportunistic => session.capabilities().offers("STARTTLS"),
            TlsMode::StartTls => true,
        };
        if !begins_tls {
            return Ok(session);
        }
        session.start_tls(self.tls, record)?.introduce(target.protocol, &name, record)
    }
}

type Dialed = Result<(Wire, Option<SocketAddr>), Cause>;
