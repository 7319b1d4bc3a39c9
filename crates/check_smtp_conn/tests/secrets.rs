//! A secret reaches the server's handshake and nothing else: no output in any form, no error.

#![expect(clippy::unwrap_used, reason = "a test fails by panic")]

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

use check_smtp_testbed::TempDir;
use check_smtp_testbed::factory::{Factory, Kind};
use check_smtp_testbed::script::Server;

const MARKER: &str = "m4rker-Of-A-Secret";
const SCRIPT: &str =
    "tls good\nS: 220 mail.example.org\nC: EHLO *\nS: 250 mail.example.org\nC: QUIT\nS: 221 bye\nclose";

/// Runs the check with a client key under a passphrase, given in one way, in one form of output.
fn check(directory: &TempDir, source: &[&str], form: &str) -> Output {
    let server = Server::start(SCRIPT).unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_check_smtp_conn"));
    command.args(["-H", "127.0.0.1", "-s", "-vvv", "--output", form, "-p", &server.port().to_string()]);
    command.args([
        "--ca-file",
        &path("ca.pem"),
        "--client-cert",
        &path("client.pem"),
        "--client-key",
        &path("client.key"),
    ]);
    command.args(source).env("PASSPHRASE", MARKER).env("WRONG", format!("{MARKER}!")).output().unwrap()
}

#[test]
fn a_passphrase_never_reaches_an_output() {
    let directory = TempDir::new().unwrap();
    let identity = Factory::shared().unwrap().identity(Kind::Good).unwrap();
    let write = |name: &str, text: &str, mode| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path.display().to_string()
    };
    write("ca.pem", &Factory::shared().unwrap().ca_pem().unwrap(), 0o644);
    write("client.pem", &identity.chain_pem, 0o644);
    write("client.key", &identity.encrypted_key(MARKER).unwrap(), 0o600);
    let good = write("passphrase", &format!("{MARKER}\n"), 0o600);
    let open = write("readable", MARKER, 0o644);
    let sources: [(&[&str], i32, &str); 6] = [
        (&["--client-key-passphrase-env", "PASSPHRASE"], 0, "ready over"),
        (&["--client-key-passphrase-file", &good], 0, "ready over"),
        (&["--client-key-passphrase-env", "WRONG"], 3, "the passphrase is wrong or missing"),
        (&["--client-key-passphrase-env", "UNSET"], 3, "environment variable UNSET is not set"),
        (&["--client-key-passphrase-file", &open], 3, "is readable by others"),
        (&[], 3, "the passphrase is wrong or missing"),
    ];
    for (source, exit, told) in sources {
        for form in ["text", "json", "prometheus"] {
            let output = check(&directory, source, form);
            let stdout = String::from_utf8(output.stdout).unwrap();
            assert_eq!(output.status.code(), Some(exit), "{source:?} {stdout}");
            assert!(form == "prometheus" || stdout.contains(told), "{source:?} {stdout}");
            assert!(!stdout.contains("m4rker") && output.stderr.is_empty(), "{source:?} {stdout}");
        }
    }
}
