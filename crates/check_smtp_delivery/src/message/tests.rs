//! Messages read back here; `tests/messages.rs` lets Python's email package read them.

use check_smtp_core::smtp::Mailbox;

use super::{Letter, Material, build, is_writable, mark_up, message_id};
use crate::args::{Header, Parts};
use crate::mark::Mark;
use crate::tracker::Token;

fn mark() -> Mark {
    Mark { instance: "site1".parse().unwrap(), token: Token::from_bytes([0xab; 16]) }
}

fn with<T>(from: &str, work: impl FnOnce(Letter<'_>) -> T) -> T {
    let (from, to, mark) = (from.parse().unwrap(), [mailbox("sink@example.org")], mark());
    let way = "mail.example.org:587";
    work(Letter { from: &from, to: &to, mark: &mark, host: "probe.example.org", way, now: 1_767_323_045 })
}

fn mailbox(text: &str) -> Mailbox {
    text.parse().unwrap()
}

fn built(parts: &Parts, material: &Material) -> String {
    with("probe@example.org", |letter| String::from_utf8(build(letter, parts, material).unwrap()).unwrap())
}

#[test]
fn the_whole_plain_message() {
    let token = "ab".repeat(16);
    let expected = format!(
        "Date: Fri, 02 Jan 2026 03:04:05 +0000\r\nFrom: probe@example.org\r\nTo: sink@example.org\r\n\
         Subject: Probe abababab of probe.example.org by check_smtp_delivery\r\nMessage-ID: <{token}.site1@example.org>\r\n\
         Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\nX-Smtp-Monitoring-Probe: site1/{token}\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n\
         This is a probe of check_smtp_delivery (smtp-monitoring-plugins). It tells\r\nwhether mail is delivered. Nobody needs to read or answer it, and it may be\r\n\
         deleted.\r\n\r\nHost: probe.example.org\r\nTime: 2026-01-02 03:04:05 UTC\r\nWay: mail.example.org:587\r\nFrom: probe@example.org\r\n\
         To: sink@example.org\r\nProbe: site1/{token}\r\n\r\n"
    );
    assert_eq!(built(&Parts::default(), &Material::default()), expected);
}

#[test]
fn padded_to_the_byte() {
    let material = |body: &str| Material { body: Some(body.to_owned()), ..Material::default() };
    let attached = Material { attachments: vec![("a.bin".into(), vec![0; 100])], ..Material::default() };
    for material in [Material::default(), material("Grüße\n"), material(&"long ".repeat(500)), attached] {
        for size in [4_000, 4_001, 4_071, 100_000] {
            let parts = Parts { size: Some(size), ..Parts::default() };
            assert_eq!(built(&parts, &material).len(), size);
        }
    }
    let parts = Parts { size: Some(100), ..Parts::default() };
    let error = with("probe@example.org", |letter| build(letter, &parts, &Material::default())).unwrap_err();
    assert!(error.starts_with("--size 100: the message has "), "{error}");
}

#[test]
fn nothing_but_7_bit_in_what_is_built() {
    let parts = Parts {
        subject: Some("Grüße aus Zürich: ".repeat(10)),
        headers: vec![Header { name: "X-Site".into(), value: "Zürich".into() }],
        ..Parts::default()
    };
    let material = Material {
        body: Some("Grüße\n".into()),
        html: Some("<p>Grüße</p>".into()),
        attachments: vec![("Prüfung.txt".into(), "ü".into())],
    };
    let message = built(&parts, &material);
    assert!(message.is_ascii(), "{message}");
    assert!(message.lines().all(|line| line.len() <= 998));
}

#[test]
fn a_header_of_the_admin_takes_the_place_of_ours() {
    let parts = Parts {
        headers: vec![Header { name: "from".into(), value: "Monitoring <monitoring@example.net>".into() }],
        ..Parts::default()
    };
    let message = built(&parts, &Material::default());
    assert!(message.contains("\r\nfrom: Monitoring <monitoring@example.net>\r\n"), "{message}");
    let header = message.split("\r\n\r\n").next().unwrap();
    assert!(!header.contains("\r\nFrom: "), "{header}");
}

#[test]
fn the_null_sender_has_the_recipient_in_its_from() {
    let message = with("<>", |letter| build(letter, &Parts::default(), &Material::default())).unwrap();
    let message = String::from_utf8(message).unwrap();
    assert!(message.contains("\r\nFrom: sink@example.org\r\n") && message.contains("\r\nFrom: <>\r\n"));
    assert!(with("<>", |letter| message_id(letter.from, letter.to, letter.mark)).ends_with("@example.org>"));
}

#[test]
fn a_message_from_a_file_gets_the_mark_before_it() {
    let eml = |text: &str| with("probe@example.org", |letter| mark_up(letter.mark, text.as_bytes()));
    let marked = String::from_utf8(eml("Subject: x\n\nbody\n").unwrap()).unwrap();
    assert_eq!(marked, format!("X-Smtp-Monitoring-Probe: site1/{}\r\nSubject: x\n\nbody\n", "ab".repeat(16)));
    for text in ["", "\nSubject: x\n", "From a@example.org Mon Jan  1\nSubject: x\n", "no header", ": x"] {
        assert!(eml(text).is_err(), "{text:?}");
    }
}

#[test]
fn addresses_that_can_stand_in_a_header() {
    for good in [
        "<>",
        "a@example.org",
        "ü@example.org",
        "a@[192.0.2.5]",
        "a@[IPv6:2001:db8::5]",
        "\"a b\"@example.org",
    ] {
        assert!(is_writable(&mailbox(good)), "{good}");
    }
    for bad in ["a,b@example.org", "a:b@example.org", "a..b@example.org"] {
        assert!(!is_writable(&mailbox(bad)), "{bad}");
    }
}
