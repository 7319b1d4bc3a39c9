//! A message goes out whole and ends once: with the dots taken off again it is what it was, and no lone dot stands before its end.

#![no_main]

use check_smtp_core::smtp::Message;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let message = Message::new(bytes);
    let sound = message.bytes();
    assert!(sound.ends_with(b"\r\n"));
    // Sound as it is, it does not change any more.
    assert_eq!(Message::new(sound).bytes(), sound);
    let wire = message.dotted();
    let (mut arrived, mut lines) = (Vec::new(), wire.split_inclusive(|byte| *byte == b'\n').peekable());
    while let Some(line) = lines.next() {
        let bare = line.strip_suffix(b"\r\n").expect("each line ends in CRLF");
        assert!(!bare.contains(&b'\r'));
        if bare == b"." {
            assert!(lines.peek().is_none(), "the end of the message stands in its middle");
            break;
        }
        arrived.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
    }
    assert_eq!(arrived, sound);
});
