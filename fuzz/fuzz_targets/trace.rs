//! Whatever stands in a header: what is read of it is bounded and clean, and the times agree with each other.

#![no_main]

use check_smtp_delivery::trace::{Tls, Trace, received_at};
use libfuzzer_sys::fuzz_target;

fn check(text: &str) {
    assert!(text.chars().count() <= 256 && !text.contains(['|', '\n', '\r', '\u{1b}', '\u{202e}']));
}

fuzz_target!(|bytes: &[u8]| {
    let trace = Trace::read(bytes);
    assert!(trace.hops.len() <= 100 && trace.authentication.len() <= 50);
    let mut before = None;
    for hop in &trace.hops {
        [&hop.from, &hop.by, &hop.protocol].into_iter().flatten().for_each(|text| check(text));
        if let Tls::Used(Some(version)) = &hop.tls {
            check(version);
        }
        if let (Some(time), Some(before)) = (hop.time, before) {
            assert_eq!(hop.delay, Some(time - before));
        } else {
            assert_eq!(hop.delay, None);
        }
        before = hop.time;
    }
    let last = trace.hops.last().and_then(|hop| hop.time).and_then(|time| u64::try_from(time).ok());
    assert_eq!(received_at(bytes).map(|time| time.as_secs()), last);
    for field in &trace.authentication {
        field.authserv_id.iter().for_each(|text| check(text));
        assert!(field.results.len() <= 50);
        for result in &field.results {
            check(&result.method);
            check(&result.result);
            assert!(result.properties.len() <= 10);
            result
                .properties
                .iter()
                .for_each(|(name, value)| [name, value].into_iter().for_each(|text| check(text)));
        }
    }
    assert!(trace.spam.score.is_none_or(f64::is_finite) && trace.spam.required.is_none_or(f64::is_finite));
});
