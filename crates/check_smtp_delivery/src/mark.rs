//! What makes a message ours, and this one: `X-Smtp-Monitoring-Probe: INSTANCE/TOKEN`, and the same in its Message-ID.

use std::fmt;

use crate::tracker::{Instance, Token};

/// The header that marks a probe.
pub const HEADER: &str = "X-Smtp-Monitoring-Probe";
/// Whose probe a message is, and which one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Whose probe.
    pub instance: Instance,
    /// Which one.
    pub token: Token,
}

impl Mark {
    /// `<TOKEN.INSTANCE@domain>`.
    pub fn message_id(&self, domain: &str) -> String {
        // A name may hold dots where a Message-ID may not (RFC 5322 section 3.2.3).
        let parts: Vec<&str> = self.instance.as_str().split('.').filter(|part| !part.is_empty()).collect();
        format!("<{}.{}@{domain}>", self.token, parts.join("."))
    }
}

/// The value of the header.
impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.instance, self.token)
    }
}

#[cfg(test)]
mod tests {
    use super::{Mark, Token};

    #[test]
    fn header_and_message_id() {
        let mark = Mark { instance: "mx..1.".parse().unwrap(), token: Token::from_bytes([0x0a; 16]) };
        let token = "0a".repeat(16);
        assert_eq!(mark.to_string(), format!("mx..1./{token}"));
        assert_eq!(mark.message_id("example.org"), format!("<{token}.mx.1@example.org>"));
    }
}
