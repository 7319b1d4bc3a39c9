//! What a probe is known by: the header it was sent with, found in what was fetched back.

use crate::tracker::{Instance, Token};

/// Bytes looked at of a message: its header, and of a report on it as much as quotes ours.
pub const MESSAGE_LIMIT: usize = 64 * 1024;
pub use crate::mark::HEADER as PROBE_HEADER;

/// What kind of message was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The probe itself.
    Probe,
    /// A report on it (`multipart/report`, RFC 6522), as a bounce is.
    Report,
}

/// The header of a message: what stands before the first empty line.
pub fn header_of(message: &[u8]) -> &[u8] {
    let mut position = 0;
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        if matches!(line, b"\n" | b"\r\n") {
            return message.get(..position).unwrap_or(message);
        }
        position += line.len();
    }
    message
}

/// The first field of that name, unfolded (RFC 5322 section 2.2.3), without the space around it.
pub fn field(header: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut lines = header.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut value = lines.by_ref().find_map(|line| value_of(line, name))?.to_vec();
    for line in lines.take_while(|line| line.starts_with(b" ") || line.starts_with(b"\t")) {
        value.extend_from_slice(line);
    }
    Some(value.trim_ascii().to_vec())
}

fn value_of<'l>(line: &'l [u8], name: &str) -> Option<&'l [u8]> {
    let (found, rest) = line.split_at_checked(name.len())?;
    if !found.eq_ignore_ascii_case(name.as_bytes()) {
        return None;
    }
    rest.trim_ascii_start().strip_prefix(b":")
}

/// Whose probe this is the header of, and which one. Servers on the way may take out fields they do not know: the Message-ID says the same,
/// and stays (RFC 5322 section 3.6.4).
pub fn mark_of(header: &[u8]) -> Option<(Instance, Token)> {
    match field(header, PROBE_HEADER) {
        Some(value) => {
            let (instance, token) = std::str::from_utf8(&value).ok()?.split_once('/')?;
            Some((instance.parse().ok()?, token.parse().ok()?))
        }
        None => mark_of_id(&field(header, "Message-ID")?),
    }
}

/// `<TOKEN.INSTANCE@domain>`.
fn mark_of_id(id: &[u8]) -> Option<(Instance, Token)> {
    let id = std::str::from_utf8(id).ok()?.strip_prefix('<')?.strip_suffix('>')?;
    let (token, instance) = id.rsplit_once('@')?.0.split_once('.')?;
    Some((instance.parse().ok()?, token.parse().ok()?))
}

/// Whether a header says that the message is a report.
pub fn is_report(header: &[u8]) -> bool {
    let content = field(header, "Content-Type").unwrap_or_default();
    content.get(..16).is_some_and(|start| start.eq_ignore_ascii_case(b"multipart/report"))
}

/// Whose probe a report quotes the header of, and which one.
pub fn quoted_mark(message: &[u8]) -> Option<(Instance, Token)> {
    let body = message.get(header_of(message).len()..)?;
    mark_of(body)
}

/// What a message, of which the beginning is given, is to us.
pub fn recognise(message: &[u8]) -> Option<(Kind, Instance, Token)> {
    let header = header_of(message);
    if let Some((instance, token)) = mark_of(header) {
        return Some((Kind::Probe, instance, token));
    }
    let (instance, token) = is_report(header).then(|| quoted_mark(message))??;
    Some((Kind::Report, instance, token))
}

#[cfg(test)]
mod tests {
    use super::{Kind, field, header_of, mark_of, recognise};

    const TOKEN: &str = "00112233445566778899aabbccddeeff";

    #[test]
    fn the_mark_in_every_form() {
        for text in [
            format!("Subject: x\r\nX-Smtp-Monitoring-Probe: mx1/{TOKEN}\r\n\r\nbody"),
            format!("x-smtp-monitoring-PROBE:mx1/{TOKEN}\n"),
            format!("X-Smtp-Monitoring-Probe :\r\n\tmx1/{TOKEN} \r\nTo: a@example.org\r\n"),
            format!("Subject: x\r\nMessage-Id:\r\n <{TOKEN}.mx1@example.org>\r\n"),
        ] {
            let (instance, token) = mark_of(header_of(text.as_bytes())).unwrap();
            assert_eq!((instance.as_str(), token.as_str()), ("mx1", TOKEN), "{text}");
        }
    }

    #[test]
    fn what_is_no_mark() {
        for text in [
            format!("Subject: X-Smtp-Monitoring-Probe: mx1/{TOKEN}\r\n"),
            format!(" X-Smtp-Monitoring-Probe: mx1/{TOKEN}\r\n"),
            format!("X-Smtp-Monitoring-Probes: mx1/{TOKEN}\r\n"),
            format!("X-Smtp-Monitoring-Probe: ../{TOKEN}\r\n"),
            format!("X-Smtp-Monitoring-Probe: mx1/{TOKEN}0\r\n"),
            format!("X-Smtp-Monitoring-Probe: mx1/{}\r\n", TOKEN.to_uppercase()),
            "X-Smtp-Monitoring-Probe: mx1\r\n".to_owned(),
            "X-Smtp-Monitoring-Probe".to_owned(),
            format!("Subject: x\r\n\r\nX-Smtp-Monitoring-Probe: mx1/{TOKEN}\r\n"),
            // The field counts where it is there, whatever the Message-ID says.
            format!("X-Smtp-Monitoring-Probe: other\r\nMessage-ID: <{TOKEN}.mx1@example.org>\r\n"),
            format!("In-Reply-To: <{TOKEN}.mx1@example.org>\r\nMessage-ID: <1@example.org>\r\n"),
            format!("Message-ID: <{TOKEN}@example.org>\r\n"),
            format!("Message-ID: <{TOKEN}.mx1>\r\n"),
            format!("Message-ID: {TOKEN}.mx1@example.org\r\n"),
        ] {
            assert_eq!(recognise(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_report_quotes_the_mark() {
        let report = format!(
            "Content-Type: Multipart/Report; report-type=delivery-status;\r\n boundary=x\r\n\r\n--x\r\nContent-Type: text/rfc822-headers\r\n\r\nX-Smtp-Monitoring-Probe: mx1/{TOKEN}\r\n--x--\r\n"
        );
        let (kind, _, token) = recognise(report.as_bytes()).unwrap();
        assert_eq!((kind, token.as_str()), (Kind::Report, TOKEN));
        assert_eq!(recognise(report.replace("Multipart/Report", "multipart/mixed").as_bytes()), None);
        assert_eq!(
            field(report.as_bytes(), "content-type").unwrap(),
            b"Multipart/Report; report-type=delivery-status; boundary=x"
        );
    }
}
