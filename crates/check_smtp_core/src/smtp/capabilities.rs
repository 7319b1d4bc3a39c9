//! What a server says it can do: the reply to EHLO (RFC 5321 section 4.1.1.1), and what an admin requires of it.

use std::{fmt, str::FromStr};

use super::Reply;

/// One keyword line of the EHLO reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capability {
    /// The keyword in upper case; empty when the line was.
    pub keyword: String,
    /// Its parameters as sent.
    pub parameters: Vec<String>,
}

/// Everything a server announced, in its order, repeated keywords included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// The name the server gave itself in the first line.
    pub domain: String,
    all: Vec<Capability>,
}

impl Capabilities {
    /// Reads an EHLO (or LHLO) reply. Keywords are case-insensitive; `AUTH=LOGIN PLAIN` is AUTH as old servers wrote it.
    pub fn from_reply(reply: &Reply) -> Self {
        let domain = reply.first_line().split(' ').next().unwrap_or_default().to_owned();
        let all = reply.lines().iter().skip(1).map(|line| read_line(line)).collect();
        Self { domain, all }
    }

    /// Every capability, in the server's order.
    pub fn all(&self) -> &[Capability] {
        &self.all
    }

    /// Whether a keyword was announced.
    pub fn offers(&self, keyword: &str) -> bool {
        self.with_keyword(keyword).next().is_some()
    }

    /// All parameters of a keyword, of all its lines.
    pub fn parameters<'a>(&'a self, keyword: &'a str) -> impl Iterator<Item = &'a str> {
        self.with_keyword(keyword).flat_map(|capability| &capability.parameters).map(String::as_str)
    }

    /// The largest message taken (RFC 1870), in bytes. `None` without SIZE, without a value, or for 0 (no limit known).
    pub fn size(&self) -> Option<u64> {
        self.parameters("SIZE").filter_map(|value| value.parse().ok()).filter(|size| *size > 0).min()
    }

    /// The SASL mechanisms of all AUTH lines, in upper case, each once.
    pub fn auth_mechanisms(&self) -> Vec<String> {
        let mut mechanisms = Vec::new();
        for mechanism in self.parameters("AUTH").map(str::to_ascii_uppercase) {
            if !mechanisms.contains(&mechanism) {
                mechanisms.push(mechanism);
            }
        }
        mechanisms
    }

    /// The value of one of LIMITS' parameters (RFC 9422), such as `RCPTMAX`.
    pub fn limit(&self, name: &str) -> Option<u64> {
        let pairs = self.parameters("LIMITS").filter_map(|parameter| parameter.split_once('='));
        pairs.filter(|(key, _)| key.eq_ignore_ascii_case(name)).find_map(|(_, value)| value.parse().ok())
    }

    /// A keyword that a middle box wrote over (`XXXXXXXA`, `XXXXXXXX`): how old firewalls strip STARTTLS.
    pub fn overwritten_keyword(&self) -> Option<&str> {
        let is_overwritten = |k: &str| {
            k.len() >= 7
                && k.trim_end_matches(['A', 'B', 'C', 'D']).bytes().all(|b| b == b'X')
                && k.starts_with("XXX")
        };
        self.all.iter().map(|capability| capability.keyword.as_str()).find(|keyword| is_overwritten(keyword))
    }

    /// The lines of a keyword as the server would write them, for telling what is there instead of what is wanted.
    pub fn lines(&self, keyword: &str) -> Vec<String> {
        self.with_keyword(keyword).map(ToString::to_string).collect()
    }

    fn with_keyword(&self, keyword: &str) -> impl Iterator<Item = &Capability> {
        self.all.iter().filter(move |capability| capability.keyword.eq_ignore_ascii_case(keyword))
    }
}

fn read_line(line: &str) -> Capability {
    let mut words = line.split_ascii_whitespace();
    let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
    let parameters = words.map(str::to_owned);
    match keyword.strip_prefix("AUTH=") {
        Some(first) => {
            let first = Some(first.to_owned()).filter(|mechanism| !mechanism.is_empty());
            Capability {
                keyword: "AUTH".to_owned(),
                parameters: first.into_iter().chain(parameters).collect(),
            }
        }
        None => Capability { keyword, parameters: parameters.collect() },
    }
}

/// The line as the server would write it.
impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.keyword)?;
        self.parameters.iter().try_for_each(|parameter| write!(f, " {parameter}"))
    }
}

/// What an admin wants announced: `STARTTLS`, `SIZE>=10M`, `AUTH:PLAIN`, `LIMITS:RCPTMAX`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    keyword: String,
    demand: Demand,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Demand {
    Present,
    AtLeast(u64),
    Parameter(String),
}

impl Requirement {
    /// The keyword it is about, in upper case.
    pub fn keyword(&self) -> &str {
        &self.keyword
    }

    /// Whether the capabilities fulfil it. SIZE without a value, or 0, sets no limit and so is large enough.
    pub fn is_met_by(&self, capabilities: &Capabilities) -> bool {
        match &self.demand {
            Demand::Present => capabilities.offers(&self.keyword),
            Demand::AtLeast(least) if self.keyword == "SIZE" => {
                capabilities.offers("SIZE") && capabilities.size().is_none_or(|size| size >= *least)
            }
            Demand::AtLeast(least) => capabilities
                .parameters(&self.keyword)
                .any(|value| value.parse::<u64>().is_ok_and(|value| value >= *least)),
            Demand::Parameter(wanted) => {
                let name = |parameter: &str| {
                    parameter.split('=').next().is_some_and(|name| name.eq_ignore_ascii_case(wanted))
                };
                capabilities.parameters(&self.keyword).any(|p| p.eq_ignore_ascii_case(wanted) || name(p))
            }
        }
    }
}

impl FromStr for Requirement {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const WANTED: &str =
            "give a keyword, KEYWORD>=NUMBER or KEYWORD:PARAMETER, such as STARTTLS, SIZE>=10M, AUTH:PLAIN";
        let (keyword, demand) = if let Some((keyword, number)) = text.split_once(">=") {
            (keyword, Demand::AtLeast(parse_bytes(number).ok_or(WANTED)?))
        } else if let Some((keyword, parameter)) = text.split_once(':') {
            (keyword, Demand::Parameter(parameter.to_owned()))
        } else {
            (text, Demand::Present)
        };
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        let sound =
            is_word(keyword) && !matches!(&demand, Demand::Parameter(parameter) if !is_word(parameter));
        if !sound {
            return Err(WANTED.to_owned());
        }
        Ok(Self { keyword: keyword.to_ascii_uppercase(), demand })
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.demand {
            Demand::Present => f.write_str(&self.keyword),
            Demand::AtLeast(least) => write!(f, "{}>={least}", self.keyword),
            Demand::Parameter(parameter) => write!(f, "{}:{parameter}", self.keyword),
        }
    }
}

/// A number of bytes with an optional decimal unit: `10485760`, `10M`, `10MB` (powers of 1000, as in SIZE limits of the field).
pub fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.strip_suffix(['B', 'b']).unwrap_or(text);
    let (number, factor) = match text.to_ascii_uppercase().as_bytes().last()? {
        b'K' => (text.get(..text.len() - 1)?, 1_000),
        b'M' => (text.get(..text.len() - 1)?, 1_000_000),
        b'G' => (text.get(..text.len() - 1)?, 1_000_000_000),
        _ => (text, 1),
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::{Capabilities, Requirement};
    use crate::smtp::ReplyParser;

    fn capabilities(wire: &str) -> Capabilities {
        let (_, reply) = ReplyParser::default().push(wire.as_bytes()).unwrap();
        Capabilities::from_reply(&reply.unwrap())
    }

    #[test]
    fn all_keywords_are_kept_and_parameters_read() {
        let seen = capabilities(
            "250-mail.example.org hello\r\n250-starttls\r\n250-SIZE\r\n250-size 0\r\n250-SIZE 20000000\r\n250-\r\n250-AUTH=LOGIN plain\r\n\
             250-AUTH PLAIN XOAUTH2\r\n250-LIMITS RCPTMAX=100 mailmax=5\r\n250 X-ODD a b\r\n",
        );
        assert_eq!(seen.domain, "mail.example.org");
        assert!(seen.offers("STARTTLS") && seen.offers("x-odd") && !seen.offers("VRFY"));
        assert_eq!(seen.size(), Some(20_000_000));
        assert_eq!(seen.auth_mechanisms(), ["LOGIN", "PLAIN", "XOAUTH2"]);
        assert_eq!(
            (seen.limit("RCPTMAX"), seen.limit("MAILMAX"), seen.limit("X")),
            (Some(100), Some(5), None)
        );
        assert_eq!(seen.all().len(), 9);
    }

    #[test]
    fn requirements() {
        let seen = capabilities("250-x\r\n250-SIZE 10000000\r\n250-AUTH PLAIN\r\n250 LIMITS RCPTMAX=5\r\n");
        for met in ["SIZE", "size>=10M", "SIZE>=9999K", "AUTH:plain", "LIMITS:RCPTMAX"] {
            assert!(met.parse::<Requirement>().unwrap().is_met_by(&seen), "{met}");
        }
        for unmet in ["STARTTLS", "SIZE>=10000001", "AUTH:LOGIN", "LIMITS:MAILMAX"] {
            assert!(!unmet.parse::<Requirement>().unwrap().is_met_by(&seen), "{unmet}");
        }
        for bad in ["", ">=5", "SIZE>=x", "AUTH:", "A B", "SIZE>=5X"] {
            assert!(bad.parse::<Requirement>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn size_without_a_value_sets_no_limit() {
        let seen = capabilities("250-x\r\n250 SIZE\r\n");
        assert!("SIZE>=10M".parse::<Requirement>().unwrap().is_met_by(&seen));
    }

    #[test]
    fn overwritten_keywords_are_seen() {
        assert_eq!(capabilities("250-x\r\n250 XXXXXXXA\r\n").overwritten_keyword(), Some("XXXXXXXA"));
        assert_eq!(capabilities("250-x\r\n250 XCLIENT\r\n").overwritten_keyword(), None);
    }
}
