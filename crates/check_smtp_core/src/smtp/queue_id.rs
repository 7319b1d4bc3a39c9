//! The queue id in the reply to a message. No standard has one: these are the shapes of servers that are met.

use super::Reply;

/// Characters of an id; what is longer is something else.
const LIMIT: usize = 120;
/// An id that stands behind `OK` alone has so many at least: shorter words are words.
const LONE_LEAST: usize = 12;

/// Words an id follows, in lower case; the last of them in the reply counts, because a relay repeats its next hop's reply.
const BEFORE: [&str; 7] =
    ["queued as ", "queued with id ", "message id ", "internalid=", "id=", " qp ", "message queued ("];
/// Words an id stands before.
const BEHIND: [&str; 5] =
    [" message accepted", " mail accepted", " saved", " - gsmtp", " mail queued for delivery"];

/// The id under which the server's log has the message, where its reply tells one.
pub fn queue_id(reply: &Reply) -> Option<String> {
    let text = reply.text();
    let lower = text.to_ascii_lowercase();
    before(&text, &lower).or_else(|| behind(&text, &lower)).or_else(|| alone(&text))
}

fn before(text: &str, lower: &str) -> Option<String> {
    BEFORE.iter().find_map(|words| {
        let at = lower.rfind(words)? + words.len();
        id(text.get(at..)?.split_ascii_whitespace().next()?)
    })
}

fn behind(text: &str, lower: &str) -> Option<String> {
    BEHIND.iter().find_map(|words| {
        let at = lower.find(words)?;
        let mut words = text.get(..at)?.split_ascii_whitespace();
        let word = words.next_back()?;
        // "2.0.0 Message accepted" has none, "your message accepted" neither; Dovecot's stands behind the recipient, and may be letters alone.
        let follows_path = words.next_back().is_some_and(|path| path.starts_with('<') && path.ends_with('>'));
        (follows_path || word.bytes().any(|byte| byte.is_ascii_digit())).then(|| id(word)).flatten()
    })
}

/// `250 Ok 0100018f-...`, `250 OK: 4F2B1...`: the one word behind OK.
fn alone(text: &str) -> Option<String> {
    let mut words = text.split_ascii_whitespace();
    let first = words.next()?;
    let ok = if is_enhanced(first) { words.next()? } else { first };
    if !ok.trim_end_matches([':', '.', ',']).eq_ignore_ascii_case("ok") {
        return None;
    }
    let word = words.next().filter(|word| word.len() >= LONE_LEAST)?;
    let is_only = words.next().is_none();
    (is_only && word.bytes().any(|byte| byte.is_ascii_digit())).then(|| id(word)).flatten()
}

fn is_enhanced(word: &str) -> bool {
    word.split('.').count() == 3 && word.split('.').all(|part| part.parse::<u16>().is_ok())
}

/// The word without what surrounds it, if it can be an id.
fn id(word: &str) -> Option<String> {
    let bare = word.trim_matches(['<', '>', '(', ')', '[', ']', '"', '\'', ',', ';']).trim_end_matches('.');
    let is_sound = (1..=LIMIT).contains(&bare.len())
        && !is_enhanced(bare)
        && bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+/=:@".contains(&byte));
    is_sound.then(|| bare.to_owned())
}

#[cfg(test)]
mod tests {
    use super::queue_id;
    use crate::smtp::ReplyParser;

    fn of(reply: &str) -> Option<String> {
        queue_id(&ReplyParser::default().push(format!("{reply}\r\n").as_bytes()).unwrap().1.unwrap())
    }

    #[test]
    fn the_shapes_that_are_met() {
        for (reply, id) in [
            ("250 2.0.0 Ok: queued as 4F2B1A0C3D", "4F2B1A0C3D"),
            ("250 2.0.0 Ok: queued as 4ZXb6L3vJQz9sP0", "4ZXb6L3vJQz9sP0"),
            ("250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as ABCDEF", "ABCDEF"),
            ("250 OK id=1rXyZ3-0001aB-2C", "1rXyZ3-0001aB-2C"),
            ("250 OK id=1rXyZ3-00000000abc-0xyz", "1rXyZ3-00000000abc-0xyz"),
            ("250 2.0.0 u9KCq123012345 Message accepted for delivery", "u9KCq123012345"),
            ("250 2.0.0 3f2a1b4c Message accepted for delivery", "3f2a1b4c"),
            (
                "250 2.6.0 <a@example.org> [InternalId=4711, Hostname=x.example] Queued mail for delivery",
                "4711",
            ),
            (
                "250 2.0.0 OK  1700000000 x20-20020a05600c11d400b0si1234567wmi.1 - gsmtp",
                "x20-20020a05600c11d400b0si1234567wmi.1",
            ),
            ("250 ok 1700000000 qp 12345", "12345"),
            ("250 2.0.0 <sink@example.org> X1yZ0aBcDeF+AAAA Saved", "X1yZ0aBcDeF+AAAA"),
            ("250 2.0.0 <sink@example.org> XyZaBcDeF+AAAA Saved", "XyZaBcDeF+AAAA"),
            ("250 Message Queued (5B2C0A11-1111.1)", "5B2C0A11-1111.1"),
            ("250 2.0.0 Message queued with id 1a2b3c4d.", "1a2b3c4d"),
            (
                "250 Ok 0100018f2c3d4e5f-1a2b3c4d-0000-4a5b-8c9d-000000000000-000000",
                "0100018f2c3d4e5f-1a2b3c4d-0000-4a5b-8c9d-000000000000-000000",
            ),
            (
                "250 Requested mail action okay, completed: id=0MWzz1-1nKq2v3ABc-00Xyz1",
                "0MWzz1-1nKq2v3ABc-00Xyz1",
            ),
            ("250 Ok: queued as Xy_-9.z=@mailhog.example", "Xy_-9.z=@mailhog.example"),
        ] {
            assert_eq!(of(reply).as_deref(), Some(id), "{reply}");
        }
    }

    #[test]
    fn none_is_made_up() {
        for reply in [
            "250",
            "250 OK",
            "250 2.0.0 Ok",
            "250 2.6.0 Message received",
            "250 2.0.0 Message accepted for delivery",
            "250 Your message accepted",
            "250 ok dirdel",
            "250 Queued (0.123 seconds)",
            "250 OK thank you",
            "250 2.0.0 Ok: queued as",
            "250 2.0.0 Ok: queued as \u{202e}x",
        ] {
            assert_eq!(of(reply), None, "{reply}");
        }
    }
}
