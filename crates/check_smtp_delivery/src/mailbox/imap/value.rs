//! The values a response is made of (RFC 9051 section 4). Pure: bytes in, values out.

use super::parse::literal_length;

/// Lists within lists; what we ask for has two.
const DEPTH_LIMIT: u8 = 12;

/// A value of a response.
pub enum Value {
    /// A word, a number, NIL, or `BODY[...]`.
    Atom(Vec<u8>),
    /// Quoted, or a literal.
    Text(Vec<u8>),
    /// Values in parentheses.
    List(Vec<Value>),
}

impl Value {
    /// The bytes of an atom or a text.
    pub fn into_bytes(self) -> Option<Vec<u8>> {
        match self {
            Self::Atom(bytes) | Self::Text(bytes) => Some(bytes),
            Self::List(_) => None,
        }
    }
}

/// Reads one value after the other.
pub struct Reader<'a> {
    /// What is not read yet.
    pub rest: &'a [u8],
}

impl Reader<'_> {
    /// The next value; `depth`: how many lists it is in.
    pub fn value(&mut self, depth: u8) -> Option<Value> {
        self.rest = self.rest.trim_ascii_start();
        match self.rest.first()? {
            b'(' => self.list(depth),
            b'"' => self.quoted(),
            b'{' => self.literal(),
            b'~' if self.rest.get(1) == Some(&b'{') => {
                self.skip(1);
                self.literal()
            }
            _ => self.atom(),
        }
    }

    fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    fn list(&mut self, depth: u8) -> Option<Value> {
        if depth >= DEPTH_LIMIT {
            return None;
        }
        self.skip(1);
        let mut values = Vec::new();
        loop {
            self.rest = self.rest.trim_ascii_start();
            if self.rest.first()? == &b')' {
                self.skip(1);
                return Some(Value::List(values));
            }
            values.push(self.value(depth + 1)?);
        }
    }

    fn quoted(&mut self) -> Option<Value> {
        let mut text = Vec::new();
        let mut bytes = self.rest.iter().enumerate().skip(1);
        while let Some((position, byte)) = bytes.next() {
            match byte {
                b'"' => {
                    self.skip(position + 1);
                    return Some(Value::Text(text));
                }
                b'\\' => text.push(*bytes.next()?.1),
                byte => text.push(*byte),
            }
        }
        None
    }

    /// `{5}`, the end of the line, and five bytes.
    fn literal(&mut self) -> Option<Value> {
        let end = self.rest.iter().position(|byte| *byte == b'\n')?;
        let head = self.rest.get(..end)?;
        let length = literal_length(head.strip_suffix(b"\r").unwrap_or(head), false)?;
        let length = usize::try_from(length).ok()?;
        let text = self.rest.get(end + 1..)?.get(..length)?.to_vec();
        self.skip(end + 1 + length);
        Some(Value::Text(text))
    }

    /// An atom; brackets within it hold what they like: `BODY[HEADER.FIELDS (A B)]<0>`.
    fn atom(&mut self) -> Option<Value> {
        let mut is_inside = false;
        let mut length = 0;
        for byte in self.rest {
            match byte {
                b'[' => is_inside = true,
                b']' => is_inside = false,
                b' ' | b'(' | b')' | b'"' | b'{' if !is_inside => break,
                _ => {}
            }
            length += 1;
        }
        let atom = self.rest.get(..length).filter(|atom| !atom.is_empty())?.to_vec();
        self.skip(length);
        Some(Value::Atom(atom))
    }
}
