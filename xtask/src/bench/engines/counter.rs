//! A mail server that counts: each session is one execution of a plugin, whatever an engine says of itself.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::Result;

/// It listens until the process ends.
pub struct Counter {
    port: u16,
    sessions: Arc<AtomicU32>,
}

impl Counter {
    /// Listens on a free port of loopback.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let sessions = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&sessions);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counted = Arc::clone(&counted);
                std::thread::spawn(move || {
                    if hold(stream).is_ok() {
                        counted.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        Ok(Self { port, sessions })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Sessions that were ended by QUIT.
    pub fn sessions(&self) -> u32 {
        self.sessions.load(Ordering::Relaxed)
    }
}

/// Greeting, hello, farewell; an error where the client leaves without a word.
fn hold(stream: TcpStream) -> std::io::Result<()> {
    let mut connection = BufReader::new(stream);
    connection.get_mut().write_all(b"220 mail.example.org ESMTP\r\n")?;
    let mut line = String::new();
    while connection.read_line(&mut line)? > 0 {
        let is_last = line.starts_with("QUIT");
        line.clear();
        connection.get_mut().write_all(if is_last {
            b"221 2.0.0 Bye\r\n"
        } else {
            b"250 mail.example.org\r\n"
        })?;
        if is_last {
            return Ok(());
        }
    }
    Err(std::io::ErrorKind::UnexpectedEof.into())
}
