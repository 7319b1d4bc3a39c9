//! Greylisting (RFC 6647): the first try of an unknown sender is put off on purpose.

use super::Reply;

/// Whether a reply that puts us off is greylisting.
///
/// It has no code of its own; servers say it in words, or in 4.7.1 with the advice to try again. 4.7.1 alone is also what Postfix says
/// about a client without a name.
pub fn is_greylisting(reply: &Reply) -> bool {
    let words = reply.text().to_ascii_lowercase();
    let says_it = ["greylist", "graylist", "grey-list", "gray-list", "grey list", "gray list", "postgrey"];
    let comes_back = ["try again", "try later", "later", "retry", "come back"];
    let has = |any: &[&str]| any.iter().any(|part| words.contains(part));
    reply.is_transient()
        && reply.code() != 421
        && (has(&says_it) || reply.enhanced_code() == Some("4.7.1") && has(&comes_back))
}

#[cfg(test)]
mod tests {
    use super::is_greylisting;
    use crate::smtp::{Reply, ReplyParser};

    fn reply(text: &str) -> Reply {
        ReplyParser::default().push(format!("{text}\r\n").as_bytes()).unwrap().1.unwrap()
    }

    #[test]
    fn greylisting_is_told_from_other_delays() {
        for text in [
            "450 4.2.0 <a@example.org>: Recipient address rejected: Greylisted, see http://postgrey.example/help",
            "451 Greylisting in action, please come back later",
            "451 4.7.1 Please try again later",
            "450 4.7.1 Graylisted",
            "451-Grey listing\r\n451 wait",
        ] {
            assert!(is_greylisting(&reply(text)), "{text}");
        }
        for text in [
            "450 4.7.1 Client host rejected: cannot find your hostname",
            "451 4.3.0 Temporary lookup failure, try again later",
            "452 4.3.1 Insufficient system storage",
            "421 4.7.0 greylisted, closing",
            "550 5.7.1 greylisted for ever",
        ] {
            assert!(!is_greylisting(&reply(text)), "{text}");
        }
    }
}
