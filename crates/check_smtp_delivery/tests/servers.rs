//! Against real servers: Postfix with Dovecot's logins, and the MX records of a Knot. Each is started on loopback with its
//! own configuration and stopped after.
//!
//! What is sent is counted at the server: one message a run, whatever becomes of it. Where a server is missing, or without root, the tests
//! are skipped and say so; in CI that is a failure.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Duration;

use check_smtp_core::net::Deadline;
use check_smtp_testbed::cases::{fits, mask, split};
use check_smtp_testbed::real::{Dovecot, NameServer, Postfix, Service, Signing, Users, Zone};
use check_smtp_testbed::script::{Place, Script, Server};
use check_smtp_testbed::{Result, Silent};
use libtest_mimic::{Arguments, Failed, Trial};

#[path = "servers/scenes.rs"]
mod scenes;

use scenes::{MX, POSTFIX, Scene};

const USER: &str = "probe@example.org";
const PASSWORD: &str = "correct horse";

/// What the hosts of the domains do that are no Postfix, on its port: an address and a dialogue for each.
const HOSTS: [(Ipv4Addr, &str); 5] = [
    (Ipv4Addr::new(127, 0, 0, 3), "S: 451 4.3.2 not now\nC: QUIT\nS: 221 bye\nclose"),
    (Ipv4Addr::new(127, 0, 0, 4), "S: 554 5.7.1 not you\nC: QUIT\nS: 221 bye\nclose"),
    (
        Ipv4Addr::new(127, 0, 0, 5),
        "S: 220 ready\nC: EHLO *\nS: 250 ready\nC: MAIL*\nS: 250 Ok\nC: RCPT*\nS: 250 Ok\nC: DATA\nS: 354 go\nuntil .\nclose",
    ),
    (
        Ipv4Addr::new(127, 0, 0, 6),
        "S: 220 ready\nC: EHLO *\nS: 250 ready\nC: MAIL*\nS: 250 Ok\nC: RCPT*\nS: 451 4.3.0 lookup failed\nC: QUIT\nS: 221 bye\nclose",
    ),
    // Somebody on the path who adds to the dialogue.
    (
        Ipv4Addr::new(127, 0, 0, 8),
        "S: 220 ready\nC: EHLO *\nS: 250-ready\nS: 250 STARTTLS\nC: STARTTLS\ns: 220 go\\r\\n250 added\\r\\n\nexpect-eof",
    ),
];

/// A host whose packets are dropped.
const FILTERED: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 7);

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if let Some(reason) = missing().filter(|_| !check_smtp_testbed::is_ci()) {
        let skipped = Trial::test(format!("servers (skipped: {reason})"), || Ok(())).with_ignored_flag(true);
        return libtest_mimic::run(&arguments, vec![skipped]).exit_code();
    }
    // Dropped, and so stopped, before the exit code is given back.
    let world = World::start().map(Arc::new).map_err(|error| error.to_string());
    let mut trials: Vec<Trial> = POSTFIX
        .iter()
        .chain(&MX)
        .map(|scene| {
            let world = world.clone();
            Trial::test(scene.name, move || world?.play(scene))
        })
        .collect();
    let last = world.clone();
    trials.push(Trial::test("no_second_message", move || last?.count_again()));
    // One after the other, so that the last one is the last.
    let conclusion = libtest_mimic::run(&Arguments { test_threads: Some(1), ..arguments }, trials);
    drop(world);
    conclusion.exit_code()
}

fn missing() -> Option<&'static str> {
    if !check_smtp_testbed::is_root() {
        return Some("needs root to start Postfix");
    }
    let servers = [
        (Postfix::is_installed(), "Postfix is not installed"),
        (Dovecot::is_installed(), "Dovecot is not installed"),
        (NameServer::is_installed(), "Knot DNS or its kzonesign is not installed"),
    ];
    servers.into_iter().find(|(is_there, _)| !is_there).map(|(_, reason)| reason)
}

/// All servers of the tests.
struct World {
    postfix: Postfix,
    _logins: Dovecot,
    names: NameServer,
    _hosts: Vec<Server>,
    /// Takes no connection.
    _filtered: Silent,
}

impl World {
    fn start() -> Result<Self> {
        let logins = Dovecot::start_for(Users::One { user: USER, password: PASSWORD, introspection: None })?;
        let owned = "smtpd_sender_login_maps=inline:{probe@example.org=probe@example.org}";
        let postfix = Postfix::start_with(&[
            Service::new("smtp", ["smtpd_tls_security_level=may"]),
            Service::with_dovecot("submission", &logins.login_socket())
                .and("smtpd_sender_restrictions=reject_sender_login_mismatch")
                .and("smtpd_relay_restrictions=permit_sasl_authenticated,reject")
                .and(owned),
            Service::new("refusing", ["smtpd_tls_security_level=may", "smtpd_tls_CAfile=/none"]),
            Service::new("keyless", ["smtpd_tls_security_level=may", "smtpd_tls_chain_files=/none"]),
            Service::new(
                "ancient",
                ["smtpd_tls_security_level=may", "smtpd_tls_protocols=TLSv1", "tls_config_file=none"],
            ),
            Service::new("small", ["message_size_limit=10000"]),
            Service::new("known", ["local_recipient_maps=inline:{known@example.org=known}"]),
            Service::new("strangers", ["mynetworks=", "smtpd_relay_restrictions=reject_unauth_destination"]),
            Service::new(
                "slow",
                [
                    "{ smtpd_recipient_restrictions = check_recipient_access inline:{{ sink@example.org = 450 4.2.0 Greylisted, see http://postgrey.example/ }}, permit }",
                ],
            ),
        ])?;
        let port = postfix.port("smtp")?;
        let hosts: Result<Vec<Server>> = HOSTS
            .iter()
            .map(|(address, script)| {
                let address = SocketAddr::new(IpAddr::V4(*address), port);
                Server::start_at(Script::parse(script, 1)?, Place::Tcp(address))
            })
            .collect();
        let names = NameServer::start(&zones())?;
        let filtered = Silent::full_listener(SocketAddr::new(IpAddr::V4(FILTERED), port))?;
        Ok(Self { _filtered: filtered, postfix, _logins: logins, names, _hosts: hosts? })
    }

    fn fill(&self, text: &str) -> Result<String> {
        let mut filled = text
            .replace("{knot}", &self.names.address().to_string())
            .replace("{ca}", &self.postfix.ca_file());
        for service in
            ["smtp", "submission", "small", "known", "strangers", "slow", "refusing", "keyless", "ancient"]
        {
            filled = filled.replace(&format!("{{{service}}}"), &self.postfix.port(service)?.to_string());
        }
        Ok(filled)
    }

    /// Runs the check and holds its output, and the number of messages that Postfix has taken from it, against the scene.
    fn play(&self, scene: &Scene) -> std::result::Result<(), Failed> {
        let words = self.fill(&format!("{} --instance {} -v", scene.arguments, scene.name))?;
        let output = Command::new(env!("CARGO_BIN_EXE_check_smtp_delivery"))
            .args(split(&words)?)
            .env("SECRET", PASSWORD)
            .output()?;
        let stdout = String::from_utf8(output.stdout)?;
        let masked = mask(&stdout);
        let first = masked.split(" | ").next().unwrap_or_default();
        let expected = self.fill(scene.first_line)?;
        let mut faults = Vec::new();
        if !output.stderr.is_empty() || stdout.contains(PASSWORD) {
            faults.push("stderr is not empty, or the password is shown".to_owned());
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
        let taken = self.taken(scene.name, scene.messages);
        if taken.len() != scene.messages {
            faults.push(format!("{} messages at the server, expected {}", taken.len(), scene.messages));
        }
        // The queue id that is told is the one of the server's log.
        if let Some(id) = taken.first().filter(|id| !stdout.contains(id.as_str())) {
            faults.push(format!("queue id {id} is not told"));
        }
        if faults.is_empty() {
            return Ok(());
        }
        Err(format!("check_smtp_delivery {words}\n{}\n{stdout}", faults.join("\n")).into())
    }

    /// The queue ids of the messages with this instance in their Message-ID. Postfix writes its log behind its reply: so many are waited for.
    fn taken(&self, instance: &str, expected: usize) -> Vec<String> {
        let deadline = Deadline::after(Duration::from_secs(5));
        loop {
            let log = self.postfix.log();
            let ids: Vec<String> = log
                .lines()
                .filter(|line| line.contains("message-id=<") && line.contains(&format!(".{instance}@")))
                .filter_map(|line| line.split(": ").nth(1).map(str::to_owned))
                .collect();
            if ids.len() >= expected || deadline.left().is_zero() {
                return ids;
            }
            std::thread::yield_now();
        }
    }

    /// Counted once more when all is over: no message came later, none came twice.
    fn count_again(&self) -> std::result::Result<(), Failed> {
        for scene in POSTFIX.iter().chain(&MX) {
            let count = self.taken(scene.name, 0).len();
            if count > scene.messages {
                return Err(format!("{}: {count} messages, expected {}", scene.name, scene.messages).into());
            }
        }
        Ok(())
    }
}

fn zones() -> Vec<Zone> {
    let records: [(&str, &[&str]); 12] = [
        ("one.example", &["@ MX 10 mail", "mail A 127.0.0.1"]),
        ("backup.example", &["@ MX 10 a", "@ MX 20 b", "a A 127.0.0.2", "b A 127.0.0.1"]),
        ("busy.example", &["@ MX 10 a", "@ MX 20 b", "a A 127.0.0.3", "b A 127.0.0.1"]),
        ("closed.example", &["@ MX 10 a", "@ MX 20 b", "a A 127.0.0.4", "b A 127.0.0.1"]),
        ("lost.example", &["@ MX 10 a", "@ MX 20 b", "a A 127.0.0.5", "b A 127.0.0.1"]),
        ("later.example", &["@ MX 10 a", "@ MX 20 b", "a A 127.0.0.6", "b A 127.0.0.1"]),
        ("down.example", &["@ MX 10 a", "@ MX 20 b", "a A 127.0.0.2", "b CNAME none"]),
        ("example.org", &["@ MX 10 mail", "mail A 127.0.0.1"]),
        ("filtered.example", &["@ MX 10 a", "@ MX 20 b", "a A 127.0.0.7", "b A 127.0.0.1"]),
        ("tampered.example", &["@ MX 10 a", "@ MX 20 b", "a A 127.0.0.8", "b A 127.0.0.1"]),
        ("null.example", &["@ MX 0 ."]),
        ("implicit.example", &["@ A 127.0.0.1"]),
    ];
    records
        .iter()
        .map(|(name, lines)| {
            let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            Zone::new(name, Signing::Unsigned, &lines)
        })
        .collect()
}
