//! A connection of a test server: TCP or Unix, in the clear or inside TLS.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use openssl::ssl::{Ssl, SslContext, SslStream, SslVersion};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::{Error, Result};

/// No test waits longer for its client than this.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client that was told the end is not waited for longer.
const PARTING: Duration = Duration::from_secs(2);

/// The two kinds of socket.
#[derive(Debug)]
pub enum Socket {
    /// TCP.
    Tcp(TcpStream),
    /// A Unix socket.
    Unix(UnixStream),
}

impl Socket {
    fn set_patience(&self, patience: Duration) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_read_timeout(Some(patience)),
            Self::Unix(stream) => stream.set_read_timeout(Some(patience)),
        }
    }

    fn prepare(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))
            }
            Self::Unix(stream) => {
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))
            }
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection, and the bytes read from it that nobody has asked for yet.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    unread: Vec<u8>,
}

#[derive(Debug)]
enum Stream {
    Plain(Socket),
    Tls(Box<SslStream<Socket>>),
    Gone,
}

impl Connection {
    /// Takes an accepted socket.
    pub fn new(socket: Socket) -> io::Result<Self> {
        socket.prepare()?;
        Ok(Self { stream: Stream::Plain(socket), unread: Vec::new() })
    }

    /// Waits that long for the client to say something or to leave; whichever comes first.
    pub fn pause(&self, duration: Duration) -> io::Result<()> {
        self.wait(duration, PollFlags::IN)
    }

    /// Waits that long, or until the client has left, and reads nothing.
    pub fn be_deaf(&self, duration: Duration) -> io::Result<()> {
        self.wait(duration, PollFlags::RDHUP)
    }

    fn wait(&self, duration: Duration, flags: PollFlags) -> io::Result<()> {
        let socket = match &self.stream {
            Stream::Plain(socket) => socket,
            Stream::Tls(stream) => stream.get_ref(),
            Stream::Gone => return Ok(()),
        };
        let timeout = Timespec {
            tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(duration.subsec_nanos()),
        };
        poll(&mut [PollFd::new(&socket, flags)], Some(&timeout))?;
        Ok(())
    }

    /// Forgets what the client has sent already.
    pub fn forget(&mut self) {
        self.unread.clear();
    }

    /// The server's side of a handshake. What was read before stays, as with a server that takes commands over into TLS.
    pub fn secure(&mut self, context: &SslContext) -> Result<()> {
        let Stream::Plain(socket) = std::mem::replace(&mut self.stream, Stream::Gone) else {
            return Err(Error::Other("TLS inside TLS".into()));
        };
        let mut stream = SslStream::new(Ssl::new(context)?, socket)?;
        let accepted = stream.accept().map_err(|error| Error::Other(format!("TLS handshake: {error}")));
        self.stream = Stream::Tls(Box::new(stream));
        // What the client has sent behind the handshake must not turn the alert into a reset.
        accepted.inspect_err(|_| self.close())
    }

    /// What ties a login to this TLS session, as the server sees it.
    pub fn binding(&self) -> Option<(&'static str, Vec<u8>)> {
        let Stream::Tls(stream) = &self.stream else { return None };
        let ssl = stream.ssl();
        if ssl.version2() == Some(SslVersion::TLS1_3) {
            let mut bytes = vec![0; 32];
            ssl.export_keying_material(&mut bytes, "EXPORTER-Channel-Binding", Some(b"")).ok()?;
            return Some(("tls-exporter", bytes));
        }
        let mut bytes = vec![0; 64];
        let length = ssl.peer_finished(&mut bytes);
        bytes.truncate(length);
        Some(("tls-unique", bytes))
    }

    /// Ends the connection with a reset.
    pub fn reset(&mut self) -> io::Result<()> {
        if let Stream::Plain(socket) = &self.stream {
            rustix::net::sockopt::set_socket_linger(socket, Some(Duration::ZERO))?;
        }
        self.stream = Stream::Gone;
        Ok(())
    }

    /// Ends the connection orderly: what the client has sent meanwhile is read, because a close over unread bytes would be a reset.
    /// TLS ends without a `close_notify`, as with a server that crashes.
    pub fn close(&mut self) {
        let mut stream = std::mem::replace(&mut self.stream, Stream::Gone);
        let socket = match &mut stream {
            Stream::Plain(socket) => socket,
            Stream::Tls(stream) => stream.get_mut(),
            Stream::Gone => return,
        };
        let _ = rustix::net::shutdown(&*socket, rustix::net::Shutdown::Write);
        let _ = socket.set_patience(PARTING);
        let mut buffer = [0; 4096];
        while socket.read(&mut buffer).is_ok_and(|count| count > 0) {}
    }

    /// Reads one line, without its line break; `None` at the end of the connection.
    pub fn line(&mut self, limit: usize) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let rest = self.unread.split_off(end + 1);
                let mut line = std::mem::replace(&mut self.unread, rest);
                line.pop();
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(Some(line));
            }
            if self.unread.len() > limit {
                return Err(io::Error::other("line too long"));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Reads exactly so many bytes.
    pub fn exactly(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.unread.len() < count {
            if !self.fill()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let rest = self.unread.split_off(count);
        Ok(std::mem::replace(&mut self.unread, rest))
    }

    /// Reads and throws away until the client leaves.
    pub fn drain(&mut self) {
        while self.fill().unwrap_or(false) {
            self.unread.clear();
        }
    }

    fn fill(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 4096];
        let count = self.read(&mut buffer)?;
        self.unread.extend(buffer.iter().take(count));
        Ok(count > 0)
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.stream {
            Stream::Plain(socket) => socket.read(buffer),
            Stream::Tls(stream) => stream.read(buffer),
            Stream::Gone => Ok(0),
        }
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.stream {
            Stream::Plain(socket) => socket.write(bytes),
            Stream::Tls(stream) => stream.write(bytes),
            Stream::Gone => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
