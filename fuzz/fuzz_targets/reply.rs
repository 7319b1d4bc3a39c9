//! A reply read in pieces is the reply read whole, and what is not taken is left in place.

#![no_main]

use check_smtp_core::smtp::{Foreign, Reply, ReplyError, ReplyParser, is_greylisting, queue_id};
use libfuzzer_sys::fuzz_target;

/// All replies in the bytes, fed in pieces of a size.
fn read(bytes: &[u8], size: usize) -> Result<Vec<Reply>, ReplyError> {
    let mut parser = ReplyParser::default();
    let mut replies = Vec::new();
    for chunk in bytes.chunks(size) {
        let mut rest = chunk;
        while !rest.is_empty() {
            let (taken, reply) = parser.push(rest)?;
            assert!(taken > 0 && taken <= rest.len());
            rest = &rest[taken..];
            replies.extend(reply);
        }
    }
    Ok(replies)
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, bytes) = input;
    let whole = read(bytes, bytes.len().max(1));
    let pieces = read(bytes, usize::from(size).max(1));
    assert_eq!(whole, pieces);
    for reply in whole.into_iter().flatten() {
        assert!(reply.code() < 1000 && !reply.lines().is_empty());
        let _ = (reply.enhanced_code(), reply.to_string(), is_greylisting(&reply));
        // An id is one printable word of the reply.
        let id = queue_id(&reply).unwrap_or_else(|| "x".to_owned());
        assert!(!id.is_empty() && id.len() <= 120 && id.bytes().all(|byte| byte.is_ascii_graphic()));
    }
    let _ = Foreign::recognise(bytes);
});
