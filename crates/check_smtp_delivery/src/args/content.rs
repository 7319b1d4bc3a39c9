//! What the message holds.

use std::path::PathBuf;

use check_smtp_core::cli;
use check_smtp_core::plugin::UsageError;
use check_smtp_core::smtp::capabilities::parse_bytes;

use crate::mark;

/// Bytes of the largest message that is built; what is larger is no probe.
const SIZE_LIMIT: usize = 100_000_000;
/// Headers that tell what the message is, or that it is ours.
const OWN_HEADERS: [&str; 5] =
    [mark::HEADER, "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"];

/// `--subject`, `--size`, `--body-file`, `--html`, `--attach`, `--header`, `--eml`.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Message")]
pub struct ContentArgs {
    /// Subject of the message [default: which probe of which host it is]
    #[arg(long, value_name = "TEXT", value_parser = one_line)]
    subject: Option<String>,
    /// Pad the message to this size: bytes, or with a unit (10k, 5M)
    #[arg(long, value_name = "SIZE", value_parser = size)]
    size: Option<usize>,
    /// Text of the message from this file (UTF-8), instead of ours
    #[arg(long, value_name = "FILE", value_parser = cli::path)]
    body_file: Option<PathBuf>,
    /// HTML from this file (UTF-8) beside the text
    #[arg(long, value_name = "FILE", value_parser = cli::path)]
    html: Option<PathBuf>,
    /// Attach this file; repeatable
    #[arg(long, value_name = "FILE", value_parser = cli::path)]
    attach: Vec<PathBuf>,
    /// Add this header, or put it in the place of ours of that name; repeatable
    #[arg(long, value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<Header>,
    /// Send this message as it is, with no more than our mark before it
    #[arg(long, value_name = "FILE", value_parser = cli::path)]
    eml: Option<PathBuf>,
}

/// A header of the admin's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value, one line.
    pub value: String,
}

/// What is sent.
#[derive(Clone, Debug)]
pub enum Content {
    /// A message from a file.
    Eml(PathBuf),
    /// One that is built.
    Built(Box<Parts>),
}

/// What a message is built of.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    /// The subject.
    pub subject: Option<String>,
    /// Its size, when it is to have one.
    pub size: Option<usize>,
    /// The text.
    pub body: Option<PathBuf>,
    /// HTML beside the text.
    pub html: Option<PathBuf>,
    /// Attachments.
    pub attachments: Vec<PathBuf>,
    /// More headers.
    pub headers: Vec<Header>,
}

impl Parts {
    /// Whether it is built in no time: from nothing but a few words.
    pub fn is_small(&self) -> bool {
        self.size.is_none() && self.body.is_none() && self.html.is_none() && self.attachments.is_empty()
    }
}

impl ContentArgs {
    /// What is sent.
    pub fn content(self) -> Result<Content, UsageError> {
        let Some(eml) = self.eml else {
            return Ok(Content::Built(Box::new(Parts {
                subject: self.subject,
                size: self.size,
                body: self.body_file,
                html: self.html,
                attachments: self.attach,
                headers: self.header,
            })));
        };
        let needless = [
            (self.subject.is_some(), "--subject"),
            (self.size.is_some(), "--size"),
            (self.body_file.is_some(), "--body-file"),
            (self.html.is_some(), "--html"),
            (!self.attach.is_empty(), "--attach"),
            (!self.header.is_empty(), "--header"),
        ];
        match needless.into_iter().find(|(given, _)| *given) {
            Some((_, flag)) => Err(UsageError::new(format!(
                "{flag} with --eml: the message is sent as it is, give one of them"
            ))),
            None => Ok(Content::Eml(eml)),
        }
    }
}

fn one_line(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_control) {
        Err("give one line, without line breaks and control characters".to_owned())
    } else {
        cli::non_empty(text)
    }
}

fn size(text: &str) -> Result<usize, String> {
    let size = parse_bytes(text).and_then(|size| usize::try_from(size).ok());
    size.filter(|size| (1..=SIZE_LIMIT).contains(size))
        .ok_or_else(|| "give a size of at most 100M, such as 20000, 10k or 5M".to_owned())
}

/// RFC 5322 section 2.2: a name of printable characters without a colon, and a value in one line.
fn header(text: &str) -> Result<Header, String> {
    const WANTED: &str = "give a header in one line, such as 'Reply-To: postmaster@example.org'";
    let (name, value) = text.split_once(':').ok_or(WANTED)?;
    let value = value.trim();
    let is_name = (1..=60).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_name || value.is_empty() || value.len() > 900 || value.chars().any(char::is_control) {
        return Err(WANTED.to_owned());
    }
    if OWN_HEADERS.iter().any(|own| own.eq_ignore_ascii_case(name)) {
        return Err("is written by the check itself, or give the whole message with --eml".to_owned());
    }
    Ok(Header { name: name.to_owned(), value: value.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::{header, size};

    #[test]
    fn headers_that_cannot_break_out() {
        let sound = header("X-Site: Zürich: one").unwrap();
        assert_eq!((sound.name.as_str(), sound.value.as_str()), ("X-Site", "Zürich: one"));
        for bad in [
            "",
            "X",
            "X:",
            ": a",
            "X y: a",
            "X: a\r\nBcc: b@example.org",
            "X: \0",
            "Ü: a",
            "message-id: <a@b>",
        ] {
            assert!(header(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn sizes_with_units() {
        assert_eq!((size("1"), size("10k"), size("5MB")), (Ok(1), Ok(10_000), Ok(5_000_000)));
        for bad in ["", "0", "x", "-1", "101M", "1e3"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }
}
