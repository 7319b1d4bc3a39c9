//! What an IMAP server says (RFC 9051 section 9), as far as we ask for it. Pure: bytes in, values out.
//!
//! Tolerant where servers differ, so that a word nobody asked for ends nothing: what is not understood is [`Response::Other`].

use std::time::Duration;

use chrono::DateTime;

use super::value::{Reader, Value};

/// A whole response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// `+`: go on; the text behind it.
    Continue(Vec<u8>),
    /// The end of a command.
    Tagged(Vec<u8>, Word),
    /// An untagged OK, NO, BAD, BYE or PREAUTH.
    Status(Word),
    /// What the server can do, in capitals.
    Capability(Vec<String>),
    /// So many messages are in the folder.
    Exists(u32),
    /// What was asked of a message.
    Fetch(Message),
    /// A folder: its attributes in small letters, and its name as it is on the wire.
    Folder(Vec<String>, Vec<u8>),
    /// Where the numbers of a folder stand.
    FolderStatus(Numbers),
    /// The numbers that a search has found.
    Search(Vec<u32>),
    /// Anything else.
    Other,
}

/// A condition with its code and text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Which.
    pub status: Status,
    /// What stands in brackets before the text, without them.
    pub code: Option<Vec<u8>>,
    /// All that stands behind the condition, the code too.
    pub text: Vec<u8>,
}

/// A condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Done, or welcome.
    Ok,
    /// Refused.
    No,
    /// Not understood.
    Bad,
    /// The server leaves.
    Bye,
    /// Welcome without a login.
    PreAuth,
}

/// Where the numbers of a folder stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// The least number the next message can have.
    pub next: Option<u32>,
    /// The age of the numbers: another one makes all of them worthless.
    pub validity: Option<u32>,
}

/// What was fetched of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Its number for good.
    pub uid: Option<u32>,
    /// When the mailbox took it, since 1970.
    pub arrived: Option<Duration>,
    /// The part that was asked for.
    pub part: Option<Vec<u8>>,
}

/// The length of the literal that a line ends in (RFC 9051 section 4.3); `None`: it ends there. Text of conditions has none, whatever it
/// looks like.
pub fn literal_length(line: &[u8], begins_response: bool) -> Option<u64> {
    if begins_response && !may_hold_literal(line) {
        return None;
    }
    let inner = line.strip_suffix(b"}")?;
    let open = inner.iter().rposition(|byte| *byte == b'{')?;
    let digits = inner.get(open + 1..)?;
    let digits = digits.strip_suffix(b"+").unwrap_or(digits);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // What does not fit is more than any limit.
    Some(std::str::from_utf8(digits).ok()?.parse().unwrap_or(u64::MAX))
}

fn may_hold_literal(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"* ") else { return false };
    status_of(word(rest).0).is_none()
}

/// The first word, and what stands behind the space after it.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    match text.iter().position(|byte| *byte == b' ') {
        Some(end) => (text.get(..end).unwrap_or_default(), text.get(end + 1..).unwrap_or_default()),
        None => (text, &[]),
    }
}

fn status_of(word: &[u8]) -> Option<Status> {
    let known: [(&[u8], Status); 5] = [
        (b"OK", Status::Ok),
        (b"NO", Status::No),
        (b"BAD", Status::Bad),
        (b"BYE", Status::Bye),
        (b"PREAUTH", Status::PreAuth),
    ];
    known.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, status)| *status)
}

/// Reads a response: its lines with their literals, the last end of line left out. `None`: it is none.
pub fn response(frame: &[u8]) -> Option<Response> {
    if let Some(text) = frame.strip_prefix(b"+") {
        return Some(Response::Continue(text.trim_ascii_start().to_vec()));
    }
    let (tag, rest) = word(frame);
    if tag != b"*" {
        let is_tag = !tag.is_empty() && tag.iter().all(u8::is_ascii_alphanumeric);
        return is_tag.then(|| condition(rest)).flatten().map(|word| Response::Tagged(tag.to_vec(), word));
    }
    if let Some(word) = condition(rest) {
        return Some(Response::Status(word));
    }
    let (name, behind) = word(rest);
    if let Some(number) = number(name) {
        return Some(numbered(number, behind));
    }
    Some(match name.to_ascii_uppercase().as_slice() {
        b"CAPABILITY" => Response::Capability(capabilities(behind)),
        b"LIST" | b"XLIST" => folder(behind).unwrap_or(Response::Other),
        b"STATUS" => folder_status(behind).unwrap_or(Response::Other),
        b"SEARCH" => Response::Search(behind.split(|byte| *byte == b' ').filter_map(number).collect()),
        _ => Response::Other,
    })
}

fn condition(text: &[u8]) -> Option<Word> {
    let (name, text) = word(text);
    let status = status_of(name)?;
    let code = text.strip_prefix(b"[").and_then(|rest| {
        let end = rest.iter().position(|byte| *byte == b']')?;
        rest.get(..end).map(<[u8]>::to_vec)
    });
    Some(Word { status, code, text: text.to_vec() })
}

/// The words of a capability list, in capitals.
pub fn capabilities(text: &[u8]) -> Vec<String> {
    let words = text.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    words.map(|word| String::from_utf8_lossy(word).to_ascii_uppercase()).collect()
}

impl Word {
    /// The number behind a code of that name: `[UIDNEXT 4392]`.
    pub fn number(&self, name: &str) -> Option<u32> {
        let (found, value) = word(self.code.as_deref()?);
        number(value).filter(|_| found.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// The capabilities in the code.
    pub fn capabilities(&self) -> Option<Vec<String>> {
        let (found, value) = word(self.code.as_deref()?);
        found.eq_ignore_ascii_case(b"CAPABILITY").then(|| capabilities(value))
    }
}

fn number(text: &[u8]) -> Option<u32> {
    let is_number = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    is_number.then(|| std::str::from_utf8(text).ok()?.parse().ok()).flatten()
}

fn numbered(number: u32, text: &[u8]) -> Response {
    let (name, behind) = word(text);
    if name.eq_ignore_ascii_case(b"EXISTS") {
        return Response::Exists(number);
    }
    if name.eq_ignore_ascii_case(b"FETCH") {
        return message(behind).map_or(Response::Other, Response::Fetch);
    }
    Response::Other
}

fn message(text: &[u8]) -> Option<Message> {
    let Value::List(items) = Reader { rest: text }.value(0)? else { return None };
    let mut message = Message::default();
    for pair in items.chunks_exact(2) {
        let [Value::Atom(name), value] = pair else { return None };
        match (name.to_ascii_uppercase().as_slice(), value) {
            (b"UID", Value::Atom(text)) => message.uid = number(text),
            (b"INTERNALDATE", Value::Text(text)) => message.arrived = date(text),
            (name, Value::Text(text)) if name.starts_with(b"BODY[") => message.part = Some(text.clone()),
            (name, _) if name.starts_with(b"BODY[") => message.part = Some(Vec::new()),
            _ => {}
        }
    }
    Some(message)
}

/// `17-Jul-1996 02:44:25 -0700`, the day with a space in place of its first digit or not.
fn date(text: &[u8]) -> Option<Duration> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let date = DateTime::parse_from_str(text, "%d-%b-%Y %H:%M:%S %z").ok()?;
    u64::try_from(date.timestamp()).ok().map(Duration::from_secs)
}

fn folder(text: &[u8]) -> Option<Response> {
    let mut reader = Reader { rest: text };
    let Value::List(attributes) = reader.value(0)? else { return None };
    reader.value(0)?;
    let name = reader.value(0)?.into_bytes()?;
    let attributes = attributes.into_iter().filter_map(Value::into_bytes);
    let attributes = attributes.map(|text| String::from_utf8_lossy(&text).to_ascii_lowercase());
    Some(Response::Folder(attributes.collect(), name))
}

fn folder_status(text: &[u8]) -> Option<Response> {
    let mut reader = Reader { rest: text };
    reader.value(0)?;
    let Value::List(items) = reader.value(0)? else { return None };
    let mut numbers = Numbers::default();
    for pair in items.chunks_exact(2) {
        let [Value::Atom(name), Value::Atom(value)] = pair else { continue };
        match name.to_ascii_uppercase().as_slice() {
            b"UIDNEXT" => numbers.next = number(value),
            b"UIDVALIDITY" => numbers.validity = number(value),
            _ => {}
        }
    }
    Some(Response::FolderStatus(numbers))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Message, Numbers, Response, Status, literal_length, response};

    #[test]
    fn literals_where_they_can_stand() {
        assert_eq!(literal_length(b"* 1 FETCH (BODY[] {12}", true), Some(12));
        assert_eq!(literal_length(b"* 1 FETCH (BODY[] {12+}", true), Some(12));
        assert_eq!(literal_length(b" UID 7 BODY[2] {0}", false), Some(0));
        assert_eq!(literal_length(b"* 1 FETCH ({99999999999999999999999}", true), Some(u64::MAX));
        for line in
            [b"* OK see {5}".as_slice(), b"a1 NO {5}", b"+ {5}", b"* LIST () {x}", b"* X {}", b"* X {5} "]
        {
            assert_eq!(literal_length(line, true), None);
        }
    }

    #[test]
    fn conditions_and_their_codes() {
        let Some(Response::Status(word)) = response(b"* OK [UIDNEXT 4392] Predicted next UID") else {
            panic!()
        };
        assert_eq!(
            (word.status, word.number("uidnext"), word.number("UIDVALIDITY")),
            (Status::Ok, Some(4392), None)
        );
        let Some(Response::Tagged(tag, word)) = response(b"a3 no [AUTHENTICATIONFAILED] failed") else {
            panic!()
        };
        assert_eq!((tag.as_slice(), word.status), (b"a3".as_slice(), Status::No));
        assert_eq!(word.text, b"[AUTHENTICATIONFAILED] failed");
        let Some(Response::Status(word)) = response(b"* PREAUTH [CAPABILITY imap4rev1 IDLE]") else {
            panic!()
        };
        assert_eq!(word.capabilities(), Some(vec!["IMAP4REV1".to_owned(), "IDLE".to_owned()]));
        assert_eq!(response(b"+ "), Some(Response::Continue(Vec::new())));
        assert_eq!(response(b"HTTP/1.1 400 Bad"), None);
        assert_eq!(response(b""), None);
    }

    #[test]
    fn a_message_in_every_form() {
        let frame = b"* 7 FETCH (FLAGS (\\Seen \\Deleted) UID 12 INTERNALDATE \" 7-Feb-2027 02:44:25 +0100\" BODY[HEADER.FIELDS (X-A \"B C\")]<0> {9}\r\nX-A: b)\r\n)";
        let message = Message {
            uid: Some(12),
            arrived: Some(Duration::from_secs(1_801_964_665)),
            part: Some(b"X-A: b)\r\n".to_vec()),
        };
        assert_eq!(response(frame), Some(Response::Fetch(message)));
        let Some(Response::Fetch(message)) = response(b"* 1 FETCH (BODY[HEADER] \"a\\\"b\" UID 4294967295)")
        else {
            panic!()
        };
        assert_eq!((message.uid, message.part), (Some(u32::MAX), Some(b"a\"b".to_vec())));
        let Some(Response::Fetch(message)) = response(b"* 1 FETCH (UID 5 BODY[HEADER] NIL)") else {
            panic!()
        };
        assert_eq!(message.part, Some(Vec::new()));
        assert_eq!(response(b"* 1 FETCH (UID 5"), Some(Response::Other));
        assert_eq!(response(b"* 1 FETCH (BODY[] {5}\r\nabc)"), Some(Response::Other));
    }

    #[test]
    fn folders_numbers_and_what_nobody_asked_for() {
        let folder = |attributes: &[&str], name: &[u8]| {
            Some(Response::Folder(attributes.iter().map(|text| (*text).to_owned()).collect(), name.to_vec()))
        };
        assert_eq!(
            response(b"* LIST (\\HasNoChildren \\Junk) \"/\" \"Spam and more\""),
            folder(&["\\hasnochildren", "\\junk"], b"Spam and more")
        );
        assert_eq!(response(b"* LIST () NIL {4}\r\nJunk"), folder(&[], b"Junk"));
        let numbers = Numbers { next: Some(5), validity: Some(9) };
        assert_eq!(
            response(b"* STATUS \"Junk\" (UIDNEXT 5 UIDVALIDITY 9 MESSAGES 1)"),
            Some(Response::FolderStatus(numbers))
        );
        assert_eq!(response(b"* SEARCH 2 84 882"), Some(Response::Search(vec![2, 84, 882])));
        assert_eq!(response(b"* 23 EXISTS"), Some(Response::Exists(23)));
        for other in [
            b"* 5 EXPUNGE".as_slice(),
            b"* FLAGS (\\Seen)",
            b"* ENABLED X",
            b"*",
            b"* LIST",
            b"* 99999999999 EXISTS",
            b"* STATUS x",
        ] {
            assert_eq!(response(other), Some(Response::Other), "{}", String::from_utf8_lossy(other));
        }
        let deep = [b"* 1 FETCH ".as_slice(), &vec![b'('; 100_000]].concat();
        assert_eq!(response(&deep), Some(Response::Other));
    }
}
