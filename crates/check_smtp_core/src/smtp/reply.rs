//! Replies (RFC 5321 section 4.2): a push parser with limits.
//!
//! Strict where a lie could hide: three digits, the same code on every line, `-` or blank behind it. Tolerant where real
//! servers differ harmlessly: bare LF, a code without text, any bytes in the text.

use std::fmt;

/// Bytes of one line; RFC 5321 asks for 512, real EHLO lines are longer.
pub const LINE_LIMIT: usize = 64 * 1024;
/// Bytes of a whole reply.
pub const REPLY_LIMIT: usize = 1024 * 1024;
/// Lines of a reply.
pub const LINES_LIMIT: usize = 10_000;

/// A complete reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    lines: Vec<String>,
}

/// Why bytes are not a reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// A line that has no three digits followed by `-`, blank or its end.
    #[error("not an SMTP reply: '{0}'")]
    NotAReply(String),
    /// The lines of one reply carry different codes.
    #[error("reply changes its code from {0} to {1} between two lines")]
    MixedCodes(u16, u16),
    /// A line is longer than [`LINE_LIMIT`].
    #[error("reply line is longer than 64 KiB")]
    LineTooLong,
    /// A reply is larger than [`REPLY_LIMIT`].
    #[error("reply is larger than 1 MiB")]
    ReplyTooLarge,
    /// A reply has more than [`LINES_LIMIT`] lines.
    #[error("reply has more than 10000 lines")]
    TooManyLines,
}

impl Reply {
    /// The reply code, 0 to 999.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The text of each line without code and separator.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The text of the first line.
    pub fn first_line(&self) -> &str {
        self.lines.first().map_or("", String::as_str)
    }

    /// All text in one line: what the server said, for a person.
    pub fn text(&self) -> String {
        self.lines.join(" ")
    }

    /// The same reply with each line changed, for hiding what a server repeats.
    #[must_use]
    pub fn with_lines(self, change: impl Fn(String) -> String) -> Self {
        Self { code: self.code, lines: self.lines.into_iter().map(change).collect() }
    }

    /// 2yz: done.
    pub fn is_positive(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// 4yz: come back later.
    pub fn is_transient(&self) -> bool {
        (400..500).contains(&self.code)
    }

    /// 5yz: no, and asking again will not help.
    pub fn is_permanent(&self) -> bool {
        (500..600).contains(&self.code)
    }

    /// The enhanced status code (RFC 3463) that begins the text, if its class fits the reply code.
    pub fn enhanced_code(&self) -> Option<&str> {
        let word = self.first_line().split(' ').next()?;
        let mut parts = word.split('.');
        let fits = parts.next()?.parse::<u16>() == Ok(self.code / 100);
        let number = |part: Option<&str>| {
            part.is_some_and(|p| (1..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit()))
        };
        let whole = number(parts.next()) && number(parts.next()) && parts.next().is_none();
        (fits && whole).then_some(word)
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.code)?;
        let text = self.text();
        if text.is_empty() { Ok(()) } else { write!(f, " {text}") }
    }
}

/// Takes bytes as they come and gives replies as they are complete.
#[derive(Debug, Default)]
pub struct ReplyParser {
    line: Vec<u8>,
    code: Option<u16>,
    lines: Vec<String>,
    bytes: usize,
}

impl ReplyParser {
    /// Takes bytes up to the end of the reply. Returns how many were taken and the reply, once it is complete.
    ///
    /// Bytes behind the reply are not taken: they belong to the next one, or to nobody (STARTTLS).
    pub fn push(&mut self, bytes: &[u8]) -> Result<(usize, Option<Reply>), ReplyError> {
        let mut taken = 0;
        while let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
            let newline = rest.iter().position(|byte| *byte == b'\n');
            let part = rest.get(..newline.unwrap_or(rest.len())).unwrap_or_default();
            self.take(part)?;
            taken += part.len();
            if newline.is_some() {
                taken += 1;
                if let Some(reply) = self.end_of_line()? {
                    return Ok((taken, Some(reply)));
                }
            }
        }
        Ok((taken, None))
    }

    /// Whether bytes of an unfinished reply are held.
    pub fn is_midway(&self) -> bool {
        !self.line.is_empty() || !self.lines.is_empty()
    }

    /// The unfinished line, for recognising what else may be speaking.
    pub fn partial_line(&self) -> &[u8] {
        &self.line
    }

    fn take(&mut self, part: &[u8]) -> Result<(), ReplyError> {
        self.bytes += part.len();
        if self.line.len() + part.len() > LINE_LIMIT {
            return Err(ReplyError::LineTooLong);
        }
        if self.bytes > REPLY_LIMIT {
            return Err(ReplyError::ReplyTooLarge);
        }
        self.line.extend_from_slice(part);
        Ok(())
    }

    fn end_of_line(&mut self) -> Result<Option<Reply>, ReplyError> {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        let (code, last, text) = split_line(line).ok_or_else(|| not_a_reply(line))?;
        if let Some(first) = self.code.filter(|first| *first != code) {
            return Err(ReplyError::MixedCodes(first, code));
        }
        if self.lines.len() == LINES_LIMIT {
            return Err(ReplyError::TooManyLines);
        }
        self.code = Some(code);
        self.lines.push(String::from_utf8_lossy(text).into_owned());
        if !last {
            return Ok(None);
        }
        let parser = std::mem::take(self);
        Ok(Some(Reply { code, lines: parser.lines }))
    }
}

fn split_line(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let (digits, rest) = line.split_at_checked(3)?;
    let code = digits
        .iter()
        .try_fold(0_u16, |code, digit| digit.is_ascii_digit().then(|| code * 10 + u16::from(digit - b'0')))?;
    match rest.split_first() {
        None => Some((code, true, rest)),
        Some((b' ', text)) => Some((code, true, text)),
        Some((b'-', text)) => Some((code, false, text)),
        Some(_) => None,
    }
}

fn not_a_reply(line: &[u8]) -> ReplyError {
    let shown = line.get(..80).unwrap_or(line);
    ReplyError::NotAReply(String::from_utf8_lossy(shown).into_owned())
}

#[cfg(test)]
mod tests {
    use super::{LINE_LIMIT, Reply, ReplyError, ReplyParser};

    fn parse(bytes: &[u8]) -> Result<Option<Reply>, ReplyError> {
        ReplyParser::default().push(bytes).map(|(_, reply)| reply)
    }

    fn reply(bytes: &[u8]) -> Reply {
        parse(bytes).unwrap().unwrap()
    }

    #[test]
    fn every_chunk_size_gives_the_same_reply() {
        let wire = b"250-mail.example.org\r\n250-SIZE 1000\n250-\xff\x00 x\r\n250 STARTTLS\r\n";
        let whole = reply(wire);
        assert_eq!(whole.lines().len(), 4);
        for size in 1..=wire.len() {
            let mut parser = ReplyParser::default();
            let mut seen = None;
            for chunk in wire.chunks(size) {
                let (taken, complete) = parser.push(chunk).unwrap();
                assert_eq!(taken, chunk.len());
                seen = seen.or(complete);
            }
            assert_eq!(seen.as_ref(), Some(&whole), "chunks of {size}");
            assert!(!parser.is_midway());
        }
    }

    #[test]
    fn bytes_behind_the_reply_are_left() {
        let (taken, complete) = ReplyParser::default().push(b"220 go\r\n250 injected\r\n").unwrap();
        assert_eq!((taken, complete.unwrap().code()), (8, 220));
    }

    #[test]
    fn code_is_read_not_searched() {
        assert_eq!(reply(b"554 rejected, see ticket 42201\r\n").code(), 554);
        assert_eq!(reply(b"220\r\n").first_line(), "");
        assert_eq!(reply(b"220 \n").first_line(), "");
    }

    #[test]
    fn mixed_codes_are_an_error() {
        assert_eq!(parse(b"220-x\r\n554 y\r\n"), Err(ReplyError::MixedCodes(220, 554)));
    }

    #[test]
    fn what_is_no_reply_is_named() {
        for line in
            [&b"\r\n"[..], b"2x0 hi\r\n", b"220x\r\n", b"22\r\n", b"SSH-2.0-OpenSSH\r\n", b" 220 x\r\n"]
        {
            assert!(matches!(parse(line), Err(ReplyError::NotAReply(_))), "{line:?}");
        }
    }

    #[test]
    fn limits_are_kept_and_named() {
        assert_eq!(parse(&vec![b'2'; LINE_LIMIT + 1]), Err(ReplyError::LineTooLong));
        assert_eq!(parse(&b"220-\r\n".repeat(10_001)), Err(ReplyError::TooManyLines));
        let long = [b"220-".as_slice(), vec![b'x'; 60_000].as_slice(), b"\r\n"].concat();
        assert_eq!(parse(&long.repeat(20)), Err(ReplyError::ReplyTooLarge));
    }

    #[test]
    fn enhanced_code_must_fit_the_class() {
        assert_eq!(reply(b"554 5.7.1 no\r\n").enhanced_code(), Some("5.7.1"));
        assert_eq!(reply(b"554 2.7.1 no\r\n").enhanced_code(), None);
        assert_eq!(reply(b"554 5.7 no\r\n").enhanced_code(), None);
        assert_eq!(reply(b"554 no\r\n").enhanced_code(), None);
    }
}
