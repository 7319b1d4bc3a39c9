//! TLS hellos made by hand: which versions a server accepts is asked without OpenSSL, which no longer speaks the oldest ones and has a
//! mind of its own about the others. Pure: bytes out, bytes in.

use std::fmt;

/// Bytes of a handshake message or record we read at the most; a server hello has a hundred.
const MESSAGE_LIMIT: usize = 16 * 1024;
/// Suites up to TLS 1.2, new ones first: whatever a server still has, one of these is among it.
const SUITES: [u16; 28] = [
    0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc023, 0xc027, 0xc009, 0xc013, 0xc00a, 0xc014, 0xc008,
    0xc012, 0x009e, 0x009f, 0x0033, 0x0039, 0x0016, 0x009c, 0x009d, 0x002f, 0x0035, 0x000a, 0x0005, 0x0004,
    0x0041, 0x00ff,
];
/// Suites of TLS 1.3 (RFC 8446 appendix B.4).
const SUITES_13: [u16; 3] = [0x1301, 0x1302, 0x1303];
/// X25519, P-256, P-384, P-521.
const GROUPS: [u16; 4] = [0x001d, 0x0017, 0x0018, 0x0019];
/// ECDSA, RSA-PSS and RSA with SHA-256, -384, -512, and both with SHA-1.
const SIGNATURES: [u16; 11] =
    [0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201];

/// A protocol version that is offered alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Offer {
    /// SSL 3.0 (RFC 6101; must not be used, RFC 7568).
    Ssl30,
    /// TLS 1.0 (deprecated by RFC 8996).
    Tls10,
    /// TLS 1.1 (deprecated by RFC 8996).
    Tls11,
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

impl Offer {
    /// Every version, oldest first.
    pub const ALL: [Self; 5] = [Self::Ssl30, Self::Tls10, Self::Tls11, Self::Tls12, Self::Tls13];

    /// Its number on the wire.
    pub fn number(self) -> u16 {
        match self {
            Self::Ssl30 => 0x0300,
            Self::Tls10 => 0x0301,
            Self::Tls11 => 0x0302,
            Self::Tls12 => 0x0303,
            Self::Tls13 => 0x0304,
        }
    }

    /// Its name as OpenSSL writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ssl30 => "SSLv3",
            Self::Tls10 => "TLSv1",
            Self::Tls11 => "TLSv1.1",
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        }
    }

    /// A client hello for this version alone, in one record. `random` is the client's random and, with TLS 1.3, its key share: 32 bytes are
    /// an X25519 key whatever they are.
    pub fn client_hello(self, server_name: Option<&str>, random: [u8; 32]) -> Vec<u8> {
        let legacy = self.number().min(0x0303);
        let mut body = legacy.to_be_bytes().to_vec();
        body.extend(random);
        // A session id, as middleboxes want to see it with TLS 1.3 (RFC 8446 appendix D.4).
        let session: &[u8] = if self == Self::Tls13 { &random } else { &[] };
        body.extend(with_length_8(session));
        let suites: &[u16] = if self == Self::Tls13 { &SUITES_13 } else { &SUITES };
        body.extend(with_length_16(&numbers(suites)));
        body.extend([1, 0]);
        if self != Self::Ssl30 {
            body.extend(with_length_16(&self.extensions(server_name, random)));
        }
        let length = u32::try_from(body.len()).unwrap_or_default().to_be_bytes();
        let mut message = vec![1];
        message.extend(length.iter().skip(1));
        message.extend(body);
        let mut record = vec![22];
        record.extend(legacy.min(0x0301).to_be_bytes());
        record.extend(with_length_16(&message));
        record
    }

    fn extensions(self, server_name: Option<&str>, random: [u8; 32]) -> Vec<u8> {
        let mut all = Vec::new();
        if let Some(name) = server_name {
            let entry = [vec![0], with_length_16(name.as_bytes())].concat();
            all.extend(extension(0, &with_length_16(&entry)));
        }
        all.extend(extension(10, &with_length_16(&numbers(&GROUPS))));
        all.extend(extension(11, &[1, 0]));
        if self >= Self::Tls12 {
            all.extend(extension(13, &with_length_16(&numbers(&SIGNATURES))));
        }
        all.extend(extension(23, &[]));
        if self == Self::Tls13 {
            all.extend(extension(43, &with_length_8(&numbers(&[self.number()]))));
            let share = [numbers(&[0x001d]), with_length_16(&random)].concat();
            all.extend(extension(51, &with_length_16(&share)));
        }
        all
    }
}

impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn numbers(all: &[u16]) -> Vec<u8> {
    all.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn with_length_8(bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).unwrap_or_default();
    [&[length], bytes].concat()
}

fn with_length_16(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or_default();
    [&length.to_be_bytes(), bytes].concat()
}

fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    [kind.to_be_bytes().to_vec(), with_length_16(body)].concat()
}

/// What a server answers to a hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It goes on with this version.
    Hello {
        /// The version it chose, by its number.
        version: u16,
        /// The suite it chose, by its number.
        suite: u16,
        /// Whether it compresses (CRIME).
        compresses: bool,
        /// Whether it binds the master secret to the handshake (RFC 7627); TLS 1.3 always does.
        binds_master_secret: bool,
    },
    /// It refuses, by this alert description.
    Alert(u8),
}

impl Answer {
    /// Reads what has come so far. `Ok(None)`: more is needed; the error says what is no TLS.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, &'static str> {
        let mut message = Vec::new();
        let mut rest = bytes;
        while let Some((header, behind)) = rest.split_at_checked(5) {
            let &[kind, 3, _, high, low] = header else { return Err("no TLS record") };
            let length = usize::from(u16::from_be_bytes([high, low]));
            if length == 0 || length > MESSAGE_LIMIT + 256 {
                return Err("a TLS record of impossible length");
            }
            let Some((body, after)) = behind.split_at_checked(length) else { return Ok(None) };
            match (kind, body) {
                (21, [_, description, ..]) => return Ok(Some(Self::Alert(*description))),
                (22, body) => message.extend_from_slice(body),
                _ => return Err("an unexpected TLS record"),
            }
            if let Some(answer) = server_hello(&message)? {
                return Ok(Some(answer));
            }
            rest = after;
        }
        // An old server refuses with bytes that are no record at all: do not wait for five.
        match rest {
            [kind, ..] if !matches!(kind, 21 | 22) => Err("no TLS record"),
            _ => Ok(None),
        }
    }
}

/// A whole server hello (RFC 5246 section 7.4.1.3, RFC 8446 section 4.1.3); a hello retry request has the same form.
fn server_hello(message: &[u8]) -> Result<Option<Answer>, &'static str> {
    let Some((&[kind, high, middle, low], body)) = message.split_first_chunk::<4>() else {
        return Ok(None);
    };
    if kind != 2 {
        return Err("a handshake message that is no server hello");
    }
    let length = u32::from_be_bytes([0, high, middle, low]) as usize;
    if length > MESSAGE_LIMIT {
        return Err("a server hello of impossible length");
    }
    let Some(body) = body.get(..length) else { return Ok(None) };
    read_server_hello(body).map(Some).ok_or("a server hello that cannot be read")
}

fn read_server_hello(body: &[u8]) -> Option<Answer> {
    let (version, rest) = number(body)?;
    let rest = rest.get(32..)?;
    let (session, rest) = rest.split_first()?;
    let (suite, rest) = number(rest.get(usize::from(*session)..)?)?;
    let (compression, rest) = rest.split_first()?;
    let (mut chosen, mut binds) = (version, false);
    let mut extensions = match rest {
        [] => &[],
        rest => {
            let (length, rest) = number(rest)?;
            rest.get(..usize::from(length))?
        }
    };
    while !extensions.is_empty() {
        let (kind, rest) = number(extensions)?;
        let (length, rest) = number(rest)?;
        let (value, behind) = rest.split_at_checked(usize::from(length))?;
        match kind {
            23 => binds = true,
            43 => chosen = number(value)?.0,
            _ => {}
        }
        extensions = behind;
    }
    Some(Answer::Hello {
        version: chosen,
        suite,
        compresses: *compression != 0,
        binds_master_secret: binds || chosen >= 0x0304,
    })
}

fn number(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<2>()?;
    Some((u16::from_be_bytes(*head), rest))
}

#[cfg(test)]
mod tests {
    use super::{Answer, Offer};

    /// A server hello for TLS 1.2 with extended master secret, in a record.
    fn hello(version: u16, extensions: &[u8]) -> Vec<u8> {
        let mut body = version.to_be_bytes().to_vec();
        body.extend([7; 32]);
        body.extend([0, 0xc0, 0x2f, 0]);
        if !extensions.is_empty() {
            body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
            body.extend(extensions);
        }
        let mut message = vec![2, 0, 0, u8::try_from(body.len()).unwrap()];
        message.extend(body);
        let mut record = vec![22, 3, 3, 0, u8::try_from(message.len()).unwrap()];
        record.extend(message);
        record
    }

    #[test]
    fn answers_are_read_in_pieces_of_any_size() {
        let whole = hello(0x0303, &[0, 23, 0, 0]);
        for end in 0..whole.len() {
            assert_eq!(Answer::parse(&whole[..end]), Ok(None), "{end}");
        }
        let answer =
            Answer::Hello { version: 0x0303, suite: 0xc02f, compresses: false, binds_master_secret: true };
        assert_eq!(Answer::parse(&whole), Ok(Some(answer)));
        assert_eq!(Answer::parse(&[21, 3, 1, 0, 2, 2, 70]), Ok(Some(Answer::Alert(70))));
    }

    #[test]
    fn tls_1_3_hides_behind_the_number_of_1_2() {
        let answer = Answer::parse(&hello(0x0303, &[0, 43, 0, 2, 3, 4])).unwrap().unwrap();
        assert!(matches!(answer, Answer::Hello { version: 0x0304, binds_master_secret: true, .. }));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for bytes in [
            &b"220 mail ESMTP"[..],
            b"HTTP/1.1 400",
            &[22, 3, 3, 0xff, 0xff],
            &[23, 3, 3, 0, 1, 0],
            &[22, 3, 3, 0, 4, 1, 0, 0, 0],
        ] {
            assert!(Answer::parse(bytes).is_err(), "{bytes:?}");
        }
        let mut cut = hello(0x0303, &[0, 23, 0, 9]);
        assert!(Answer::parse(&cut).is_err());
        cut.truncate(20);
        assert_eq!(Answer::parse(&cut), Ok(None));
    }

    #[test]
    fn a_hello_is_one_record_of_its_own_length() {
        for offer in Offer::ALL {
            let hello = offer.client_hello(Some("mail.example.org"), [9; 32]);
            let length = usize::from(u16::from_be_bytes([hello[3], hello[4]]));
            assert_eq!(hello.len(), length + 5, "{offer}");
            assert_eq!(u16::from_be_bytes([hello[9], hello[10]]), offer.number().min(0x0303));
        }
    }
}
