//! Fields of a header, and what the structured ones are made of (RFC 5322 sections 2.2 and 3.2).

use super::HEADER_LIMIT;

/// A field, unfolded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in lower case.
    pub name: String,
    /// Its value; what is not UTF-8 became U+FFFD.
    pub value: String,
}

/// The fields of a header, from the top, up to the first empty line. A line that is none is passed over.
pub fn fields(header: &[u8]) -> Vec<Field> {
    let header = header.get(..HEADER_LIMIT).unwrap_or(header);
    let mut fields: Vec<Field> = Vec::new();
    let mut is_open = false;
    for line in header.split(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line));
        if line.is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            if let Some(field) = fields.last_mut().filter(|_| is_open) {
                field.value.push_str(&line);
            }
            continue;
        }
        let parts = line.split_once(':').map(|(name, value)| (name.trim_end(), value));
        is_open = parts.is_some_and(|(name, _)| is_name(name));
        if let Some((name, value)) = parts.filter(|_| is_open) {
            fields.push(Field { name: name.to_ascii_lowercase(), value: value.to_owned() });
        }
    }
    fields
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A piece of a structured field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// What stands between blanks, comments and semicolons; a quoted string within it without its quotes.
    Word(String),
    /// A comment without its outer parentheses.
    Comment(String),
    /// A semicolon.
    Semicolon,
}

/// The pieces of a value. A quote or a comment that is never closed reaches to the end.
pub fn pieces(value: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut word = String::new();
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => word.push_str(&quoted(&mut characters)),
            '\\' => word.extend(characters.next()),
            '(' | ';' => {
                finish(&mut word, &mut pieces);
                pieces.push(match character {
                    ';' => Piece::Semicolon,
                    _ => Piece::Comment(comment(&mut characters)),
                });
            }
            blank if blank.is_whitespace() => finish(&mut word, &mut pieces),
            other => word.push(other),
        }
    }
    finish(&mut word, &mut pieces);
    pieces
}

fn finish(word: &mut String, pieces: &mut Vec<Piece>) {
    if !word.is_empty() {
        pieces.push(Piece::Word(std::mem::take(word)));
    }
}

/// What stands before the closing quote.
fn quoted(characters: &mut impl Iterator<Item = char>) -> String {
    let mut text = String::new();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => text.extend(characters.next()),
            other => text.push(other),
        }
    }
    text
}

/// What stands before the closing parenthesis; comments within it are kept as they are.
fn comment(characters: &mut impl Iterator<Item = char>) -> String {
    let mut text = String::new();
    let mut depth = 1_usize;
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                text.extend(characters.next());
                continue;
            }
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        text.push(character);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Field, Piece, fields, pieces};

    fn field(name: &str, value: &str) -> Field {
        Field { name: name.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn folded_fields_and_lines_that_are_none() {
        let header = b"From probe Tue Nov 24\r\n  of no field\r\nX-A: one\r\n\ttwo\nX-b :three\r\nno field\r\n of no field\r\n: x\r\nb\xc3\xa4d: x\r\n\r\nX-C: body";
        assert_eq!(fields(header), [field("x-a", " one\ttwo"), field("x-b", "three")]);
        assert_eq!(fields(b"\r\nX-A: body"), []);
        assert_eq!(fields(b"X-A: \xff"), [field("x-a", " \u{fffd}")]);
    }

    #[test]
    fn comments_nest_and_quotes_hide() {
        let word = |text: &str| Piece::Word(text.to_owned());
        let comment = |text: &str| Piece::Comment(text.to_owned());
        let table = [
            ("a (b (c) d)e;f", vec![word("a"), comment("b (c) d"), word("e"), Piece::Semicolon, word("f")]),
            (r#"x="a;(b \" c" d"#, vec![word(r#"x=a;(b " c"#), word("d")]),
            (r"(a \) b) c\ d", vec![comment("a ) b"), word("c d")]),
            ("(never closed; x", vec![comment("never closed; x")]),
            (r#"a "never closed; x"#, vec![word("a"), word("never closed; x")]),
            ("a) b\\", vec![word("a)"), word("b")]),
        ];
        for (value, expected) in table {
            assert_eq!(pieces(value), expected, "{value}");
        }
    }
}
