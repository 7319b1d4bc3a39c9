//! The whole command: a message to a real `MailDev`, and a look at what it has caught.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use check_smtp_testbed::cases::{fits, mask};
use check_smtp_testbed::real::MailDev;

use crate::{PASSWORD, TOKENS, send};

/// `None` where it is not installed.
fn maildev() -> Option<MailDev> {
    if MailDev::program().is_none() {
        assert!(!check_smtp_testbed::is_ci(), "MailDev is missing");
        return None;
    }
    Some(MailDev::start("probe", PASSWORD).unwrap())
}

/// Runs it; its exit code, its first line up to the perfdata, and all of its output, numbers masked.
fn run(smtp: u16, web: u16, more: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_check_smtp_delivery"))
        .args(["-H", "127.0.0.1", "-p", &smtp.to_string(), "-f", "probe@example.org"])
        .args(["--to", "sink@example.org", "--instance", "mx1", "--wait", "10", "-v"])
        .args(["--receive", &format!("maildev+http://127.0.0.1:{web}")])
        .args(["--receive-user", "probe", "--receive-password-env", "SECRET"])
        .args(more)
        .env("SECRET", PASSWORD)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.stderr.is_empty() && !text.contains(PASSWORD), "{text}");
    let masked = mask(&text);
    let first = masked.split(" | ").next().unwrap_or_default().to_owned();
    (output.status.code().unwrap(), first, masked)
}

/// How many messages it has caught: `MailDev` 3 has a summary of them, 2 the messages.
fn caught(web: u16) -> usize {
    let answer = ["/api/email/summary?limit=200", "/email"].iter().find_map(|path| get(web, path));
    let list: serde_json::Value = serde_json::from_str(&answer.unwrap()).unwrap();
    let all = list.as_array().or_else(|| list.as_object()?.values().find_map(|value| value.as_array()));
    all.unwrap().len()
}

/// The body, in one piece; `None` where there is no such page.
fn get(web: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, web)).unwrap();
    let account = BASE64.encode(format!("probe:{PASSWORD}"));
    let request = format!(
        "GET {path} HTTP/1.0\r\nHost: localhost\r\nAuthorization: Basic {account}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 200").then(|| body.to_owned())
}

#[test]
fn arrived_and_removed_among_messages_of_others() {
    let Some(server) = maildev() else { return };
    let (smtp, web) = (server.smtp(), server.web());
    send(smtp, "X-Other: yes");
    send(smtp, &format!("X-Smtp-Monitoring-Probe: mx2/{}", TOKENS[0]));
    send(smtp, &format!("X-Smtp-Monitoring-Probe: mx1/{}", TOKENS[0]));
    let arrived = format!(
        "SMTP DELIVERY OK - 127.0.0.1:{smtp} probe arrived in INBOX of sink@example.org after {{t}} s (sent {{t}} s)"
    );
    let (exit, first, text) = run(smtp, web, &[]);
    assert!(exit == 0 && fits(&arrived, &first), "{text}");
    assert!(text.contains("OK: probes in the mailbox: 1 removed"), "{text}");
    assert_eq!(caught(web), 3);
    let (exit, first, text) = run(smtp, web, &["--dry-run"]);
    assert!(exit == 0 && fits(&arrived, &first), "{text}");
    assert!(text.contains("OK: probes in the mailbox: 1 would be removed"), "{text}");
    assert_eq!(caught(web), 4);
    let (exit, first, text) = run(smtp, web, &["--keep", "--mailbox-limit", "2"]);
    let told = format!(
        "SMTP DELIVERY WARNING - 127.0.0.1:{smtp}: 3 probes of this instance lie in the mailbox (over 2), probe arrived in INBOX of {{any}}"
    );
    assert!(exit == 1 && fits(&told, &first), "{text}");
    assert_eq!(caught(web), 5);
}

/// Passes on what is said to and by it, and stops it before its reply to the whole message is passed on.
fn stopping(server: MailDev) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut behind = TcpStream::connect((Ipv4Addr::LOCALHOST, server.smtp())).unwrap();
        let (mut from_client, mut to_server) = (client.try_clone().unwrap(), behind.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
        let (mut said, mut is_at_message) = ([0; 4096], false);
        let mut server = Some(server);
        while let Ok(count @ 1..) = behind.read(&mut said) {
            let words = String::from_utf8_lossy(said.get(..count).unwrap()).into_owned();
            if is_at_message {
                // It waits for who is still connected.
                behind.shutdown(Shutdown::Both).unwrap();
                server.take();
            }
            is_at_message |= words.contains("354 ");
            client.write_all(words.as_bytes()).unwrap();
        }
    });
    port
}

#[test]
fn stopped_half_way() {
    let Some(server) = maildev() else { return };
    let web = server.web();
    let smtp = stopping(server);
    let (exit, first, text) = run(smtp, web, &[]);
    let told = format!(
        "SMTP DELIVERY UNKNOWN - 127.0.0.1:{smtp}: mailbox: connect failed: connection refused, accepted for sink@example.org{{any}}, arrival not known, sent in {{t}} s"
    );
    assert!(exit == 3 && fits(&told, &first), "{text}");
    assert!(text.contains("[receiver_unreachable]"), "{text}");
}
