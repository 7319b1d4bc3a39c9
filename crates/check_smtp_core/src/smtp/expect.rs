//! What an admin expects a reply to be: a code, or words.

use std::{fmt, str::FromStr};

use regex_lite::Regex;

use super::Reply;

/// An expectation of `-e` or `-R`.
#[derive(Clone, Debug)]
pub enum Expected {
    /// This very code (`421`).
    Code(u16),
    /// Any code of a class (`2xx`).
    Class(u16),
    /// A pattern found in `CODE text`, line by line.
    Pattern(Regex),
}

impl Expected {
    /// Whether a reply is as expected.
    pub fn matches(&self, reply: &Reply) -> bool {
        match self {
            Self::Code(code) => reply.code() == *code,
            Self::Class(class) => reply.code() / 100 == *class,
            Self::Pattern(pattern) => {
                reply.lines().iter().any(|line| pattern.is_match(&format!("{:03} {line}", reply.code())))
            }
        }
    }

    /// Whether it names the code itself, so that a refusal can be what is wanted.
    pub fn is_code(&self) -> bool {
        !matches!(self, Self::Pattern(_))
    }
}

impl FromStr for Expected {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("needs a reply code (421), a class (2xx) or a pattern".to_owned());
        }
        if text.len() == 3 && text.bytes().all(|b| b.is_ascii_digit()) {
            let code = text.parse().map_err(|_| "not a reply code".to_owned())?;
            return if (200..600).contains(&code) {
                Ok(Self::Code(code))
            } else {
                Err("give a reply code from 200 to 599".to_owned())
            };
        }
        if let Some(class) = text.strip_suffix("xx").filter(|class| ["2", "3", "4", "5"].contains(class)) {
            return class.parse().map(Self::Class).map_err(|_| "not a class".to_owned());
        }
        Regex::new(text)
            .map(Self::Pattern)
            .map_err(|error| format!("not a pattern: {}", error.to_string().replace('\n', " ")))
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "{code}"),
            Self::Class(class) => write!(f, "{class}xx"),
            Self::Pattern(pattern) => write!(f, "'{pattern}'"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Expected;
    use crate::smtp::ReplyParser;

    #[test]
    fn codes_classes_and_patterns() {
        let (_, reply) = ReplyParser::default().push(b"220-first\r\n220 mail ESMTP Postfix\r\n").unwrap();
        let reply = reply.unwrap();
        for met in ["220", "2xx", "ESMTP", "^220 mail", "(?i)postfix$"] {
            assert!(met.parse::<Expected>().unwrap().matches(&reply), "{met}");
        }
        for unmet in ["250", "4xx", "Exim", "^mail"] {
            assert!(!unmet.parse::<Expected>().unwrap().matches(&reply), "{unmet}");
        }
        for bad in ["", "(", "999", "099"] {
            assert!(bad.parse::<Expected>().is_err(), "{bad:?}");
        }
    }
}
