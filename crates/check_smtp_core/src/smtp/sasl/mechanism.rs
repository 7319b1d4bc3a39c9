//! The mechanisms, and which of them to take.

use std::{fmt, str::FromStr};

/// A mechanism this suite speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// RFC 4616: the password itself.
    Plain,
    /// The password itself, asked for in two prompts (draft-murchison-sasl-login).
    Login,
    /// RFC 2195: a keyed MD5 of the server's challenge.
    CramMd5,
    /// RFC 5802.
    ScramSha1,
    /// RFC 5802, bound to the TLS session.
    ScramSha1Plus,
    /// RFC 7677.
    ScramSha256,
    /// RFC 7677, bound to the TLS session.
    ScramSha256Plus,
    /// RFC 7628: an OAuth 2.0 token.
    OAuthBearer,
    /// The same as Google and Microsoft had it before the standard.
    XOAuth2,
    /// RFC 4422 appendix A: who the client certificate says.
    External,
}

/// What a mechanism needs to be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// A user and a password.
    Password,
    /// A user and an OAuth 2.0 token.
    Token,
    /// A client certificate.
    Certificate,
}

impl Mechanism {
    /// All, the strongest first: the order in which they are taken when nothing is said.
    pub const STRONGEST_FIRST: [Self; 10] = [
        Self::External,
        Self::ScramSha256Plus,
        Self::ScramSha1Plus,
        Self::ScramSha256,
        Self::ScramSha1,
        Self::CramMd5,
        Self::Plain,
        Self::Login,
        Self::OAuthBearer,
        Self::XOAuth2,
    ];

    /// Its name in EHLO and AUTH.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::CramMd5 => "CRAM-MD5",
            Self::ScramSha1 => "SCRAM-SHA-1",
            Self::ScramSha1Plus => "SCRAM-SHA-1-PLUS",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Self::OAuthBearer => "OAUTHBEARER",
            Self::XOAuth2 => "XOAUTH2",
            Self::External => "EXTERNAL",
        }
    }

    /// What it needs.
    pub fn needs(self) -> Needs {
        match self {
            Self::OAuthBearer | Self::XOAuth2 => Needs::Token,
            Self::External => Needs::Certificate,
            _ => Needs::Password,
        }
    }

    /// Whether it proves that the password is known, instead of sending it.
    pub fn is_proof(self) -> bool {
        self.needs() == Needs::Password && !matches!(self, Self::Plain | Self::Login)
    }

    /// Whether it is bound to the TLS session.
    pub fn is_bound(self) -> bool {
        matches!(self, Self::ScramSha1Plus | Self::ScramSha256Plus)
    }

    /// The same mechanism bound to the TLS session, where there is one.
    pub fn bound(self) -> Option<Self> {
        match self {
            Self::ScramSha1 | Self::ScramSha1Plus => Some(Self::ScramSha1Plus),
            Self::ScramSha256 | Self::ScramSha256Plus => Some(Self::ScramSha256Plus),
            _ => None,
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Mechanism {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::STRONGEST_FIRST.into_iter().find(|known| known.name().eq_ignore_ascii_case(text));
        found.ok_or_else(|| {
            let known: Vec<_> = Self::STRONGEST_FIRST.iter().map(|known| known.name()).collect();
            format!("give one of {}", known.join(", "))
        })
    }
}

/// The mechanism to take: the first of `wanted` that the server offers, or where nothing is wanted the strongest that what we
/// were given allows. `None`: there is none.
pub fn choose(offered: &[String], wanted: &[Mechanism], given: Needs, can_bind: bool) -> Option<Mechanism> {
    let is_offered = |mechanism: &Mechanism| {
        offered.iter().any(|name| name == mechanism.name()) && (can_bind || !mechanism.is_bound())
    };
    if wanted.is_empty() {
        let able = Mechanism::STRONGEST_FIRST.into_iter().filter(|mechanism| mechanism.needs() == given);
        return able.into_iter().find(is_offered);
    }
    wanted.iter().copied().find(is_offered)
}

#[cfg(test)]
mod tests {
    use super::{Mechanism, Needs, choose};

    #[test]
    fn the_strongest_that_the_secret_allows() {
        let offered: Vec<String> =
            ["NTLM", "LOGIN", "PLAIN", "XOAUTH2", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1", "CRAM-MD5"]
                .map(str::to_owned)
                .to_vec();
        assert_eq!(choose(&offered, &[], Needs::Password, true), Some(Mechanism::ScramSha256Plus));
        assert_eq!(choose(&offered, &[], Needs::Password, false), Some(Mechanism::ScramSha1));
        assert_eq!(choose(&offered, &[], Needs::Token, true), Some(Mechanism::XOAuth2));
        assert_eq!(choose(&offered, &[], Needs::Certificate, true), None);
        let wanted = [Mechanism::ScramSha256, Mechanism::Login];
        assert_eq!(choose(&offered, &wanted, Needs::Password, true), Some(Mechanism::Login));
        assert_eq!(choose(&offered, &[Mechanism::OAuthBearer], Needs::Token, true), None);
    }

    #[test]
    fn names_are_read_in_any_case() {
        assert_eq!("scram-sha-256".parse(), Ok(Mechanism::ScramSha256));
        assert!("NTLM".parse::<Mechanism>().unwrap_err().contains("SCRAM-SHA-1"));
    }
}
