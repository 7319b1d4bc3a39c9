//! Who a message is from and for, and what is asked for it (RFC 5321 section 3.3).

use std::fmt::{self, Write as _};

use super::{Capabilities, Command, Mailbox, Message};

/// A parameter of MAIL FROM or RCPT TO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// `SIZE=n` (RFC 1870).
    Size(usize),
    /// `BODY=8BITMIME` (RFC 6152).
    EightBitMime,
    /// `SMTPUTF8` (RFC 6531).
    SmtpUtf8,
    /// `RET=HDRS`: a notification carries the headers only (RFC 3461 section 4.3).
    ReturnHeaders,
    /// `ENVID=`: what a notification calls this message (RFC 3461 section 4.4).
    EnvelopeId(String),
    /// `NOTIFY=` (RFC 3461 section 4.1).
    Notify(Vec<Notify>),
}

/// When a delivery status notification is asked for (RFC 3461 section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notify {
    /// Once it is delivered.
    Success,
    /// Once it cannot be.
    Failure,
    /// While it waits.
    Delay,
    /// At no time; stands alone.
    Never,
}

/// What is asked for in the way of notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dsn {
    /// When.
    pub notify: Vec<Notify>,
    /// What they call this message.
    pub envelope_id: String,
}

/// Sender, recipients and what is asked for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The sender; `<>` is the null sender.
    pub from: Mailbox,
    /// The recipients, one at least.
    pub to: Vec<Mailbox>,
    /// Notifications, asked for where DSN is offered.
    pub dsn: Option<Dsn>,
}

impl Envelope {
    /// An extension without which this message cannot be sent at all, and which is not offered.
    pub fn lacks(&self, message: &Message, offered: &Capabilities) -> Option<&'static str> {
        let needed = [
            (self.needs_smtputf8(message), "SMTPUTF8"),
            // A message in UTF-8 (RFC 6531 section 3.6) or with 8-bit bytes.
            (message.is_eight_bit(), "8BITMIME"),
        ];
        needed.into_iter().find(|(is_needed, keyword)| *is_needed && !offered.offers(keyword)).map(|(_, k)| k)
    }

    /// MAIL FROM with what the message needs and the server offers.
    pub fn mail(&self, message: &Message, offered: &Capabilities) -> Command {
        let dsn = self.dsn.as_ref().filter(|_| offered.offers("DSN"));
        let parameters = [
            offered.offers("SIZE").then(|| Parameter::Size(message.size())),
            message.is_eight_bit().then_some(Parameter::EightBitMime),
            self.needs_smtputf8(message).then_some(Parameter::SmtpUtf8),
            dsn.map(|_| Parameter::ReturnHeaders),
            dsn.map(|dsn| Parameter::EnvelopeId(dsn.envelope_id.clone())),
        ];
        Command::MailWith(self.from.clone(), parameters.into_iter().flatten().collect())
    }

    /// RCPT TO for one of the recipients.
    pub fn rcpt(&self, to: &Mailbox, offered: &Capabilities) -> Command {
        let dsn = self.dsn.as_ref().filter(|_| offered.offers("DSN"));
        Command::RcptWith(
            to.clone(),
            dsn.map(|dsn| Parameter::Notify(dsn.notify.clone())).into_iter().collect(),
        )
    }

    fn needs_smtputf8(&self, message: &Message) -> bool {
        message.has_utf8_headers()
            || self.from.needs_smtputf8()
            || self.to.iter().any(Mailbox::needs_smtputf8)
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size(size) => write!(f, "SIZE={size}"),
            Self::EightBitMime => f.write_str("BODY=8BITMIME"),
            Self::SmtpUtf8 => f.write_str("SMTPUTF8"),
            Self::ReturnHeaders => f.write_str("RET=HDRS"),
            Self::EnvelopeId(id) => write!(f, "ENVID={}", xtext(id)),
            Self::Notify(notify) => {
                let words: Vec<_> = notify.iter().map(|notify| notify.word()).collect();
                write!(f, "NOTIFY={}", words.join(","))
            }
        }
    }
}

impl Notify {
    fn word(self) -> &'static str {
        match self {
            Self::Success => "SUCCESS",
            Self::Failure => "FAILURE",
            Self::Delay => "DELAY",
            Self::Never => "NEVER",
        }
    }
}

/// RFC 3461 section 4: what is not printable, and `+` and `=`, in hexadecimal.
fn xtext(text: &str) -> String {
    let mut coded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'!'..=b'~' if byte != b'+' && byte != b'=' => coded.push(char::from(byte)),
            _ => {
                let _ = write!(coded, "+{byte:02X}");
            }
        }
    }
    coded
}

#[cfg(test)]
mod tests {
    use super::{Capabilities, Dsn, Envelope, Message, Notify, Parameter};
    use crate::smtp::ReplyParser;

    fn offering(keywords: &[&str]) -> Capabilities {
        let wire = format!("250-mail.example.org\r\n250-{}\r\n250 HELP\r\n", keywords.join("\r\n250-"));
        Capabilities::from_reply(&ReplyParser::default().push(wire.as_bytes()).unwrap().1.unwrap())
    }

    fn envelope(from: &str, to: &str) -> Envelope {
        Envelope { from: from.parse().unwrap(), to: vec![to.parse().unwrap()], dsn: None }
    }

    #[test]
    fn parameters_stand_where_they_are_offered() {
        let dsn = Some(Dsn { notify: vec![Notify::Success, Notify::Delay], envelope_id: "a+b".into() });
        let envelope = Envelope { dsn, ..envelope("<>", "sink@example.org") };
        let message = Message::new("a: b\n\nü".as_bytes());
        let all = offering(&["SIZE 1000", "8BITMIME", "DSN", "SMTPUTF8"]);
        assert_eq!(
            envelope.mail(&message, &all).to_string(),
            "MAIL FROM:<> SIZE=12 BODY=8BITMIME RET=HDRS ENVID=a+2Bb"
        );
        assert_eq!(
            envelope.rcpt(&envelope.to[0], &all).to_string(),
            "RCPT TO:<sink@example.org> NOTIFY=SUCCESS,DELAY"
        );
        let plain = Message::new(b"a: b\n\nc");
        assert_eq!(envelope.mail(&plain, &offering(&[])).to_string(), "MAIL FROM:<>");
        assert_eq!(envelope.rcpt(&envelope.to[0], &offering(&[])).to_string(), "RCPT TO:<sink@example.org>");
    }

    #[test]
    fn what_is_needed_and_not_offered_is_named() {
        let utf8 = envelope("ü@example.org", "sink@example.org");
        let (plain, eight) = (Message::new(b"a: b\n\nc"), Message::new("a: b\n\nü".as_bytes()));
        assert_eq!(utf8.lacks(&plain, &offering(&["8BITMIME"])), Some("SMTPUTF8"));
        assert_eq!(utf8.lacks(&plain, &offering(&["SMTPUTF8"])), None);
        assert_eq!(
            utf8.mail(&plain, &offering(&["SMTPUTF8"])).to_string(),
            "MAIL FROM:<ü@example.org> SMTPUTF8"
        );
        let ascii = envelope("a@bücher.example", "sink@example.org");
        assert_eq!(ascii.lacks(&plain, &offering(&[])), None);
        assert_eq!(ascii.mail(&plain, &offering(&[])).to_string(), "MAIL FROM:<a@xn--bcher-kva.example>");
        assert_eq!(ascii.lacks(&eight, &offering(&["SMTPUTF8"])), Some("8BITMIME"));
    }

    #[test]
    fn an_envelope_id_cannot_leave_its_place() {
        assert_eq!(Parameter::EnvelopeId("a b\r\n=".into()).to_string(), "ENVID=a+20b+0D+0A+3D");
    }
}
