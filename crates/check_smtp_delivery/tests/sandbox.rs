//! Sandbox servers: a real `MailDev`, and what Mailpit and `MailHog` document, played.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test speaks SMTP by itself, and ends where anything is wrong"
)]

#[path = "sandbox/command.rs"]
mod command;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use check_smtp_core::certificate::Identity;
use check_smtp_core::net::tls::{Context, Roots, Settings, Version};
use check_smtp_core::net::{Deadline, Family};
use check_smtp_core::secret::Secret;
use check_smtp_core::smtp::sasl::Needs;
use check_smtp_delivery::mailbox::{Dialogue, Failure, Found, Login, Mailbox, Receiver, Removed, Since, Way};
use check_smtp_testbed::real::MailDev;

const TOKENS: [&str; 2] = ["00000000000000000000000000000001", "00000000000000000000000000000002"];
const PASSWORD: &str = "correct horse";

fn receiver(url: &str, password: Option<&str>) -> Receiver {
    let tls = Settings {
        context: Context::new(None, None),
        sni: None,
        identity: Identity::Name("localhost".to_owned()),
        least: Version::Tls12,
        key_kind: None,
        wants_staple: false,
        roots: Roots::System,
        is_verified: true,
    };
    let way = Way {
        connect: None,
        family: Family::Any,
        tls,
        folders: Vec::new(),
        junk_folder: None,
        dialogue: Dialogue::default(),
    };
    let login = password.map(|password| Login {
        user: "probe".to_owned(),
        secret: Secret::new(password.to_owned()),
        kind: Needs::Password,
        mechanisms: Vec::new(),
    });
    Receiver { source: url.parse().unwrap(), way, instance: "mx1".parse().unwrap(), login }
}

fn open(url: &str, password: Option<&str>, since: &Since) -> Result<Mailbox, Failure> {
    Mailbox::open(&receiver(url, password), since, Deadline::after(Duration::from_secs(30)))
}

fn wait_for(mailbox: &mut Mailbox, count: usize) -> Vec<Found> {
    let deadline = Deadline::after(Duration::from_secs(30));
    let mut found = Vec::new();
    while found.len() < count {
        assert!(!deadline.left().is_zero(), "{} of {count} found", found.len());
        found.extend(mailbox.look().unwrap());
        mailbox.pause(Duration::from_millis(100)).unwrap();
    }
    found.sort_by(|one: &Found, other| one.token.cmp(&other.token));
    found
}

fn assert_lying(mailbox: &mut Mailbox, expected: usize) {
    assert_eq!(mailbox.probes().unwrap(), Some(expected));
}

/// Sends a message by SMTP.
fn send(port: u16, header: &str) {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    let mut replies = BufReader::new(stream.try_clone().unwrap());
    let mut reply = |expected: &str| loop {
        let mut line = String::new();
        replies.read_line(&mut line).unwrap();
        if !line.starts_with(&format!("{expected}-")) {
            assert!(line.starts_with(expected), "{line}");
            return;
        }
    };
    reply("220");
    for (line, code) in [
        ("EHLO localhost", "250"),
        ("MAIL FROM:<probe@example.org>", "250"),
        ("RCPT TO:<sink@example.org>", "250"),
        ("DATA", "354"),
        (&format!("Subject: probe\r\n{header}\r\n\r\nbody\r\n."), "250"),
        ("QUIT", "221"),
    ] {
        (&stream).write_all(format!("{line}\r\n").as_bytes()).unwrap();
        reply(code);
    }
}

#[test]
fn maildev() {
    if MailDev::program().is_none() {
        assert!(!check_smtp_testbed::is_ci(), "MailDev is missing");
        return;
    }
    let server = MailDev::start("probe", PASSWORD).unwrap();
    let url = format!("maildev+http://127.0.0.1:{}", server.web());
    let mark = |instance: &str, token: &str| format!("X-Smtp-Monitoring-Probe: {instance}/{token}");
    send(server.smtp(), &mark("mx1", TOKENS[0]));
    let mut mailbox = open(&url, Some(PASSWORD), &Since::Now).unwrap();
    assert_eq!(mailbox.look().unwrap(), []);
    let kept = mailbox.mark();
    send(server.smtp(), &mark("mx1", TOKENS[1]));
    send(server.smtp(), &mark("mx2", TOKENS[1]));
    send(server.smtp(), "X-Other: yes");
    let found = wait_for(&mut mailbox, 1);
    assert_eq!((found.len(), found[0].token.as_str()), (1, TOKENS[1]));
    assert!(
        found[0].arrived.unwrap().abs_diff(check_smtp_core::net::clock::since_epoch())
            < Duration::from_secs(60)
    );
    assert!(String::from_utf8_lossy(&found[0].message).contains("Subject: probe"));
    // From a mark, and from the beginning.
    assert_eq!(
        wait_for(&mut open(&url, Some(PASSWORD), &Since::Mark(kept)).unwrap(), 1)[0].token.as_str(),
        TOKENS[1]
    );
    let mut all = open(&url, Some(PASSWORD), &Since::Beginning).unwrap();
    let both = wait_for(&mut all, 2);
    assert_eq!(both.iter().map(|found| found.token.as_str()).collect::<Vec<_>>(), TOKENS);
    assert_lying(&mut mailbox, 2);
    assert_eq!(mailbox.remove(&found).unwrap(), Removed { gone: 1, flagged: 0, left: 0 });
    assert_lying(&mut mailbox, 1);
    assert_eq!(mailbox.remove(&found).unwrap(), Removed { gone: 0, flagged: 0, left: 1 });
    assert_eq!(
        wait_for(&mut open(&url, Some(PASSWORD), &Since::Beginning).unwrap(), 1)[0].token.as_str(),
        TOKENS[0]
    );
    let mut other = receiver(&url, Some(PASSWORD));
    other.instance = "mx2".parse().unwrap();
    let mut theirs =
        Mailbox::open(&other, &Since::Beginning, Deadline::after(Duration::from_secs(30))).unwrap();
    assert_eq!(wait_for(&mut theirs, 1).len(), 1);
    for password in [None, Some("wrong")] {
        let failure = open(&url, password, &Since::Now).unwrap_err();
        assert_eq!(failure.to_string(), "mailbox refused the login: HTTP status 401");
    }
}

/// Answers one request a connection, by its first line; what was asked is given back at the end.
fn played(answers: Vec<(&'static str, u16, String)>) -> (u16, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let player = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for (expected, status, body) in answers {
            let (stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap());
            let mut request = String::new();
            let mut length = 0;
            loop {
                let mut line = String::new();
                lines.read_line(&mut line).unwrap();
                let lower = line.to_ascii_lowercase();
                length =
                    lower.strip_prefix("content-length:").map_or(length, |text| text.trim().parse().unwrap());
                if line == "\r\n" {
                    break;
                }
                request.push_str(&line);
            }
            let mut document = vec![0; length];
            std::io::Read::read_exact(&mut lines, &mut document).unwrap();
            request.push_str(&String::from_utf8(document).unwrap());
            assert!(request.starts_with(expected), "{request}, expected {expected}");
            asked.push(request);
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            (&stream).write_all(head.as_bytes()).unwrap();
            (&stream).write_all(body.as_bytes()).unwrap();
        }
        asked
    });
    (port, player)
}

#[test]
fn mailpit_and_mailhog_as_they_document_themselves() {
    let message =
        format!("Subject: x\r\nX-Smtp-Monitoring-Probe: mx1/{}\r\n\r\n{}", TOKENS[0], "x".repeat(100_000));
    let list = |id: &str| {
        format!(
            r#"{{"messages":[{{"ID":"{id}","Created":"2027-02-07T02:44:26Z"}}],"items":[{{"ID":"{id}"}}]}}"#
        )
    };
    for (scheme, id, listing, raw, delete) in [
        (
            "mailpit",
            "d7a5",
            "GET /api/v1/messages?limit=200 ",
            "GET /api/v1/message/d7a5/raw ",
            "DELETE /api/v1/messages ",
        ),
        (
            "mailhog",
            "h_=@m",
            "GET /api/v2/messages?limit=200 ",
            "GET /api/v1/messages/h_%3D%40m/download ",
            "DELETE /api/v1/messages/h_%3D%40m ",
        ),
    ] {
        let (port, player) = played(vec![
            (listing, 200, r#"{"messages":[],"items":[]}"#.to_owned()),
            (listing, 200, list(id)),
            (raw, 200, message.clone()),
            (raw, 200, message.clone()),
            (delete, 200, "ok".to_owned()),
        ]);
        let mut mailbox = open(&format!("{scheme}+http://127.0.0.1:{port}"), None, &Since::Now).unwrap();
        let found = mailbox.look().unwrap();
        assert_eq!((found.len(), found[0].uid.as_str()), (1, id));
        assert!(found[0].message.len() < 100);
        assert_eq!(mailbox.remove(&found).unwrap().gone, 1);
        let asked = player.join().unwrap();
        assert!(scheme != "mailpit" || asked[4].ends_with(r#"{"IDs":["d7a5"]}"#), "{}", asked[4]);
    }
}

#[test]
fn what_is_no_sandbox() {
    for (status, body, told) in [
        (200, "<html>".to_owned(), "mailbox at the connect: answers with something that is no JSON"),
        (
            200,
            "{}".to_owned(),
            "mailbox at the connect: answers without a list of messages: is it another sandbox?",
        ),
        (500, String::new(), "mailbox refused us at the connect: HTTP status 500"),
        (403, String::new(), "mailbox refused the login: HTTP status 403"),
        (302, String::new(), "mailbox refused us at the connect: HTTP status 302"),
        (200, "[".repeat(3 << 20), "mailbox at the connect: lists more than 2 MiB: empty the sandbox"),
        (200, "[".repeat(1 << 20), "mailbox at the connect: answers with something that is no JSON"),
    ] {
        let (port, player) = played(vec![("GET ", status, body)]);
        let failure = open(&format!("mailpit+http://127.0.0.1:{port}"), None, &Since::Now).unwrap_err();
        assert_eq!(failure.to_string(), told);
        // It may still be writing to someone who has left.
        let _ = player.join();
    }
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let failure = open(&format!("mailhog+http://127.0.0.1:{closed}"), None, &Since::Now).unwrap_err();
    assert!(failure.to_string().starts_with("mailbox: connect failed: "), "{failure}");
    // Nobody answers: the deadline.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("mailpit+http://127.0.0.1:{}", silent.local_addr().unwrap().port());
    let deadline = Deadline::after(Duration::from_millis(300));
    let failure = Mailbox::open(&receiver(&url, None), &Since::Now, deadline).unwrap_err();
    assert_eq!(failure.advice().id, "receiver_timeout");
    assert!(deadline.elapsed() < Duration::from_secs(2));
}
