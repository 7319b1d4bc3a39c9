//! What else may be speaking on a port, told by its first bytes.

use std::fmt;

/// A protocol that is not SMTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// A TLS record (alert or handshake).
    Tls,
    /// An HTTP response.
    Http,
    /// An SSH version string (RFC 4253).
    Ssh,
    /// A POP3 greeting (RFC 1939).
    Pop3,
    /// An IMAP greeting (RFC 9051).
    Imap,
}

impl Foreign {
    /// Recognises a protocol; a few bytes are enough.
    pub fn recognise(bytes: &[u8]) -> Option<Self> {
        let starts: [(&[u8], Self); 7] = [
            (b"HTTP/", Self::Http),
            (b"<html", Self::Http),
            (b"<!DOCTYPE", Self::Http),
            (b"SSH-", Self::Ssh),
            (b"+OK", Self::Pop3),
            (b"* OK", Self::Imap),
            (b"* PREAUTH", Self::Imap),
        ];
        // RFC 8446 section 5.1: content type alert (21) or handshake (22), then the legacy version 3.x.
        if matches!(bytes, [0x15 | 0x16, 0x03, 0x00..=0x04, ..]) {
            return Some(Self::Tls);
        }
        starts.into_iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, protocol)| protocol)
    }
}

/// Bytes that make a silent server tell what it speaks: the smallest TLS 1.2 `ClientHello` (RFC 5246 section 7.4.1.2), and line ends
/// for those who wait for a line.
pub fn knock() -> Vec<u8> {
    // Two cipher suites of RSA key exchange, no compression, no extensions; the random bytes do not matter.
    let body = [&[0x03, 0x03][..], &[b'k'; 32], &[0, 0, 4, 0x00, 0x2f, 0x00, 0x35, 1, 0]].concat();
    let length = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap_or_default().to_be_bytes();
    let handshake = [&[1, 0][..], &length(&body), &body].concat();
    [&[0x16, 0x03, 0x01][..], &length(&handshake), &handshake, b"\r\n\r\n"].concat()
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls => "TLS",
            Self::Http => "HTTP",
            Self::Ssh => "SSH",
            Self::Pop3 => "POP3",
            Self::Imap => "IMAP",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Foreign;

    #[test]
    fn first_bytes_tell() {
        let table: [(&[u8], Option<Foreign>); 7] = [
            (b"HTTP/1.1 400 Bad Request\r\n", Some(Foreign::Http)),
            (b"SSH-2.0-OpenSSH_9.2\r\n", Some(Foreign::Ssh)),
            (b"+OK Dovecot ready.\r\n", Some(Foreign::Pop3)),
            (b"* OK [CAPABILITY IMAP4rev1]\r\n", Some(Foreign::Imap)),
            (&[0x15, 3, 1, 0, 2, 2, 70], Some(Foreign::Tls)),
            (b"220 mail.example.org\r\n", None),
            (b"", None),
        ];
        for (bytes, protocol) in table {
            assert_eq!(Foreign::recognise(bytes), protocol, "{bytes:?}");
        }
    }
}
