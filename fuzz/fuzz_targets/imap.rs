//! Whatever an IMAP server sends, it is read without a panic, and what is read of it is no longer than it was.

#![no_main]

use check_smtp_delivery::mailbox::imap::parse::{Response, literal_length, response};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = literal_length(bytes, true);
    if let Some(length) = literal_length(bytes, false) {
        assert!(bytes.ends_with(b"}") && bytes.contains(&b'{'));
        assert!(length == u64::MAX || bytes.windows(length.to_string().len()).any(|digits| digits == length.to_string().as_bytes()));
    }
    match response(bytes) {
        Some(Response::Fetch(message)) => assert!(message.part.unwrap_or_default().len() <= bytes.len()),
        Some(Response::Folder(attributes, name)) => {
            assert!(name.len() + attributes.iter().map(String::len).sum::<usize>() <= bytes.len() * 3);
        }
        Some(Response::Search(numbers)) => assert!(numbers.len() <= bytes.len()),
        Some(Response::Tagged(tag, word)) => assert!(!tag.is_empty() && word.code.unwrap_or_default().len() <= word.text.len()),
        Some(Response::Status(word)) => {
            let _ = (word.number("UIDNEXT"), word.capabilities());
        }
        Some(Response::Continue(text)) => assert!(text.len() < bytes.len()),
        _ => {}
    }
});
