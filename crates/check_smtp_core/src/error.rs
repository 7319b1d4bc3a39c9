//! The one error type of a probe: which phase failed, and why.

use std::{fmt, time::Duration};

use crate::certificate::Fault;
use crate::net::tls::SessionFault;
use crate::oauth2::TokenFault;
use crate::smtp::sasl::SaslFault;
use crate::smtp::{Foreign, Reply, ReplyError};
use crate::timeline::Phase;

/// A session that could not go on. A fact like any other: `evaluate` gives it its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The phase that was not finished.
    pub phase: Phase,
    /// Why.
    pub cause: Cause,
}

impl Failure {
    /// A failure of a phase.
    pub fn new(phase: Phase, cause: Cause) -> Self {
        Self { phase, cause }
    }
}

/// Why a phase was not finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The budget (`-t`) ran out; the whole of it is given.
    Timeout(Duration),
    /// The name does not exist, or has no address.
    NameNotFound(String),
    /// The name server could not answer (SERVFAIL, unreachable).
    LookupFailed(String),
    /// The name server passes on no DNSSEC signatures: nothing can be proven here, which says nothing about the zone.
    NoProof(String),
    /// DNSSEC signatures over this do not hold, or what proves them is missing (RFC 4033 section 5).
    Bogus(String),
    /// No address of the family asked for (`-4`, `-6`).
    NoAddress(&'static str),
    /// No address took the connection; the words of the first that failed.
    NotConnected(String),
    /// The server ended the connection.
    Closed,
    /// The server reset the connection.
    Reset,
    /// Any other fault of the connection, in the system's words.
    Network(String),
    /// The server said no.
    Refused(Reply),
    /// What came is not SMTP, or exceeds a limit.
    Malformed(ReplyError),
    /// Another protocol answers on this port.
    Foreign(Foreign),
    /// STARTTLS is not in the EHLO reply; a keyword was written over instead, where there is one.
    StartTlsNotOffered(Option<String>),
    /// This many bytes stood behind the 220 to STARTTLS: an injection on the path, or a broken server (RFC 3207 section 6).
    BytesBehindStartTls(usize),
    /// The handshake failed, or TLS broke later, in OpenSSL's words.
    Handshake(String),
    /// The server speaks plain SMTP where TLS was begun.
    PlaintextSmtp,
    /// The handshake succeeded, but the certificate or the protocol does not hold.
    Unverified(Vec<Fault>),
    /// AUTH is not in the reply to EHLO.
    AuthNotOffered,
    /// None of the mechanisms offered can be used; all of them by name.
    NoMechanism(Vec<String>),
    /// There is no token to log in with.
    Token(TokenFault),
    /// A login that broke off, or does not hold.
    Sasl(SaslFault),
    /// A local file, secret or command could not be used: flag, name and reason.
    Local(String),
}

impl Cause {
    /// Reads an I/O error. A timeout becomes [`Cause::Timeout`] with the whole budget.
    pub fn from_io(error: &std::io::Error, budget: Duration) -> Self {
        if let Some(fault) = error.get_ref().and_then(|inner| inner.downcast_ref::<SessionFault>()) {
            return Self::Handshake(fault.to_string());
        }
        match error.kind() {
            std::io::ErrorKind::TimedOut => Self::Timeout(budget),
            std::io::ErrorKind::UnexpectedEof => Self::Closed,
            std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe => Self::Reset,
            _ => Self::Network(system_words(error)),
        }
    }
}

/// The system's words without Rust's "(os error N)".
pub fn system_words(error: &std::io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or_default();
    let mut letters = words.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// A duration as the status line shows it: `2 s`, `0.5 s`.
pub fn seconds(duration: Duration) -> String {
    let text = format!("{:.3}", duration.as_secs_f64());
    format!("{} s", text.trim_end_matches('0').trim_end_matches('.'))
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.phase.place();
        match &self.cause {
            Cause::Timeout(budget) => timeout(f, self.phase, *budget),
            Cause::NameNotFound(name) => write!(f, "name '{name}' not found (no such name, or no address)"),
            Cause::LookupFailed(words) => write!(f, "name lookup failed: {words}"),
            Cause::NoProof(who) => write!(f, "{who} passes on no DNSSEC signatures, nothing can be proven"),
            Cause::Bogus(what) => write!(f, "DNSSEC does not hold (bogus): {what}"),
            Cause::NoAddress(family) => write!(f, "name has no {family} address"),
            Cause::NotConnected(words) => write!(f, "connect failed: {words}"),
            Cause::Closed => write!(f, "server closed the connection {place}"),
            Cause::Reset => write!(f, "server reset the connection {place}"),
            Cause::Network(words) => write!(f, "connection failed {place}: {words}"),
            Cause::Refused(reply) if self.phase == Phase::Auth => write!(f, "refused the login: {reply}"),
            Cause::Refused(reply) => write!(f, "refused us {place}: {reply}"),
            Cause::Malformed(error) => write!(f, "{place}: {error}"),
            Cause::Foreign(protocol) => write!(f, "speaks {protocol}, not SMTP"),
            Cause::StartTlsNotOffered(None) => f.write_str("STARTTLS is not offered"),
            Cause::StartTlsNotOffered(Some(keyword)) => {
                write!(f, "STARTTLS is not offered, the path writes over a keyword ({keyword})")
            }
            Cause::BytesBehindStartTls(count) => {
                write!(
                    f,
                    "{count} bytes behind the reply to STARTTLS, in the clear: injection or broken server"
                )
            }
            Cause::Handshake(words) if self.phase == Phase::Tls => write!(f, "TLS handshake failed: {words}"),
            Cause::Handshake(words) => write!(f, "TLS failed {place}: {words}"),
            Cause::PlaintextSmtp => f.write_str("speaks plain SMTP where TLS was begun"),
            Cause::Unverified(faults) => {
                let words: Vec<_> = faults.iter().map(ToString::to_string).collect();
                f.write_str(&words.join("; "))
            }
            Cause::AuthNotOffered => f.write_str("no login is offered"),
            Cause::NoMechanism(offered) => {
                write!(f, "no mechanism offered can be used (offered: {})", offered.join(", "))
            }
            Cause::Token(fault) => write!(f, "{fault}"),
            Cause::Sasl(fault) => write!(f, "login failed: {fault}"),
            Cause::Local(words) => f.write_str(words),
        }
    }
}

fn timeout(f: &mut fmt::Formatter<'_>, phase: Phase, budget: Duration) -> fmt::Result {
    let within = seconds(budget);
    match phase {
        Phase::Auth => write!(f, "login not finished within {within}"),
        Phase::Token => write!(f, "no answer of the token endpoint within {within}"),
        Phase::Dns => write!(f, "no answer to the name lookup within {within}"),
        Phase::Connect => write!(f, "no answer to the connect within {within}"),
        Phase::Banner => write!(f, "no greeting within {within}"),
        Phase::Tls => write!(f, "TLS handshake not finished within {within}"),
        other => write!(f, "no complete reply to {} within {within}", other.name()),
    }
}
