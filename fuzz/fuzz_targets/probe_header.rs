//! Whatever was fetched of a message: a mark is found only where it stands in the text, and is a sound one.

#![no_main]

use check_smtp_delivery::mailbox::{Kind, field, header_of, recognise, verdicts};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let header = header_of(bytes);
    assert!(bytes.starts_with(header));
    if let Some(value) = field(header, "Subject") {
        assert!(value.len() < header.len() && !value.contains(&b'\n'));
    }
    for verdict in verdicts(bytes) {
        assert!(!verdict.words.contains(['|', '\n', '\r', '\u{1b}']) && !verdict.recipient.contains(['|', '\n']));
    }
    let Some((kind, instance, token)) = recognise(bytes) else { return };
    let place = if kind == Kind::Probe { header } else { bytes };
    let contains = |text: &str| place.windows(text.len()).any(|window| window == text.as_bytes());
    // A fold may stand within it.
    let is_folded = place.windows(2).any(|pair| matches!(pair, b"\n " | b"\n\t"));
    let is_told = contains(&format!("{instance}/{token}")) || contains(&format!("<{token}.{instance}@"));
    assert!(is_folded || is_told);
    assert!(!instance.as_str().contains(['/', '\0']) && token.as_str().len() == 32);
});
