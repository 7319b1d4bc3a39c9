//! Connecting over all addresses of a name (RFC 8305): each attempt starts 250 ms after the one before, or at once when that
//! one has failed, so that a dead address neither hides a healthy one nor eats the budget.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::clock::Deadline;
use super::stream::{Wire, timespec};
use crate::error::{Cause, system_words};

/// Connection Attempt Delay of RFC 8305 section 5.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// One address that was tried, or would have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The address.
    pub address: SocketAddr,
    /// When it was begun, counted from the start of the check.
    pub began: Duration,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It answered first.
    Connected,
    /// It failed, in the system's words.
    Failed(String),
    /// It had not answered when another did, or when time ran out.
    Unanswered,
}

struct Pending {
    index: usize,
    socket: OwnedFd,
}

struct Dialing<'a> {
    addresses: &'a [SocketAddr],
    source: Option<IpAddr>,
    deadline: Deadline,
    attempts: Vec<Attempt>,
    pending: Vec<Pending>,
    /// The source address is none of ours: nobody was asked.
    unusable_source: Option<Cause>,
}

/// Connects to the first address that answers. The attempts are facts in either case.
pub fn dial(
    addresses: &[SocketAddr],
    source: Option<IpAddr>,
    deadline: Deadline,
) -> (Vec<Attempt>, Result<(Wire, SocketAddr), Cause>) {
    let mut dialing = Dialing {
        addresses,
        source,
        deadline,
        attempts: Vec::new(),
        pending: Vec::new(),
        unusable_source: None,
    };
    let result = dialing.run();
    (dialing.attempts, result)
}

impl Dialing<'_> {
    fn run(&mut self) -> Result<(Wire, SocketAddr), Cause> {
        let mut next_start = Duration::ZERO;
        loop {
            let now = self.deadline.elapsed();
            if self.pending.is_empty() || now >= next_start {
                self.begin_next();
                next_start = now + ATTEMPT_DELAY;
            }
            if self.pending.is_empty() {
                if self.attempts.len() == self.addresses.len() {
                    return Err(self.failure());
                }
                continue;
            }
            if let Some(connected) = self.wait(next_start)? {
                return Ok(connected);
            }
        }
    }

    fn begin_next(&mut self) {
        let Some(address) = self.addresses.get(self.attempts.len()) else { return };
        let index = self.attempts.len();
        let began = self.deadline.elapsed();
        let outcome = match begin(address, self.source) {
            Ok(socket) => {
                self.pending.push(Pending { index, socket });
                Outcome::Unanswered
            }
            Err(NotBegun::Source(source, error)) => {
                let told = format!("--source-address '{source}': {}", words(error));
                self.unusable_source = Some(Cause::Local(told.clone()));
                Outcome::Failed(told)
            }
            Err(NotBegun::Connect(error)) => Outcome::Failed(words(error)),
        };
        self.attempts.push(Attempt { address: *address, began, outcome });
    }

    /// Waits for any attempt to end, for the next one's start, or for the deadline.
    fn wait(&mut self, next_start: Duration) -> Result<Option<(Wire, SocketAddr)>, Cause> {
        let left = self.deadline.left();
        if left.is_zero() {
            return Err(Cause::Timeout(self.deadline.budget()));
        }
        let more = self.attempts.len() < self.addresses.len();
        let until_next = next_start.saturating_sub(self.deadline.elapsed());
        let wait = if more { left.min(until_next) } else { left };
        let mut descriptors: Vec<_> =
            self.pending.iter().map(|p| PollFd::new(&p.socket, PollFlags::OUT)).collect();
        match poll(&mut descriptors, Some(&timespec(wait))) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(Cause::Network(words(error))),
        }
        let ready: Vec<usize> =
            descriptors.iter().enumerate().filter(|(_, d)| !d.revents().is_empty()).map(|(i, _)| i).collect();
        for position in ready.into_iter().rev() {
            let Pending { index, socket } = self.pending.swap_remove(position);
            let result = rustix::net::sockopt::socket_error(&socket).and_then(|result| result);
            let Some(attempt) = self.attempts.get_mut(index) else { continue };
            match result {
                Ok(()) => {
                    attempt.outcome = Outcome::Connected;
                    return Ok(Some((Wire::tcp(socket, self.deadline), attempt.address)));
                }
                // A refusal is ECONNREFUSED; a reset came after the connect, while nobody looked.
                Err(Errno::CONNRESET) => {
                    attempt.outcome = Outcome::Connected;
                    return Ok(Some((Wire::reset(socket, self.deadline), attempt.address)));
                }
                Err(error) => attempt.outcome = Outcome::Failed(words(error)),
            }
        }
        Ok(None)
    }

    /// All addresses failed: the words of the first three, each with its address where there are several.
    fn failure(&self) -> Cause {
        let failed = self.attempts.iter().filter_map(|attempt| match &attempt.outcome {
            Outcome::Failed(words) => Some((attempt.address, words)),
            _ => None,
        });
        if let Some(cause) = &self.unusable_source {
            return cause.clone();
        }
        let is_only = self.attempts.len() == 1;
        let named = |(address, words): (SocketAddr, &String)| {
            if is_only { words.clone() } else { format!("{words} ({})", address.ip()) }
        };
        let texts: Vec<String> = failed.take(3).map(named).collect();
        Cause::NotConnected(texts.join(", "))
    }
}

/// Why a connect was not even begun.
enum NotBegun {
    Source(IpAddr, Errno),
    Connect(Errno),
}

impl From<Errno> for NotBegun {
    fn from(error: Errno) -> Self {
        Self::Connect(error)
    }
}

/// Begins a connect without waiting for it.
fn begin(address: &SocketAddr, source: Option<IpAddr>) -> Result<OwnedFd, NotBegun> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = rustix::net::socket_with(
        family,
        SocketType::STREAM,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        None,
    )?;
    rustix::net::sockopt::set_tcp_nodelay(&socket, true)?;
    if let Some(source) = source {
        let bound = rustix::net::bind(&socket, &SocketAddr::new(source, 0));
        bound.map_err(|error| NotBegun::Source(source, error))?;
    }
    match rustix::net::connect(&socket, address) {
        Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => Ok(socket),
        Err(error) => Err(error.into()),
    }
}

/// Connects to a Unix socket. The kernel answers at once, or EAGAIN when the listener's queue is full.
pub fn dial_socket(path: &Path, deadline: Deadline) -> Result<Wire, Cause> {
    let begin = || -> Result<OwnedFd, Errno> {
        let socket = rustix::net::socket_with(
            AddressFamily::UNIX,
            SocketType::STREAM,
            SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
            None,
        )?;
        rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
        Ok(socket)
    };
    begin().map(|socket| Wire::unix(socket, deadline)).map_err(|error| match error {
        Errno::AGAIN => Cause::NotConnected(format!("the listener's queue is full ({})", path.display())),
        other => Cause::NotConnected(format!("{} ({})", words(other), path.display())),
    })
}

fn words(error: Errno) -> String {
    system_words(&error.into())
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener};
    use std::time::Duration;

    use super::{Deadline, Outcome, dial};

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    fn closed() -> SocketAddr {
        listener().1
    }

    #[test]
    fn a_refused_address_hands_over_at_once() {
        let (_listener, healthy) = listener();
        let deadline = Deadline::after(Duration::from_secs(5));
        let (attempts, result) = dial(&[closed(), healthy], None, deadline);
        assert_eq!(result.map(|(_, address)| address).ok(), Some(healthy));
        assert!(matches!(attempts[0].outcome, Outcome::Failed(_)));
        assert_eq!(attempts[1].outcome, Outcome::Connected);
    }

    #[test]
    fn all_refused_is_told_with_every_address() {
        let (attempts, result) = dial(&[closed(), closed()], None, Deadline::after(Duration::from_secs(5)));
        assert!(format!("{:?}", result.err()).contains("connection refused"));
        assert_eq!(attempts.len(), 2);
    }

    #[test]
    fn a_source_address_that_is_not_ours_is_no_fault_of_the_server() {
        let (_listener, healthy) = listener();
        let (_, result) = dial(&[healthy], "192.0.2.1".parse().ok(), Deadline::after(Duration::from_secs(5)));
        assert!(matches!(result.err(), Some(super::Cause::Local(words)) if words.contains("192.0.2.1")));
    }
}
