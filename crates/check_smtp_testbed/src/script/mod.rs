//! A server that plays a dialogue written down as text.
//!
//! | line | what the server does |
//! |---|---|
//! | `S: text` | sends the text and CRLF; `\r \n \t \0 \\ \xHH` are understood |
//! | `s: text` | sends the text alone |
//! | `C: pattern` | reads a line, which must fit; `*` stands for anything |
//! | `until pattern` | reads lines until one fits, such as the `.` that ends a message |
//! | `expect-eof` | the client must leave now |
//! | `expect-raw HEX` | reads so many bytes, which must be these; `??` stands for any byte |
//! | `raw HEX` | sends these bytes |
//! | `repeat N text` | sends the text N times |
//! | `flood text` | sends the text until the client leaves, 400 MB at the most |
//! | `drip text` | sends a byte every 100 ms until the client leaves |
//! | `delay 400ms` | waits, unless the client speaks or leaves |
//! | `deaf 4000ms` | reads nothing for so long, so that the client's data finds no way |
//! | `stall` | says nothing until the client leaves |
//! | `tls KIND [staple=good\|revoked\|unknown\|stale\|forged\|other\|garbage] [second=KIND] [min=1.0] [max=1.2] [client=required]` | the server's side of a handshake, with a certificate of that kind, and one with another kind of key |
//! | `scram sha1\|sha256 USER PASSWORD [...]` | the server's side of a SCRAM login, up to its own proof |
//! | `close`, `reset` | ends the connection, orderly or by RST |

mod play;
mod scram;

pub(crate) use self::play::fits;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};

use openssl::ssl::SslVersion;

use crate::factory::{Kind, Staple};
use crate::socket::{Connection, Socket};
use crate::{Error, Result};

/// One line of a script.
#[derive(Clone, Debug)]
enum Action {
    Send(Vec<u8>),
    Expect(String),
    Until(String),
    ExpectEof,
    ExpectRaw(Vec<Option<u8>>),
    Repeat(u32, Vec<u8>),
    Flood(Vec<u8>),
    Drip(Vec<u8>),
    Delay(Duration),
    Deaf(Duration),
    Stall,
    Tls(TlsSide),
    Scram(Box<scram::Scram>),
    Close,
    Reset,
}

/// The server's side of a handshake.
#[derive(Clone, Copy, Debug)]
struct TlsSide {
    kind: Kind,
    second: Option<Kind>,
    staple: Option<Staple>,
    min: Option<SslVersion>,
    max: Option<SslVersion>,
    wants_client_certificate: bool,
}

/// A whole script; each connection plays it from the start.
#[derive(Clone, Debug, Default)]
pub struct Script {
    actions: Vec<(usize, Action)>,
}

impl Script {
    /// Reads a script. `first_line` is the number its first line has in the file, for errors.
    pub fn parse(text: &str, first_line: usize) -> Result<Self> {
        let mut actions = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let number = first_line + index;
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            actions.push((number, action(line).map_err(|message| Error::syntax(number, message))?));
        }
        Ok(Self { actions })
    }
}

fn action(line: &str) -> Result<Action, String> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let action = match word {
        "S:" => Action::Send([unescape(rest)?, b"\r\n".to_vec()].concat()),
        "s:" => Action::Send(unescape(rest)?),
        "C:" => Action::Expect(rest.to_owned()),
        "until" => Action::Until(rest.to_owned()),
        "expect-eof" => Action::ExpectEof,
        "expect-raw" => Action::ExpectRaw(hex(rest)?),
        "raw" => Action::Send(hex(rest)?.into_iter().map(Option::unwrap_or_default).collect()),
        "repeat" => {
            let (count, text) = rest.split_once(' ').ok_or("give 'repeat N text'")?;
            Action::Repeat(count.parse().map_err(|_| "not a number")?, unescape(text)?)
        }
        "flood" => Action::Flood(unescape(rest)?),
        "drip" => Action::Drip(unescape(rest)?),
        "delay" => Action::Delay(milliseconds(rest)?),
        "deaf" => Action::Deaf(milliseconds(rest)?),
        "stall" => Action::Stall,
        "tls" => tls(rest)?,
        "scram" => Action::Scram(Box::new(scram::Scram::parse(rest)?)),
        "close" => Action::Close,
        "reset" => Action::Reset,
        other => return Err(format!("no directive '{other}'")),
    };
    Ok(action)
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    let number = text.strip_suffix("ms").ok_or("give milliseconds, such as 400ms")?;
    Ok(Duration::from_millis(number.parse().map_err(|_| "not a number")?))
}

fn tls(words: &str) -> Result<Action, String> {
    let mut words = words.split(' ');
    let kind = words.next().unwrap_or_default().parse().map_err(|error: Error| error.to_string())?;
    let mut side =
        TlsSide { kind, second: None, staple: None, min: None, max: None, wants_client_certificate: false };
    for word in words {
        match word.split_once('=') {
            Some(("second", word)) => {
                side.second = Some(word.parse().map_err(|error: Error| error.to_string())?);
            }
            Some(("staple", word)) => side.staple = Some(Staple::parse(word)?),
            Some(("min", version)) => side.min = Some(tls_version(version)?),
            Some(("max", version)) => side.max = Some(tls_version(version)?),
            Some(("client", "required")) => side.wants_client_certificate = true,
            _ => return Err(format!("no option '{word}' of tls")),
        }
    }
    Ok(Action::Tls(side))
}

fn tls_version(text: &str) -> Result<SslVersion, String> {
    match text {
        "1.0" => Ok(SslVersion::TLS1),
        "1.1" => Ok(SslVersion::TLS1_1),
        "1.2" => Ok(SslVersion::TLS1_2),
        "1.3" => Ok(SslVersion::TLS1_3),
        other => Err(format!("no TLS version '{other}'")),
    }
}

fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next() {
            Some(b'r') => b'\r',
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'0') => 0,
            Some(b'\\') => b'\\',
            Some(b'x') => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                let digits = String::from_utf8_lossy(&digits).into_owned();
                u8::from_str_radix(&digits, 16).map_err(|_| format!("no hexadecimal byte '{digits}'"))?
            }
            other => return Err(format!("no escape '\\{}'", other.map(char::from).unwrap_or_default())),
        });
    }
    Ok(bytes)
}

fn hex(text: &str) -> Result<Vec<Option<u8>>, String> {
    let byte = |word: &str| match word {
        "??" => Ok(None),
        word => u8::from_str_radix(word, 16).map(Some).map_err(|_| format!("no hexadecimal byte '{word}'")),
    };
    text.split_ascii_whitespace().map(byte).collect()
}

/// Where a server listens.
#[derive(Clone, Debug)]
pub enum Place {
    /// TCP, port 0 for any.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A running server; it stops when it is dropped.
#[derive(Debug)]
pub struct Server {
    place: Place,
    is_stopped: Arc<AtomicBool>,
    complaints: Arc<Mutex<Vec<String>>>,
    acceptor: Option<JoinHandle<Vec<JoinHandle<()>>>>,
}

impl Server {
    /// Starts a server on 127.0.0.1 and any free port.
    pub fn start(script: &str) -> Result<Self> {
        Self::start_at(Script::parse(script, 1)?, Place::Tcp(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0)))
    }

    /// Starts a server at a place.
    pub fn start_at(script: Script, place: Place) -> Result<Self> {
        let (listener, place) = match place {
            Place::Tcp(address) => {
                let listener = TcpListener::bind(address)?;
                let address = listener.local_addr()?;
                (Listener::Tcp(listener), Place::Tcp(address))
            }
            Place::Unix(path) => (Listener::Unix(UnixListener::bind(&path)?), Place::Unix(path)),
        };
        let (is_stopped, complaints) = (Arc::default(), Arc::default());
        let acceptor = {
            let (is_stopped, complaints) = (Arc::clone(&is_stopped), Arc::clone(&complaints));
            std::thread::spawn(move || accept(&listener, &Arc::new(script), &is_stopped, &complaints))
        };
        Ok(Self { place, is_stopped, complaints, acceptor: Some(acceptor) })
    }

    /// Its port; 0 for a Unix socket.
    pub fn port(&self) -> u16 {
        match &self.place {
            Place::Tcp(address) => address.port(),
            Place::Unix(_) => 0,
        }
    }

    /// Its address; the unspecified one for a Unix socket.
    pub fn ip(&self) -> IpAddr {
        match &self.place {
            Place::Tcp(address) => address.ip(),
            Place::Unix(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        }
    }

    /// Its path, if it is a Unix socket.
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::Tcp(_) => None,
            Place::Unix(path) => Some(path),
        }
    }

    /// Stops listening, waits for every dialogue to end, and says which lines did not fit.
    pub fn finish(mut self) -> Vec<String> {
        for connection in self.stop() {
            let _ = connection.join();
        }
        std::mem::take(&mut *self.complaints.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn stop(&mut self) -> Vec<JoinHandle<()>> {
        self.is_stopped.store(true, Ordering::SeqCst);
        // A last connection wakes the acceptor.
        match &self.place {
            Place::Tcp(address) => drop(TcpStream::connect(address)),
            Place::Unix(path) => drop(UnixStream::connect(path)),
        }
        self.acceptor.take().and_then(|acceptor| acceptor.join().ok()).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.acceptor.is_some() {
            self.stop();
        }
    }
}

fn accept(
    listener: &Listener,
    script: &Arc<Script>,
    is_stopped: &AtomicBool,
    complaints: &Arc<Mutex<Vec<String>>>,
) -> Vec<JoinHandle<()>> {
    let mut connections = Vec::new();
    loop {
        let socket = match listener {
            Listener::Tcp(listener) => listener.accept().map(|(stream, _)| Socket::Tcp(stream)),
            Listener::Unix(listener) => listener.accept().map(|(stream, _)| Socket::Unix(stream)),
        };
        if is_stopped.load(Ordering::SeqCst) {
            return connections;
        }
        let Ok(connection) = socket.and_then(Connection::new) else { continue };
        let (script, complaints) = (Arc::clone(script), Arc::clone(complaints));
        connections.push(std::thread::spawn(move || {
            if let Err(complaint) = play::play(&script, connection) {
                complaints.lock().unwrap_or_else(PoisonError::into_inner).push(complaint);
            }
        }));
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;

    use super::{Script, Server};

    #[test]
    fn a_dialogue_is_played_and_what_does_not_fit_is_said() {
        let server = Server::start("S: 220 a\\x21\nC: EHLO *\ns: 250 b\nclose\n").unwrap();
        let mut client = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        client.write_all(b"EHLO me\r\n").unwrap();
        let mut said = String::new();
        client.read_to_string(&mut said).unwrap();
        assert_eq!(said, "220 a!\r\n250 b");
        let mut wrong = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        wrong.write_all(b"HELO me\r\n").unwrap();
        wrong.read_to_string(&mut said).unwrap();
        assert_eq!(server.finish(), ["line 2: expected 'EHLO *', got 'HELO me'"]);
    }

    #[test]
    fn mistakes_are_named_by_line() {
        assert_eq!(Script::parse("S: a\nfoo\n", 5).unwrap_err().to_string(), "line 6: no directive 'foo'");
        assert_eq!(
            Script::parse("tls nonsense", 1).unwrap_err().to_string(),
            "line 1: no certificate kind is called 'nonsense'"
        );
    }
}
