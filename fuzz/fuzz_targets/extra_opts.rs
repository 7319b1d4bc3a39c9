//! Any text is sections or an error that names its line.

#![no_main]

use check_smtp_core::plugin::extra_opts::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match parse(text) {
        Ok(sections) => {
            for entry in sections.iter().flat_map(|(_, entries)| entries) {
                assert!(!entry.key.contains(char::is_whitespace) && entry.line >= 1);
                assert!(entry.value.as_ref().is_none_or(|value| !value.contains('\n')));
            }
        }
        Err(error) => assert!(error.starts_with("line "), "{error}"),
    }
});
