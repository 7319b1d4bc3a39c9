//! What a POP3 server says (RFC 1939). Pure: a line in, a value out.

/// The first line of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `+OK`, and the text behind it.
    Ok(Vec<u8>),
    /// `-ERR`, and the text behind it.
    Refused(Vec<u8>),
    /// `+`: go on with a login (RFC 5034), and the challenge.
    Challenge(Vec<u8>),
}

/// Reads the first line of an answer; `None`: it is none.
pub fn answer(line: &[u8]) -> Option<Answer> {
    let (word, text) = match line.iter().position(|byte| *byte == b' ') {
        Some(end) => (line.get(..end)?, line.get(end + 1..)?),
        None => (line, [].as_slice()),
    };
    if word.eq_ignore_ascii_case(b"+OK") {
        Some(Answer::Ok(text.to_vec()))
    } else if word.eq_ignore_ascii_case(b"-ERR") {
        Some(Answer::Refused(text.to_vec()))
    } else {
        (word == b"+").then(|| Answer::Challenge(text.to_vec()))
    }
}

/// A line of a longer answer, its first dot taken off (section 3); `None`: the line that ends it.
pub fn unstuffed(line: &[u8]) -> Option<&[u8]> {
    match line {
        b"." => None,
        [b'.', rest @ ..] => Some(rest),
        line => Some(line),
    }
}

/// A line of the answer to UIDL (section 7): the number of a message now, and its name for good, of 1 to 70 printable characters.
pub fn listed(line: &[u8]) -> Option<(u32, &[u8])> {
    let end = line.iter().position(|byte| *byte == b' ')?;
    let (number, name) = (line.get(..end)?, line.get(end + 1..)?.trim_ascii());
    let is_number = !number.is_empty() && number.iter().all(u8::is_ascii_digit);
    let is_name = (1..=70).contains(&name.len()) && name.iter().all(u8::is_ascii_graphic);
    let number = std::str::from_utf8(number).ok().filter(|_| is_number && is_name)?.parse().ok()?;
    Some((number, name))
}

/// A name for good as a short number (FNV-1a), so that those of a whole mailbox are remembered cheaply.
pub fn short(name: &[u8]) -> u64 {
    name.iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::{Answer, answer, listed, short, unstuffed};

    #[test]
    fn answers() {
        assert_eq!(answer(b"+OK"), Some(Answer::Ok(Vec::new())));
        assert_eq!(answer(b"+ok ready <1@x>"), Some(Answer::Ok(b"ready <1@x>".to_vec())));
        assert_eq!(answer(b"-ERR [AUTH] no"), Some(Answer::Refused(b"[AUTH] no".to_vec())));
        assert_eq!(answer(b"+ "), Some(Answer::Challenge(Vec::new())));
        assert_eq!(answer(b"+"), Some(Answer::Challenge(Vec::new())));
        for other in [b"".as_slice(), b"* OK", b"+OKAY", b"220 x", b" +OK"] {
            assert_eq!(answer(other), None);
        }
    }

    #[test]
    fn lines_of_longer_answers() {
        assert_eq!(unstuffed(b"."), None);
        assert_eq!(unstuffed(b".."), Some(b".".as_slice()));
        assert_eq!(unstuffed(b""), Some(b"".as_slice()));
        assert_eq!(listed(b"1 whqtswO00WBw418f9t5JxYwZ"), Some((1, b"whqtswO00WBw418f9t5JxYwZ".as_slice())));
        for other in [
            b"1".as_slice(),
            b"1 ",
            b" 1 x",
            b"x y",
            b"-1 x",
            b"1 a b",
            b"4294967296 x",
            &[b"1 ", [b'x'; 71].as_slice()].concat(),
        ] {
            assert_eq!(listed(other), None);
        }
        assert_eq!(short(b"a"), 0xaf63_dc4c_8601_ec8c);
    }
}
