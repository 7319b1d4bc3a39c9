//! Parse, print, parse: the printed form alerts where the typed one does (perfdata writes `~:10` as `10`, so from 0 on).

#![no_main]

use check_smtp_core::plugin::{Range, Threshold};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, f64)| {
    let (text, value) = input;
    let _ = Threshold::parse_seconds(text);
    let Ok(range) = Range::parse(text) else { return };
    let printed = range.to_string();
    let again = Range::parse(&printed).unwrap_or_else(|error| panic!("{text} printed as {printed}: {error}"));
    let value = value.abs();
    if value.is_finite() {
        assert_eq!(range.alerts(value), again.alerts(value), "{text} printed as {printed} at {value}");
    }
});
