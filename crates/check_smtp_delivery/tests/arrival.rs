//! From a real Postfix into the mailboxes of a real Dovecot, looked into by IMAP, POP3 and as a Maildir, among messages of others.
//!
//! Where a server is missing, or without root, the tests are skipped and say so; in CI that is a failure.

#![expect(clippy::disallowed_methods, reason = "a way to Postfix that is cut connects to it")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Duration;

use check_smtp_core::net::Deadline;
use check_smtp_testbed::cases::{fits, mask, split};
use check_smtp_testbed::real::{Dovecot, Introspection, Postfix, Service, Users};
use check_smtp_testbed::{Result, TempDir};
use libtest_mimic::{Arguments, Failed, Trial};

#[path = "stand/crowd.rs"]
mod crowd;
#[path = "stand/cutting.rs"]
mod cutting;
#[path = "arrival/scenes.rs"]
mod scenes;

use crowd::{Crowd, others, ours};
use cutting::cutting;
use scenes::{SCENES, Scene};

const PASSWORD: &str = "correct-horse";
const WRONG: &str = "battery-staple";
/// Of the user of the same scene, whose mailbox takes no other secret.
const TOKEN: &str = "token-of-today";
/// Nothing listens there (tcpmux).
const CLOSED: u16 = 1;
/// A script of somebody who takes out fields nobody knows, and rewrites others.
const STRIPPING: &str = "require \"editheader\";\ndeleteheader \"X-Smtp-Monitoring-Probe\";\ndeleteheader \"Subject\";\naddheader \"Subject\" \"[external]\";\n";
/// A script of somebody who holds probes for spam.
const SIEVE: &str =
    "require \"fileinto\";\nif exists \"X-Smtp-Monitoring-Probe\" { fileinto \"Spam and more\"; }\n";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if let Some(reason) = missing().filter(|_| !check_smtp_testbed::is_ci()) {
        let skipped = Trial::test(format!("arrival (skipped: {reason})"), || Ok(())).with_ignored_flag(true);
        return libtest_mimic::run(&arguments, vec![skipped]).exit_code();
    }
    // Dropped, and so stopped, before the exit code is given back.
    let world = World::start().map(Arc::new).map_err(|error| error.to_string());
    let can_sort = Dovecot::has_sieve() || check_smtp_testbed::is_ci();
    let trials = SCENES.iter().map(|scene| {
        let world = world.clone();
        let is_skipped = ["sieved", "stripped"].contains(&scene.name) && !can_sort;
        Trial::test(scene.name, move || world?.play(scene)).with_ignored_flag(is_skipped)
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    drop(world);
    conclusion.exit_code()
}

fn missing() -> Option<&'static str> {
    if !check_smtp_testbed::is_root() {
        return Some("needs root to start Postfix");
    }
    let servers = [
        (Postfix::is_installed(), "Postfix is not installed"),
        (Dovecot::is_installed() && Dovecot::has_mailboxes(), "Dovecot with IMAP and POP3 is not installed"),
    ];
    servers.into_iter().find(|(is_there, _)| !is_there).map(|(_, reason)| reason)
}

/// All servers of the tests.
struct World {
    postfix: Postfix,
    dovecot: Dovecot,
    /// Serves the same mailboxes to whom a token is given for.
    tokens: Dovecot,
    _introspection: Introspection,
    files: TempDir,
    ca: String,
    /// Of a way to Postfix that is cut when it has taken a message.
    cutting: u16,
    /// Of a way to Postfix that says the client is far away.
    afar: u16,
}

impl World {
    fn start() -> Result<Self> {
        // By LMTP the whole address is the user, unless it is said otherwise.
        let settings =
            "auth_mechanisms = plain login\nmail_max_userip_connections = 100\nauth_username_format = %Ln\n";
        let dovecot = Dovecot::start_with_mailboxes(Users::WithPassword(PASSWORD), settings)?;
        let introspection = Introspection::start(TOKEN, "token")?;
        let url = introspection.url();
        let tokens = Dovecot::start_with_mailboxes(
            Users::One { user: "token", password: PASSWORD, introspection: Some(&url) },
            &format!("mail_location = maildir:{}/%u\n", dovecot.maildir("").display()),
        )?;
        let crowd = Crowd::new()?;
        for scene in &SCENES {
            let maildir = dovecot.maildir(scene.name);
            crowd.fill(&maildir)?;
            if scene.name.starts_with("junk") {
                crowd.fill(&maildir.join(".Spam and more"))?;
            }
        }
        dovecot.sort_by("sieved", SIEVE)?;
        dovecot.sort_by("stripped", STRIPPING)?;
        let postfix = Postfix::start_configured(
            &[
                Service::new("smtp", ["smtpd_tls_security_level=may"]),
                Service::with_dovecot("submission", &dovecot.login_socket()),
                Service::new(
                    "haproxy",
                    [
                        "smtpd_upstream_proxy_protocol=haproxy",
                        "smtpd_tls_security_level=may",
                        "smtpd_tls_received_header=yes",
                    ],
                ),
            ],
            &deliveries(&dovecot.maildir(""), dovecot.ports().lmtp)?,
        )?;
        let files = TempDir::new()?;
        let ca = files.path().join("ca.pem");
        std::fs::write(&ca, check_smtp_testbed::factory::Factory::shared()?.ca_pem()?)?;
        let cutting = cutting(postfix.port("smtp")?)?;
        let afar = afar(postfix.port("haproxy")?)?;
        Ok(Self {
            cutting,
            afar,
            postfix,
            dovecot,
            tokens,
            _introspection: introspection,
            ca: ca.display().to_string(),
            files,
        })
    }

    fn fill(&self, text: &str) -> Result<String> {
        let ports = self.dovecot.ports();
        let secure = format!(
            "--receive-address 127.0.0.1 --receive-ca-file {} --receive-password-env SECRET",
            self.ca
        );
        let mut filled = text
            .replace("{secure}", &secure)
            .replace("{ca}", &self.ca)
            .replace("{state}", &self.files.path().display().to_string())
            .replace("{lmtp_socket}", &self.dovecot.lmtp_socket().display().to_string())
            .replace("{mail}", self.dovecot.maildir("").display().to_string().trim_end_matches('/'));
        for (name, port) in [
            ("imap", ports.imap),
            ("imaps", ports.imaps),
            ("pop3", ports.pop3),
            ("pop3s", ports.pop3s),
            ("tokens", self.tokens.ports().imaps),
            ("smtp", self.postfix.port("smtp")?),
            ("submission", self.postfix.port("submission")?),
            ("cutting", self.cutting),
            ("afar", self.afar),
            ("closed", CLOSED),
            ("lmtp", ports.lmtp),
        ] {
            filled = filled.replace(&format!("{{{name}}}"), &port.to_string());
        }
        Ok(filled)
    }

    /// Runs the check and holds its output, and what is in the mailbox after it, against the scene.
    fn play(&self, scene: &Scene) -> std::result::Result<(), Failed> {
        let name = scene.name;
        let route = format!("-H 127.0.0.1 -p {{smtp}} -f probe@example.org --to {name}@example.net ");
        let route = if scene.arguments.starts_with("-H") { "" } else { &route };
        let words =
            self.fill(&format!("{route}{} --instance {name} --state-dir {{state}} -v", scene.arguments))?;
        let before = others(&self.dovecot.maildir(name))?;
        let output = Command::new(env!("CARGO_BIN_EXE_check_smtp_delivery"))
            .args(split(&words)?)
            .env("SECRET", PASSWORD)
            .env("WRONG", WRONG)
            .env("TOKEN", TOKEN)
            .output()?;
        let stdout = String::from_utf8(output.stdout)?;
        let masked = mask(&stdout);
        let first = masked.split(" | ").next().unwrap_or_default();
        let expected = self.fill(scene.first_line)?;
        let mut faults = Vec::new();
        if !output.stderr.is_empty() || [PASSWORD, WRONG, TOKEN].iter().any(|secret| stdout.contains(secret))
        {
            faults.push("stderr is not empty, or a secret is shown".to_owned());
        }
        if output.status.code() != Some(scene.exit) {
            faults.push(format!("exit {:?}, expected {}", output.status.code(), scene.exit));
        }
        if !fits(&expected, first) {
            faults.push(format!("- {expected}\n+ {first}"));
        }
        let may_stay = ["--keep", "--dry-run"].iter().any(|flag| scene.arguments.contains(flag));
        // The first look of all searches as well, for what earlier runs have left: up to a number.
        if stdout.contains(":* HEADER") && !may_stay {
            faults.push("probes are counted where nothing stays".to_owned());
        }
        for shown in scene.shown {
            if !masked.lines().any(|line| fits(shown, line)) {
                faults.push(format!("not shown: {shown}"));
            }
        }
        let ours = self.ours(name, scene.left)?;
        if ours != scene.left {
            faults.push(format!("{ours} messages of the run in the mailbox, expected {}", scene.left));
        }
        if others(&self.dovecot.maildir(name))? != before {
            faults.push("messages of others have changed".to_owned());
        }
        if faults.is_empty() {
            return Ok(());
        }
        Err(format!("check_smtp_delivery {words}\n{}\n{stdout}", faults.join("\n")).into())
    }

    /// Messages of the run: Postfix delivers behind its reply, so many are waited for.
    fn ours(&self, name: &str, expected: usize) -> Result<usize> {
        let deadline = Deadline::after(Duration::from_secs(10));
        loop {
            let count = ours(&self.dovecot.maildir(name))?.len();
            if count >= expected || deadline.left().is_zero() {
                return Ok(count);
            }
            std::thread::yield_now();
        }
    }
}

/// Passes everything on, behind a PROXY header with an address that is not loopback.
fn afar(postfix: u16) -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, mut server) = (client?, TcpStream::connect((Ipv4Addr::LOCALHOST, postfix))?);
            server.write_all(b"PROXY TCP4 192.0.2.7 192.0.2.25 40000 25\r\n")?;
            let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
            std::thread::spawn(move || {
                std::io::copy(&mut from_client, &mut to_server)?;
                to_server.shutdown(Shutdown::Write)
            });
            std::thread::spawn(move || {
                std::io::copy(&mut server, &mut client)?;
                client.shutdown(Shutdown::Both)
            });
        }
        Ok::<(), std::io::Error>(())
    });
    Ok(port)
}

/// Where Postfix puts the mail of example.net: into the Maildirs that Dovecot serves, or through its Sieve scripts.
fn deliveries(base: &Path, lmtp: u16) -> Result<String> {
    let (user, group) = Dovecot::owner()?;
    let mut maps = String::new();
    for scene in &SCENES {
        let folder = if scene.name.starts_with("junk") { ".Spam and more/" } else { "" };
        let _ = write!(maps, " {{ {0}@example.net = {0}/{folder} }}", scene.name);
    }
    maps.push_str(" { one@example.net = twice/ } { two@example.net = twice/ } { other@example.net = both/ }");
    Ok(format!(
        "virtual_mailbox_domains = example.net\nvirtual_mailbox_base = {}\nvirtual_mailbox_maps = inline:{{{maps} }}\n\
         virtual_alias_maps = inline:{{ {{ twice@example.net = one@example.net, two@example.net }} }}\n\
         virtual_uid_maps = static:{user}\nvirtual_gid_maps = static:{group}\nvirtual_minimum_uid = 1\n\
         transport_maps = inline:{{ {{ sieved@example.net = lmtp:inet:127.0.0.1:{lmtp} }} {{ stripped@example.net = lmtp:inet:127.0.0.1:{lmtp} }} }}\nsmtpd_reject_unlisted_recipient = no\n",
        base.display()
    ))
}
