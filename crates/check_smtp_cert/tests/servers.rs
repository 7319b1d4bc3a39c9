//! Against a real Postfix with two certificates, and against OpenSSL's own server restricted to one version at a time; each is started on
//! loopback with its own files and stopped after.
//!
//! Where they are missing, or without root, the tests are skipped and say so; in CI that is a failure.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;

use check_smtp_testbed::cases::{fits, mask, split};
use check_smtp_testbed::factory::{Factory, Kind};
use check_smtp_testbed::real::{Postfix, Service};
use check_smtp_testbed::{Error, TempDir};
use libtest_mimic::{Arguments, Failed, Trial};

/// What a scene must show: the arguments, the exit code, the first line up to its metrics, and lines of the output.
struct Scene {
    name: &'static str,
    arguments: &'static str,
    exit: i32,
    first_line: &'static str,
    shown: &'static [&'static str],
}

const OF_POSTFIX: [Scene; 7] = [
    Scene {
        name: "starttls",
        arguments: "-p {dual}",
        exit: 0,
        first_line: "SMTP CERT OK - mail.example.org:{dual} (127.0.0.1) valid until {date} ({n} days), TLSv1.3",
        shown: &[],
    },
    Scene {
        name: "both_certificates",
        arguments: "-p {dual} --key-types both",
        exit: 0,
        first_line: "SMTP CERT OK - mail.example.org:{dual} 2 of 2 sessions secured, valid until {date} ({n} days, 127.0.0.1 RSA), TLSv1.3",
        shown: &[
            "1 127.0.0.1 RSA: TLSv1.3, mail.example.org valid until",
            "2 127.0.0.1 ECDSA: TLSv1.3, mail.example.org valid until",
        ],
    },
    Scene {
        name: "both_certificates_tls_1_2",
        arguments: "-p {dual} --key-types both --max-tls 1.2",
        exit: 0,
        first_line: "SMTP CERT OK - mail.example.org:{dual} 2 of 2 sessions secured, valid until {date} ({n} days, 127.0.0.1 RSA), TLSv1.2",
        shown: &[],
    },
    Scene {
        name: "only_one_certificate",
        arguments: "-p {modern} --key-types both",
        exit: 2,
        first_line: "SMTP CERT CRITICAL - mail.example.org:{modern}: 127.0.0.1 ECDSA: TLS handshake failed: the server answered with the alert 'handshake failure', 1 of 2 sessions secured, valid until {date} ({n} days, 127.0.0.1 RSA), TLSv1.3",
        shown: &[],
    },
    Scene {
        name: "versions_modern_and_injection",
        arguments: "-p {modern} --probe-versions --test-injection -v",
        exit: 0,
        first_line: "SMTP CERT OK - mail.example.org:{modern} (127.0.0.1) valid until {date} ({n} days), TLSv1.3",
        shown: &["OK: accepted versions: TLSv1.2, TLSv1.3", "OK: a command behind STARTTLS is forgotten"],
    },
    Scene {
        name: "versions_old",
        arguments: "-p {old} --probe-versions -v",
        exit: 1,
        first_line: "SMTP CERT WARNING - mail.example.org:{old} (127.0.0.1): TLSv1 is accepted (+1 more), valid until {date} ({n} days), TLSv1.3",
        shown: &["OK: accepted versions: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3", "WARNING: TLSv1.1 is accepted"],
    },
    Scene {
        name: "implicit_tls_as_it_comes",
        arguments: "-p {smtps} -s --probe-versions",
        exit: 1,
        first_line: "SMTP CERT WARNING - mail.example.org:{smtps} (127.0.0.1): TLSv1 is accepted (+1 more), valid until {date} ({n} days), TLSv1.3",
        shown: &["WARNING: TLSv1.1 is accepted"],
    },
];

/// Looks into the kernel's table before a server is given up; each takes some 20 microseconds.
const PATIENCE: u32 = 500_000;

/// OpenSSL's switch, and the name of the one version it leaves.
const VERSIONS: [(&str, &str); 4] =
    [("-tls1", "TLSv1"), ("-tls1_1", "TLSv1.1"), ("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if let Some(reason) = missing().filter(|_| !check_smtp_testbed::is_ci()) {
        let skipped =
            Trial::test(format!("real_servers (skipped: {reason})"), || Ok(())).with_ignored_flag(true);
        return libtest_mimic::run(&arguments, vec![skipped]).exit_code();
    }
    // Dropped, and so stopped, before the exit code is given back.
    let files = TempDir::new().map_err(|error| error.to_string());
    let server = files
        .as_ref()
        .map_err(Clone::clone)
        .and_then(|files| start(files.path()).map(Arc::new).map_err(|error| error.to_string()));
    let mut trials: Vec<Trial> = OF_POSTFIX
        .iter()
        .map(|scene| {
            let server = server.clone();
            Trial::test(format!("postfix_{}", scene.name), move || of_postfix(scene, server?.as_ref()))
        })
        .collect();
    trials.extend(
        VERSIONS
            .map(|(switch, name)| Trial::test(format!("openssl_{name}"), move || of_openssl(switch, name))),
    );
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(server);
    conclusion.exit_code()
}

fn missing() -> Option<&'static str> {
    if !check_smtp_testbed::is_root() {
        return Some("needs root to start Postfix");
    }
    if !Postfix::is_installed() {
        return Some("Postfix is not installed");
    }
    let is_there = Command::new("openssl").arg("version").output().is_ok();
    (!is_there).then_some("OpenSSL's program is not installed")
}

/// Postfix with an RSA and an ECDSA chain, with the RSA one alone, and with every version OpenSSL has left in.
fn start(files: &Path) -> Result<Postfix, Error> {
    let factory = Factory::shared()?;
    let mut chains = Vec::new();
    for kind in [Kind::Good, Kind::GoodRsa] {
        let (identity, path) = (factory.identity(kind)?, files.join(kind.word()));
        std::fs::write(&path, identity.key_pem + &identity.chain_pem)?;
        chains.push(path.display().to_string());
    }
    let dual = format!("smtpd_tls_chain_files={}", chains.join(","));
    let may = "smtpd_tls_security_level=may";
    Postfix::start_with(&[
        Service::new("dual", [may, dual.as_str()]),
        Service::new("modern", [may, "smtpd_tls_protocols=>=TLSv1.2"]),
        Service::new(
            "old",
            [
                may,
                "smtpd_tls_protocols=>=TLSv1",
                "smtpd_tls_ciphers=low",
                "tls_low_cipherlist=ALL:@SECLEVEL=0",
            ],
        ),
        Service::new("smtps", ["smtpd_tls_wrappermode=yes", "smtpd_tls_security_level=encrypt"]),
    ])
}

struct Seen {
    stdout: String,
    code: Option<i32>,
}

fn run(words: &[String]) -> Result<Seen, Failed> {
    let output = Command::new(env!("CARGO_BIN_EXE_check_smtp_cert")).args(words).output()?;
    if !output.stderr.is_empty() {
        return Err(format!("stderr: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(Seen { stdout: String::from_utf8(output.stdout)?, code: output.status.code() })
}

fn of_postfix(scene: &Scene, postfix: &Postfix) -> Result<(), Failed> {
    let mut filled = (scene.arguments.to_owned(), scene.first_line.to_owned());
    for service in ["dual", "modern", "old", "smtps"] {
        let (name, port) = (format!("{{{service}}}"), postfix.port(service)?.to_string());
        filled = (filled.0.replace(&name, &port), filled.1.replace(&name, &port));
    }
    let words = format!("-H mail.example.org -I 127.0.0.1 --ca-file {} {}", postfix.ca_file(), filled.0);
    let seen = run(&split(&words)?)?;
    let masked = mask(&seen.stdout);
    let first = masked.split(" | ").next().unwrap_or_default();
    let is_good = seen.code == Some(scene.exit)
        && fits(&filled.1, first)
        && scene.shown.iter().all(|text| seen.stdout.contains(text));
    if is_good {
        return Ok(());
    }
    Err(format!(
        "{words}\nexit {:?}, expected {}\n- {}\n+ {first}\n{}",
        seen.code, scene.exit, filled.1, seen.stdout
    )
    .into())
}

/// OpenSSL's server, ended by its number. What stands in its standard input goes to the first client: a whole session's replies.
struct Served {
    child: Child,
    port: u16,
}

impl Served {
    fn start(files: &Path, switch: &str) -> Result<Self, Failed> {
        let identity = Factory::shared()?.identity(Kind::GoodRsa)?;
        let (chain, key) = (files.join("chain.pem"), files.join("key.pem"));
        std::fs::write(&chain, &identity.chain_pem)?;
        std::fs::write(&key, &identity.key_pem)?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut child = Command::new("openssl")
            .args(["s_server", "-quiet", "-accept", &format!("127.0.0.1:{port}"), switch])
            .args(["-cipher", "ALL:@SECLEVEL=0", "-cert_chain"])
            .arg(&chain)
            .arg("-cert")
            .arg(&chain)
            .arg("-key")
            .arg(&key)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        if let Some(input) = child.stdin.as_mut() {
            input.write_all(b"220 mail.example.org ESMTP\r\n250 mail.example.org\r\n221 Bye\r\n")?;
        }
        Ok(Self { child, port })
    }

    /// Listening is seen in the kernel's table: a connection of ours would be the first client.
    fn wait(&self) -> Result<(), Failed> {
        let wanted = format!(" 0100007F:{:04X} 00000000:0000 0A ", self.port);
        for _ in 0..PATIENCE {
            if std::fs::read_to_string("/proc/net/tcp")?.contains(&wanted) {
                return Ok(());
            }
            std::thread::yield_now();
        }
        Err("openssl s_server does not listen".into())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn of_openssl(switch: &str, name: &str) -> Result<(), Failed> {
    let files = TempDir::new()?;
    std::fs::write(files.path().join("ca.pem"), Factory::shared()?.ca_pem()?)?;
    let served = Served::start(files.path(), switch)?;
    served.wait()?;
    let words = format!(
        "-H mail.example.org -I 127.0.0.1 -p {} -s --ca-file {} --probe-versions -v",
        served.port,
        files.path().join("ca.pem").display()
    );
    let seen = run(&split(&words)?)?;
    let is_old = matches!(name, "TLSv1" | "TLSv1.1");
    // `-cert_chain` with the whole chain sends the leaf twice, as many a server does.
    let wanted = [format!("OK: accepted versions: {name}\n"), format!("OK: {name} ")];
    let too_old = format!(
        "CRITICAL - mail.example.org:{} (127.0.0.1): {name} negotiated, TLSv1.2 is the least allowed",
        served.port
    );
    let is_good = seen.stdout.contains(&wanted[0])
        && seen.stdout.contains("OK: certificate of mail.example.org is sent more than once")
        && seen.code == Some(if is_old { 2 } else { 0 })
        && seen.stdout.contains(if is_old { &too_old } else { &wanted[1] });
    if is_good { Ok(()) } else { Err(format!("{words}\nexit {:?}\n{}", seen.code, seen.stdout).into()) }
}
