//! What a probe is known by: the header it was sent with, found in what was fetched back.

use std::time::Duration;

use chrono::DateTime;

use crate::tracker::{Instance, Token};

/// Bytes looked at of a message: its header, and of a report on it as much as quotes ours.
pub const MESSAGE_LIMIT: usize = 64 * 1024;
/// The header that marks a probe.
pub const PROBE_HEADER: &str = "X-Smtp-Monitoring-Probe";

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

/// Whose probe this is the header of, and which one.
pub fn mark_of(header: &[u8]) -> Option<(Instance, Token)> {
    let value = field(header, PROBE_HEADER)?;
    let (instance, token) = std::str::from_utf8(&value).ok()?.split_once('/')?;
    Some((instance.parse().ok()?, token.parse().ok()?))
}

/// When the last server on the way took it, since 1970 and by its clock: the date of the first `Received` (RFC 5321 section 4.4).
pub fn received(header: &[u8]) -> Option<Duration> {
    let stamp = field(header, "Received")?;
    let date = std::str::from_utf8(&stamp).ok()?.rsplit_once(';')?.1.trim();
    // The zone's name may stand behind it, as a comment.
    let date = date.split_once(" (").map_or(date, |(date, _)| date);
    let seconds = DateTime::parse_from_rfc2822(date).ok()?.timestamp();
    u64::try_from(seconds).ok().map(Duration::from_secs)
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
    use std::time::Duration;

    use super::{Kind, field, header_of, mark_of, received, recognise};

    const TOKEN: &str = "00112233445566778899aabbccddeeff";

    #[test]
    fn the_mark_in_every_form() {
        for text in [
            format!("Subject: x\r\nX-Smtp-Monitoring-Probe: mx1/{TOKEN}\r\n\r\nbody"),
            format!("x-smtp-monitoring-PROBE:mx1/{TOKEN}\n"),
            format!("X-Smtp-Monitoring-Probe :\r\n\tmx1/{TOKEN} \r\nTo: a@example.org\r\n"),
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
        ] {
            assert_eq!(recognise(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn the_date_of_the_last_server() {
        let at = Some(Duration::from_secs(1_801_944_265));
        for text in [
            "Received: from a (a [192.0.2.1]);\r\n\tby b with ESMTP id 1; Sat, 06 Feb 2027 21:04:25 +0100 (CET)\r\nReceived: x; Mon, 1 Jan 2024 00:00:00 +0000\r\n",
            "Delivered-To: a@example.org\r\nReceived: by b; 6 Feb 2027 20:04:25 GMT\r\n\r\n",
        ] {
            assert_eq!(received(text.as_bytes()), at, "{text}");
        }
        for text in ["Received: by b\r\n", "Received: by b; yesterday\r\n", "Subject: x\r\n", ""] {
            assert_eq!(received(text.as_bytes()), None, "{text}");
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
