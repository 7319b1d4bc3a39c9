//! Whatever a server asks, a login ends within its limits, and never believes a server that has not proved itself.

#![no_main]

use check_smtp_core::secret::Secret;
use check_smtp_core::smtp::sasl::{Binding, CHALLENGES_LIMIT, Credentials, Exchange, Mechanism};
use libfuzzer_sys::fuzz_target;

const NONCE: &str = "nonce";

fuzz_target!(|input: (u8, Vec<Vec<u8>>)| {
    let (number, challenges) = input;
    let all = Mechanism::STRONGEST_FIRST;
    let mechanism = all[usize::from(number) % all.len()];
    let credentials = Credentials {
        user: "user".to_owned(),
        authorization: None,
        secret: Secret::new("pencil".to_owned()),
    };
    let mut exchange = Exchange::new(mechanism, credentials, NONCE, Binding::Unavailable).expect("ASCII is never prohibited");
    let is_scram = mechanism.name().starts_with("SCRAM");
    exchange.initial();
    let mut answered = 0;
    for challenge in challenges.iter().take(usize::from(CHALLENGES_LIMIT)) {
        // High counts are allowed and slow; that they end is the deadline's business.
        if is_scram && challenge.windows(5).any(|window| window.iter().all(u8::is_ascii_digit)) {
            return;
        }
        if exchange.answer(challenge).is_err() {
            break;
        }
        answered += 1;
    }
    if exchange.holds().is_ok() {
        assert!(!is_scram, "no server can sign without the password");
        assert!(answered >= 1 || !matches!(mechanism, Mechanism::Login | Mechanism::CramMd5));
    }
});
