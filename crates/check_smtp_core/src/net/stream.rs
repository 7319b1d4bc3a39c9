//! A connection whose every read and write is bounded by the deadline.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

use openssl::ssl::{ErrorCode, SslStream};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};

use super::clock::Deadline;
use super::tls;

/// Bytes kept from the start of a connection, to tell who is speaking when it is not SMTP.
const FIRST_BYTES: usize = 16;

/// What a read or write does where it would have to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    /// It waits for what is left of the deadline.
    Usual,
    /// A write gives up when the other end speaks.
    HeedsInput,
    /// A read does not wait: it is asked only whether there are bytes.
    No,
}

/// A connected, non-blocking socket. Its reads and writes wait by poll for what is left of the deadline.
#[derive(Debug)]
pub struct Wire {
    socket: OwnedFd,
    deadline: Deadline,
    is_tcp: bool,
    /// The server reset the connection before we could look at it.
    is_reset: bool,
    waiting: Waiting,
    first: Vec<u8>,
}

impl Wire {
    /// Takes a connected TCP socket.
    pub(super) fn tcp(socket: OwnedFd, deadline: Deadline) -> Self {
        Self { socket, deadline, is_tcp: true, is_reset: false, waiting: Waiting::Usual, first: Vec::new() }
    }

    /// Takes a TCP socket that was connected and reset at once: every read says so.
    pub(super) fn reset(socket: OwnedFd, deadline: Deadline) -> Self {
        Self { is_reset: true, ..Self::tcp(socket, deadline) }
    }

    /// Takes a connected Unix socket.
    pub(super) fn unix(socket: OwnedFd, deadline: Deadline) -> Self {
        Self { is_tcp: false, ..Self::tcp(socket, deadline) }
    }

    /// Our own end; `None` for a Unix socket.
    pub fn local_address(&self) -> Option<SocketAddr> {
        let address = self.is_tcp.then(|| rustix::net::getsockname(&self.socket).ok()).flatten()?;
        SocketAddr::try_from(address).ok()
    }

    /// The first bytes the server sent since [`Wire::forget_first_bytes`].
    pub fn first_bytes(&self) -> &[u8] {
        &self.first
    }

    /// Starts the record of first bytes again: a handshake begins.
    pub fn forget_first_bytes(&mut self) {
        self.first.clear();
    }

    fn is_readable_within(&self, at_most: Duration) -> io::Result<bool> {
        let left = self.deadline.left().min(at_most);
        let mut descriptor = [PollFd::new(&self.socket, PollFlags::IN)];
        match poll(&mut descriptor, Some(&timespec(left))) {
            Ok(count) => Ok(count > 0),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for any of these; tells which of them it is.
    fn wait(&self, flags: PollFlags) -> io::Result<PollFlags> {
        let left = self.deadline.left();
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let mut descriptor = [PollFd::new(&self.socket, flags)];
        match poll(&mut descriptor, Some(&timespec(left))) {
            Ok(0) => Err(io::ErrorKind::TimedOut.into()),
            Ok(_) => Ok(descriptor.iter().fold(PollFlags::empty(), |seen, one| seen | one.revents())),
            Err(Errno::INTR) => Ok(PollFlags::empty()),
            Err(error) => Err(error.into()),
        }
    }
}

/// What poll takes as its timeout; never shorter than what is left.
pub(crate) fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_reset {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        loop {
            if self.waiting != Waiting::No {
                self.wait(PollFlags::IN)?;
            }
            match rustix::net::recv(&self.socket, &mut *buffer, RecvFlags::empty()) {
                Ok((count, _)) => {
                    let wanted = FIRST_BYTES.saturating_sub(self.first.len());
                    self.first.extend(buffer.iter().take(count.min(wanted)));
                    return Ok(count);
                }
                Err(Errno::AGAIN) if self.waiting == Waiting::No => {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Write for Wire {
    /// Sends first and waits only when the socket is full, which a command never makes it.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match rustix::net::send(&self.socket, bytes, SendFlags::NOSIGNAL) {
                Ok(count) => return Ok(count),
                Err(Errno::AGAIN) if self.waiting == Waiting::HeedsInput => {
                    // Not an error of the connection: whoever writes can read now.
                    if self.wait(PollFlags::OUT | PollFlags::IN)?.contains(PollFlags::IN) {
                        return Err(io::ErrorKind::WouldBlock.into());
                    }
                }
                Err(Errno::AGAIN) => drop(self.wait(PollFlags::OUT)?),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection in the clear or inside TLS.
#[derive(Debug)]
pub enum Stream {
    /// In the clear.
    Plain(Wire),
    /// Inside TLS.
    Tls(Box<SslStream<Wire>>),
}

impl Stream {
    /// The deadline every operation carries from now on.
    pub fn set_deadline(&mut self, deadline: Deadline) {
        match self {
            Self::Plain(wire) => wire.deadline = deadline,
            Self::Tls(stream) => stream.get_mut().deadline = deadline,
        }
    }

    /// Whether a write that has to wait gives up (`WouldBlock`) when the other end speaks: it may have said why it takes no more.
    pub fn heed_input(&mut self, heeds: bool) {
        let waiting = if heeds { Waiting::HeedsInput } else { Waiting::Usual };
        match self {
            Self::Plain(wire) => wire.waiting = waiting,
            Self::Tls(stream) => stream.get_mut().waiting = waiting,
        }
    }

    /// Waits until the server says something or leaves, `at_most` so long; whether it does. Nothing is taken from what it says.
    pub fn speaks_within(&mut self, at_most: Duration) -> io::Result<bool> {
        let stream = match self {
            Self::Plain(wire) => return wire.is_readable_within(at_most),
            Self::Tls(stream) => stream,
        };
        let ends = stream.get_ref().deadline.elapsed() + at_most;
        loop {
            // A whole record may have been read ahead already; and what comes may be nothing but a word of TLS itself.
            let before = std::mem::replace(&mut stream.get_mut().waiting, Waiting::No);
            let peeked = stream.ssl_peek(&mut [0]);
            stream.get_mut().waiting = before;
            match peeked {
                Err(error) if error.code() == ErrorCode::WANT_READ => {}
                _ => return Ok(true),
            }
            let left = ends.saturating_sub(stream.get_ref().deadline.elapsed());
            if left.is_zero() || !stream.get_ref().is_readable_within(left)? {
                return Ok(false);
            }
        }
    }

    /// The socket below.
    pub fn wire(&self) -> &Wire {
        match self {
            Self::Plain(wire) => wire,
            Self::Tls(stream) => stream.get_ref(),
        }
    }

    /// What ties a login to this TLS session; `None` in the clear.
    pub fn binding(&self) -> Option<(&'static str, Vec<u8>)> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(stream) => tls::binding(stream.ssl()),
        }
    }

    /// Whether it is inside TLS.
    pub fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_))
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(wire) => wire.read(buffer),
            Self::Tls(stream) => stream.read(buffer).map_err(tls::named),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(wire) => wire.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
