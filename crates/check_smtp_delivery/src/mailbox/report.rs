//! What a report says of a delivery (RFC 3464). Pure: the beginning of a message in, values out.

use check_smtp_core::plugin::Clean;

use super::header::{field, header_of};

/// Recipients of one report; ours have one.
const RECIPIENTS_LIMIT: usize = 10;

/// What became of the delivery to one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// To whom.
    pub recipient: String,
    /// What was done (section 2.3.3).
    pub action: Action,
    /// The status code, as `5.1.1`.
    pub status: String,
    /// The words of the server that refused, cleaned; empty where none are given.
    pub words: String,
}

/// What was done with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It could not be delivered: it has bounced.
    Failed,
    /// It is still tried.
    Delayed,
    /// It was delivered, or handed to where no report comes from.
    Delivered,
    /// Something else.
    Other,
}

/// The verdicts of a report, those on recipients alone; none where it is no report on a delivery.
pub fn verdicts(message: &[u8]) -> Vec<Verdict> {
    let Some(status) = delivery_status(message) else { return Vec::new() };
    let mut blocks = Vec::new();
    let mut rest = status;
    while !rest.is_empty() {
        let block = header_of(rest);
        // Behind it stands an empty line, or nothing.
        let end = block.len()
            + rest.get(block.len()..).unwrap_or_default().iter().take_while(|byte| **byte != b'\n').count()
            + 1;
        blocks.push(block);
        rest = rest.get(end..).unwrap_or_default();
    }
    blocks.into_iter().filter_map(verdict).take(RECIPIENTS_LIMIT).collect()
}

/// The body of the part that says `message/delivery-status`, up to the next boundary.
fn delivery_status(message: &[u8]) -> Option<&[u8]> {
    let mut position = header_of(message).len();
    let mut begins = None;
    let mut is_inside = false;
    for line in message.get(position..)?.split_inclusive(|byte| *byte == b'\n') {
        position += line.len();
        let is_empty = line.trim_ascii().is_empty();
        match begins {
            None if is_inside && is_empty => begins = Some(position),
            None => is_inside = is_inside || says_status(line),
            Some(begin) if line.starts_with(b"--") => return message.get(begin..position - line.len()),
            Some(_) => {}
        }
    }
    message.get(begins?..)
}

fn says_status(line: &[u8]) -> bool {
    let value = field(line, "Content-Type").unwrap_or_default().to_ascii_lowercase();
    value.starts_with(b"message/delivery-status") || value.starts_with(b"message/global-delivery-status")
}

fn verdict(block: &[u8]) -> Option<Verdict> {
    let action = field(block, "Action")?.to_ascii_lowercase();
    // A comment may stand behind the word.
    let action = match action.split(|byte| !byte.is_ascii_alphabetic()).next()? {
        b"failed" => Action::Failed,
        b"delayed" => Action::Delayed,
        b"delivered" | b"relayed" | b"expanded" => Action::Delivered,
        _ => Action::Other,
    };
    // Folded lines are one sentence.
    let text = |name: &str| {
        let value = field(block, name).unwrap_or_default();
        let words = String::from_utf8_lossy(&typed(&value)).split_whitespace().collect::<Vec<_>>().join(" ");
        Clean::new(&words).to_string()
    };
    let recipient = text("Final-Recipient");
    let status = text("Status");
    let status = status.split([' ', '(']).next().unwrap_or_default().to_owned();
    Some(Verdict { recipient, action, status, words: text("Diagnostic-Code") })
}

/// `smtp; 550 no such user` without its type.
fn typed(value: &[u8]) -> Vec<u8> {
    let is_type = |kind: &[u8]| {
        !kind.is_empty() && kind.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-".contains(byte))
    };
    match value.iter().position(|byte| *byte == b';') {
        Some(end) if value.get(..end).is_some_and(|kind| is_type(kind.trim_ascii())) => {
            value.get(end + 1..).unwrap_or_default().trim_ascii().to_vec()
        }
        _ => value.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, Verdict, verdicts};

    /// As Postfix writes it.
    const BOUNCE: &str = "From: MAILER-DAEMON@example.org (Mail Delivery System)\r\nContent-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"x\"\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nAction: failed is only said here.\r\n\r\n--x\r\nContent-Description: Delivery report\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.example.org\r\nX-Postfix-Queue-ID: 4ABC\r\n\r\nFinal-Recipient: rfc822; nobody@example.net\r\nOriginal-Recipient: rfc822;nobody@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mx.example.net\r\nDiagnostic-Code: smtp; 550 5.1.1 <nobody@example.net>: Recipient address\r\n    rejected: User unknown\r\n\r\n--x\r\nContent-Type: text/rfc822-headers\r\n\r\nAction: delayed\r\n--x--\r\n";

    #[test]
    fn a_bounce_of_postfix() {
        let verdict = Verdict {
            recipient: "nobody@example.net".to_owned(),
            action: Action::Failed,
            status: "5.1.1".to_owned(),
            words: "550 5.1.1 <nobody@example.net>: Recipient address rejected: User unknown".to_owned(),
        };
        assert_eq!(verdicts(BOUNCE.as_bytes()), [verdict]);
    }

    #[test]
    fn other_reports() {
        let changed = |from: &str, to: &str| verdicts(BOUNCE.replace(from, to).as_bytes());
        assert_eq!(changed("Action: failed\r\n", "action: Delayed (retry)\r\n")[0].action, Action::Delayed);
        assert_eq!(changed("Action: failed\r\n", "Action: relayed\r\n")[0].action, Action::Delivered);
        assert_eq!(changed("Action: failed\r\n", "Action: \r\n")[0].action, Action::Other);
        assert_eq!(changed("5.1.1\r\n", "5.1.1 (unknown)\r\n")[0].status, "5.1.1");
        assert_eq!(changed("smtp; 550", "550; 550")[0].words.get(..3), Some("550"));
        let second = "\r\n\r\nFinal-Recipient: rfc822; b@example.net\r\nAction: delayed\r\n\r\n--x\r\nContent-Type: text/rfc822-headers";
        let two = changed("\r\n\r\n--x\r\nContent-Type: text/rfc822-headers", second);
        assert_eq!(
            two.iter().map(|verdict| verdict.recipient.as_str()).collect::<Vec<_>>(),
            ["nobody@example.net", "b@example.net"]
        );
        assert_eq!(changed("message/delivery-status", "text/plain"), []);
        // Cut anywhere, it is read.
        for end in 0..BOUNCE.len() {
            let _ = verdicts(&BOUNCE.as_bytes()[..end]);
        }
        let many = "Action: failed\r\n\r\n".repeat(50);
        assert_eq!(changed("Reporting-MTA: dns; mail.example.org\r\n", &many).len(), 10);
    }
}
