//! Whatever stands in DNS and on the web: a record is an id or a fault, and a policy printed is the policy read.

#![no_main]

use check_smtp_core::mta_sts::{Policy, is_plain_text, record};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<Vec<u8>>, &[u8], &str)| {
    let (texts, body, host) = input;
    // Beginnings that few random bytes have.
    let begun: Vec<Vec<u8>> = texts.iter().map(|text| [b"v=STSv1;", text.as_slice()].concat()).collect();
    for texts in [&texts, &begun] {
        match record(texts) {
            Ok(Some(id)) => assert!((1..=32).contains(&id.as_str().len()) && id.as_str().bytes().all(|b| b.is_ascii_alphanumeric())),
            Ok(None) => assert!(texts.iter().all(|text| !text.starts_with(b"v=STSv1;"))),
            Err(fault) => assert!(!fault.to_string().is_empty()),
        }
    }
    let _ = is_plain_text(host);
    for head in [&b""[..], b"version: STSv1\nmode: none\nmax_age: 1\n"] {
        let policy = match Policy::parse(&[head, body].concat()) {
            Ok(policy) => policy,
            Err(fault) => {
                assert!(!fault.to_string().is_empty());
                continue;
            }
        };
        let printed = policy.to_string();
        assert_eq!(Policy::parse(printed.as_bytes()).as_ref(), Ok(&policy), "{printed}");
        let _ = policy.covers(host);
        for pattern in &policy.mx {
            let name = pattern.as_str().replace('*', "mx");
            assert!(policy.covers(&name) && policy.covers(&format!("{}.", name.to_uppercase())), "{pattern}");
        }
    }
});
