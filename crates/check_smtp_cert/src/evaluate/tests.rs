//! Limits at their edges, to the second: the time is a fact here, so nothing is masked.

use check_smtp_core::certificate::{Certificate, Details, Key};
use check_smtp_core::plugin::{Report, State};
use clap::{Args as _, FromArgMatches as _};

use super::evaluate;
use crate::args::{Args, Config};
use crate::facts::{Chain, Element, Facts};

pub(super) const DAY: i64 = 86_400;
/// 2026-11-24 00:00:00 UTC.
pub(super) const NOW: i64 = 1_795_478_400;

/// The configuration of a command line.
pub(super) fn config(words: &str) -> Config {
    let command = Args::augment_args(clap::Command::new("check_smtp_cert"));
    let words = std::iter::once("check_smtp_cert").chain(words.split_whitespace());
    Args::from_arg_matches(&command.get_matches_from(words)).unwrap().config().unwrap()
}

/// A certificate that ends `left` seconds after [`NOW`], after a life of `lifetime` seconds.
pub(super) fn element(name: &str, left: i64, lifetime: i64) -> Element {
    let certificate = Certificate {
        subject: format!("CN={name}"),
        issuer: "CN=issuer".to_owned(),
        common_name: Some(name.to_owned()),
        dns_names: vec![name.to_owned()],
        addresses: Vec::new(),
        not_before: NOW + left - lifetime + 1,
        not_after: NOW + left,
        key: Key::Ec(256),
        is_self_issued: false,
        has_weak_signature: false,
    };
    let details = Details {
        serial: "1".to_owned(),
        signature: "ECDSA with SHA-256".to_owned(),
        sha256: [u8::try_from(name.len()).unwrap(); 32],
        spki_sha256: [0; 32],
        must_staple: false,
        is_public: false,
    };
    Element { certificate, details }
}

fn judged(words: &str, path: Vec<Element>) -> Report {
    let chain = Chain { sent: path.clone(), unreadable: 0, path, fault: Ok(None) };
    let facts = Facts { now: NOW, chains: vec![chain], ..Facts::default() };
    evaluate(&config(&format!("-f chain.pem {words}")), &facts)
}

#[test]
fn limits_at_their_edges_to_the_second() {
    let usual = 365 * DAY;
    let table = [
        // The usual limits: 30 and 14 days.
        ("", 30 * DAY, usual, State::Ok),
        ("", 30 * DAY - 1, usual, State::Warning),
        ("", 14 * DAY, usual, State::Warning),
        ("", 14 * DAY - 1, usual, State::Critical),
        ("", 0, usual, State::Critical),
        ("", -1, usual, State::Critical),
        // In proportion below 90 days of life: of 6 days, 2 and 22.4 hours.
        ("", 2 * DAY, 6 * DAY, State::Ok),
        ("", 2 * DAY - 1, 6 * DAY, State::Warning),
        ("", 80_640, 6 * DAY, State::Warning),
        ("", 80_639, 6 * DAY, State::Critical),
        // As given.
        ("-w 12h -c 6h30m", 12 * 3600, DAY, State::Ok),
        ("-w 12h -c 6h30m", 12 * 3600 - 1, DAY, State::Warning),
        ("-w 12h -c 6h30m", 23_400, DAY, State::Warning),
        ("-w 12h -c 6h30m", 23_399, DAY, State::Critical),
        ("-w 7", 7 * DAY, usual, State::Ok),
        ("-w 7", 7 * DAY - 1, usual, State::Warning),
        ("-w 7", 0, usual, State::Warning),
        ("-c 7", 7 * DAY, usual, State::Ok),
        ("-c 7:", 7 * DAY - 1, usual, State::Critical),
        ("-w 25% -c 10%", 100 * DAY / 4, 100 * DAY, State::Ok),
        ("-w 25% -c 10%", 100 * DAY / 4 - 1, 100 * DAY, State::Warning),
        ("-w 25% -c 10%", 10 * DAY - 1, 100 * DAY, State::Critical),
    ];
    for (words, left, lifetime, state) in table {
        let report = judged(words, vec![element("mail.example.org", left, lifetime)]);
        assert_eq!(report.state(), state, "{words} with {left} s of {lifetime} s left");
    }
}

#[test]
fn over_is_one_second_after_the_end() {
    let id = |left| {
        let report = judged("-w 0 -c 0", vec![element("mail.example.org", left, 90 * DAY)]);
        (report.state(), report.faults().first().map(|finding| finding.id()))
    };
    assert_eq!(id(0), (State::Ok, None));
    assert_eq!(id(-1), (State::Critical, Some("certificate_expired")));
}

#[test]
fn what_ends_first_is_told_by_place_and_measured_in_days() {
    let path = || {
        vec![
            element("mail.example.org", 80 * DAY, 90 * DAY),
            element("Intermediate", 36 * DAY + 43_200, 3650 * DAY),
            element("Root", 3000 * DAY, 7300 * DAY),
        ]
    };
    let report = judged("-w 40 -c 20", path());
    assert_eq!(
        report.headline(),
        "chain.pem: certificate of Intermediate (intermediate) expires in 36 d 12 h, on 2026-12-30 (less than 40 d left), \
         valid until 2026-12-30 (36 days, intermediate Intermediate)"
    );
    let perfdata: Vec<String> = report.perfdata().map(ToString::to_string).collect();
    assert_eq!(perfdata, ["days=36.5;40:;20:", "not_after=1798632000", "chain_days=36.5"]);
    let quiet = judged("", path());
    assert_eq!(quiet.headline(), "chain.pem valid until 2026-12-30 (36 days, intermediate Intermediate)");
}

#[test]
fn a_share_goes_by_the_life_of_the_leaf_for_the_whole_path() {
    let path = vec![element("mail.example.org", 80 * DAY, 90 * DAY), element("Root", 100 * DAY, 7300 * DAY)];
    assert_eq!(judged("-w 25% -c 10%", path).state(), State::Ok);
}
