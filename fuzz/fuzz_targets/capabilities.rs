//! Whatever an EHLO reply holds, it is read, searched and shown; what is shown is clean.

#![no_main]

use check_smtp_core::plugin::Clean;
use check_smtp_core::smtp::{Capabilities, ReplyParser, Requirement};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &[u8])| {
    let (wanted, bytes) = input;
    let Ok((_, Some(reply))) = ReplyParser::default().push(bytes) else { return };
    let capabilities = Capabilities::from_reply(&reply);
    assert_eq!(capabilities.all().len(), reply.lines().len() - 1);
    let _ = (capabilities.size(), capabilities.auth_mechanisms(), capabilities.limit("RCPTMAX"), capabilities.overwritten_keyword());
    if let Ok(requirement) = wanted.parse::<Requirement>() {
        let again = requirement.to_string().parse::<Requirement>();
        assert_eq!(again.as_ref(), Ok(&requirement));
        assert!(!requirement.is_met_by(&capabilities) || capabilities.offers(requirement.keyword()));
    }
    for capability in capabilities.all() {
        let shown = Clean::new(&capability.to_string());
        assert!(!shown.as_str().contains(['|', '\n', '\r', '\u{1b}']));
    }
});
