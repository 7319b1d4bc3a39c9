//! Tokens from a small HTTPS endpoint on loopback: fetched, kept, refused, and everything that goes wrong on the way.

#![expect(clippy::unwrap_used, reason = "a test fails by panic")]

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use check_smtp_testbed::TempDir;
use check_smtp_testbed::factory::Factory;
use check_smtp_testbed::script::Server;

const USER: &str = "probe@example.org";
const CLIENT_SECRET: &str = "m4rker-Of-A-Client";
const TOKEN: &str = "m4rker-Of-A-Token";
const ANSWER: &str = "close";
/// Headers of a request, the same each time.
const HEADERS: usize = 5;

/// An endpoint that answers every request with this status and body.
fn endpoint(status: &str, body: &str) -> Server {
    with_answer(&format!(
        "S: HTTP/1.1 {status}\nS: Content-Type: application/json\nS: Content-Length: {}\nS: \ns: {body}\n{ANSWER}",
        body.len()
    ))
}

fn with_answer(answer: &str) -> Server {
    Server::start(&format!("tls good\nC: POST /token HTTP/1.1\n{answer}")).unwrap()
}

fn good_token(seconds: u32) -> String {
    format!(r#"{{"token_type":"Bearer","expires_in":{seconds},"access_token":"{TOKEN}"}}"#)
}

/// A mail server that takes XOAUTH2 and answers it so.
fn mail_server(reply: &str) -> Server {
    let login = BASE64.encode(format!("user={USER}\u{1}auth=Bearer {TOKEN}\u{1}\u{1}"));
    Server::start(&format!(
        "tls good\nS: 220 mail.example.org\nC: EHLO *\nS: 250-mail.example.org\nS: 250 AUTH XOAUTH2\nC: AUTH XOAUTH2 {login}\nS: {reply}\nC: QUIT\nS: 221 bye\nclose"
    ))
    .unwrap()
}

struct Stage {
    directory: TempDir,
}

impl Stage {
    fn set() -> Self {
        let directory = TempDir::new().unwrap();
        std::fs::write(directory.path().join("ca.pem"), Factory::shared().unwrap().ca_pem().unwrap())
            .unwrap();
        std::fs::create_dir(directory.path().join("state")).unwrap();
        Self { directory }
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    fn check(&self, mail: &Server, token: &Server, more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_check_smtp_auth"));
        let url = format!("https://localhost:{}/token", token.port());
        command.args([
            "-H",
            "localhost",
            "-s",
            "-v",
            "-p",
            &mail.port().to_string(),
            "--ca-file",
            &self.path("ca.pem"),
        ]);
        command.args(["-U", USER, "--oauth2-token-url", &url, "--oauth2-client-id", "probe"]);
        command.args(["--oauth2-ca-file", &self.path("ca.pem")]);
        if !more.iter().any(|word| word.starts_with("--oauth2-client-secret")) {
            command.args(["--oauth2-client-secret-env", "CLIENT_SECRET"]);
        }
        command.args(["--state-dir", &self.path("state")]).args(more);
        // Without the proxy that the environment may name.
        let output = command.env_clear().env("CLIENT_SECRET", CLIENT_SECRET).output().unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(output.stderr.is_empty() && !shown.contains("m4rker"), "{shown}");
        output
    }

    fn kept(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.directory.path().join("state")).unwrap();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }
}

/// One run; its state and what it must say.
fn expect(output: &Output, exit: i32, told: &str) {
    let shown = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.code() == Some(exit) && shown.contains(told), "{exit} {told}: {shown}");
}

#[test]
fn a_token_is_fetched_kept_and_used_again() {
    let stage = Stage::set();
    let mail = mail_server("235 2.7.0 ok");
    let token = endpoint("200 OK", &good_token(3600));
    let first = stage.check(&mail, &token, &[]);
    expect(&first, 0, "OK: a token was fetched and is kept");
    expect(&first, 0, " token=");
    assert_eq!(stage.kept().len(), 1);
    // An endpoint that has no token any more is not asked.
    let broken = endpoint("500 Internal Server Error", "");
    let url = format!("https://localhost:{}/token", token.port());
    let again = stage.check(&mail, &broken, &["--oauth2-token-url", &url]);
    expect(&again, 0, "OK: the token of an earlier run was used");
}

#[test]
fn a_token_that_ends_within_a_minute_is_fetched_again() {
    let stage = Stage::set();
    let mail = mail_server("235 2.7.0 ok");
    let token = endpoint("200 OK", &good_token(30));
    for _ in 0..2 {
        expect(&stage.check(&mail, &token, &[]), 0, "OK: a token was fetched and is kept");
    }
    assert_eq!(stage.kept().len(), 1);
}

#[test]
fn a_token_that_the_mail_server_refuses_is_forgotten() {
    let stage = Stage::set();
    let token = endpoint("200 OK", &good_token(3600));
    expect(&stage.check(&mail_server("235 2.7.0 ok"), &token, &[]), 0, "fetched");
    let refused = stage.check(&mail_server("535 5.7.8 no"), &token, &[]);
    expect(&refused, 2, "refused the token: 535 5.7.8 no");
    assert_eq!(stage.kept(), Vec::<String>::new());
}

#[test]
fn a_token_that_cannot_be_kept_is_used_all_the_same() {
    let stage = Stage::set();
    let token = endpoint("200 OK", &good_token(3600));
    let output = stage.check(&mail_server("235 2.7.0 ok"), &token, &["--state-dir", "/nowhere"]);
    expect(&output, 0, "OK: a token was fetched and cannot be kept: /nowhere: no such file or directory");
}

/// An endpoint that answers only when this form was posted.
fn endpoint_for(form: &str) -> Server {
    let hex: Vec<String> = form.bytes().map(|byte| format!("{byte:02x}")).collect();
    let body = good_token(3600);
    Server::start(&format!(
        "tls good\nC: POST /token HTTP/1.1\n{}C: \nexpect-raw {}\nS: HTTP/1.1 200 OK\nS: Content-Length: {}\nS: \ns: {body}\nclose",
        "C: *: *\n".repeat(HEADERS),
        hex.join(" "),
        body.len()
    ))
    .unwrap()
}

#[test]
fn each_grant_posts_its_own_form() {
    let client =
        format!("grant_type=client_credentials&client_id=probe&client_secret={CLIENT_SECRET}&scope=a%20b");
    let more = ["--oauth2-scope", "a b"];
    expect(&Stage::set().check(&mail_server("235 2.7.0 ok"), &endpoint_for(&client), &more), 0, "fetched");
    let refresh = format!(
        "grant_type=refresh_token&client_id=probe&client_secret={CLIENT_SECRET}&refresh_token={CLIENT_SECRET}"
    );
    let more = ["--oauth2-refresh-token-env", "CLIENT_SECRET"];
    expect(&Stage::set().check(&mail_server("235 2.7.0 ok"), &endpoint_for(&refresh), &more), 0, "fetched");
}

#[test]
fn a_client_secret_comes_by_each_way_and_shows_by_none() {
    let stage = Stage::set();
    let file = stage.path("client.secret");
    std::fs::write(&file, format!("{CLIENT_SECRET}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let form = format!("grant_type=client_credentials&client_id=probe&client_secret={CLIENT_SECRET}");
    let command = format!("cat {file}");
    for (flag, value) in
        [("--oauth2-client-secret-file", &file), ("--oauth2-client-secret-command", &command)]
    {
        for shape in ["text", "json", "prometheus"] {
            let more = [flag, value, "--output", shape, "-vvv", "--state-dir", "/nowhere"];
            let output = stage.check(&mail_server("235 2.7.0 ok"), &endpoint_for(&form), &more);
            assert_eq!(output.status.code(), Some(0), "{flag} {}", String::from_utf8_lossy(&output.stdout));
        }
    }
}

#[test]
fn what_goes_wrong_at_the_endpoint_is_told() {
    let stage = Stage::set();
    let mail = mail_server("235 2.7.0 ok");
    let refused = format!(
        r#"{{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret {CLIENT_SECRET} provided."}}"#
    );
    let large = format!(
        "S: HTTP/1.1 200 OK\nS: Content-Length: 10000000\nS: \nrepeat 100000 {}\n{ANSWER}",
        "x".repeat(100)
    );
    let scenes = [
        (
            endpoint("401 Unauthorized", &refused),
            "token refused by its provider: invalid_client (AADSTS7000215: Invalid client secret *** provided.)",
            "[oauth2_client_refused]",
        ),
        (
            endpoint("400 Bad Request", r#"{"error":"invalid_grant"}"#),
            "token refused by its provider: invalid_grant",
            "[oauth2_grant_refused]",
        ),
        (
            endpoint("500 Internal Server Error", "oops"),
            "token endpoint answered HTTP 500",
            "[token_endpoint_broken]",
        ),
        (endpoint("302 Found", ""), "token endpoint answered HTTP 302", "[token_endpoint_broken]"),
        (endpoint("200 OK", "{}"), "token endpoint answered without a token", "[token_endpoint_broken]"),
        (with_answer(&large), "token endpoint answered with more than 64 KiB", "[token_endpoint_broken]"),
        (
            Server::start("tls wrong-host\nstall").unwrap(),
            "token endpoint cannot be asked: ",
            "[token_endpoint_unreachable]",
        ),
        (Server::start("close").unwrap(), "token endpoint cannot be asked: ", "[token_endpoint_unreachable]"),
    ];
    for (token, told, advice) in scenes {
        let output = stage.check(&mail, &token, &[]);
        expect(&output, 2, told);
        expect(&output, 2, advice);
    }
    assert_eq!(stage.kept(), Vec::<String>::new());
}

#[test]
fn a_slow_endpoint_ends_at_the_deadline_and_names_the_phase() {
    let stage = Stage::set();
    let output = stage.check(&mail_server("235 2.7.0 ok"), &with_answer("stall"), &["-t", "1"]);
    expect(&output, 2, "no answer of the token endpoint within 1 s");
}

#[test]
fn a_missing_client_secret_is_unknown() {
    let stage = Stage::set();
    let token = endpoint("200 OK", &good_token(3600));
    let output = stage.check(&mail_server("235 2.7.0 ok"), &token, &["--oauth2-client-secret-env", "UNSET"]);
    expect(&output, 3, "the client secret cannot be read: environment variable UNSET is not set");
}
