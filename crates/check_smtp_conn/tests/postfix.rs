//! Against a real Postfix and a real Dovecot (LMTP), each started on loopback with its own configuration and stopped after.
//!
//! Where they are missing, or without root, the tests are skipped and say so; in CI that is a failure.

use std::process::{Command, ExitCode};
use std::sync::Arc;

use check_smtp_testbed::cases::mask;
use check_smtp_testbed::real::{Dovecot, Postfix};
use libtest_mimic::{Arguments, Failed, Trial};

/// What a scene must show: its name, the arguments, the exit code, and texts that stand in the output.
struct Scene {
    name: &'static str,
    /// `{service}` is its port, `{ca}` the CA file, `{socket}` Dovecot's.
    arguments: &'static str,
    exit: i32,
    first_line: &'static str,
    shown: &'static [&'static str],
}

const PHASES: &str = " | time={s} connect={s} banner={s} ehlo={s}";

const SCENES: [Scene; 14] = [
    Scene {
        name: "plain",
        arguments: "-H 127.0.0.1 -p {smtp} -e 'ESMTP Postfix' --expect-name=mail.example.org",
        exit: 0,
        first_line: "SMTP CONN OK - 127.0.0.1:{smtp} ready in {t} s{phases} quit={s}",
        shown: &[],
    },
    Scene {
        name: "starttls",
        arguments: "-H mail.example.org -I 127.0.0.1 -p {smtp} -S --ca-file {ca}",
        exit: 0,
        first_line: "SMTP CONN OK - mail.example.org:{smtp} (127.0.0.1) ready over TLSv1.3 in {t} s{phases} starttls={s} tls={s} quit={s}",
        shown: &[],
    },
    Scene {
        name: "starttls_tls_1_2",
        arguments: "-H mail.example.org -I 127.0.0.1 -p {smtp} -S --ca-file {ca} --max-tls 1.2",
        exit: 0,
        first_line: "SMTP CONN OK - mail.example.org:{smtp} (127.0.0.1) ready over TLSv1.2 in {t} s{phases} starttls={s} tls={s} quit={s}",
        shown: &[],
    },
    Scene {
        name: "starttls_untrusted",
        arguments: "-H mail.example.org -I 127.0.0.1 -p {smtp} -S",
        exit: 2,
        first_line: "SMTP CONN CRITICAL - mail.example.org:{smtp} (127.0.0.1): certificate is not trusted: unable to get local issuer certificate (Testbed Intermediate){phases} starttls={s} tls={s} quit={s}",
        shown: &["[certificate_untrusted]"],
    },
    Scene {
        name: "starttls_wrong_name",
        arguments: "-H other.example.net -I 127.0.0.1 -p {smtp} -S --ca-file {ca}",
        exit: 2,
        first_line: "SMTP CONN CRITICAL - other.example.net:{smtp} (127.0.0.1): certificate is not for other.example.net but for mail.example.org, localhost, 127.0.0.1, ::1{phases} starttls={s} tls={s} quit={s}",
        shown: &["[certificate_wrong_name]"],
    },
    Scene {
        name: "smtps",
        arguments: "-H mail.example.org -I 127.0.0.1 -p {smtps} -s --ca-file {ca}",
        exit: 0,
        first_line: "SMTP CONN OK - mail.example.org:{smtps} (127.0.0.1) ready over TLSv1.3 in {t} s{phases} tls={s} quit={s}",
        shown: &[],
    },
    Scene {
        name: "smtps_asked_in_the_clear",
        arguments: "-H 127.0.0.1 -p {smtps} -t 2",
        exit: 2,
        first_line: "SMTP CONN CRITICAL - 127.0.0.1:{smtps}: speaks TLS, not SMTP | time={s} connect={s}",
        shown: &["[port_speaks_tls]"],
    },
    Scene {
        name: "capabilities",
        arguments: "-H 127.0.0.1 -p {smtp} --require-ext 'PIPELINING,SIZE>=20M,STARTTLS,8BITMIME,DSN,CHUNKING,SMTPUTF8,ENHANCEDSTATUSCODES' --forbid-ext AUTH -vv",
        exit: 0,
        first_line: "SMTP CONN OK - 127.0.0.1:{smtp} ready in {t} s{phases} quit={s}",
        shown: &["OK: capabilities are as required", "SIZE 20480000", "VRFY", "ETRN"],
    },
    Scene {
        name: "starttls_not_offered",
        arguments: "-H 127.0.0.1 -p {notls} -S",
        exit: 2,
        first_line: "SMTP CONN CRITICAL - 127.0.0.1:{notls}: STARTTLS is not offered{phases} quit={s}",
        shown: &["[starttls_not_offered]"],
    },
    Scene {
        name: "tls_required",
        arguments: "-H 127.0.0.1 -p {tlsonly} -f probe@example.org",
        exit: 2,
        first_line: "SMTP CONN CRITICAL - 127.0.0.1:{tlsonly}: refused us at MAIL FROM: 530 5.7.0 Must issue a STARTTLS command first, ready in {t} s{phases} mail={s} quit={s}",
        shown: &["[starttls_required]"],
    },
    Scene {
        name: "refused_by_access_rule",
        arguments: "-H 127.0.0.1 -p {refusing}",
        exit: 2,
        first_line: "SMTP CONN CRITICAL - 127.0.0.1:{refusing}: refused us at the greeting: 554 5.7.1 <unknown[127.0.0.1]>: Client host rejected: Access denied | time={s} connect={s} banner={s} quit={s}",
        shown: &["[client_refused]"],
    },
    Scene {
        name: "proxy_v1",
        arguments: "-H 127.0.0.1 -p {haproxy} --proxy-protocol v1 --source-address 127.0.0.7",
        exit: 0,
        first_line: "SMTP CONN OK - 127.0.0.1:{haproxy} ready in {t} s{phases} quit={s}",
        shown: &[],
    },
    Scene {
        name: "proxy_v2",
        arguments: "-H 127.0.0.1 -p {haproxy} --proxy-protocol v2 --source-address 127.0.0.8 -S --insecure",
        exit: 0,
        first_line: "SMTP CONN OK - 127.0.0.1:{haproxy} ready over TLSv1.3 in {t} s, certificate not verified{phases} starttls={s} tls={s} quit={s}",
        shown: &[],
    },
    Scene {
        name: "ports",
        arguments: "-H 127.0.0.1 --ports {smtp},{refusing},{tlsonly} --require-ports {smtp},{tlsonly}",
        exit: 0,
        first_line: "SMTP CONN OK - 127.0.0.1 {smtp} open, {refusing} failing, {tlsonly} open{any}",
        shown: &["ports_open=2"],
    },
];

const SERVICES: [&str; 6] = ["smtp", "smtps", "notls", "tlsonly", "refusing", "haproxy"];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let missing = missing();
    if let Some(reason) = missing.filter(|_| !check_smtp_testbed::is_ci()) {
        let skipped =
            Trial::test(format!("real_servers (skipped: {reason})"), || Ok(())).with_ignored_flag(true);
        return libtest_mimic::run(&arguments, vec![skipped]).exit_code();
    }
    // Dropped, and so stopped, before the exit code is given back.
    let postfix = Postfix::start().map(Arc::new).map_err(|error| error.to_string());
    let mut trials: Vec<Trial> = SCENES.iter().map(|scene| trial(scene, postfix.clone())).collect();
    trials.push(Trial::test("postfix_saw_the_proxied_addresses", {
        let postfix = postfix.clone();
        move || proxied_addresses(postfix?.as_ref())
    }));
    trials.push(Trial::test("dovecot_lmtp_over_a_unix_socket", lmtp));
    let conclusion = libtest_mimic::run(&Arguments { test_threads: Some(1), ..arguments }, trials);
    drop(postfix);
    conclusion.exit_code()
}

fn missing() -> Option<&'static str> {
    if !check_smtp_testbed::is_root() {
        return Some("needs root to start Postfix");
    }
    match (Postfix::is_installed(), Dovecot::is_installed()) {
        (false, _) => Some("Postfix is not installed"),
        (_, false) => Some("Dovecot's LMTP server is not installed"),
        _ => None,
    }
}

fn trial(scene: &'static Scene, postfix: Result<Arc<Postfix>, String>) -> Trial {
    Trial::test(format!("postfix_{}", scene.name), move || {
        let postfix = postfix?;
        let mut names = vec![("{ca}".to_owned(), postfix.ca_file())];
        for service in SERVICES {
            names.push((format!("{{{service}}}"), postfix.port(service)?.to_string()));
        }
        hold(scene, &names)
    })
}

fn hold(scene: &Scene, names: &[(String, String)]) -> Result<(), Failed> {
    let fill =
        |text: &str| names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value));
    let words = check_smtp_testbed::cases::split(&fill(scene.arguments))?;
    let output = Command::new(env!("CARGO_BIN_EXE_check_smtp_conn")).args(&words).output()?;
    let stdout = String::from_utf8(output.stdout)?;
    let masked = mask(&stdout);
    let wanted = fill(&scene.first_line.replace("{phases}", PHASES));
    let first = masked.lines().next().unwrap_or_default();
    let is_good = check_smtp_testbed::cases::fits(&wanted, first)
        && output.status.code() == Some(scene.exit)
        && output.stderr.is_empty()
        && scene.shown.iter().all(|text| stdout.contains(text));
    if is_good {
        return Ok(());
    }
    let told = format!(
        "{words:?}\nexit {:?}, expected {}\n- {wanted}\n+ {first}\nshown: {:?}\n{stdout}",
        output.status.code(),
        scene.exit,
        scene.shown
    );
    Err(told.into())
}

/// Runs last: Postfix logs whom it believes to talk to.
fn proxied_addresses(postfix: &Postfix) -> Result<(), Failed> {
    let log = postfix.log();
    for address in ["[127.0.0.7]", "[127.0.0.8]"] {
        if !log.contains(address) {
            return Err(format!("{address} is not in Postfix's log:\n{log}").into());
        }
    }
    Ok(())
}

fn lmtp() -> Result<(), Failed> {
    let dovecot = Dovecot::start()?;
    let scene = Scene {
        name: "lmtp",
        arguments: "-H {socket} -L --require-ext PIPELINING -C 'VRFY nobody' -R 252",
        exit: 0,
        first_line: "SMTP CONN OK - {socket} ready in {t} s{phases} commands={s} quit={s}",
        shown: &[],
    };
    hold(&scene, &[("{socket}".to_owned(), dovecot.lmtp_socket().display().to_string())])
}
