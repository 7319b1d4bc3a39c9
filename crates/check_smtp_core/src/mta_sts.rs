//! MTA-STS (RFC 8461): the record that says there is a policy, and the policy. Pure: DNS and HTTPS are elsewhere.

use std::fmt;
use std::str::FromStr;

/// Bytes of a policy file; RFC 8461 section 3.3 lets senders stop at 64 KB.
const BODY_LIMIT: usize = 64 * 1024;
/// Patterns of a policy; one with more is refused, for half a list would call good hosts wrong.
const PATTERNS_LIMIT: usize = 100;
/// Seconds a policy may live at the most (RFC 8461 section 3.2), about a year.
const MAX_AGE_LIMIT: u64 = 31_557_600;
/// Characters of a wrong text that a fault repeats.
const SHOWN: usize = 60;
/// `WSP` of RFC 5234.
const BLANKS: [char; 2] = [' ', '\t'];

/// The `id` of a domain's record: another one tells senders to fetch the policy anew (RFC 8461 section 3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Id(String);

/// What is wrong with the record at `_mta-sts`: senders go on as if there were none (RFC 8461 section 3.1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordFault {
    /// More than one record.
    #[error("{0} records begin with v=STSv1: publish one")]
    TwoRecords(usize),
    /// A field that is none.
    #[error("'{0}' is no field: write name=value, and ; between fields")]
    Field(String),
    /// No `id`.
    #[error("no id: add one such as id=20240131T120000;")]
    NoId,
    /// More than one `id`; senders go by the first (RFC 8461 section 3.2), an admin by the one he changes.
    #[error("{0} ids: leave one")]
    TwoIds(usize),
    /// An `id` of other characters, or too long.
    #[error("id '{0}' is not 1 to 32 letters and digits")]
    Id(String),
}

/// The domain's `id`, from the TXT records at `_mta-sts` (each with its strings joined). Records that do not begin with `v=STSv1;` are
/// passed over; `None`: no other is there, the domain has no MTA-STS (RFC 8461 section 3.1).
pub fn record(texts: &[Vec<u8>]) -> Result<Option<Id>, RecordFault> {
    let mut ours = texts.iter().filter_map(|text| fields(text));
    let Some(fields) = ours.next() else { return Ok(None) };
    let more = ours.count();
    if more > 0 {
        return Err(RecordFault::TwoRecords(more + 1));
    }
    read_fields(&String::from_utf8_lossy(fields)).map(Some)
}

/// What stands behind `v=STSv1;`.
fn fields(text: &[u8]) -> Option<&[u8]> {
    let mut rest = text.strip_prefix(b"v=STSv1")?;
    while let [b' ' | b'\t', behind @ ..] = rest {
        rest = behind;
    }
    rest.strip_prefix(b";")
}

fn read_fields(text: &str) -> Result<Id, RecordFault> {
    let mut fields: Vec<&str> = text.split(';').map(|field| field.trim_matches(BLANKS)).collect();
    // The last semicolon is optional.
    fields.pop_if(|last| last.is_empty());
    let mut ids: Vec<Id> = Vec::new();
    for field in fields {
        let wrong = || RecordFault::Field(shown(field));
        let (name, value) = field.split_once('=').filter(|(name, _)| is_name(name)).ok_or_else(wrong)?;
        match name {
            "id" => ids.push(value.parse()?),
            _ if is_field_value(value) => {}
            _ => return Err(wrong()),
        }
    }
    let count = ids.len();
    match ids.pop() {
        None => Err(RecordFault::NoId),
        Some(_) if count > 1 => Err(RecordFault::TwoIds(count)),
        Some(id) => Ok(id),
    }
}

/// `sts-ext-name` and `sts-policy-ext-name`.
fn is_name(name: &str) -> bool {
    name.len() <= 32
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

/// `sts-ext-value`.
fn is_field_value(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'=')
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

impl Id {
    /// The id as published.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Reads 1 to 32 letters and digits.
impl FromStr for Id {
    type Err = RecordFault;

    fn from_str(text: &str) -> Result<Self, RecordFault> {
        let sound = (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if sound { Ok(Self(text.to_owned())) } else { Err(RecordFault::Id(shown(text))) }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A policy (RFC 8461 section 3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What senders do with a server that does not hold to it.
    pub mode: Mode,
    /// Seconds that senders keep it, at most 31557600.
    pub max_age: u64,
    /// The mail servers it is for; none only where the mode is [`Mode::None`].
    pub mx: Vec<Pattern>,
}

/// The modes of RFC 8461 section 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Senders do not deliver to a server that fails.
    Enforce,
    /// Senders report and deliver all the same.
    Testing,
    /// The domain has no policy any more.
    None,
}

/// A mail server's name in lower case, or `*.` and a domain (RFC 8461 section 4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

/// What is wrong with a policy: to senders it is none (RFC 8461 section 3.3). Lines are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFault {
    /// More than a policy has.
    #[error("it has more than 64 KiB")]
    TooLarge,
    /// Bytes that are no text.
    #[error("it is no UTF-8 text")]
    NotUtf8,
    /// A line that is none.
    #[error("line {line} is no 'name: value': '{text}'")]
    Line {
        /// Its number.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// A field that must be there.
    #[error("no line '{0}' (names are written in lower case)")]
    Missing(&'static str),
    /// A version nobody knows.
    #[error("line {line}: version '{text}', write STSv1")]
    Version {
        /// Its line.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// A mode nobody knows.
    #[error("line {line}: mode '{text}', write enforce, testing or none")]
    Mode {
        /// Its line.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// No number of seconds, or too many.
    #[error("line {line}: max_age '{text}', write seconds from 0 to 31557600")]
    MaxAge {
        /// Its line.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// An `mx` that is no name.
    #[error("line {line}: mx '{text}', {wanted}")]
    Mx {
        /// Its line.
        line: usize,
        /// What stands there.
        text: String,
        /// What would be right.
        wanted: &'static str,
    },
    /// More patterns than we read.
    #[error("more than 100 mx lines, no more are read here: use a pattern such as *.example.org")]
    TooManyMx,
}

/// The first of each field, with the number of its line: what is repeated does not count (RFC 8461 section 3.2).
#[derive(Default)]
struct Draft<'a> {
    version: Option<(usize, &'a str)>,
    mode: Option<(usize, &'a str)>,
    max_age: Option<(usize, &'a str)>,
    mx: Vec<(usize, &'a str)>,
}

impl Policy {
    /// Reads a policy file. Fields nobody knows are passed over, and blank lines, which the grammar has not but files have at their end.
    pub fn parse(body: &[u8]) -> Result<Self, PolicyFault> {
        if body.len() > BODY_LIMIT {
            return Err(PolicyFault::TooLarge);
        }
        let draft = Draft::read(std::str::from_utf8(body).map_err(|_| PolicyFault::NotUtf8)?)?;
        let (line, text) = draft.version.ok_or(PolicyFault::Missing("version: STSv1"))?;
        if text != "STSv1" {
            return Err(PolicyFault::Version { line, text: shown(text) });
        }
        let (line, text) = draft.mode.ok_or(PolicyFault::Missing("mode: enforce"))?;
        let mode = Mode::named(text).ok_or_else(|| PolicyFault::Mode { line, text: shown(text) })?;
        let (line, text) = draft.max_age.ok_or(PolicyFault::Missing("max_age: 604800"))?;
        let max_age = read_age(text).ok_or_else(|| PolicyFault::MaxAge { line, text: shown(text) })?;
        if draft.mx.is_empty() && mode != Mode::None {
            return Err(PolicyFault::Missing("mx: mail.example.org"));
        }
        let pattern = |(line, text): (usize, &str)| {
            text.parse().map_err(|wanted| PolicyFault::Mx { line, text: shown(text), wanted })
        };
        let mx = draft.mx.into_iter().map(pattern).collect::<Result<_, _>>()?;
        Ok(Self { mode, max_age, mx })
    }

    /// Whether it is for the mail server `host` (RFC 8461 section 4.1): case and a trailing dot do not count.
    pub fn covers(&self, host: &str) -> bool {
        self.mx.iter().any(|pattern| pattern.covers(host))
    }
}

impl<'a> Draft<'a> {
    fn read(text: &'a str) -> Result<Self, PolicyFault> {
        let mut draft = Self::default();
        for (index, line) in text.split('\n').enumerate() {
            let line = line.strip_suffix('\r').unwrap_or(line).trim_end_matches(BLANKS);
            if line.is_empty() {
                continue;
            }
            let number = index + 1;
            let (name, value) =
                field(line).ok_or_else(|| PolicyFault::Line { line: number, text: shown(line) })?;
            match name {
                "version" => draft.version = draft.version.or(Some((number, value))),
                "mode" => draft.mode = draft.mode.or(Some((number, value))),
                "max_age" => draft.max_age = draft.max_age.or(Some((number, value))),
                "mx" if draft.mx.len() == PATTERNS_LIMIT => return Err(PolicyFault::TooManyMx),
                "mx" => draft.mx.push((number, value)),
                _ => {}
            }
        }
        Ok(draft)
    }
}

/// A field of a policy; its name is as long as the grammar allows, its value holds no control characters.
fn field(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    let value = value.trim_start_matches(BLANKS);
    (is_name(name) && !value.is_empty() && !value.contains(char::is_control)).then_some((name, value))
}

/// `1*10(DIGIT)`, as many seconds as are allowed.
fn read_age(text: &str) -> Option<u64> {
    let is_number = text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?.filter(|seconds| *seconds <= MAX_AGE_LIMIT)
}

impl Mode {
    /// Its name in a policy.
    pub fn name(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Testing => "testing",
            Self::None => "none",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Enforce, Self::Testing, Self::None].into_iter().find(|mode| mode.name() == name)
    }
}

impl Pattern {
    /// Whether it is `host`, or `host` stands right below its `*.`: the star is one label, neither none nor two.
    pub fn covers(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        match self.0.strip_prefix("*.") {
            Some(domain) => host
                .split_once('.')
                .is_some_and(|(label, parent)| !label.is_empty() && parent.eq_ignore_ascii_case(domain)),
            None => self.0.eq_ignore_ascii_case(host),
        }
    }

    /// The pattern in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Reads `mail.example.org` or `*.example.org`, in A-labels (RFC 8461 section 3.2, RFC 5321 section 4.1.2); the error says what would be
/// right.
impl FromStr for Pattern {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let name = text.strip_prefix("*.").unwrap_or(text);
        if !name.is_ascii() {
            return Err("write it in A-labels (xn--...)");
        }
        if name.contains('*') {
            return Err("a star stands only in front, as *.example.org");
        }
        if name.ends_with('.') {
            return Err("leave out the dot at its end");
        }
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let is_address = name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        if name.len() > 253 || is_address || !name.split('.').all(is_label) {
            return Err("write a host name such as mail.example.org or *.example.org");
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The policy as its file has it, without what does not count.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version: STSv1\r\nmode: {}\r\n", self.mode)?;
        self.mx.iter().try_for_each(|pattern| write!(f, "mx: {pattern}\r\n"))?;
        write!(f, "max_age: {}\r\n", self.max_age)
    }
}

/// Whether a Content-Type is the one of a policy: anything else may be somebody's upload on a web server for all (RFC 8461 section 3.2).
pub fn is_plain_text(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("text/plain")
}

#[cfg(test)]
mod tests {
    use super::{Mode, Pattern, Policy, PolicyFault, RecordFault, is_plain_text, record};

    /// The policy of RFC 8461 section 3.2.
    const EXAMPLE: &str = "version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmx: backupmx.example.com\nmax_age: 604800\n";

    fn read(texts: &[&str]) -> Result<Option<String>, RecordFault> {
        let texts: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
        record(&texts).map(|id| id.map(|id| id.to_string()))
    }

    fn fault(body: &str) -> String {
        Policy::parse(body.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn the_record_of_the_rfc_is_read() {
        for text in [
            "v=STSv1; id=20160831085700Z;",
            "v=STSv1;id=20160831085700Z",
            "v=STSv1 ; a.b-c_d=!x ;\tid=20160831085700Z ; ",
        ] {
            assert_eq!(read(&["v=spf1 -all", text]), Ok(Some("20160831085700Z".to_owned())), "{text}");
        }
    }

    #[test]
    fn records_of_others_are_passed_over() {
        for texts in [
            &[][..],
            &[
                "v=spf1 -all",
                "",
                "v=STSv1",
                "v=STSv10; id=1",
                "v=STSV1; id=1",
                "V=STSv1; id=1",
                " v=STSv1; id=1",
            ],
        ] {
            assert_eq!(read(texts), Ok(None));
        }
    }

    #[test]
    fn a_record_that_senders_ignore_says_why() {
        let long = "v=STSv1; id=123456789012345678901234567890123;";
        for (texts, words) in [
            (&["v=STSv1; id=1", "v=STSv1; id=1", "x"][..], "2 records begin with v=STSv1: publish one"),
            (&["v=STSv1;"], "no id: add one such as id=20240131T120000;"),
            (&["v=STSv1; x=y; ID=1"], "no id: add one such as id=20240131T120000;"),
            (&["v=STSv1; id=1; id=2;"], "2 ids: leave one"),
            (&["v=STSv1; id=2024-01-31"], "id '2024-01-31' is not 1 to 32 letters and digits"),
            (&["v=STSv1; id="], "id '' is not 1 to 32 letters and digits"),
            (&[long], "id '123456789012345678901234567890123' is not 1 to 32 letters and digits"),
            (&["v=STSv1; id = 1"], "'id = 1' is no field: write name=value, and ; between fields"),
            (&["v=STSv1; id=1 x=2"], "id '1 x=2' is not 1 to 32 letters and digits"),
            (&["v=STSv1;; id=1"], "'' is no field: write name=value, and ; between fields"),
            (&["v=STSv1; id=1; ä=1"], "'ä=1' is no field: write name=value, and ; between fields"),
        ] {
            assert_eq!(read(texts).unwrap_err().to_string(), words);
        }
        assert!(matches!(record(&[b"v=STSv1; id=\xff".to_vec()]), Err(RecordFault::Id(_))));
    }

    #[test]
    fn the_policy_of_the_rfc_is_read() {
        let policy = Policy::parse(EXAMPLE.as_bytes()).unwrap();
        assert_eq!((policy.mode, policy.max_age), (Mode::Enforce, 604_800));
        let patterns: Vec<&str> = policy.mx.iter().map(Pattern::as_str).collect();
        assert_eq!(patterns, ["mail.example.com", "*.example.net", "backupmx.example.com"]);
        assert_eq!(Policy::parse(policy.to_string().as_bytes()), Ok(policy));
    }

    #[test]
    fn what_does_not_matter_changes_nothing() {
        let policy = Policy::parse(EXAMPLE.as_bytes());
        let crlf = EXAMPLE.replace('\n', "\r\n");
        for body in [
            crlf.trim_end(),
            &format!("{EXAMPLE}\n\r\n"),
            &EXAMPLE.replace(": ", ":\t ").replace('\n', " \n"),
            &EXAMPLE.replace("mail.example.com", "MAIL.example.COM"),
            &format!("x-new.field_1: ä: b\n{EXAMPLE}"),
            &format!("{EXAMPLE}mode: none\nmax_age: x\nversion: STSv2\n"),
            &(EXAMPLE.replace("version: STSv1\n", "") + "version: STSv1"),
        ] {
            assert_eq!(Policy::parse(body.as_bytes()), policy, "{body}");
        }
        assert!(
            Policy::parse(b"version: STSv1\nmode: none\nmax_age: 0").is_ok_and(|none| none.mx.is_empty())
        );
    }

    #[test]
    fn a_policy_that_senders_ignore_says_why() {
        for (from, to, words) in [
            ("version: STSv1\n", "", "no line 'version: STSv1' (names are written in lower case)"),
            ("STSv1", "STSv2", "line 1: version 'STSv2', write STSv1"),
            ("mode", "Mode", "no line 'mode: enforce' (names are written in lower case)"),
            ("enforce", "Enforce", "line 2: mode 'Enforce', write enforce, testing or none"),
            ("max_age", "maxage", "no line 'max_age: 604800' (names are written in lower case)"),
            ("604800", "31557601", "line 6: max_age '31557601', write seconds from 0 to 31557600"),
            ("604800", "00000000001", "line 6: max_age '00000000001', write seconds from 0 to 31557600"),
            ("604800", "+1", "line 6: max_age '+1', write seconds from 0 to 31557600"),
            ("mx:", "mxs:", "no line 'mx: mail.example.org' (names are written in lower case)"),
            ("mode:", "mode :", "line 2 is no 'name: value': 'mode : enforce'"),
            ("mode: enforce", "mode:", "line 2 is no 'name: value': 'mode:'"),
            ("mode:", "\u{1b}mode:", "line 2 is no 'name: value': '\u{1b}mode: enforce'"),
            ("enforce", "en\rforce", "line 2 is no 'name: value': 'mode: en\rforce'"),
            ("version", "\u{feff}version", "line 1 is no 'name: value': '\u{feff}version: STSv1'"),
        ] {
            assert_eq!(fault(&EXAMPLE.replace(from, to)), words);
        }
        assert_eq!(fault("<!doctype html>"), "line 1 is no 'name: value': '<!doctype html>'");
        assert_eq!(Policy::parse(b"mode: \xff"), Err(PolicyFault::NotUtf8));
    }

    #[test]
    fn an_mx_that_is_no_name_says_what_would_be_right() {
        for (mx, wanted) in [
            ("ä.example.org", "write it in A-labels (xn--...)"),
            ("mx*.example.org", "a star stands only in front, as *.example.org"),
            ("*.*.example.org", "a star stands only in front, as *.example.org"),
            ("*", "a star stands only in front, as *.example.org"),
            ("mail.example.org.", "leave out the dot at its end"),
            (".example.org", "write a host name such as mail.example.org or *.example.org"),
            ("192.0.2.1", "write a host name such as mail.example.org or *.example.org"),
            ("a.example.org, b.example.org", "write a host name such as mail.example.org or *.example.org"),
            ("-a.example.org", "write a host name such as mail.example.org or *.example.org"),
        ] {
            let body = EXAMPLE.replace("backupmx.example.com", mx);
            assert_eq!(fault(&body), format!("line 5: mx '{mx}', {wanted}"));
        }
    }

    #[test]
    fn sizes_are_bounded() {
        let mx = |count| EXAMPLE.to_owned() + &"mx: a.example.org\n".repeat(count);
        assert_eq!(Policy::parse(mx(97).as_bytes()).unwrap().mx.len(), 100);
        assert_eq!(Policy::parse(mx(98).as_bytes()), Err(PolicyFault::TooManyMx));
        let padded = |size| format!("{EXAMPLE}x: {}", "y".repeat(size - EXAMPLE.len() - 3));
        assert!(Policy::parse(padded(64 * 1024).as_bytes()).is_ok());
        assert_eq!(Policy::parse(padded(64 * 1024 + 1).as_bytes()), Err(PolicyFault::TooLarge));
    }

    #[test]
    fn a_star_stands_for_one_label() {
        let policy = Policy::parse(EXAMPLE.as_bytes()).unwrap();
        for host in ["mail.example.com", "MAIL.Example.COM.", "mx.example.net", "a.EXAMPLE.net."] {
            assert!(policy.covers(host), "{host}");
        }
        for host in [
            "example.com",
            "example.net",
            ".example.net",
            "a.b.example.net",
            "mail.example.com..",
            "",
            ".",
            "*",
        ] {
            assert!(!policy.covers(host), "{host}");
        }
    }

    #[test]
    fn a_content_type_is_known_by_its_first_part() {
        for good in ["text/plain", "Text/Plain; charset=utf-8", " text/plain ;x"] {
            assert!(is_plain_text(good), "{good}");
        }
        for bad in ["", "text/html", "text/plainer", "application/octet-stream; text/plain"] {
            assert!(!is_plain_text(bad), "{bad}");
        }
    }
}
