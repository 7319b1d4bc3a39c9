//! Mail addresses as they stand in MAIL FROM and RCPT TO (RFC 5321 section 4.1.2).

use std::{fmt, str::FromStr};

/// A reverse or forward path that is safe to send: no line break, no bracket, no blank outside quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox(String);

impl Mailbox {
    /// Whether it needs SMTPUTF8 (RFC 6531). Its domain never does: it is kept in A-labels.
    pub fn needs_smtputf8(&self) -> bool {
        !self.0.is_ascii()
    }

    /// The address without brackets; empty for the null sender.
    pub fn address(&self) -> &str {
        &self.0
    }

    /// The part before the `@`; empty for the null sender.
    pub fn local(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }

    /// The part behind the `@`, in A-labels; empty for the null sender.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// The address with a detail behind its user (`user+detail@example.org`, RFC 5233); `None` for the null sender and for a quoted
    /// user.
    pub fn with_detail(&self, detail: &str) -> Option<Self> {
        let (local, domain) = self.0.rsplit_once('@').filter(|(local, _)| !local.starts_with('"'))?;
        format!("{local}+{detail}@{domain}").parse().ok()
    }
}

/// Reads `user@example.org`, with or without `<>`; `<>` alone is the null sender.
impl FromStr for Mailbox {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const WANTED: &str = "give an address such as probe@example.org, or <> for the null sender";
        if text == "<>" {
            return Ok(Self(String::new()));
        }
        let bare = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(text);
        let (local, domain) = bare.rsplit_once('@').ok_or(WANTED)?;
        let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
        let bad = |c: char| c.is_control() || matches!(c, '<' | '>') || (c.is_whitespace() && !quoted);
        if local.is_empty()
            || domain.is_empty()
            || bare.len() > 254
            || bare.contains(bad)
            || domain.contains([' ', '"'])
        {
            return Err(WANTED.to_owned());
        }
        if domain.is_ascii() {
            return Ok(Self(bare.to_owned()));
        }
        let domain = idna::domain_to_ascii(domain).map_err(|_| WANTED)?;
        Ok(Self(format!("{local}@{domain}")))
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Mailbox;

    #[test]
    fn wire_form_has_brackets() {
        for (text, wire) in
            [("a@example.org", "<a@example.org>"), ("<a@example.org>", "<a@example.org>"), ("<>", "<>")]
        {
            assert_eq!(text.parse::<Mailbox>().unwrap().to_string(), wire);
        }
        assert!("\"a b\"@example.org".parse::<Mailbox>().is_ok());
        assert!("ä@example.org".parse::<Mailbox>().unwrap().needs_smtputf8());
        let idn: Mailbox = "a@bücher.example".parse().unwrap();
        assert_eq!((idn.needs_smtputf8(), idn.domain(), idn.local()), (false, "xn--bcher-kva.example", "a"));
    }

    #[test]
    fn a_detail_stands_behind_the_user() {
        let with = |text: &str| text.parse::<Mailbox>().unwrap().with_detail("0a").map(|with| with.0);
        assert_eq!(with("user@example.org").as_deref(), Some("user+0a@example.org"));
        assert_eq!(with("user+x@example.org").as_deref(), Some("user+x+0a@example.org"));
        assert_eq!((with("<>"), with("\"a b\"@example.org")), (None, None));
    }

    #[test]
    fn nothing_can_be_smuggled_into_the_command() {
        for text in
            ["", "a", "@example.org", "a@", "a@b>\r\nRCPT TO:<c@d", "a@b\r\n", "a b@example.org", "a@b c"]
        {
            assert!(text.parse::<Mailbox>().is_err(), "{text:?}");
        }
    }
}
