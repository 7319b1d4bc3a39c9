//! The name server and the validator of the testbed, asked as a resolver would ask them.
//!
//! Where Knot or Unbound is missing the tests are skipped and say so; in CI that is a failure.

#![expect(clippy::disallowed_methods, reason = "the testbed's tests ask the servers themselves")]

mod query;

use std::process::ExitCode;
use std::sync::Arc;

use check_smtp_testbed::real::{NameServer, Signing, Validator, Zone};
use libtest_mimic::{Arguments, Failed, Trial};
use query::{A, Answer, DNSKEY, DS, MX, NOERROR, NS, NSEC, NSEC3, NXDOMAIN, RRSIG, SERVFAIL, SOA, TLSA};
use query::{ask, ask_over_tcp};

/// The name server and the validator in front of it.
struct Names {
    server: NameServer,
    validator: Validator,
}

type Outcome = Result<(), Failed>;
type Scene = fn(&Names) -> Outcome;

const TRIALS: [(&str, Scene); 10] = [
    ("a_signed_zone_is_served_with_signatures", signatures_are_served),
    ("the_trust_anchor_is_a_master_file_line", trust_anchor),
    ("a_signed_zone_is_secure", signed),
    ("a_signed_zone_with_nsec3_is_secure", hashed),
    ("what_is_not_there_is_denied_securely", denied),
    ("an_unsigned_zone_is_insecure", unsigned),
    ("a_zone_with_bad_signatures_is_bogus", bogus),
    ("a_broken_zone_is_not_answered_for", broken),
    ("a_zone_below_a_zone_is_delegated_by_it", zone_below_a_zone),
    ("broken_zones_leave_the_others_alone", others_go_on),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if let Some(reason) = missing().filter(|_| !check_smtp_testbed::is_ci()) {
        let skipped = Trial::test(format!("names (skipped: {reason})"), || Ok(())).with_ignored_flag(true);
        return libtest_mimic::run(&arguments, vec![skipped]).exit_code();
    }
    // Dropped, and so stopped, before the exit code is given back.
    let names = start().map(Arc::new).map_err(|error| error.to_string());
    let trials = TRIALS.into_iter().map(|(name, hold)| {
        let names = names.clone();
        Trial::test(name, move || hold(names?.as_ref()))
    });
    let conclusion = libtest_mimic::run(&Arguments { test_threads: Some(1), ..arguments }, trials.collect());
    drop(names);
    conclusion.exit_code()
}

fn missing() -> Option<&'static str> {
    match (NameServer::is_installed(), Validator::is_installed()) {
        (false, _) => Some("Knot DNS or its kzonesign is not installed"),
        (_, false) => Some("Unbound is not installed"),
        _ => None,
    }
}

fn start() -> check_smtp_testbed::Result<Names> {
    let half = "00112233445566778899aabbccddeeff";
    let records = ["@ MX 10 mail", "mail A 127.0.0.1", &format!("_25._tcp.mail TLSA 3 1 1 {half}{half}")];
    let records = records.map(str::to_owned);
    let zone = |name: &str, signing| Zone::new(name, signing, &records);
    let server = NameServer::start(&[
        zone("example.org", Signing::Signed),
        zone("example.net", Signing::Signed).with_nsec3(),
        zone("unsigned.example", Signing::Unsigned),
        zone("bogus.example", Signing::Bogus),
        zone("broken.example", Signing::Broken),
        zone("below.example.org", Signing::Signed),
        zone("island.example.org", Signing::Unsigned),
    ])?;
    let validator = Validator::start(&server)?;
    Ok(Names { server, validator })
}

impl Names {
    /// Asks the name server itself.
    fn served(&self, name: &str, kind: u16) -> Result<Answer, Failed> {
        Ok(ask(self.server.address(), name, kind)?)
    }

    /// Asks the validator, which must answer so.
    fn validated(&self, name: &str, kind: u16, code: u16, is_authentic: bool) -> Result<Answer, Failed> {
        let answer = ask(self.validator.address(), name, kind)?;
        let is_so = (answer.code, answer.is_authentic) == (code, is_authentic);
        let log = if is_so { String::new() } else { self.validator.log() + &self.server.log() };
        hold(is_so, &format!("{name} type {kind}: {answer:?}\n{log}"))?;
        Ok(answer)
    }
}

fn hold(is_so: bool, otherwise: &str) -> Outcome {
    if is_so { Ok(()) } else { Err(otherwise.into()) }
}

fn signatures_are_served(names: &Names) -> Outcome {
    for (name, kind) in [("example.org", MX), ("mail.example.org", A), (".", DNSKEY), ("example.org", DS)] {
        let answer = names.served(name, kind)?;
        hold(answer.code == NOERROR && answer.answers.contains(&kind), &format!("{name}: {answer:?}"))?;
        hold(answer.answers.contains(&RRSIG), &format!("{name}: {answer:?}"))?;
        let over_tcp = ask_over_tcp(names.server.address(), name, kind)?;
        hold(over_tcp.answers == answer.answers, &format!("{name}: {over_tcp:?}"))?;
    }
    let unsigned = names.served("mail.unsigned.example", A)?;
    hold(unsigned.answers == [A], &format!("{unsigned:?}"))
}

fn trust_anchor(names: &Names) -> Outcome {
    let text = std::fs::read_to_string(names.server.trust_anchor())?;
    let is_so = text.starts_with(". 300 IN DNSKEY 257 3 13 ") && text.lines().count() == 1;
    hold(is_so, &text)
}

fn signed(names: &Names) -> Outcome {
    for (name, kind) in [("example.org", MX), ("mail.example.org", A), ("_25._tcp.mail.example.org", TLSA)] {
        let answer = names.validated(name, kind, NOERROR, true)?;
        hold(answer.answers == [kind, RRSIG], &format!("{name}: {answer:?}"))?;
    }
    Ok(())
}

fn hashed(names: &Names) -> Outcome {
    names.validated("_25._tcp.mail.example.net", TLSA, NOERROR, true)?;
    let denied = names.validated("nobody.example.net", A, NXDOMAIN, true)?;
    hold(denied.authorities.contains(&NSEC3), &format!("{denied:?}"))
}

fn denied(names: &Names) -> Outcome {
    let no_name = names.validated("nobody.example.org", A, NXDOMAIN, true)?;
    hold(no_name.authorities.contains(&NSEC), &format!("{no_name:?}"))?;
    let no_data = names.validated("mail.example.org", TLSA, NOERROR, true)?;
    hold(no_data.answers.is_empty() && no_data.authorities.contains(&NSEC), &format!("{no_data:?}"))?;
    names.validated("nobody.invalid", A, NXDOMAIN, true)?;
    names.validated("org", MX, NOERROR, true).map(|_| ())
}

fn unsigned(names: &Names) -> Outcome {
    let answer = names.validated("mail.unsigned.example", A, NOERROR, false)?;
    hold(answer.answers == [A], &format!("{answer:?}"))?;
    names.validated("nobody.unsigned.example", A, NXDOMAIN, false)?;
    // The parent proves that it is so.
    let no_signer = names.validated("unsigned.example", DS, NOERROR, true)?;
    hold(no_signer.answers.is_empty() && no_signer.authorities.contains(&NSEC), &format!("{no_signer:?}"))
}

fn bogus(names: &Names) -> Outcome {
    let served = names.served("mail.bogus.example", A)?;
    hold(served.answers == [A, RRSIG], &format!("{served:?}"))?;
    names.validated("bogus.example", DS, NOERROR, true)?;
    names.validated("bogus.example", DNSKEY, NOERROR, true)?;
    for (name, kind) in [("bogus.example", MX), ("mail.bogus.example", A), ("nobody.bogus.example", A)] {
        names.validated(name, kind, SERVFAIL, false)?;
    }
    Ok(())
}

fn broken(names: &Names) -> Outcome {
    let served = names.served("mail.broken.example", A)?;
    hold(served.code == SERVFAIL, &format!("{served:?}"))?;
    names.validated("broken.example", MX, SERVFAIL, false)?;
    names.validated("_25._tcp.mail.broken.example", TLSA, SERVFAIL, false).map(|_| ())
}

fn zone_below_a_zone(names: &Names) -> Outcome {
    names.validated("below.example.org", DS, NOERROR, true)?;
    names.validated("mail.below.example.org", A, NOERROR, true)?;
    names.validated("mail.island.example.org", A, NOERROR, false).map(|_| ())
}

fn others_go_on(names: &Names) -> Outcome {
    names.validated("mail.broken.example", A, SERVFAIL, false)?;
    // Its name servers are known now, and still nobody is asked on port 53.
    names.validated("example.net", NS, NOERROR, true)?;
    names.validated("example.net", SOA, NOERROR, true)?;
    names.validated("mail.example.net", MX, NOERROR, true)?;
    names.validated("mail.unsigned.example", MX, NOERROR, false).map(|_| ())
}
