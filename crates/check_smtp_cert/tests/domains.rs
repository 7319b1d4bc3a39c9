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
use check_smtp_testbed::real::{HttpsServer, NameServer, Postfix, Service, Site, SiteAnswer, Validator};
use check_smtp_testbed::{Error, Forwarder, Result, TempDir};
use libtest_mimic::{Arguments, Failed, Trial};

#[path = "domains/scenes.rs"]
mod scenes;
#[path = "domains/zones.rs"]
mod zones;

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
        let names = NameServer::start(&zones::zones(&postfix)?)?;
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
