//! What TLSA records and a policy make of a chain, without servers: the facts are made here.

use check_smtp_core::certificate::{Fault, Identity};
use check_smtp_core::contact::Contact;
use check_smtp_core::dane::{Hit, Tlsa};
use check_smtp_core::error::{Cause, Failure};
use check_smtp_core::mta_sts::{self, Policy};
use check_smtp_core::net::dns::{Exchangers, HostRecords, TlsaLookup, Tlsas};
use check_smtp_core::plugin::{Report, State};
use check_smtp_core::session::Record;
use check_smtp_core::timeline::{Phase, Timeline};

use super::evaluate;
use super::tests::{DAY, NOW, config, element};
use crate::facts::{Chain, DaneSeen, Element, Endpoint, Facts, HostSeen, MtaStsSeen};

const YEAR: i64 = 365 * DAY;

fn host(name: &str, tlsa: Option<TlsaLookup>) -> HostSeen {
    let records =
        HostRecords { addresses: Ok(Vec::new()), half: None, alias_of: None, is_secure: true, tlsa };
    HostSeen {
        name: name.to_owned(),
        identity: Identity::Name(name.to_owned()),
        addresses: Ok(Vec::new()),
        records: Some(records),
    }
}

fn secure(base: &str, usages: &[u8]) -> TlsaLookup {
    let records = usages.iter().map(|usage| Tlsa::new(*usage, 1, 1, vec![*usage; 32])).collect();
    TlsaLookup::Secure(Tlsas {
        owner: format!("_25._tcp.{base}"),
        base: base.to_owned(),
        records,
        left_out: 0,
    })
}

fn endpoint(host: usize, chain: usize, dane: Option<DaneSeen>) -> Endpoint {
    let contact = Contact {
        port: 25,
        address: None,
        attempts: Vec::new(),
        record: Record::default(),
        failure: None,
        tls_failure: None,
    };
    Endpoint { host, contact, key_kind: None, chain: Some(chain), staple: None, dane }
}

fn untrusted(name: &str, left: i64) -> Chain {
    let sent = vec![element(name, left, YEAR)];
    Chain { sent, unreadable: 0, path: Vec::new(), fault: Ok(Some(Fault::SelfSigned)) }
}

fn trusted(path: Vec<Element>) -> Chain {
    Chain { sent: path.clone(), unreadable: 0, path, fault: Ok(None) }
}

fn leaf_hit() -> DaneSeen {
    DaneSeen { hits: vec![Hit { record: 0, element: 0 }], anchored: None }
}

fn exchangers(names: &[&str]) -> Exchangers {
    let hosts = names.iter().map(|name| (10, (*name).to_owned())).collect();
    Exchangers { hosts, is_implicit: false, has_null: false, left_out: 0, alias_of: None, is_secure: true }
}

fn policy(text: &str, content_type: &str) -> MtaStsSeen {
    MtaStsSeen {
        record: Ok(mta_sts::record(&[b"v=STSv1; id=1;".to_vec()])),
        content_type: Some(content_type.to_owned()),
        policy: Some(Ok(Policy::parse(text.as_bytes()).unwrap())),
    }
}

fn ids(report: &Report) -> Vec<&'static str> {
    report.faults().iter().map(|finding| finding.id()).collect()
}

fn facts(hosts: Vec<HostSeen>, endpoints: Vec<Endpoint>, chains: Vec<Chain>) -> Facts {
    Facts { now: NOW, lookup: Timeline::default(), hosts, endpoints, chains, ..Facts::default() }
}

#[test]
fn dane_ee_asks_for_the_key_alone() {
    let seen = |words: &str| {
        let hosts = vec![host("mail.example.org", Some(secure("mail.example.org", &[3])))];
        let expired = vec![untrusted("other.example.net", -10 * DAY)];
        let report = evaluate(&config(words), &facts(hosts, vec![endpoint(0, 0, Some(leaf_hit()))], expired));
        (report.state(), ids(&report))
    };
    let dane = "-H mail.example.org --dane require";
    assert_eq!(seen(dane), (State::Ok, vec![]));
    assert_eq!(seen(&format!("{dane} -w 30 -c 14")), (State::Critical, vec!["certificate_expired"]));
    assert_eq!(
        seen(&format!("{dane} --name mx.example.org")),
        (State::Critical, vec!["certificate_wrong_name"])
    );
    // Without DANE everything counts.
    let (state, ids) = seen("-H mail.example.org");
    assert_eq!(state, State::Critical);
    assert_eq!(ids, ["certificate_self_signed", "certificate_expired", "certificate_wrong_name"]);
}

#[test]
fn dates_that_count_come_before_dates_that_do_not() {
    let hosts = vec![
        host("mx1.example.org", Some(secure("mx1.example.org", &[3]))),
        host("mx2.example.org", Some(TlsaLookup::Absent("_25._tcp.mx2.example.org".to_owned()))),
    ];
    let chains = vec![
        untrusted("mx1.example.org", -10 * DAY),
        trusted(vec![element("mx2.example.org", 20 * DAY, YEAR)]),
    ];
    let endpoints = vec![endpoint(0, 0, Some(leaf_hit())), endpoint(1, 1, None)];
    let mut facts = facts(hosts, endpoints, chains);
    facts.exchangers = Some(exchangers(&["mx1.example.org", "mx2.example.org"]));
    let report = evaluate(&config("--mx example.org --dane opportunistic"), &facts);
    assert_eq!((report.state(), ids(&report)), (State::Warning, vec!["certificate_expires_soon"]));
    let perfdata: Vec<String> = report.perfdata().map(ToString::to_string).collect();
    assert_eq!(perfdata.first().map(String::as_str), Some("days=20;30:;14:"));
    assert!(report.headline().contains("1 of 2 by DANE"), "{}", report.headline());
}

#[test]
fn each_host_is_held_against_its_own_names() {
    let hosts = vec![
        host("mx1.example.org", Some(secure("mx1.example.org", &[2]))),
        host("mx2.example.org", Some(secure("mx2.example.org", &[2]))),
    ];
    let anchored = |name: &str| DaneSeen {
        hits: vec![Hit { record: 0, element: 1 }],
        anchored: Some(trusted(vec![element(name, 90 * DAY, YEAR)])),
    };
    let endpoints = vec![
        endpoint(0, 0, Some(anchored("mx1.example.org"))),
        endpoint(1, 0, Some(anchored("mx1.example.org"))),
    ];
    let mut facts = facts(hosts, endpoints, vec![untrusted("mx1.example.org", 90 * DAY)]);
    facts.exchangers = Some(exchangers(&["mx1.example.org", "mx2.example.org"]));
    let report = evaluate(&config("--mx example.org --dane require"), &facts);
    assert_eq!(ids(&report), ["certificate_wrong_name"]);
    assert!(report.headline().contains("is not for mx2.example.org"), "{}", report.headline());
    // Where the certificate is for the domain, either host will do (RFC 7672 section 3.2.2).
    let report = evaluate(&config("--mx mx1.example.org --dane require"), &facts);
    assert_eq!(report.state(), State::Ok);
}

#[test]
fn lookups_that_tell_nothing() {
    let failed = || Failure::new(Phase::Dns, Cause::Bogus("TLSA".to_owned())).cause;
    let table = [
        (TlsaLookup::Absent("o".to_owned()), State::Ok, State::Critical),
        (TlsaLookup::NotAsked, State::Ok, State::Critical),
        (TlsaLookup::Insecure("o".to_owned(), 1), State::Warning, State::Critical),
        (secure("mail.example.org", &[1]), State::Warning, State::Critical),
        (TlsaLookup::Failed(failed()), State::Critical, State::Critical),
        (TlsaLookup::Failed(Cause::NoProof("x".to_owned())), State::Unknown, State::Unknown),
    ];
    for (lookup, opportunistic, require) in table {
        for (mode, state) in [("opportunistic", opportunistic), ("require", require)] {
            let hosts = vec![host("mail.example.org", Some(lookup.clone()))];
            let chains = vec![trusted(vec![element("mail.example.org", 90 * DAY, YEAR)])];
            let facts = facts(hosts, vec![endpoint(0, 0, None)], chains);
            let report = evaluate(&config(&format!("-H mail.example.org --dane {mode}")), &facts);
            assert_eq!(report.state(), state, "{mode} {lookup:?}");
        }
    }
}

#[test]
fn roots_that_cannot_be_read_are_told_under_dane_too() {
    let hosts = vec![host("mail.example.org", Some(secure("mail.example.org", &[3])))];
    let mut chain = untrusted("mail.example.org", 90 * DAY);
    chain.fault = Err(Failure::new(Phase::Tls, Cause::Local("--ca-dir '/x': no such file".to_owned())));
    let facts = facts(hosts, vec![endpoint(0, 0, Some(leaf_hit()))], vec![chain]);
    let report = evaluate(&config("-H mail.example.org --dane require"), &facts);
    assert_eq!((report.state(), ids(&report)), (State::Unknown, vec!["local_file"]));
}

#[test]
fn a_policy_is_held_against_what_public_roots_say() {
    let enforce = "version: STSv1\nmode: enforce\nmx: mail.example.org\nmax_age: 86400\n";
    let testing = enforce.replace("enforce", "testing");
    let other = enforce.replace("mail.example", "mx.example");
    let html = "text/html; charset=utf-8";
    let table = [
        (enforce, "text/plain", State::Critical, vec!["mta_sts_certificate"]),
        (&testing, "text/plain; charset=utf-8", State::Warning, vec!["mta_sts_certificate"]),
        (&other, "text/plain", State::Critical, vec!["mta_sts_mx", "mta_sts_certificate"]),
        (enforce, html, State::Critical, vec!["mta_sts_certificate", "mta_sts_media_type"]),
    ];
    for (text, content_type, state, expected) in table {
        // Vouched for by DANE, self-signed to everybody else.
        let hosts = vec![host("mail.example.org", Some(secure("mail.example.org", &[3])))];
        let chains = vec![untrusted("mail.example.org", 90 * DAY)];
        let mut facts = facts(hosts, vec![endpoint(0, 0, Some(leaf_hit()))], chains);
        facts.exchangers = Some(exchangers(&["mail.example.org"]));
        facts.mta_sts = Some(policy(text, content_type));
        let report = evaluate(&config("--mx example.org --dane require --mta-sts check"), &facts);
        assert_eq!((report.state(), ids(&report)), (state, expected), "{text}");
    }
}

#[test]
fn a_server_that_puts_us_off_says_nothing_of_its_certificate() {
    let reply = check_smtp_core::smtp::ReplyParser::default().push(b"421 later\r\n").unwrap().1.unwrap();
    let put_off = |chain| {
        let mut endpoint = endpoint(0, 0, None);
        endpoint.chain = chain;
        endpoint.contact.failure = Some(Failure::new(Phase::Banner, Cause::Refused(reply.clone())));
        endpoint
    };
    let chains = || vec![trusted(vec![element("mail.example.org", 90 * DAY, YEAR)])];
    let state = |endpoints| {
        let facts = facts(vec![host("mail.example.org", None)], endpoints, chains());
        evaluate(&config("-H mail.example.org --all-addresses"), &facts).state()
    };
    assert_eq!(state(vec![endpoint(0, 0, None), put_off(None)]), State::Warning);
    assert_eq!(state(vec![put_off(None), put_off(None)]), State::Critical);
}
