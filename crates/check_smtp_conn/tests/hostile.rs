//! What a hostile server can make of us: nothing. Bounded memory, clean output, an end.

#![expect(clippy::unwrap_used, reason = "a test fails by panic")]

use std::io::Write as _;
use std::net::TcpListener;
use std::process::{Command, Output};

use check_smtp_testbed::script::Server;
use nix::sys::resource::{UsageWho, getrusage};

/// The bound of the suite for one check against a flooding server, in KiB.
const MEMORY_LIMIT: i64 = 12 * 1024;

fn check(port: u16) -> Output {
    let arguments = ["-H", "127.0.0.1", "-t", "20", "-vvv", "-p", &port.to_string()];
    Command::new(env!("CARGO_BIN_EXE_check_smtp_conn")).args(arguments).output().unwrap()
}

#[test]
fn floods_end_at_a_limit_and_in_little_memory() {
    let floods = [
        ("flood 2222222222222222", "longer than 64 KiB"),
        ("flood 220-more and more\\r\\n", "more than 10000 lines"),
        ("S: 220 x\nC: EHLO *\nflood 250-X-MORE\\r\\n", "more than 10000 lines"),
        (
            "S: 220 x\nC: EHLO *\nflood 250-XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX\\r\\n",
            "larger than 1 MiB",
        ),
        ("S: 220 x\nC: EHLO *\nS: 250-x\nS: 250 STARTTLS\nC: QUIT\nflood 2", "ready in"),
    ];
    for (script, told) in floods {
        let server = Server::start(script).unwrap();
        let output = check(server.port());
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(stdout.contains(told), "{script}: {stdout}");
    }
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss();
    assert!(peak < MEMORY_LIMIT, "{peak} KiB");
}

#[test]
fn all_byte_values_in_the_greeting_leave_a_clean_line() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        for byte in 0..=255_u8 {
            let (mut client, _) = listener.accept().unwrap();
            client.write_all(&[b"554 a".as_slice(), &[byte, byte], b"b\r\n"].concat()).unwrap();
        }
    });
    for byte in 0..=255_u8 {
        let output = check(port);
        let stdout = String::from_utf8(output.stdout).unwrap_or_else(|_| panic!("byte {byte}: no UTF-8"));
        let first = stdout.lines().next().unwrap();
        assert!(first.starts_with("SMTP CONN CRITICAL - "), "byte {byte}: {first}");
        assert!(first.matches('|').count() == 1 && stdout.matches('|').count() == 1, "byte {byte}: {stdout}");
        assert!(!stdout.chars().any(|c| c.is_control() && c != '\n'), "byte {byte}: {stdout:?}");
        assert!(output.stderr.is_empty() && output.status.code() == Some(2), "byte {byte}");
    }
    server.join().unwrap();
}

#[test]
fn a_closed_standard_output_changes_no_exit_code() {
    let server = Server::start("S: 220 x\nC: EHLO *\nS: 250 x\nC: QUIT\nS: 221 x\nclose").unwrap();
    let shell = format!("{} -H 127.0.0.1 -p {} >&-", env!("CARGO_BIN_EXE_check_smtp_conn"), server.port());
    let status = Command::new("sh").args(["-c", &shell]).status().unwrap();
    assert_eq!(status.code(), Some(0));
}
