//! Authentication-Results (RFC 8601 section 2.2): what a server found when it looked who a message is from.
//!
//! Anybody can write such a field; it counts only where it bears the authserv-id of a server one trusts, which is to remove what others wrote in its
//! name (section 5).

use std::fmt;
use std::str::FromStr;

use super::clean;
use super::field::{Piece, pieces};

/// Results looked at of one field, and properties of one result.
const RESULTS_LIMIT: usize = 50;
const PROPERTIES_LIMIT: usize = 10;

/// The methods of the registry (RFC 8601 section 2.7 and those added to it).
const METHODS: [&str; 14] = [
    "spf",
    "dkim",
    "dmarc",
    "arc",
    "iprev",
    "auth",
    "dkim-adsp",
    "dkim-atps",
    "dnswl",
    "domainkeys",
    "rrvs",
    "sender-id",
    "smime",
    "vbr",
];
/// The results that more than one method has.
const OUTCOMES: [&str; 8] =
    ["pass", "fail", "softfail", "neutral", "none", "policy", "temperror", "permerror"];

/// One field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthenticationResults {
    /// Who says it; `None` where the field does not tell (Exchange Online).
    pub authserv_id: Option<String>,
    /// What is said, in its order.
    pub results: Vec<MethodResult>,
}

/// What one method has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodResult {
    /// The method, in lower case: `dkim`.
    pub method: String,
    /// The result, in lower case: `pass`.
    pub result: String,
    /// What it is about: `header.d` and `example.org`.
    pub properties: Vec<(String, String)>,
}

/// A method that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method(&'static str);

/// A result that can be required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome(&'static str);

impl AuthenticationResults {
    /// Reads the value of a field; a result that is broken is left out.
    pub(super) fn read(value: &str) -> Self {
        let mut parts = parts(value).into_iter().peekable();
        let first = parts.next_if(|words| words.first().is_some_and(|word| !word.contains('=')));
        // A version may stand behind it.
        let authserv_id = first.and_then(|words| words.first().map(|id| clean(id)));
        let results = parts.filter_map(|words| MethodResult::read(&words)).take(RESULTS_LIMIT).collect();
        Self { authserv_id, results }
    }

    /// Whether it is by one of these, compared as domains are.
    pub fn is_by(&self, trusted: &[String]) -> bool {
        let is_it = |id: &String| trusted.iter().any(|name| name.eq_ignore_ascii_case(id));
        self.authserv_id.as_ref().is_some_and(is_it)
    }
}

impl MethodResult {
    fn read(words: &[String]) -> Option<Self> {
        let mut pairs = words.iter().filter_map(|word| word.split_once('='));
        let (method, result) = pairs.next()?;
        // `dkim/1`: the version says nothing.
        let method = method.split('/').next().unwrap_or(method);
        if method.is_empty() || result.is_empty() {
            return None;
        }
        let properties = pairs
            .filter(|(name, _)| name.contains('.'))
            .map(|(name, value)| (clean(&name.to_ascii_lowercase()), clean(value)))
            .take(PROPERTIES_LIMIT)
            .collect();
        Some(Self {
            method: clean(&method.to_ascii_lowercase()),
            result: clean(&result.to_ascii_lowercase()),
            properties,
        })
    }
}

/// The words between semicolons, without comments; blanks around `=`, and around `/` and `.` before it, are taken out.
fn parts(value: &str) -> Vec<Vec<String>> {
    let mut parts = vec![Vec::<String>::new()];
    for piece in pieces(value) {
        let Some(words) = parts.last_mut() else { break };
        match piece {
            Piece::Semicolon => parts.push(Vec::new()),
            Piece::Comment(_) => {}
            Piece::Word(word) => match words.last_mut() {
                Some(last) if belongs(last, &word) => last.push_str(&word),
                _ => words.push(word),
            },
        }
    }
    parts
}

/// Whether a word goes on with the one before it.
fn belongs(last: &str, word: &str) -> bool {
    let is_name = !last.contains('=');
    word.starts_with('=')
        || last.ends_with('=')
        || is_name && (word.starts_with(['/', '.']) || last.ends_with(['/', '.']))
}

impl Method {
    /// Whether one of several results is enough: a message may bear signatures that others added, or that a list broke (RFC 6376 section 4.2).
    pub fn is_met_by_one(self) -> bool {
        matches!(self.0, "dkim" | "domainkeys" | "smime")
    }
}

impl FromStr for Method {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = METHODS.into_iter().find(|name| text.eq_ignore_ascii_case(name));
        known.map(Self).ok_or_else(|| format!("'{text}' is no method, give one of {}", METHODS.join(", ")))
    }
}

impl FromStr for Outcome {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = OUTCOMES.into_iter().find(|name| text.eq_ignore_ascii_case(name));
        known.map(Self).ok_or_else(|| format!("'{text}' is no result, give one of {}", OUTCOMES.join(", ")))
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// `spf=pass`.
impl fmt::Display for MethodResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.method, self.result)
    }
}

impl PartialEq<Method> for MethodResult {
    fn eq(&self, method: &Method) -> bool {
        self.method == method.0
    }
}

impl PartialEq<Outcome> for MethodResult {
    fn eq(&self, outcome: &Outcome) -> bool {
        self.result == outcome.0
    }
}
