//! Whatever stands in DNS and whatever chain a server sends: a match is one of a usable record, and what is shown is plain.

#![no_main]

use check_smtp_core::dane::{Tlsa, Usage, hits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<(u8, u8, u8, Vec<u8>)>, Vec<Vec<u8>>, &str)| {
    let (fields, chain, text) = input;
    // Numbers near the known ones, else nearly everything is unusable for its first byte.
    let mut records: Vec<Tlsa> =
        fields.into_iter().map(|(usage, selector, matching, data)| Tlsa::new(usage % 5, selector % 3, matching % 4, data)).collect();
    records.extend(text.parse::<Tlsa>());
    // One that stands for what was sent.
    records.extend(chain.last().map(|der| Tlsa::new(2, 0, 0, der.clone())));
    for record in &records {
        let shown = record.to_string();
        assert!(shown.len() <= 32 && shown.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'|'), "{shown}");
        let usability = record.usability();
        let _ = usability.map_err(|why| why.to_string());
        assert!(usability.is_ok() || !chain.iter().any(|der| record.matches(der)));
        let written = format!("{} {} {} {}", record.usage, record.selector, record.matching, record.hex());
        assert!(record.data.is_empty() || written.parse().as_ref() == Ok(record), "{written}");
    }
    for hit in hits(&records, &chain) {
        let usage = records[hit.record].usability().expect("a hit is of a usable record");
        assert_eq!(hit.element == 0, usage == Usage::EndEntity);
        assert!(records[hit.record].matches(&chain[hit.element]));
    }
});
