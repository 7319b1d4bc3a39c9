//! Who sent a probe, and which one it is: the two halves of `X-Smtp-Monitoring-Probe: INSTANCE/TOKEN`.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

/// Characters of an instance's name.
const NAME_LIMIT: usize = 64;

/// The name of one route's monitoring: letters, digits, `-`, `_` and `.`, beginning with a letter or digit, so that it is a file name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instance(String);

impl Instance {
    /// The name a route has when none is given: the same on each run, another on each host and for each route. `arrival` is where messages
    /// are looked for, and how: who looks elsewhere, or does not wait, must not call lost what another is still to find.
    pub fn of_route(host: &str, from: &str, to: &[&str], server: &str, arrival: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [host, from, server, arrival].iter().chain(to) {
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

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What makes a probe this one: 128 random bits as 32 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(String);

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

impl FromStr for Token {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 32 && text.bytes().all(is_digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err("a token has 32 lower-case hexadecimal digits")
        }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn hexadecimal<'a>(bytes: impl Iterator<Item = &'a u8>) -> String {
    let mut digits = String::with_capacity(32);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::{Instance, Token};

    #[test]
    fn names_and_what_is_none() {
        for good in ["a", "0123456789abcdef", "mx1.example.org", "Route_2-b"] {
            assert_eq!(good.parse::<Instance>().map(|name| name.to_string()).as_deref(), Ok(good));
        }
        for bad in ["", ".", "..", ".hidden", "-x", "a/b", "a b", "ä", "a\n", &"a".repeat(65)] {
            assert!(bad.parse::<Instance>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_route_keeps_its_name() {
        let name = |host, from, to: &[&str]| Instance::of_route(host, from, to, "mail.example.org:25", "").0;
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
    fn tokens_and_what_is_none() {
        let token = Token::from_bytes([0x0a; 16]);
        assert_eq!(token.as_str(), "0a".repeat(16));
        assert_eq!(token.as_str().parse(), Ok(token));
        for bad in ["", &"A".repeat(32), &"a".repeat(31), &"a".repeat(33), &"g".repeat(32)] {
            assert!(bad.parse::<Token>().is_err(), "{bad:?}");
        }
    }
}
