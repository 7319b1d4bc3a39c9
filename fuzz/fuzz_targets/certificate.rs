//! A certificate is what a server sends: any bytes are facts or an error.

#![no_main]

use check_smtp_core::certificate::{Certificate, Details, Identity};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = Details::from_der(bytes);
    let Ok(certificate) = Certificate::from_der(bytes) else { return };
    let faults = [
        certificate.time_fault(0),
        certificate.time_fault(i64::MAX),
        certificate.name_fault(&Identity::Name("mail.example.org".to_owned())),
        certificate.strength_fault(),
    ];
    let _ = (certificate.lifetime(), certificate.is_named(&Identity::Name("mail.example.org".to_owned())));
    let _ = (certificate.label(), faults.map(|fault| fault.map(|fault| fault.to_string())));
});
