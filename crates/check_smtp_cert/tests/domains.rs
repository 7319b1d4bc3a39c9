//! MX, DANE and MTA-STS against real servers: Knot signs the zones, Unbound validates them, nginx serves the policies, Postfix shows the
//! certificates. Each is started on loopback with its own files and stopped after.
//!
//! What DNSSEC vouches for is asked for twice: by our own validation from the test's root, and by the AD bit of Unbound.
//!
//! Where a server is missing, or without root, the tests are skipped and say so; in CI that is a failure.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Command, ExitCode};
use std::sync::Arc;

use check_smtp_testbed::cases::{fits, mask, split};
use check_smtp_testbed::factory::{Factory, Kind};
use check_smtp_testbed::real::{
    HttpsServer, NameServer, Postfix, Service, Signing, Site, SiteAnswer, Validator, Zone,
};
use check_smtp_testbed::{Error, Forwarder, Result, TempDir};
use libtest_mimic::{Arguments, Failed, Trial};

#[path = "domains/scenes.rs"]
mod scenes;

use scenes::{AD, DANE, MTA_STS, MX, OWN, Scene, UNSIGNED};

/// Where nginx listens: port 443 is part of RFC 8461.
const POLICY_HOST: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 77)), 443);
/// A host of policies that never answers.
const SILENT_HOST: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 78)), 443);
/// What Postfix shows, a service for each.
const SHOWN: [Kind; 5] = [Kind::Good, Kind::Wildcard, Kind::Expired, Kind::SelfSigned, Kind::WrongHost];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if let Some(reason) = missing().filter(|_| !check_smtp_testbed::is_ci()) {
        let skipped = Trial::test(format!("domains (skipped: {reason})"), || Ok(())).with_ignored_flag(true);
        return libtest_mimic::run(&arguments, vec![skipped]).exit_code();
    }
    // Dropped, and so stopped, before the exit code is given back.
    let world = World::start().map(Arc::new).map_err(|error| error.to_string());
    let mut trials = Vec::new();
    for scene in DANE.iter().chain(&MX) {
        for (proof, flags) in [("own", "{own}"), ("ad", "{ad}")] {
            let world = world.clone();
            let name = format!("{}_{proof}", scene.name);
            trials.push(Trial::test(name, move || world?.play(scene, flags)));
        }
    }
    let alone = [
        (&OWN[..], "{own}"),
        (&AD[..], "{ad}"),
        (&UNSIGNED[..], "--resolver {forwarder} --trust-anchor {anchor}"),
        (&MTA_STS[..], "--resolver {knot}"),
    ];
    for (scenes, flags) in alone {
        for scene in scenes {
            let world = world.clone();
            trials.push(Trial::test(scene.name, move || world?.play(scene, flags)));
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(world);
    conclusion.exit_code()
}

fn missing() -> Option<&'static str> {
    if !check_smtp_testbed::is_root() {
        return Some("needs root to start Postfix and to listen on port 443");
    }
    let servers = [
        (Postfix::is_installed(), "Postfix is not installed"),
        (NameServer::is_installed(), "Knot DNS or its kzonesign is not installed"),
        (Validator::is_installed(), "Unbound is not installed"),
        (HttpsServer::is_installed(), "nginx is not installed"),
    ];
    servers.into_iter().find(|(is_there, _)| !is_there).map(|(_, reason)| reason)
}

/// All servers of the tests.
struct World {
    files: TempDir,
    postfix: Postfix,
    names: NameServer,
    validator: Validator,
    forwarder: Forwarder,
    _policies: HttpsServer,
    /// Takes connections to a policy's host and says nothing.
    _silent: TcpListener,
}

impl World {
    fn start() -> Result<Self> {
        let files = TempDir::new()?;
        let factory = Factory::shared()?;
        let mut services = Vec::new();
        let mut chains = Vec::new();
        for kind in SHOWN.into_iter().chain([Kind::GoodRsa]) {
            let (identity, path) = (factory.identity(kind)?, files.path().join(kind.word()));
            std::fs::write(&path, identity.key_pem + &identity.chain_pem)?;
            chains.push(path.display().to_string());
        }
        let may = "smtpd_tls_security_level=may".to_owned();
        for (kind, chain) in SHOWN.into_iter().zip(&chains) {
            services.push(Service::new(kind.word(), [may.clone(), format!("smtpd_tls_chain_files={chain}")]));
        }
        let both = [chains.first(), chains.last()].into_iter().flatten().cloned().collect::<Vec<_>>();
        services.push(Service::new("dual", [may, format!("smtpd_tls_chain_files={}", both.join(","))]));
        let postfix = Postfix::start_with(&services)?;
        let names = NameServer::start(&zones(&postfix)?)?;
        let validator = Validator::start(&names)?;
        let forwarder = Forwarder::start(names.address())?;
        let policies = HttpsServer::start(POLICY_HOST, &sites()?)?;
        let silent = TcpListener::bind(SILENT_HOST)?;
        Ok(Self { files, postfix, names, validator, forwarder, _policies: policies, _silent: silent })
    }

    fn fill(&self, text: &str) -> Result<String> {
        let mut filled = text
            .replace("{own}", "--resolver {knot} --trust-anchor {anchor}")
            .replace("{ad}", "--resolver {unbound}")
            .replace("{knot}", &self.names.address().to_string())
            .replace("{unbound}", &self.validator.address().to_string())
            .replace("{forwarder}", &self.forwarder.address().to_string())
            .replace("{anchor}", &self.names.trust_anchor().display().to_string())
            .replace("{ca}", &self.postfix.ca_file())
            .replace("{dir}", &self.files.path().display().to_string());
        for service in SHOWN.into_iter().map(Kind::word).chain(["dual"]) {
            filled = filled.replace(&format!("{{{service}}}"), &self.postfix.port(service)?.to_string());
        }
        Ok(filled)
    }

    fn play(&self, scene: &Scene, flags: &str) -> std::result::Result<(), Failed> {
        let words = format!("{} --ca-file {{ca}} {flags} -v", scene.arguments);
        let words = self.fill(&words)?;
        let output = Command::new(env!("CARGO_BIN_EXE_check_smtp_cert")).args(split(&words)?).output()?;
        let stdout = String::from_utf8(output.stdout)?;
        let masked = mask(&stdout);
        let first = masked.split(" | ").next().unwrap_or_default();
        let expected = self.fill(scene.first_line)?;
        let mut faults = Vec::new();
        if !output.stderr.is_empty() {
            faults.push(format!("stderr: {}", String::from_utf8_lossy(&output.stderr)));
        }
        if output.status.code() != Some(scene.exit) {
            faults.push(format!("exit {:?}, expected {}", output.status.code(), scene.exit));
        }
        if !fits(&expected, first) {
            faults.push(format!("- {expected}\n+ {first}"));
        }
        for shown in scene.shown {
            let shown = self.fill(shown)?;
            if !masked.lines().any(|line| fits(&shown, line)) {
                faults.push(format!("not shown: {shown}"));
            }
        }
        if faults.is_empty() {
            return Ok(());
        }
        Err(format!("check_smtp_cert {words}\n{}\n{stdout}", faults.join("\n")).into())
    }
}

/// The zones: `example.org` has a host for each way of publishing TLSA records, the others are domains.
fn zones(postfix: &Postfix) -> Result<Vec<Zone>> {
    let signed = |name: &str, records: &[String]| Zone::new(name, Signing::Signed, records);
    let mut zones = vec![
        signed("example.org", &hosts(postfix)?),
        signed("null.example", &lines(&["@ MX 0 ."])),
        signed("mixed.example", &lines(&["@ MX 0 .", "@ MX 10 mail.example.org."])),
        signed("aliased.example", &lines(&["@ MX 10 mx", "mx CNAME ee.example.org."])).with_nsec3(),
        signed("literal.example", &lines(&["@ MX 10 127.0.0.1."])),
        signed("twice.example", &lines(&["@ MX 10 mail.example.org.", "@ MX 20 mail.example.org."])),
        signed("partly.example", &lines(&["@ MX 10 mail.example.org.", "@ MX 20 nowhere.example.org."])),
        signed("tas.example", &lines(&["@ MX 10 ta.example.org.", "@ MX 20 ta-certificate.example.org."])),
        signed("many.example", &many()),
        Zone::new("hosted.example", Signing::Unsigned, &lines(&["@ MX 10 ee.example.org."])),
        Zone::new("bogus.example", Signing::Bogus, &lines(&["@ MX 10 mail.example.org."])),
        Zone::new("broken-sts.example", Signing::Unsigned, &lines(&["@ MX 10 mail.example.org."])),
        Zone::new("_mta-sts.broken-sts.example", Signing::Broken, &lines(&["@ TXT \"v=STSv1; id=1;\""])),
        Zone::new("broken.example", Signing::Broken, &lines(&["@ MX 10 mail.example.org."])),
    ];
    let strict =
        ["@ MX 10 own.example.org.", "mta-sts A 127.0.0.77", &format!("_mta-sts TXT \"{}\"", ONE.concat())];
    zones.push(signed("strict.example", &lines(&strict)));
    let announced = format!("_mta-sts TXT \"{}\"", ONE.concat());
    let silent = ["@ MX 10 mail.example.org.", "mta-sts A 127.0.0.78", &announced];
    zones.push(Zone::new("silent.example", Signing::Unsigned, &lines(&silent)));
    let good = postfix.port("good")?;
    let tlsa = Factory::shared()?.identity(Kind::Good)?.tlsa(0, 3, 1, 1)?;
    let implicit = ["@ A 127.0.0.1".to_owned(), format!("_{good}._tcp TLSA {tlsa}")];
    zones.push(signed("implicit.example", &implicit).with_nsec3());
    let wildcard = postfix.port("wildcard")?;
    let anchor = Factory::shared()?.identity(Kind::Good)?.tlsa(1, 2, 1, 1)?;
    let elsewhere = ["mx A 127.0.0.1".to_owned(), format!("_{wildcard}._tcp.mx TLSA {anchor}")];
    zones.push(signed("elsewhere.example", &elsewhere));
    let unsigned = ["@ MX 10 mail", "mail A 127.0.0.1"].map(str::to_owned).into_iter();
    let unsigned: Vec<String> = unsigned.chain([format!("_{good}._tcp.mail TLSA {tlsa}")]).collect();
    zones.push(Zone::new("unsigned.example", Signing::Unsigned, &unsigned));
    // Hosts whose addresses are secure and whose TLSA records are not.
    for (name, signing) in [("island", Signing::Unsigned), ("bad", Signing::Bogus), ("dead", Signing::Broken)]
    {
        let record = format!("_{} TLSA {tlsa}", postfix.port("wildcard")?);
        zones.push(Zone::new(&format!("_tcp.{name}.example.org"), signing, &[record]));
    }
    for (name, texts, _, _) in policies().into_iter().filter(|(name, ..)| *name != "strict.example") {
        let mut records = lines(&["@ MX 10 mail.example.org.", "mta-sts A 127.0.0.77"]);
        records.extend(texts.iter().map(|text| format!("_mta-sts TXT \"{text}\"")));
        zones.push(Zone::new(name, Signing::Unsigned, &records));
    }
    Ok(zones)
}

/// More MX hosts than are looked at.
fn many() -> Vec<String> {
    (1..=20).map(|number| format!("@ MX {number} mail{number}.example.org.")).collect()
}

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

/// The hosts of `example.org`, and the TLSA records of each for the port of the service it is asked on.
fn hosts(postfix: &Postfix) -> Result<Vec<String>> {
    let factory = Factory::shared()?;
    let of = |kind: Kind, element, usage, selector, matching| {
        factory.identity(kind)?.tlsa(element, usage, selector, matching)
    };
    let other = of(Kind::WrongHost, 0, 3, 1, 1)?;
    let root_chain = factory.identity(Kind::RootSent)?;
    let root = |selector, matching| root_chain.tlsa(2, 2, selector, matching);
    let published = [
        ("ee", "good", vec![of(Kind::Good, 0, 3, 1, 1)?]),
        ("certificate", "good", vec![of(Kind::Good, 0, 3, 0, 1)?]),
        ("sha512", "good", vec![of(Kind::Good, 0, 3, 1, 2)?]),
        ("whole", "good", vec![of(Kind::Good, 0, 3, 1, 0)?]),
        ("over", "expired", vec![of(Kind::Expired, 0, 3, 1, 1)?]),
        ("own", "self-signed", vec![of(Kind::SelfSigned, 0, 3, 1, 1)?]),
        ("wrong", "wildcard", vec![other.clone()]),
        ("pair", "good", vec![of(Kind::Good, 0, 3, 1, 1)?, other.clone()]),
        ("neither", "wildcard", vec![other, of(Kind::Expired, 0, 3, 1, 1)?]),
        ("useless", "wildcard", vec![of(Kind::Wildcard, 0, 1, 1, 1)?, "3 1 1 0011".to_owned()]),
        ("some", "good", vec![of(Kind::Good, 0, 3, 1, 1)?, of(Kind::Good, 1, 0, 0, 1)?]),
        ("ta", "wildcard", vec![of(Kind::Good, 1, 2, 1, 1)?]),
        ("ta-certificate", "wildcard", vec![of(Kind::Good, 1, 2, 0, 2)?]),
        ("ta-other-name", "wrong-host", vec![of(Kind::Good, 1, 2, 1, 1)?]),
        ("ta-expired", "expired", vec![of(Kind::Good, 1, 2, 1, 1)?]),
        ("ta-leaf-in-full", "wildcard", vec![of(Kind::Wildcard, 0, 2, 0, 0)?]),
        ("ta-leaf", "wildcard", vec![of(Kind::Wildcard, 0, 2, 1, 1)?]),
        ("ta-not-sent", "wildcard", vec![root(1, 1)?]),
        ("ta-in-full", "wildcard", vec![root(0, 0)?]),
        ("ta-bare-key", "wildcard", vec![root(1, 0)?]),
        ("dual", "dual", vec![of(Kind::Good, 0, 3, 1, 1)?]),
        ("both", "dual", vec![of(Kind::Good, 0, 3, 1, 1)?, of(Kind::GoodRsa, 0, 3, 1, 1)?]),
    ];
    let mut records =
        lines(&["@ MX 10 ta", "@ MX 20 ee", "mail A 127.0.0.1", "alias CNAME ta", "none A 127.0.0.1"]);
    for (host, service, tlsa) in published {
        let port = postfix.port(service)?;
        records.push(format!("{host} A 127.0.0.1"));
        records.extend(tlsa.iter().map(|tlsa| format!("_{port}._tcp.{host} TLSA {tlsa}")));
    }
    let (good, tlsa) = (postfix.port("good")?, of(Kind::Good, 0, 3, 1, 1)?);
    let wildcard = postfix.port("wildcard")?;
    let wrong = of(Kind::WrongHost, 0, 3, 1, 1)?;
    records.extend([
        // Aliases of hosts that are not secure: the name's own records count (RFC 7672 section 2.2.2).
        "guest CNAME mail.unsigned.example.".to_owned(),
        format!("_{good}._tcp.guest TLSA {tlsa}"),
        "stranger CNAME mail.unsigned.example.".to_owned(),
        format!("_{good}._tcp.stranger TLSA {wrong}"),
        // Records that are not secure at the alias's target, and secure ones at the name.
        "twofold CNAME island".to_owned(),
        format!("_{wildcard}._tcp.twofold TLSA {wrong}"),
        // Wildcards, aliases without a target, and a whole tree that is elsewhere.
        "wild A 127.0.0.1".to_owned(),
        format!("*._tcp.wild TLSA {tlsa}"),
        "*.any A 127.0.0.1".to_owned(),
        "dangling A 127.0.0.1".to_owned(),
        format!("_{wildcard}._tcp.dangling CNAME none"),
        "lost A 127.0.0.1".to_owned(),
        format!("_{wildcard}._tcp.lost CNAME nowhere"),
        "moved A 127.0.0.1".to_owned(),
        "_tcp.moved DNAME _tcp.ee".to_owned(),
        "www CNAME none".to_owned(),
        // A certificate for the domain, at a host of another name.
        "corp MX 10 mx.elsewhere.example.".to_owned(),
    ]);
    // The second host of the domain, asked on the port of the first.
    records.push(format!("_{wildcard}._tcp.ee TLSA {}", of(Kind::Wildcard, 0, 3, 1, 1)?));
    records.extend(["island", "bad", "dead"].map(|host| format!("{host} A 127.0.0.1")));
    Ok(records)
}

/// A domain, its records at `_mta-sts`, whether the certificate of its policy has expired, and what is answered.
type PolicyOf = (&'static str, &'static [&'static str], bool, SiteAnswer);

const ONE: &[&str] = &["v=STSv1; id=20261124T000000;"];

fn policies() -> Vec<PolicyOf> {
    let policy = |mode: &str, mx: &str| {
        let text = format!("version: STSv1\r\nmode: {mode}\r\nmx: {mx}\r\nmax_age: 604800\r\n");
        SiteAnswer::Body(text.into_bytes())
    };
    let good = || policy("enforce", "mail.example.org");
    let endless = b"version: STSv1\nmode: enforce\nmx: mail.example.org\nmax_age: 604800\n".to_vec();
    let endless = [endless, b"comment: all is well\n".repeat(50_000)].concat();
    vec![
        ("good.example", ONE, false, good()),
        ("pattern.example", ONE, false, policy("enforce", "*.example.org")),
        ("strict.example", ONE, false, policy("enforce", "own.example.org")),
        ("wrong-mx.example", ONE, false, policy("enforce", "mx.example.net")),
        ("testing.example", ONE, false, policy("testing", "*.example.org")),
        ("testing-wrong-mx.example", ONE, false, policy("testing", "mx.example.net")),
        ("no-mode.example", ONE, false, policy("none", "mx.example.net")),
        ("expired.example", ONE, true, good()),
        ("redirect.example", ONE, false, SiteAnswer::Redirect("https://mta-sts.good.example/".to_owned())),
        ("missing.example", ONE, false, SiteAnswer::Status(404)),
        ("endless.example", ONE, false, SiteAnswer::Body(endless)),
        ("unsound.example", ONE, false, policy("enforced", "mail.example.org")),
        ("two.example", &["v=STSv1; id=1;", "v=STSv1; id=2;"], false, good()),
        ("bad-id.example", &["v=STSv1; id=2026-11-24;"], false, good()),
        ("other-texts.example", &["v=spf1 -all"], false, good()),
    ]
}

fn sites() -> Result<Vec<Site>> {
    let factory = Factory::shared()?;
    policies()
        .into_iter()
        .map(|(domain, _, is_expired, answer)| {
            let name = format!("mta-sts.{domain}");
            let identity = factory.identity_for(&[&name], is_expired)?;
            Ok::<_, Error>(Site { name, identity, answer })
        })
        .collect()
}
