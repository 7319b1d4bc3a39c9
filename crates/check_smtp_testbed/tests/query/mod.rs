//! One question to a name server (RFC 1035 section 4.1), with DNSSEC asked for (RFC 3225).

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

/// Record types.
pub const A: u16 = 1;
pub const NS: u16 = 2;
pub const SOA: u16 = 6;
pub const MX: u16 = 15;
pub const DS: u16 = 43;
pub const RRSIG: u16 = 46;
pub const NSEC: u16 = 47;
pub const DNSKEY: u16 = 48;
pub const NSEC3: u16 = 50;
pub const TLSA: u16 = 52;

/// Response codes.
pub const NOERROR: u16 = 0;
pub const SERVFAIL: u16 = 2;
pub const NXDOMAIN: u16 = 3;

/// What matters of a response.
#[derive(Debug)]
pub struct Answer {
    pub code: u16,
    /// The AD bit: a validator vouches for it (RFC 4035 section 3.2.3).
    pub is_authentic: bool,
    /// The types of the records in the answer section.
    pub answers: Vec<u16>,
    /// The same of the authority section.
    pub authorities: Vec<u16>,
}

type Failure = Box<dyn std::error::Error>;

/// Asks over UDP.
pub fn ask(server: SocketAddr, name: &str, kind: u16) -> Result<Answer, Failure> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    socket.connect(server)?;
    socket.send(&question(name, kind)?)?;
    let mut buffer = vec![0; 4096];
    let length = socket.recv(&mut buffer)?;
    buffer.truncate(length);
    read(&buffer).ok_or_else(|| format!("no DNS response: {buffer:?}").into())
}

/// Asks over TCP.
pub fn ask_over_tcp(server: SocketAddr, name: &str, kind: u16) -> Result<Answer, Failure> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let question = question(name, kind)?;
    stream.write_all(&[&u16::try_from(question.len())?.to_be_bytes(), question.as_slice()].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut buffer = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut buffer)?;
    read(&buffer).ok_or_else(|| format!("no DNS response: {buffer:?}").into())
}

fn question(name: &str, kind: u16) -> Result<Vec<u8>, Failure> {
    // RD, and an OPT record (RFC 6891) with DO.
    let mut bytes = vec![0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 1];
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(u8::try_from(label.len())?);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend(kind.to_be_bytes());
    bytes.extend([0, 1]);
    bytes.extend([0, 0, 41, 0x10, 0, 0, 0, 0x80, 0, 0, 0]);
    Ok(bytes)
}

fn read(message: &[u8]) -> Option<Answer> {
    let mut rest = message;
    let _id = number(&mut rest)?;
    let flags = number(&mut rest)?;
    let counts = [number(&mut rest)?, number(&mut rest)?, number(&mut rest)?, number(&mut rest)?];
    let [questions, answers, authorities, _] = counts;
    for _ in 0..questions {
        skip_name(&mut rest)?;
        take(&mut rest, 4)?;
    }
    let answers = (0..answers).map(|_| record(&mut rest)).collect::<Option<_>>()?;
    let authorities = (0..authorities).map(|_| record(&mut rest)).collect::<Option<_>>()?;
    Some(Answer { code: flags & 0xf, is_authentic: flags & 0x20 != 0, answers, authorities })
}

/// The type of a record.
fn record(rest: &mut &[u8]) -> Option<u16> {
    skip_name(rest)?;
    let kind = number(rest)?;
    take(rest, 6)?;
    let length = number(rest)?;
    take(rest, length.into())?;
    Some(kind)
}

fn skip_name(rest: &mut &[u8]) -> Option<()> {
    loop {
        match *take(rest, 1)? {
            [0] => return Some(()),
            // A pointer to where the rest stands.
            [0xc0..=0xff] => return take(rest, 1).map(|_| ()),
            [length] => take(rest, length.into())?,
            _ => return None,
        };
    }
}

fn number(rest: &mut &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes(take(rest, 2)?.try_into().ok()?))
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}
