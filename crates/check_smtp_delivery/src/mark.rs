//! What makes a message ours, and this one: `X-Smtp-Monitoring-Probe: INSTANCE/TOKEN`, and the same in its Message-ID.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

/// The header that marks a probe.
pub const HEADER: &str = "X-Smtp-Monitoring-Probe";
/// Characters of an instance's name.
const NAME_LIMIT: usize = 64;

/// The name of one route's monitoring: letters, digits, `-`, `_` and `.`, beginning with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance(String);

/// What makes a probe this one: 128 random bits as 32 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token(String);

/// Both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Whose probe.
    pub instance: Instance,
    /// Which one.
    pub token: Token,
}

impl Instance {
    /// The name a route has when none is given: the same on each run, another on each host and for each route.
    pub fn of_route(host: &str, from: &str, to: &[&str], server: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [host, from, server].iter().chain(to) {
            hash.update(part.as_bytes());
            // No two routes may run together to the same text.
            hash.update([0]);
        }
        Self(hexadecimal(hash.finalize().iter().take(8)))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Instance {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        let is_sound = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if begins && is_sound && text.len() <= NAME_LIMIT {
            Ok(Self(text.to_owned()))
        } else {
            Err("give 1 to 64 letters, digits, '-', '_' or '.', beginning with a letter or digit")
        }
    }
}

impl Token {
    /// The token of these random bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(hexadecimal(bytes.iter()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Mark {
    /// `<TOKEN.INSTANCE@domain>`.
    pub fn message_id(&self, domain: &str) -> String {
        // A name may hold dots where a Message-ID may not (RFC 5322 section 3.2.3).
        let parts: Vec<&str> = self.instance.0.split('.').filter(|part| !part.is_empty()).collect();
        format!("<{}.{}@{domain}>", self.token.0, parts.join("."))
    }
}

/// The value of the header.
impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.instance.0, self.token.0)
    }
}

fn hexadecimal<'a>(bytes: impl Iterator<Item = &'a u8>) -> String {
    let mut digits = String::with_capacity(32);
    for byte in bytes {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::{Instance, Mark, Token};

    #[test]
    fn a_route_keeps_its_name() {
        let name = |host, from, to: &[&str]| Instance::of_route(host, from, to, "mail.example.org:25").0;
        let one = name("probe.example.org", "a@example.org", &["b@example.org"]);
        assert_eq!(one.len(), 16);
        assert_eq!(one, name("probe.example.org", "a@example.org", &["b@example.org"]));
        assert_ne!(one, name("other.example.org", "a@example.org", &["b@example.org"]));
        assert_ne!(
            name("h", "a@example.org", &["b@example.org", "c@example.org"]),
            name("h", "a@example.org", &["b@example.orgc@example.org"])
        );
    }

    #[test]
    fn names_and_what_is_none() {
        for good in ["a", "0123456789abcdef", "mx1.example.org", "Route_2-b"] {
            assert!(good.parse::<Instance>().is_ok(), "{good}");
        }
        for bad in ["", ".", "-x", "a/b", "a b", "ä", "a\n", &"a".repeat(65)] {
            assert!(bad.parse::<Instance>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn header_and_message_id() {
        let mark = Mark { instance: "mx..1.".parse().unwrap(), token: Token::from_bytes([0x0a; 16]) };
        let token = "0a".repeat(16);
        assert_eq!(mark.to_string(), format!("mx..1./{token}"));
        assert_eq!(mark.message_id("example.org"), format!("<{token}.mx.1@example.org>"));
    }
}
