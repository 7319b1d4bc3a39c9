//! Whatever a POP3 server sends, it is read line by line.

#![no_main]

use check_smtp_delivery::mailbox::pop3::parse::{answer, listed, unstuffed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = answer(bytes);
    if let Some((_, name)) = listed(bytes) {
        assert!((1..=70).contains(&name.len()) && name.iter().all(u8::is_ascii_graphic));
    }
    match unstuffed(bytes) {
        None => assert_eq!(bytes, b"."),
        Some(line) => assert!(bytes.ends_with(line) && bytes.len() - line.len() <= 1),
    }
});
