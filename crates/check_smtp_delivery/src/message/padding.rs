//! What makes a message as large as it shall be.

/// A line in words: spam filters do not like others.
const LINE: &str = "This line is padding: it makes the message as large as it was asked to";

/// So many bytes of text, whatever encoding they go through: every encoding of text leaves these lines as they are.
pub fn of(bytes: usize) -> String {
    let whole = LINE.len() + 2;
    let mut text = String::with_capacity(bytes);
    for _ in 0..bytes / whole {
        text.push_str(LINE);
        text.push_str("\r\n");
    }
    let rest = LINE.get(..bytes % whole).unwrap_or(LINE);
    // A blank at a line's end would be encoded.
    text.push_str(rest.trim_end());
    text.push_str(&".".repeat(bytes - text.len()));
    text
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn exactly_so_many_bytes() {
        for bytes in (0..300).chain([10_000]) {
            let text = of(bytes);
            assert_eq!(text.len(), bytes);
            assert!(text.lines().all(|line| line.len() <= 71 && !line.ends_with(' ')), "{text}");
        }
    }
}
