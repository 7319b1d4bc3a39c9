//! Against two real servers: Postfix with Dovecot's logins, and Postfix with Cyrus SASL, each started on loopback with its own
//! configuration and stopped after.
//!
//! Where they are missing, or without root, the tests are skipped and say so; in CI that is a failure.

use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex};

use check_smtp_testbed::cases::{fits, mask, split};
use check_smtp_testbed::real::{Cyrus, Dovecot, Introspection, Postfix, Service, Users};
use libtest_mimic::{Arguments, Failed, Trial};

const USER: &str = "probe@example.org";
const PASSWORD: &str = "correct horse";
const TOKEN: &str = "token-of-today";

/// Everything that runs; dropped, and so stopped, in this order.
struct Servers {
    postfix: Postfix,
    _introspection: Introspection,
    _dovecot: Dovecot,
    _cyrus: Cyrus,
    /// Stopped by the last test.
    failing: Mutex<Option<Dovecot>>,
}

impl Servers {
    fn start() -> check_smtp_testbed::Result<Self> {
        let introspection = Introspection::start(TOKEN, USER)?;
        let url = introspection.url();
        let dovecot =
            Dovecot::start_for(Users::One { user: USER, password: PASSWORD, introspection: Some(&url) })?;
        let failing = Dovecot::start_for(Users::One { user: USER, password: PASSWORD, introspection: None })?;
        let cyrus = Cyrus::new("probe", PASSWORD)?;
        let socket = dovecot.login_socket();
        let owned = "smtpd_sender_login_maps=inline:{probe@example.org=probe@example.org}";
        let postfix = Postfix::start_with(&[
            Service::with_dovecot("submission", &socket)
                .and("smtpd_sender_restrictions=reject_sender_login_mismatch")
                .and(owned),
            Service::with_dovecot("submissions", &socket).and("smtpd_tls_wrappermode=yes"),
            Service::with_dovecot("careless", &socket).and("smtpd_tls_auth_only=no"),
            Service::with_dovecot("relay", &socket).and("smtpd_relay_restrictions=permit_mynetworks,reject"),
            Service::with_dovecot("failing", &failing.login_socket()),
            Service::with_cyrus("cyrus", &cyrus, Cyrus::UP),
            Service::with_cyrus("down", &cyrus, Cyrus::DOWN),
            Service::new("nologin", ["smtpd_tls_security_level=may"]),
        ])?;
        Ok(Self {
            postfix,
            _introspection: introspection,
            _dovecot: dovecot,
            _cyrus: cyrus,
            failing: Mutex::new(Some(failing)),
        })
    }
}

/// What a scene must show. `{service}` is its port; `{by}` stands for ` by MECHANISM over TLSv1.3`.
struct Scene {
    name: String,
    arguments: String,
    secret: &'static str,
    exit: i32,
    /// Up to the perfdata.
    line: String,
    shown: &'static str,
}

impl Scene {
    fn new(name: &str, arguments: &str, exit: i32, line: &str) -> Self {
        Self {
            name: name.to_owned(),
            arguments: arguments.to_owned(),
            secret: PASSWORD,
            exit,
            line: line.to_owned(),
            shown: "",
        }
    }

    fn with(self, secret: &'static str) -> Self {
        Self { secret, ..self }
    }

    fn showing(self, shown: &'static str) -> Self {
        Self { shown, ..self }
    }
}

fn scenes() -> Vec<Scene> {
    let mut scenes = Vec::new();
    for (service, user, mechanisms) in [
        ("submission", USER, ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"].as_slice()),
        ("cyrus", "probe", ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"].as_slice()),
    ] {
        for mechanism in mechanisms {
            scenes.extend(password_scenes(service, user, mechanism));
        }
    }
    for mechanism in ["XOAUTH2", "OAUTHBEARER"] {
        let arguments = format!("-p {{submission}} -U {USER} --token-env SECRET -A {mechanism}");
        let line = format!(
            "SMTP AUTH OK - {USER} logged in to mail.example.org:{{submission}} (127.0.0.1) by {mechanism} over TLSv1.3 in {{t}} s"
        );
        scenes.push(Scene::new(&format!("dovecot_{mechanism}"), &arguments, 0, &line).with(TOKEN));
        let line = format!(
            "SMTP AUTH CRITICAL - mail.example.org:{{submission}} (127.0.0.1): refused the token: 535 5.7.8 Error: authentication failed: {{any}}, as {USER} by {mechanism} over TLSv1.3"
        );
        let refused = Scene::new(&format!("dovecot_{mechanism}_refused"), &arguments, 2, &line);
        scenes.push(refused.with("token-of-yesterday").showing("[token_refused]"));
    }
    scenes.extend(other_scenes());
    scenes.extend(door_scenes());
    scenes
}

fn password_scenes(service: &str, user: &str, mechanism: &str) -> [Scene; 2] {
    let arguments = format!("-p {{{service}}} -U {user} --password-env SECRET -A {mechanism}");
    let server = format!("mail.example.org:{{{service}}} (127.0.0.1)");
    let line = format!("SMTP AUTH OK - {user} logged in to {server} by {mechanism} over TLSv1.3 in {{t}} s");
    let refused = format!("SMTP AUTH CRITICAL - {server}: {{any}}, as {user} by {mechanism} over TLSv1.3");
    [
        Scene::new(&format!("{service}_{mechanism}"), &arguments, 0, &line),
        Scene::new(&format!("{service}_{mechanism}_refused"), &arguments, 2, &refused)
            .with("another password")
            .showing("[credentials_refused]"),
    ]
}

/// `SMTP AUTH OK` for the user at a service.
fn ok(service: &str, by: &str) -> String {
    format!(
        "SMTP AUTH OK - {USER} logged in to mail.example.org:{{{service}}} (127.0.0.1) by {by} in {{t}} s"
    )
}

/// The line of a fault at a service.
fn critical(service: &str, words: &str) -> String {
    format!("SMTP AUTH CRITICAL - mail.example.org:{{{service}}} (127.0.0.1): {words}")
}

const ACCOUNT: &str = "-U probe@example.org --password-env SECRET";
const STRONGEST: &str = "SCRAM-SHA-256 over TLSv1.3";

fn other_scenes() -> Vec<Scene> {
    let scene = |name: &str, arguments: &str, exit, line: &str| {
        Scene::new(name, &format!("{arguments} {ACCOUNT}"), exit, line)
    };
    let refused = format!(
        "refused us at RCPT TO: 553 5.7.1 <boss@example.org>: Sender address rejected: not owned by user {USER}, as {USER} by {STRONGEST}"
    );
    let down = format!(
        "refused the login: 454 4.7.0 Temporary authentication failure: {{any}}, as {USER} by PLAIN over TLSv1.3"
    );
    vec![
        scene(
            "strongest",
            "-p {submission} --require-mechanism SCRAM-SHA-256",
            0,
            &ok("submission", STRONGEST),
        ),
        scene("implicit_tls", "-p {submissions} -s -A PLAIN", 0, &ok("submissions", "PLAIN over TLSv1.3")),
        scene(
            "sender_owned",
            "-p {submission} --mail-from probe@example.org --then-rcpt sink@example.net -v",
            0,
            &ok("submission", STRONGEST),
        )
        .showing("OK: RCPT TO was accepted: 250 2.1.5 Ok"),
        scene(
            "sender_of_another",
            "-p {submission} --mail-from boss@example.org --then-rcpt sink@example.net",
            2,
            &critical("submission", &refused),
        ),
        scene("user_database_down", "-p {down} -A PLAIN", 2, &critical("down", &down))
            .showing("[login_backend_down]"),
        scene(
            "starttls_required",
            "-p {submission} --allow-plaintext-auth",
            2,
            &critical("submission", "no login is offered"),
        )
        .showing("[auth_not_offered]"),
        scene("no_login_offered", "-p {nologin}", 2, &critical("nologin", "no login is offered"))
            .showing("[auth_not_offered]"),
    ]
}

/// The other side of the door.
fn door_scenes() -> Vec<Scene> {
    let scene = |name: &str, arguments: &str, exit, line: &str| {
        Scene::new(name, &format!("{arguments} {ACCOUNT}"), exit, line)
    };
    vec![
        scene(
            "login_before_tls",
            "-p {careless} --require-tls-for-auth",
            2,
            &critical("careless", "asks for a password before TLS: 334 (+1 more){any}"),
        )
        .showing("WARNING: a login is offered before TLS"),
        scene(
            "in_the_clear",
            "-p {careless} --allow-plaintext-auth",
            0,
            &ok("careless", "SCRAM-SHA-256 in the clear"),
        ),
        scene(
            "doors_closed",
            "-p {submission} --require-tls-for-auth --require-auth --expect-refused -v",
            0,
            &ok("submission", STRONGEST),
        )
        .showing("OK: a wrong password was refused: 535 5.7.8"),
        scene(
            "open_relay",
            "-p {relay} --require-auth",
            2,
            &critical("relay", "takes mail for strangers without a login: 250 2.1.5 Ok{any}"),
        )
        .showing("[mail_without_login]"),
    ]
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if let Some(reason) = missing().filter(|_| !check_smtp_testbed::is_ci()) {
        let skipped =
            Trial::test(format!("real_servers (skipped: {reason})"), || Ok(())).with_ignored_flag(true);
        return libtest_mimic::run(&arguments, vec![skipped]).exit_code();
    }
    let servers = Servers::start().map(Arc::new).map_err(|error| error.to_string());
    let trials = scenes().into_iter().map(|scene| {
        let servers = servers.clone();
        Trial::test(scene.name.clone(), move || hold(&scene, servers?.as_ref()))
    });
    let mut trials: Vec<Trial> = trials.collect();
    trials.push(Trial::test("user_database_goes_down", {
        let servers = servers.clone();
        move || goes_down(servers?.as_ref())
    }));
    let conclusion = libtest_mimic::run(&Arguments { test_threads: Some(1), ..arguments }, trials);
    drop(servers);
    conclusion.exit_code()
}

fn missing() -> Option<&'static str> {
    if !check_smtp_testbed::is_root() {
        return Some("needs root to start Postfix");
    }
    match (Postfix::is_installed(), Dovecot::is_installed(), Cyrus::is_installed()) {
        (false, ..) => Some("Postfix is not installed"),
        (_, false, _) => Some("Dovecot is not installed"),
        (.., false) => Some("Cyrus SASL's mechanisms are not installed"),
        _ => None,
    }
}

/// A login, then another one after Dovecot has gone: told as such, never as a wrong password.
fn goes_down(servers: &Servers) -> Result<(), Failed> {
    let arguments = format!("-p {{failing}} {ACCOUNT} -A PLAIN");
    hold(&Scene::new("up", &arguments, 0, &ok("failing", "PLAIN over TLSv1.3")), servers)?;
    drop(servers.failing.lock().map_err(|error| error.to_string())?.take());
    let words = format!(
        "refused the login: 454 4.7.0 Temporary authentication failure: {{any}}, as {USER} by PLAIN over TLSv1.3"
    );
    hold(
        &Scene::new("down", &arguments, 2, &critical("failing", &words)).showing("[login_backend_down]"),
        servers,
    )
}

fn hold(scene: &Scene, servers: &Servers) -> Result<(), Failed> {
    let mut fill = vec![("{ca}".to_owned(), servers.postfix.ca_file())];
    for service in ["submission", "submissions", "careless", "relay", "down", "failing", "cyrus", "nologin"] {
        fill.push((format!("{{{service}}}"), servers.postfix.port(service)?.to_string()));
    }
    let filled =
        |text: &str| fill.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value));
    let trust = if scene.arguments.contains("--allow-plaintext-auth") { "" } else { "--ca-file {ca}" };
    let words = split(&filled(&format!("-H mail.example.org -I 127.0.0.1 {trust} {}", scene.arguments)))?;
    let output = Command::new(env!("CARGO_BIN_EXE_check_smtp_auth"))
        .args(&words)
        .env("SECRET", scene.secret)
        .output()?;
    let stdout = String::from_utf8(output.stdout)?;
    let masked = mask(&stdout);
    let first = masked.lines().next().and_then(|line| line.split(" | ").next()).unwrap_or_default();
    let wanted = filled(&scene.line);
    let is_good = fits(&wanted, first)
        && output.status.code() == Some(scene.exit)
        && output.stderr.is_empty()
        && stdout.contains(scene.shown)
        && !stdout.contains(scene.secret);
    if is_good {
        return Ok(());
    }
    Err(format!("{words:?}\nexit {:?}\n- {wanted}\n+ {first}\n{stdout}", output.status.code()).into())
}
