//! Why a mailbox could not be looked at.

use std::fmt;

use check_smtp_core::error::{self, seconds};
use check_smtp_core::plugin::Advice;
use check_smtp_core::smtp::Foreign;
use check_smtp_core::timeline::Phase;

/// A mailbox that could not be used: a fact like any other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What was not finished.
    pub step: Step,
    /// Why.
    pub cause: Cause,
}

/// What is done with a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// All that comes before the first look, where it took more than its share of the time.
    Open,
    /// Looking up the host's addresses.
    Lookup,
    /// Connecting.
    Connect,
    /// Waiting for the greeting.
    Greeting,
    /// Asking what the server can do.
    Capabilities,
    /// STARTTLS or STLS and its answer.
    StartTls,
    /// The handshake and the verdict on the certificate.
    Tls,
    /// Logging in.
    Login,
    /// Finding and opening folders.
    Folder,
    /// Looking for probes.
    Look,
    /// Waiting for a message to come.
    Wait,
    /// Removing what was found.
    Remove,
}

/// Why a step was not finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Whatever can happen to any connection, login or local file.
    Common(error::Cause),
    /// The server said no, in its words, cleaned.
    Refused(String),
    /// What came breaks the protocol, or exceeds a limit.
    Broken(String),
    /// Another protocol answers on this port; the one that was asked for.
    Foreign(Foreign, &'static str),
}

impl From<error::Cause> for Cause {
    fn from(cause: error::Cause) -> Self {
        Self::Common(cause)
    }
}

impl Step {
    /// Where in the dialogue it is.
    pub fn place(self) -> &'static str {
        match self {
            Self::Open => "when opened",
            Self::Lookup => Phase::Dns.place(),
            Self::Connect => Phase::Connect.place(),
            Self::Greeting => Phase::Banner.place(),
            Self::Capabilities => "when asked what it can do",
            Self::StartTls => Phase::StartTls.place(),
            Self::Tls => Phase::Tls.place(),
            Self::Login => Phase::Auth.place(),
            Self::Folder => "at the choice of a folder",
            Self::Look => "in the search for probes",
            Self::Wait => "in the wait for a message",
            Self::Remove => "at the removal of probes",
        }
    }

    /// The same step of an SMTP session, whose sentences fit.
    fn phase(self) -> Option<Phase> {
        match self {
            Self::Lookup => Some(Phase::Dns),
            Self::Connect => Some(Phase::Connect),
            Self::Greeting => Some(Phase::Banner),
            Self::StartTls => Some(Phase::StartTls),
            Self::Tls => Some(Phase::Tls),
            Self::Login => Some(Phase::Auth),
            Self::Open | Self::Capabilities | Self::Folder | Self::Look | Self::Wait | Self::Remove => None,
        }
    }
}

impl Failure {
    /// A failure of a step.
    pub fn new(step: Step, cause: impl Into<Cause>) -> Self {
        Self { step, cause: cause.into() }
    }

    /// Whether it lies with us, not with the mailbox.
    pub fn is_local(&self) -> bool {
        matches!(self.cause, Cause::Common(error::Cause::Local(_)))
    }

    /// A stable identifier for each kind, and what to do about it.
    pub fn advice(&self) -> Advice {
        let advice = |id, remedy| Advice { id, remedy };
        match &self.cause {
            Cause::Common(error::Cause::Timeout(_)) => advice(
                "receiver_timeout",
                "give more time with -t for a slow mailbox; a server behind a firewall that drops connects does the same",
            ),
            Cause::Common(error::Cause::Local(_)) => {
                advice("receiver_local", "make what is named readable for the user that runs the checks")
            }
            Cause::Common(error::Cause::Sasl(_) | error::Cause::NoMechanism(_)) => advice(
                "receiver_login_broken",
                "look at what the server offers with -vvv; name a mechanism it has with --receive-mechanism, or begin TLS first",
            ),
            Cause::Refused(_) if self.step == Step::Login => advice(
                "receiver_login_refused",
                "check the user of --receive and its password or token; some providers want an app password or OAuth 2.0",
            ),
            Cause::Refused(_) if self.step == Step::Folder => {
                advice("receiver_folder", "check the folder's name, and that this user may read it")
            }
            Cause::Refused(_) => advice("receiver_refused", "the server says why; look at its log"),
            Cause::Broken(_) => advice(
                "receiver_broken",
                "the server breaks its protocol or a limit: look at the dialogue with -vvv",
            ),
            Cause::Foreign(..) => advice(
                "receiver_wrong_protocol",
                "check the port of --receive, and whether it is the one with TLS from the first byte",
            ),
            Cause::Common(error::Cause::StartTlsNotOffered(_)) => advice(
                "receiver_starttls_not_offered",
                "switch TLS on at the server, or use imaps:// or pop3s://; something on the path may also take the offer away",
            ),
            Cause::Common(error::Cause::BytesBehindStartTls(_)) => advice(
                "receiver_starttls_injection",
                "somebody on the path adds to the dialogue, or the server is broken: nothing was sent to it",
            ),
            Cause::Common(
                error::Cause::Handshake(_) | error::Cause::Unverified(_) | error::Cause::PlaintextSmtp,
            ) => advice(
                "receiver_tls",
                "check_smtp_cert shows what is wrong with a certificate; --receive-ca-file trusts an authority of your own",
            ),
            Cause::Common(_) => advice(
                "receiver_unreachable",
                "check that the server of --receive runs and is reached from here",
            ),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.step.place();
        match &self.cause {
            Cause::Refused(words) if self.step == Step::Login => {
                write!(f, "mailbox refused the login: {words}")
            }
            Cause::Refused(words) => write!(f, "mailbox refused us {place}: {words}"),
            Cause::Broken(words) => write!(f, "mailbox {place}: {words}"),
            Cause::Foreign(protocol, wanted) => write!(f, "mailbox speaks {protocol}, not {wanted}"),
            Cause::Common(error::Cause::Local(words)) => write!(f, "mailbox: {words}"),
            Cause::Common(error::Cause::PlaintextSmtp) => {
                f.write_str("mailbox: speaks in the clear where TLS was begun")
            }
            Cause::Common(error::Cause::Timeout(budget)) if self.step.phase().is_none() => {
                write!(f, "mailbox: no complete answer {place} within {}", seconds(*budget))
            }
            Cause::Common(error::Cause::Closed) => write!(f, "mailbox closed the connection {place}"),
            Cause::Common(error::Cause::Reset) => write!(f, "mailbox reset the connection {place}"),
            Cause::Common(error::Cause::Network(words)) => {
                write!(f, "mailbox: connection failed {place}: {words}")
            }
            Cause::Common(cause) => {
                // The sentences of the other causes name no place that SMTP alone has.
                let phase = self.step.phase().unwrap_or(Phase::Commands);
                write!(f, "mailbox: {}", error::Failure::new(phase, cause.clone()))
            }
        }
    }
}
