//! A Received field (RFC 5321 section 4.4): from which host by which one, by which protocol, under TLS or not, and when.
//!
//! mail-parser 0.11.9 was tried on the fields of the tests. It takes any `from` in a comment for a host (`(Postfix, from userid 0)` comes from "userid"), takes
//! a date that cannot be for one that can (day 324 becomes 68), EST for UTC and the year 26 for 1926, has no word for `with local` or `with mapi`, and misses
//! the TLS of qmail. Each of these would be a wrong finding, so the clauses are read here, and the time stamp by chrono, which refuses what is no date.

use std::net::IpAddr;

use chrono::DateTime;

use super::clean;
use super::field::{Piece, pieces};

/// Words of `with` that say TLS (RFC 3848, RFC 6531, RFC 8314), and those that servers made up.
const UNDER_TLS: [&str; 11] = [
    "ESMTPS",
    "ESMTPSA",
    "LMTPS",
    "LMTPSA",
    "UTF8SMTPS",
    "UTF8SMTPSA",
    "UTF8LMTPS",
    "UTF8LMTPSA",
    "SMTPS",
    "SMTPSA",
    "HTTPS",
];
/// Words of `with` that say there was none.
const IN_THE_CLEAR: [&str; 11] = [
    "SMTP",
    "ESMTP",
    "ESMTPA",
    "ASMTP",
    "LMTP",
    "LMTPA",
    "UTF8SMTP",
    "UTF8SMTPA",
    "UTF8LMTP",
    "UTF8LMTPA",
    "HTTP",
];
/// Exchange names its software where the protocol is to stand.
const EXCHANGE: &str = "Microsoft SMTP Server";

/// A step of the way: what the server that took the message wrote down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hop {
    /// The host it came from, by the name it gave, else its address; `None` where the field tells of no other host.
    pub from: Option<String>,
    /// The host that took it.
    pub by: Option<String>,
    /// The protocol, in upper case where it is a registered one.
    pub protocol: Option<String>,
    /// Whether it came under TLS.
    pub tls: Tls,
    /// Whether it crossed no network: picked up from the machine itself, or handed on within it.
    pub is_local: bool,
    /// When, in seconds since 1970 by the clock of the server that took it.
    pub time: Option<i64>,
    /// Seconds since the hop before it, each by its own clock; below zero the clocks disagree. `None` for the first hop, and where a time is not known.
    pub delay: Option<i64>,
}

/// What a field says of TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// It was used, in this version where it is named.
    Used(Option<String>),
    /// The protocol says that it was not.
    NotUsed,
    /// Nothing is said.
    #[default]
    NotTold,
}

impl Hop {
    /// Reads the value of a field; what cannot be understood is `None`.
    pub(super) fn read(value: &str) -> Self {
        let Some(clauses) = clauses(value) else { return Self { time: time(value), ..Self::default() } };
        let of = |keyword: Keyword| clauses.iter().find(|clause| clause.keyword == keyword);
        let from = of(Keyword::From);
        let protocol = of(Keyword::With).and_then(Clause::protocol);
        Self {
            from: from.and_then(Clause::host),
            by: of(Keyword::By).and_then(Clause::host),
            tls: tls(&clauses, protocol.as_deref()),
            is_local: is_local(from, protocol.as_deref()),
            protocol,
            time: time(value),
            delay: None,
        }
    }
}

/// The time stamp: what stands behind the last semicolon.
pub(super) fn time(value: &str) -> Option<i64> {
    let (_, text) = value.rsplit_once(';')?;
    // The day of the week says nothing new, and is wrong in some fields.
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c.is_ascii_alphabetic() || c == ',');
    DateTime::parse_from_rfc2822(text.trim_end()).ok().map(|time| time.timestamp())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keyword {
    From,
    By,
    Via,
    With,
    Id,
    For,
}

impl Keyword {
    fn of(word: &str) -> Option<Self> {
        let all = [
            ("from", Self::From),
            ("by", Self::By),
            ("via", Self::Via),
            ("with", Self::With),
            ("id", Self::Id),
            ("for", Self::For),
        ];
        all.into_iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, keyword)| keyword)
    }
}

/// A clause with the comments that stand in it.
#[derive(Clone, Debug)]
struct Clause {
    keyword: Keyword,
    words: Vec<String>,
    comments: Vec<String>,
}

/// The clauses up to the time stamp; `None` where the field begins with another word. A word that follows a keyword is its value, whatever it is.
fn clauses(value: &str) -> Option<Vec<Clause>> {
    let mut clauses: Vec<Clause> = Vec::new();
    for piece in pieces(value) {
        let open = clauses.last_mut();
        match (piece, open) {
            (Piece::Semicolon, _) => break,
            (Piece::Comment(text), Some(open)) => open.comments.push(text),
            (Piece::Comment(_), None) => {}
            (Piece::Word(word), open) => {
                let is_first = open.is_none();
                let keyword = Keyword::of(&word).filter(|keyword| is_first || *keyword != Keyword::From);
                match (keyword, open) {
                    (_, Some(open)) if open.words.is_empty() => open.words.push(word),
                    (Some(keyword), _) => {
                        clauses.push(Clause { keyword, words: Vec::new(), comments: Vec::new() });
                    }
                    (None, Some(open)) => open.words.push(word),
                    (None, None) => return None,
                }
            }
        }
    }
    Some(clauses)
}

impl Clause {
    /// The name the clause gives, else its address.
    fn host(&self) -> Option<String> {
        let word = self.words.first()?;
        let address = || self.addresses().first().map(ToString::to_string);
        let name = match word.strip_prefix('[') {
            Some(literal) => literal.split(']').next().unwrap_or(literal).to_owned(),
            None if word.eq_ignore_ascii_case("unknown") => address().unwrap_or_else(|| word.clone()),
            None => word.clone(),
        };
        Some(clean(&name))
    }

    /// Every address that stands in the clause.
    fn addresses(&self) -> Vec<IpAddr> {
        let parts = self.words.iter().take(1).chain(&self.comments);
        parts
            .flat_map(|part| part.split(|c: char| c.is_whitespace() || "[]()@=".contains(c)))
            .filter_map(address)
            .collect()
    }

    fn protocol(&self) -> Option<String> {
        if self.words.join(" ").starts_with(EXCHANGE) {
            return Some(EXCHANGE.to_owned());
        }
        let word = self.words.first()?;
        let known = UNDER_TLS.iter().chain(&IN_THE_CLEAR).find(|name| word.eq_ignore_ascii_case(name));
        Some(known.map_or_else(|| clean(word), ToString::to_string))
    }
}

fn address(text: &str) -> Option<IpAddr> {
    let text = match text.split_at_checked(5) {
        Some((tag, rest)) if tag.eq_ignore_ascii_case("IPv6:") => rest,
        _ => text,
    };
    // The zone of a link-local address.
    text.split('%').next()?.parse().ok().map(|address: IpAddr| address.to_canonical())
}

/// The protocol's word, else what stands in a comment.
fn tls(clauses: &[Clause], protocol: Option<&str>) -> Tls {
    let told = clauses.iter().find_map(|clause| {
        clause.comments.iter().find_map(|comment| told_by(comment, clause.keyword == Keyword::From))
    });
    let is_in = |words: &[&str]| protocol.is_some_and(|protocol| words.contains(&protocol));
    match told {
        Some(tls) => tls,
        None if is_in(&UNDER_TLS) => Tls::Used(None),
        None if is_in(&IN_THE_CLEAR) => Tls::NotUsed,
        None => Tls::NotTold,
    }
}

/// `using TLSv1.3 with cipher ...` (Postfix), `version=TLS1_2, cipher=...` (Exchange, Gmail, Sendmail), `TLS1.3` (Exim), `TLSv1.3:...` (`OpenSMTPD`),
/// `TLS` (older Exchange), `TLS: TLSv1/...` (Courier), `AES256-SHA encrypted` (qmail). In the comments of `from` also names stand that the sending
/// host has chosen: no name holds the blank of these beginnings.
fn told_by(comment: &str, is_of_sender: bool) -> Option<Tls> {
    let text = comment.trim();
    let lower = text.to_ascii_lowercase();
    let begins = ["using tls", "using ssl", "tls: ", "ssl: "].iter().any(|start| lower.starts_with(start));
    if is_of_sender && !begins {
        return None;
    }
    let version = text
        .split(|c: char| !c.is_ascii_alphanumeric() && !"._".contains(c))
        .find(|word| is_version(word))
        .map(clean);
    (begins || version.is_some() || lower == "tls" || lower.ends_with(" encrypted"))
        .then_some(Tls::Used(version))
}

/// `TLSv1.3`, `TLS1_2`, `SSLv3`.
fn is_version(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let Some(number) = lower.strip_prefix("tls").or_else(|| lower.strip_prefix("ssl")) else { return false };
    let number = number.strip_prefix('v').unwrap_or(number);
    number.starts_with(|c: char| c.is_ascii_digit())
        && number.chars().all(|c| c.is_ascii_digit() || "._".contains(c))
}

/// A field without `from` tells of no transmission by SMTP, where it must stand: pickup, queue and relay within one system (Postfix, qmail, Sendmail, Gmail).
/// An address that is not loopback makes a hop one over a network, LMTP (RFC 2033) between the machines of a cluster too.
fn is_local(from: Option<&Clause>, protocol: Option<&str>) -> bool {
    let Some(from) = from else { return true };
    let lower = protocol.unwrap_or_default().to_ascii_lowercase();
    // Exim's submission, and Exchange's own between its services.
    if lower.starts_with("local") || lower == "mapi" {
        return true;
    }
    let addresses = from.addresses();
    if !addresses.is_empty() {
        return addresses.iter().all(IpAddr::is_loopback);
    }
    // OpenSMTPD's submission.
    if from.comments.iter().any(|comment| comment.ends_with("[local]")) {
        return true;
    }
    // A name alone is the sender's own word for itself: that of localhost, or ours, proves nothing.
    lower == "lmtp"
}
