//! Plays a script over one connection.

use std::io::Write as _;
use std::time::Duration;

use openssl::ssl::SslContext;

use super::{Action, Script, TlsSide};
use crate::Result;
use crate::factory::Factory;
use crate::socket::Connection;

/// A flood ends here even if the client takes it all.
const FLOOD_LIMIT: usize = 400_000_000;
/// A line of a client.
const LINE_LIMIT: usize = 1_000_000;

/// Plays to the end; the error says which line did not fit.
pub fn play(script: &Script, mut connection: Connection) -> Result<(), String> {
    for (number, action) in &script.actions {
        let goes_on = act(action, &mut connection).map_err(|what| format!("line {number}: {what}"))?;
        if !goes_on {
            return Ok(());
        }
    }
    connection.drain();
    Ok(())
}

/// Does one line; `false` ends the dialogue.
fn act(action: &Action, connection: &mut Connection) -> Result<bool, String> {
    match action {
        // A client that has left is no fault of what is sent; the next line it must say tells.
        Action::Send(bytes) => drop(connection.write_all(bytes)),
        Action::Repeat(count, bytes) => {
            let _ = (0..*count).try_for_each(|_| connection.write_all(bytes));
        }
        Action::Expect(pattern) => expect(pattern, connection)?,
        Action::Until(pattern) => until(pattern, connection)?,
        Action::ExpectEof => match connection.line(LINE_LIMIT) {
            Ok(Some(line)) => {
                return Err(format!(
                    "expected the client to leave, got '{}'",
                    String::from_utf8_lossy(&line)
                ));
            }
            Ok(None) | Err(_) => return Ok(false),
        },
        Action::ExpectRaw(wanted) => expect_raw(wanted, connection)?,
        Action::Flood(bytes) => {
            flood(bytes, connection);
            return Ok(false);
        }
        Action::Drip(bytes) => {
            drip(bytes, connection);
            return Ok(false);
        }
        Action::Delay(duration) => connection.pause(*duration).map_err(|error| error.to_string())?,
        Action::Deaf(duration) => connection.be_deaf(*duration).map_err(|error| error.to_string())?,
        Action::Stall => {
            connection.drain();
            return Ok(false);
        }
        Action::Tls(side) => {
            let context = context(*side).map_err(|error| error.to_string())?;
            // A client that does not like the handshake is what some cases are about.
            return Ok(connection.secure(&context).is_ok());
        }
        Action::Scram(scram) => scram.play(connection)?,
        Action::Close => {
            connection.close();
            return Ok(false);
        }
        Action::Reset => {
            let _ = connection.reset();
            return Ok(false);
        }
    }
    Ok(true)
}

fn context(side: TlsSide) -> Result<SslContext> {
    let factory = Factory::shared()?;
    let identity = factory.identity(side.kind)?;
    if let Some(second) = side.second {
        return identity.dual_context(&factory.identity(second)?, side.max);
    }
    if let Some(staple) = side.staple {
        let response = factory.staple(&identity, staple)?;
        return identity.stapling_context(response, side.min, side.max);
    }
    if side.wants_client_certificate {
        identity.server_context_for_clients_of(factory, side.min, side.max)
    } else {
        identity.server_context(side.min, side.max)
    }
}

fn expect(pattern: &str, connection: &mut Connection) -> Result<(), String> {
    match connection.line(LINE_LIMIT) {
        Ok(Some(line)) => {
            let line = String::from_utf8_lossy(&line).into_owned();
            if fits(pattern, &line) { Ok(()) } else { Err(format!("expected '{pattern}', got '{line}'")) }
        }
        Ok(None) => Err(format!("expected '{pattern}', but the client left")),
        Err(error) => Err(format!("expected '{pattern}': {error}")),
    }
}

fn until(pattern: &str, connection: &mut Connection) -> Result<(), String> {
    while let Ok(Some(line)) = connection.line(LINE_LIMIT) {
        if fits(pattern, &String::from_utf8_lossy(&line)) {
            return Ok(());
        }
    }
    Err(format!("expected '{pattern}' at last, but the client left"))
}

fn expect_raw(wanted: &[Option<u8>], connection: &mut Connection) -> Result<(), String> {
    let got = connection.exactly(wanted.len()).map_err(|error| error.to_string())?;
    let fits = wanted.iter().zip(&got).all(|(wanted, got)| wanted.is_none_or(|wanted| wanted == *got));
    if fits { Ok(()) } else { Err(format!("expected other bytes, got {got:02x?}")) }
}

/// Whether a line fits a pattern in which `*` stands for anything.
pub fn fits(pattern: &str, line: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == line };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    let inner = line.strip_prefix(first).and_then(|line| line.strip_suffix(last));
    let Some(mut inner) = inner else { return false };
    for part in middle.split('*') {
        match inner.split_once(part) {
            Some((_, behind)) => inner = behind,
            None => return false,
        }
    }
    true
}

fn flood(bytes: &[u8], connection: &mut Connection) {
    let block = bytes.repeat(65_536 / bytes.len().max(1) + 1);
    let mut sent = 0;
    while sent < FLOOD_LIMIT && connection.write_all(&block).is_ok() {
        sent += block.len();
    }
}

fn drip(bytes: &[u8], connection: &mut Connection) {
    for byte in bytes.iter().cycle() {
        if connection.write_all(&[*byte]).is_err() || connection.pause(Duration::from_millis(100)).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, line) in
            [("EHLO *", "EHLO me"), ("*", ""), ("QUIT", "QUIT"), ("A*C", "ABC"), ("*x*", "axb")]
        {
            assert!(fits(pattern, line), "{pattern} {line}");
        }
        for (pattern, line) in [("EHLO *", "HELO me"), ("QUIT", "QUIT now"), ("A*C", "ABD"), ("", "x")] {
            assert!(!fits(pattern, line), "{pattern} {line}");
        }
    }
}
