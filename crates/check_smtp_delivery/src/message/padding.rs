//! What makes a message as large as it shall be.

/// Characters of a line: with its CRLF 72 bytes.
const LINE: usize = 70;

/// So many bytes of text, whatever encoding they go through: lines of `x` that every encoding of text leaves as they are.
pub fn of(bytes: usize) -> String {
    let mut text = String::with_capacity(bytes);
    while bytes - text.len() >= LINE + 2 {
        text.push_str(&"x".repeat(LINE));
        text.push_str("\r\n");
    }
    text.push_str(&"x".repeat(bytes - text.len()));
    text
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn exactly_so_many_bytes() {
        for bytes in [0, 1, 71, 72, 73, 144, 10_000] {
            assert_eq!(of(bytes).len(), bytes);
        }
    }
}
