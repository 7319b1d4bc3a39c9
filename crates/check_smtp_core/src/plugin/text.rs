//! The one door for text that came from outside.

use std::fmt;

/// Characters a cleaned text keeps at the most; a server's longer words are cut with an ellipsis.
const LIMIT: usize = 400;

/// Text that may stand in the output: one line, no control or bidirectional characters, no `|`, bounded.
///
/// `|` would start perfdata in Nagios, ESC would drive a terminal, U+202E would turn the line round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clean(String);

impl Clean {
    /// Cleans text and cuts it after 400 characters.
    pub fn new(text: &str) -> Self {
        Self::with_limit(text, LIMIT)
    }

    /// Cleans text and cuts it after `limit` characters.
    pub fn with_limit(text: &str, limit: usize) -> Self {
        let trimmed = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        // Nearly all that servers say is plain already.
        if trimmed.len() <= limit && trimmed.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'|') {
            return Self(trimmed.to_owned());
        }
        let mut clean = String::with_capacity(trimmed.len().min(limit));
        for (index, character) in trimmed.chars().enumerate() {
            if index == limit {
                clean.push('…');
                break;
            }
            clean.push(replacement(character));
        }
        Self(clean)
    }

    /// Cleans bytes a server sent; what is not UTF-8 becomes U+FFFD.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self::new(&String::from_utf8_lossy(bytes))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Clean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

fn replacement(character: char) -> char {
    match character {
        '|' => '¦',
        '\t' | '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => ' ',
        c if c.is_control() || is_invisible(c) => '\u{fffd}',
        c => c,
    }
}

/// Format characters that reorder or hide what stands beside them (Unicode bidi controls, zero width, tags).
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::Clean;

    #[test]
    fn every_byte_value_yields_one_clean_line() {
        for byte in 0..=255_u8 {
            let clean = Clean::from_bytes(&[b'a', byte, b'b']);
            assert!(!clean.as_str().contains('|'), "byte {byte:#x}");
            assert!(!clean.as_str().chars().any(char::is_control), "byte {byte:#x}");
        }
    }

    #[test]
    fn bidi_override_and_escape_sequences_are_replaced() {
        assert_eq!(Clean::new("a\u{202e}b\u{1b}[31mc|d\r\ne").as_str(), "a\u{fffd}b\u{fffd}[31mc¦d  e");
    }

    #[test]
    fn long_text_is_cut_with_an_ellipsis() {
        let clean = Clean::new(&"ä".repeat(500));
        assert_eq!(clean.as_str().chars().count(), 401);
        assert!(clean.as_str().ends_with('…'));
    }
}
