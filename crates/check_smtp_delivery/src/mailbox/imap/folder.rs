//! A folder, and where "new" begins in it.

use serde_json::Value;

use super::parse::Numbers;
use super::talk::quoted;
use super::utf7;

/// A folder that is looked at.
#[derive(Clone, Debug)]
pub struct Folder {
    /// As it is shown.
    pub name: String,
    /// As it is sent, quoted.
    pub wire: String,
    /// Whether spam goes there.
    pub is_junk: bool,
    /// Whether the server named it and not the admin: it may be one we cannot read.
    pub is_listed: bool,
    /// Whether the server has refused to open it.
    pub is_refused: bool,
    /// Where "new" begins; `None`: nobody knows.
    pub position: Option<Position>,
}

/// Where "new" begins in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The least number that is new.
    pub next: u32,
    /// The age of the numbers.
    pub validity: u32,
}

impl Folder {
    /// A folder the admin has named.
    pub fn named(name: &str, is_junk: bool) -> Self {
        // INBOX is the one name whose case does not matter (RFC 9051 section 5.1).
        let name = if name.eq_ignore_ascii_case("INBOX") { "INBOX" } else { name };
        let wire = quoted(&utf7::encode(name)).unwrap_or_default();
        Self { name: name.to_owned(), wire, is_junk, is_listed: false, is_refused: false, position: None }
    }

    /// A junk folder as the server has listed it; `None` where the name could not be sent back.
    pub fn listed(name: &[u8]) -> Option<Self> {
        let wire = quoted(std::str::from_utf8(name).ok()?)?;
        Some(Self { is_listed: true, wire, ..Self::named(&utf7::decode(name), true) })
    }
}

impl Numbers {
    /// The position behind all that is there.
    pub fn position(self) -> Option<Position> {
        Some(Position { next: self.next?, validity: self.validity? })
    }
}

impl Position {
    /// The position an earlier run has kept.
    pub fn marked(mark: &Value, wire: &str) -> Option<Self> {
        let kept = mark.get("folders")?.get(wire)?.as_array()?;
        let [validity, next] = kept.as_slice() else { return None };
        let number = |value: &Value| u32::try_from(value.as_u64()?).ok();
        Some(Self { next: number(next)?, validity: number(validity)? })
    }
}
