//! Asking the interfaces of engines, by curl, and taking what their writers send.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::{Error, Result};

/// Largest body that a sink takes.
const BODY_LIMIT: u64 = 1 << 20;

/// Whether curl is installed.
pub fn can_ask() -> bool {
    super::program("curl").is_some()
}

/// Asks and reads JSON. `options`: lines of curl's configuration (passwords do not belong on its command line).
pub fn ask(url: &str, options: &str, body: Option<&Value>) -> Result<Value> {
    let mut text = format!("url = \"{url}\"\nsilent\nshow-error\ninsecure\nmax-time = 60\n{options}");
    if let Some(body) = body {
        // Quotes and backslashes are escaped in curl's configuration as they are in JSON.
        let body = body.to_string().replace('\\', "\\\\").replace('"', "\\\"");
        let _ = write!(text, "header = \"Content-Type: application/json\"\ndata-binary = \"{body}\"\n");
    }
    let mut curl = Command::new(super::required("curl")?);
    curl.args(["--config", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut curl = curl.spawn()?;
    if let Some(mut input) = curl.stdin.take() {
        input.write_all(text.as_bytes())?;
    }
    let output = curl.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&said).map_err(|error| {
        let complaint = String::from_utf8_lossy(&output.stderr);
        Error::Other(format!("{url}: no JSON ({error}): {said} {complaint}"))
    })
}

/// Takes what an engine's writer posts over HTTP, and keeps it.
#[derive(Debug)]
pub struct Sink {
    port: u16,
    bodies: Arc<Mutex<String>>,
}

impl Sink {
    /// Listens on loopback.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let bodies = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&bodies);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A request that is broken off is sent again by the writer.
                if let Ok(body) = take(stream) {
                    kept.lock().unwrap_or_else(PoisonError::into_inner).push_str(&(body + "\n"));
                }
            }
        });
        Ok(Self { port, bodies })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Everything that was posted so far.
    pub fn bodies(&self) -> String {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Reads one request, answers 204 and ends the connection.
fn take(stream: TcpStream) -> Result<String> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse::<u64>().unwrap_or(0).min(BODY_LIMIT);
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = String::new();
    (&mut reader).take(length).read_to_string(&mut body)?;
    reader.get_mut().write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")?;
    Ok(body)
}
