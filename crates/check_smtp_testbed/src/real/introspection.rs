//! Where Dovecot asks whether a token is good (RFC 7662): one token is.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::Result;

/// A running endpoint; it is stopped when dropped.
#[derive(Debug)]
pub struct Introspection {
    port: u16,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Introspection {
    /// Starts it: `token` belongs to `user`, any other is inactive.
    pub fn start(token: &str, user: &str) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let is_over = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let (is_over, token, user) = (is_over.clone(), token.to_owned(), user.to_owned());
            move || {
                for stream in listener.incoming().flatten() {
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    let _ = answer(stream, &token, &user);
                }
            }
        });
        Ok(Self { port, is_over, thread: Some(thread) })
    }

    /// The address to which the token is appended.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/introspect?token=", self.port)
    }
}

impl Drop for Introspection {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer(stream: TcpStream, token: &str, user: &str) -> Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut header = String::new();
    while reader.read_line(&mut header)? > 2 {
        header.clear();
    }
    let asked = request.split_once("?token=").and_then(|(_, rest)| rest.split(['&', ' ']).next());
    let is_active = asked == Some(token);
    let body = if is_active {
        format!("{{\"active\":true,\"username\":\"{user}\"}}")
    } else {
        "{\"active\":false}".to_owned()
    };
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    Ok(())
}
