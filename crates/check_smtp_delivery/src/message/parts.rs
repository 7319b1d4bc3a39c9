//! The parts of a message and their encodings.

use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Attachment, Body, SinglePart};

/// Bytes of a line that goes out as it is; RFC 5322 section 2.1.1 allows 998.
const LINE_LIMIT: usize = 900;

/// Files of the kinds that mail programs show by their name; everything else is bytes.
const KINDS: [(&str, &str); 12] = [
    ("txt", "text/plain; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("csv", "text/csv"),
    ("pdf", "application/pdf"),
    ("zip", "application/zip"),
    ("gz", "application/gzip"),
    ("json", "application/json"),
    ("xml", "application/xml"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("gif", "image/gif"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
];

/// What was read from files.
#[derive(Clone, Debug, Default)]
pub struct Material {
    /// The text.
    pub body: Option<String>,
    /// HTML beside it.
    pub html: Option<String>,
    /// Attachments: name and bytes.
    pub attachments: Vec<(String, Vec<u8>)>,
}

/// Text as it is where that is safe, else quoted-printable: never 8-bit, so that every server takes it.
pub fn body(text: &str) -> Body {
    let is_plain = text.is_ascii()
        && !text.contains('\0')
        && !text.replace("\r\n", "\n").contains('\r')
        && text.lines().all(|line| line.len() <= LINE_LIMIT);
    if is_plain {
        // lettre would encode what is plain as soon as a line is above 76 characters.
        let lines = text.replace("\r\n", "\n").replace('\n', "\r\n");
        return Body::dangerous_pre_encoded(lines.into_bytes(), ContentTransferEncoding::SevenBit);
    }
    // Quoted-printable fits everything.
    Body::new_with_encoding(text.to_owned(), ContentTransferEncoding::QuotedPrintable)
        .unwrap_or_else(|bytes| Body::new(String::from_utf8_lossy(&bytes).into_owned()))
}

/// An attachment, in Base64 whatever it holds: no server changes it on the way.
pub fn attachment(name: &str, bytes: &[u8]) -> SinglePart {
    let suffix = name.rsplit_once('.').map(|(_, suffix)| suffix.to_ascii_lowercase()).unwrap_or_default();
    let kind = KINDS.iter().find(|(known, _)| *known == suffix).map(|(_, kind)| *kind);
    let kind = ContentType::parse(kind.unwrap_or("application/octet-stream"));
    let encoded =
        Body::new_with_encoding(bytes.to_vec(), ContentTransferEncoding::Base64).unwrap_or_else(Body::new);
    Attachment::new(name.to_owned()).body(encoded, kind.unwrap_or(ContentType::TEXT_PLAIN))
}
