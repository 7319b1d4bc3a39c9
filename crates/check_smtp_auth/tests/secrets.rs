//! A secret reaches the server and nothing else: no output in any form, no error, no command line, no file.

#![expect(clippy::unwrap_used, reason = "a test fails by panic")]

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use check_smtp_testbed::TempDir;
use check_smtp_testbed::factory::Factory;
use check_smtp_testbed::script::Server;

const USER: &str = "probe@example.org";
const MARKER: &str = "m4rker-Of-A-Secret";

/// Every form in which the marker could be seen.
fn forms() -> [String; 5] {
    let plain = format!("\0{USER}\0{MARKER}");
    let bearer = format!("user={USER}\u{1}auth=Bearer {MARKER}\u{1}\u{1}");
    let standard = format!("n,a={USER},\u{1}auth=Bearer {MARKER}\u{1}\u{1}");
    [
        MARKER.to_owned(),
        BASE64.encode(MARKER),
        BASE64.encode(plain),
        BASE64.encode(bearer),
        BASE64.encode(standard),
    ]
}

/// A server that offers one mechanism, takes whatever comes, repeats it with the secret it has read out of it, and answers so.
fn server(mechanism: &str, reply: &str) -> Server {
    let [own, encoded, plain, bearer, standard] = forms();
    let sent = match mechanism {
        "XOAUTH2" => bearer,
        "OAUTHBEARER" => standard,
        "LOGIN" => encoded.clone(),
        _ => plain,
    };
    let repeated = [own, encoded, sent];
    let exchange =
        if mechanism == "LOGIN" { "C: AUTH LOGIN\nS: 334 \nC: *\nS: 334 \nC: *" } else { "C: AUTH *" };
    Server::start(&format!(
        "tls good\nS: 220 mail.example.org\nC: EHLO *\nS: 250-mail.example.org\nS: 250 AUTH {mechanism}\n{exchange}\nS: {reply} you said {}\nC: QUIT\nS: 221 bye\nclose",
        repeated.join(" and ")
    ))
    .unwrap()
}

struct Stage {
    directory: TempDir,
}

impl Stage {
    fn set() -> Self {
        let directory = TempDir::new().unwrap();
        let stage = Self { directory };
        stage.write("ca.pem", &Factory::shared().unwrap().ca_pem().unwrap(), 0o644);
        stage.write("secret", &format!("{MARKER}\n"), 0o600);
        stage.write("open", MARKER, 0o644);
        stage.write("section.ini", &format!("[probe]\npassword = {MARKER}\n"), 0o600);
        stage.write(
            "script",
            &format!("echo {MARKER}; echo the key of {MARKER} is old >&2; exit $1\n"),
            0o600,
        );
        std::fs::create_dir(stage.path("state")).unwrap();
        stage
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn command(&self, port: u16, form: &str, source: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_check_smtp_auth"));
        command.args([
            "-H",
            "localhost",
            "-s",
            "-vvv",
            "-U",
            USER,
            "--output",
            form,
            "-p",
            &port.to_string(),
        ]);
        command.args(["--ca-file", &self.path("ca.pem")]);
        command.args(
            source.iter().map(|word| word.replace("{dir}", &self.directory.path().display().to_string())),
        );
        command
            .env("SECRET", MARKER)
            .env("CREDENTIALS_DIRECTORY", self.directory.path())
            .current_dir(self.directory.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, port: u16, form: &str, source: &[&str]) -> Output {
        let mut child = self.command(port, form, source).spawn().unwrap();
        // A check that does not read it may have ended.
        let _ = child.stdin.take().unwrap().write_all(format!("{MARKER}\n").as_bytes());
        child.wait_with_output().unwrap()
    }
}

fn assert_clean(what: &str, text: &str) {
    for form in forms() {
        assert!(!text.contains(&form), "{what}: {text}");
    }
}

const SOURCES: [&[&str]; 12] = [
    &["--password-env", "SECRET"],
    &["--password-file", "{dir}/secret"],
    &["--password-command", "sh {dir}/script 0"],
    &["--password-command", "sh {dir}/script 1"],
    &["--password-credential", "secret"],
    &["--password-stdin"],
    &["--extra-opts=probe@{dir}/section.ini"],
    &["-P", MARKER],
    &["--password-file", "{dir}/open"],
    &["--token-env", "SECRET"],
    &["--token-file", "{dir}/secret"],
    &["--token-command", "sh {dir}/script 0"],
];

#[test]
fn no_output_shows_a_secret_whatever_the_server_repeats() {
    let stage = Stage::set();
    for source in SOURCES {
        let is_token = source.iter().any(|word| word.starts_with("--token"));
        let mechanisms: &[&str] = if is_token { &["XOAUTH2", "OAUTHBEARER"] } else { &["PLAIN", "LOGIN"] };
        for mechanism in mechanisms {
            for reply in ["235 2.7.0", "535 5.7.8", "nonsense"] {
                for form in ["text", "json", "prometheus"] {
                    let output = stage.run(server(mechanism, reply).port(), form, source);
                    let shown = String::from_utf8(output.stdout).unwrap();
                    assert_clean(&format!("{source:?} {mechanism} {reply} {form}"), &shown);
                    assert!(output.stderr.is_empty() && !shown.is_empty(), "{source:?}");
                }
            }
        }
    }
}

#[test]
fn usage_errors_show_no_secret() {
    let stage = Stage::set();
    for words in [
        &["-P", MARKER, "--no-such-flag"] as &[&str],
        &["-P", "first", MARKER],
        &["-P", "first", "-m4rker-Of-A-Secret"],
        &["-P", MARKER, "--password-env", "X"],
        &["-P", MARKER, "-A", "NTLM"],
        &["-P", MARKER, "-w", "auth=x"],
        &[&format!("-Hx -P {MARKER}")],
        &["--password", MARKER, "-p", "0"],
        &[&format!("--password={MARKER}"), "extra"],
        &[&format!("-P{MARKER}"), "extra"],
    ] {
        for form in ["text", "json"] {
            let output = stage.run(1, form, words);
            let shown = String::from_utf8(output.stdout).unwrap();
            assert_eq!(output.status.code(), Some(3), "{words:?} {shown}");
            assert!(!shown.contains("m4rker") && output.stderr.is_empty(), "{words:?} {shown}");
        }
    }
}

/// While it waits for a silent server: its own command line, those of its children, and every file it left behind.
#[test]
fn no_command_line_and_no_file_holds_a_secret() {
    let stage = Stage::set();
    let silent = Server::start("tls good\nstall").unwrap();
    let sources = SOURCES.iter().filter(|source| source.first() != Some(&"-P"));
    for source in sources {
        let mut command = stage.command(silent.port(), "text", source);
        let mut child = command.args(["-t", "1"]).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(format!("{MARKER}\n").as_bytes());
        let own = format!("/proc/{}", child.id());
        while child.try_wait().unwrap().is_none() {
            assert_clean("command line", &line_of(&own));
            let children =
                std::fs::read_to_string(format!("{own}/task/{}/children", child.id())).unwrap_or_default();
            for pid in children.split_ascii_whitespace() {
                assert_clean("command line of a child", &line_of(&format!("/proc/{pid}")));
            }
        }
        child.wait().unwrap();
    }
    let known = ["secret", "open", "section.ini", "script"];
    for file in std::fs::read_dir(stage.directory.path()).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_file() && !known.contains(&name.as_str()) {
            assert_clean(&name, &String::from_utf8_lossy(&std::fs::read(&path).unwrap()));
        }
    }
    assert_eq!(std::fs::read_dir(stage.path("state")).unwrap().count(), 0);
}

fn line_of(process: &str) -> String {
    let line = std::fs::read(Path::new(process).join("cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).into_owned()
}

/// A login with the password that a command prints.
fn expect_login(stage: &Stage, command: &str) {
    let output = stage.run(server("PLAIN", "235 2.7.0").port(), "text", &["--password-command", command]);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.code() == Some(0) && shown.contains("logged in"), "{command}: {shown}");
}

/// The recipes of the README with a real `gpg` and a real `pass`.
#[test]
fn gpg_and_pass_give_a_password() {
    let stage = Stage::set();
    let home = stage.path("gnupg");
    std::fs::create_dir(&home).unwrap();
    std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o700)).unwrap();
    let gpg = |words: &[&str]| {
        let output =
            Command::new("gpg").args(["--homedir", &home, "--batch", "--quiet"]).args(words).output();
        output.ok().filter(|output| output.status.success())
    };
    let made = gpg(&["--passphrase", "", "--quick-generate-key", "probe", "default", "default", "never"]);
    let has_pass = Command::new("pass").arg("version").output().is_ok();
    if made.is_none() || !has_pass {
        assert!(!check_smtp_testbed::is_ci(), "gpg or pass is missing");
        return;
    }
    gpg(&["--encrypt", "--recipient", "probe", "--output", &stage.path("secret.gpg"), &stage.path("secret")])
        .unwrap();
    let open = format!("gpg --homedir {home} --batch --quiet --decrypt {}", stage.path("secret.gpg"));
    expect_login(&stage, &open);
    // The same key behind a real password store.
    let store = stage.path("store");
    let pass = |words: &[&str], input: &str| {
        let mut command = Command::new("pass");
        command.args(words).env("PASSWORD_STORE_DIR", &store).env("GNUPGHOME", &home);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        // A command that reads nothing may have ended.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        assert!(child.wait().unwrap().success(), "pass {words:?}");
    };
    pass(&["init", "probe"], "");
    pass(&["insert", "--multiline", "mail/probe"], MARKER);
    expect_login(&stage, &format!("env PASSWORD_STORE_DIR={store} GNUPGHOME={home} pass show mail/probe"));
    let _ = Command::new("gpgconf").args(["--homedir", &home, "--kill", "gpg-agent"]).status();
}
