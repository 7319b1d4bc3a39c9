//! What a server answers to a hello made by hand: any bytes are an answer, an error or not enough yet.

#![no_main]

use check_smtp_core::hello::Answer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let whole = Answer::parse(bytes);
    // An answer does not change by what comes behind it.
    if let Ok(Some(answer)) = whole {
        assert_eq!(Answer::parse(&[bytes, b"more"].concat()), Ok(Some(answer)));
    }
});
