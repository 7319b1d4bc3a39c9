//! Commands as values: the wire form, and the form that may be shown.

use std::fmt;

use super::{Mailbox, Parameter};

/// A command of the client. `Display` is the line without CRLF as it goes over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// EHLO with our name.
    Ehlo(String),
    /// HELO with our name, for servers that refuse EHLO.
    Helo(String),
    /// LHLO with our name (LMTP, RFC 2033).
    Lhlo(String),
    /// STARTTLS (RFC 3207).
    StartTls,
    /// MAIL FROM; SMTPUTF8 is added where the address needs it.
    Mail(Mailbox),
    /// RCPT TO.
    Rcpt(Mailbox),
    /// MAIL FROM with parameters.
    MailWith(Mailbox, Vec<Parameter>),
    /// RCPT TO with parameters.
    RcptWith(Mailbox, Vec<Parameter>),
    /// DATA.
    Data,
    /// BDAT with the size of the chunk that follows, which is the last one (RFC 3030).
    LastChunk(usize),
    /// RSET.
    Reset,
    /// QUIT.
    Quit,
    /// A line of the admin's.
    Other(Line),
}

/// A line an admin gave to be sent as it is; it holds no line break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line(String);

impl Line {
    /// Takes a command line.
    ///
    /// Fails when it is empty, has a line break, or is one that only this suite may send: DATA and BDAT would start a
    /// message, STARTTLS and QUIT belong to the session.
    pub fn new(text: &str) -> Result<Self, String> {
        let verb = text.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        if text.trim().is_empty() || text.contains(['\r', '\n', '\0']) {
            return Err(
                "give one command line without line breaks, such as 'NOOP' or 'VRFY postmaster'".to_owned()
            );
        }
        match verb.as_str() {
            "DATA" | "BDAT" => Err("would start a message, this check sends none".to_owned()),
            "STARTTLS" => Err("give -S/--starttls instead".to_owned()),
            "QUIT" => Err("is sent by the check itself".to_owned()),
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// The line as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Command {
    /// The form for a transcript: whatever could be a secret (anything behind an AUTH mechanism) is starred out.
    pub fn redacted(&self) -> String {
        let line = self.to_string();
        let mut words = line.splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some(verb), Some(mechanism), Some(_)) if verb.eq_ignore_ascii_case("AUTH") => {
                format!("{verb} {mechanism} ***")
            }
            _ => line,
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ehlo(name) => write!(f, "EHLO {name}"),
            Self::Helo(name) => write!(f, "HELO {name}"),
            Self::Lhlo(name) => write!(f, "LHLO {name}"),
            Self::StartTls => f.write_str("STARTTLS"),
            Self::Mail(from) if from.needs_smtputf8() => write!(f, "MAIL FROM:{from} SMTPUTF8"),
            Self::Mail(from) => write!(f, "MAIL FROM:{from}"),
            Self::Rcpt(to) => write!(f, "RCPT TO:{to}"),
            Self::MailWith(from, parameters) => with(f, "MAIL FROM:", from, parameters),
            Self::RcptWith(to, parameters) => with(f, "RCPT TO:", to, parameters),
            Self::Data => f.write_str("DATA"),
            Self::LastChunk(size) => write!(f, "BDAT {size} LAST"),
            Self::Reset => f.write_str("RSET"),
            Self::Quit => f.write_str("QUIT"),
            Self::Other(line) => f.write_str(&line.0),
        }
    }
}

fn with(f: &mut fmt::Formatter<'_>, verb: &str, path: &Mailbox, parameters: &[Parameter]) -> fmt::Result {
    write!(f, "{verb}{path}")?;
    parameters.iter().try_for_each(|parameter| write!(f, " {parameter}"))
}

#[cfg(test)]
mod tests {
    use super::{Command, Line};

    #[test]
    fn secrets_behind_auth_are_starred_out() {
        let shown = |text: &str| Command::Other(Line::new(text).unwrap()).redacted();
        assert_eq!(shown("AUTH PLAIN AGEAYg=="), "AUTH PLAIN ***");
        assert_eq!(shown("auth login dXNlcg=="), "auth login ***");
        assert_eq!(shown("AUTH LOGIN"), "AUTH LOGIN");
        assert_eq!(shown("VRFY a b"), "VRFY a b");
    }

    #[test]
    fn no_second_command_and_no_message_can_be_smuggled_in() {
        for text in ["", " ", "NOOP\r\nDATA", "data", "BDAT 1 LAST", "QUIT", "starttls"] {
            assert!(Line::new(text).is_err(), "{text:?}");
        }
    }
}
