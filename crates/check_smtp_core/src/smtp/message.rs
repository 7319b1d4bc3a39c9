//! A message as it goes over the wire: CRLF at each line's end (RFC 5321 section 2.3.8), dots doubled (section 4.5.2).

/// A message with sound line ends.
///
/// A bare CR or LF never goes out: what one server takes for text another takes for the end of the message (SMTP smuggling).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    bytes: Vec<u8>,
    is_eight_bit: bool,
    has_utf8_headers: bool,
}

impl Message {
    /// Takes a message; every CR, LF or CRLF becomes CRLF, and the last line gets its end.
    pub fn new(text: &[u8]) -> Self {
        let bytes = with_crlf(text);
        let headers = header_section(&bytes);
        let has_utf8_headers = !headers.is_ascii() && std::str::from_utf8(headers).is_ok();
        Self { is_eight_bit: !bytes.is_ascii(), has_utf8_headers, bytes }
    }

    /// The message itself.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its size as SIZE declares it (RFC 1870 section 6): with CRLF, without the doubled dots and the final one.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it needs 8BITMIME (RFC 6152).
    pub fn is_eight_bit(&self) -> bool {
        self.is_eight_bit
    }

    /// Whether its headers are UTF-8 and need SMTPUTF8 (RFC 6532).
    pub fn has_utf8_headers(&self) -> bool {
        self.has_utf8_headers
    }

    /// The message behind DATA: each dot that begins a line doubled, the final dot at its end.
    pub fn dotted(&self) -> Vec<u8> {
        let mut wire = Vec::with_capacity(self.bytes.len() + self.bytes.len() / 64 + 5);
        for line in self.bytes.split_inclusive(|byte| *byte == b'\n') {
            if line.first() == Some(&b'.') {
                wire.push(b'.');
            }
            wire.extend_from_slice(line);
        }
        wire.extend_from_slice(b".\r\n");
        wire
    }
}

fn with_crlf(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() + text.len() / 32 + 2);
    let mut rest = text;
    while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
        let (line, behind) = rest.split_at_checked(end).unwrap_or_default();
        bytes.extend_from_slice(line);
        bytes.extend_from_slice(b"\r\n");
        let is_pair = behind.starts_with(b"\r\n");
        rest = behind.get(if is_pair { 2 } else { 1 }..).unwrap_or_default();
    }
    if !rest.is_empty() || text.is_empty() {
        bytes.extend_from_slice(rest);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// Up to the empty line, or all of it.
fn header_section(bytes: &[u8]) -> &[u8] {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    end.and_then(|end| bytes.get(..end)).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::Message;

    #[test]
    fn every_kind_of_line_end_becomes_crlf() {
        for (text, bytes) in [
            ("a\nb\n", "a\r\nb\r\n"),
            ("a\r\nb", "a\r\nb\r\n"),
            ("a\rb\n\r", "a\r\nb\r\n\r\n"),
            ("a\r\r\n\nb", "a\r\n\r\n\r\nb\r\n"),
            ("", "\r\n"),
        ] {
            let message = Message::new(text.as_bytes());
            assert_eq!(String::from_utf8_lossy(message.bytes()), bytes, "{text:?}");
            assert_eq!(message.size(), bytes.len());
        }
    }

    #[test]
    fn dots_that_begin_a_line_are_doubled() {
        for (text, wire) in [
            (".", "..\r\n.\r\n"),
            ("a\n.\n..b\nc.d\n", "a\r\n..\r\n...b\r\nc.d\r\n.\r\n"),
            ("a\r.\rb", "a\r\n..\r\nb\r\n.\r\n"),
        ] {
            assert_eq!(String::from_utf8_lossy(&Message::new(text.as_bytes()).dotted()), wire, "{text:?}");
        }
    }

    #[test]
    fn no_end_of_the_message_can_stand_in_its_middle() {
        // Each way of smuggling that was published: whatever comes in, the one lone dot is the last line.
        for ends in
            ["\n.\n", "\r\n.\n", "\n.\r\n", "\r.\r", "\r\n.\r", "\r.\r\n", "\r\n\0.\r\n", "\n\n.\r\r\n"]
        {
            let wire = Message::new(format!("a: b\n\nx{ends}MAIL FROM:<a@example.org>").as_bytes()).dotted();
            let wire = String::from_utf8_lossy(&wire).into_owned();
            assert!(!wire.replace("\r\n", "").contains(['\r', '\n']), "{wire:?}");
            assert_eq!(wire.find("\r\n.\r\n"), Some(wire.len() - 5), "{wire:?}");
        }
    }

    #[test]
    fn what_it_needs_of_the_server() {
        let needs = |bytes: &[u8]| {
            let message = Message::new(bytes);
            (message.is_eight_bit(), message.has_utf8_headers())
        };
        assert_eq!(needs(b"Subject: x\n\ny"), (false, false));
        assert_eq!(needs("Subject: x\n\nü".as_bytes()), (true, false));
        assert_eq!(needs("Subject: ü\n\ny".as_bytes()), (true, true));
        // Latin-1 in headers is nothing SMTPUTF8 would help.
        assert_eq!(needs(b"Subject: \xfc\n\ny"), (true, false));
    }
}
