//! A Maildir with 2000 messages of others: ours are found by their header and removed, and nothing else is touched.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test looks at the clock, and ends where anything is wrong"
)]

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use check_smtp_core::certificate::Identity;
use check_smtp_core::net::tls::{Context, Roots, Settings, Version};
use check_smtp_core::net::{Deadline, Family};
use check_smtp_delivery::mailbox::{
    Dialogue, Found, Kind, MESSAGE_LIMIT, Mailbox, Receiver, Removed, Since, Source, Way,
};
use check_smtp_testbed::TempDir;

const TOKENS: [&str; 3] = [
    "00000000000000000000000000000001",
    "00000000000000000000000000000002",
    "00000000000000000000000000000003",
];

fn receiver(path: &Path) -> Receiver {
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
        junk_folder: Some("Junk".to_owned()),
        dialogue: Dialogue::default(),
    };
    Receiver { source: Source::Maildir(path.to_owned()), way, instance: "mx1".parse().unwrap(), login: None }
}

fn open(path: &Path, since: &Since) -> Mailbox {
    Mailbox::open(&receiver(path), since, deadline()).unwrap()
}

fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

fn probe(instance: &str, token: &str) -> String {
    format!(
        "Subject: probe\r\nX-Smtp-Monitoring-Probe: {instance}/{token}\r\nTo: sink@example.org\r\n\r\nbody\r\n"
    )
}

/// An empty Maildir with a junk folder.
fn empty() -> TempDir {
    let directory = TempDir::new().unwrap();
    for folder in ["", ".Junk/"] {
        for place in ["new", "cur", "tmp"] {
            std::fs::create_dir_all(directory.path().join(format!("{folder}{place}"))).unwrap();
        }
    }
    directory
}

/// Messages of others, among them some that look like ours.
fn fill(directory: &Path) {
    for number in 0..2000 {
        let text = match number % 8 {
            0 => probe("another", TOKENS[0]),
            1 => format!("Subject: {}\r\n\r\nX-Smtp-Monitoring-Probe: mx1/{}\r\n", TOKENS[0], TOKENS[0]),
            2 => format!("X-Smtp-Monitoring-Probe: mx1/{}0\r\n\r\n", TOKENS[0]),
            3 => "Subject: x\r\n".repeat(2000),
            _ => format!("Subject: message {number}\r\n\r\n{}", "text ".repeat(200)),
        };
        let (place, flags) = [("new", ""), ("cur", ":2,"), ("cur", ":2,ST"), ("cur", ":2,S")][number % 4];
        std::fs::write(directory.join(format!("{place}/18000000{number:04}.M1P1.mail{flags}")), text)
            .unwrap();
    }
}

/// Every file below, and what is in it.
fn content(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for place in ["new", "cur", "tmp", ".Junk/new", ".Junk/cur"] {
        for entry in std::fs::read_dir(directory.join(place)).unwrap() {
            let path = entry.unwrap().path();
            let text = if path.is_file() { std::fs::read(&path).unwrap() } else { Vec::new() };
            files.insert(path, text);
        }
    }
    files
}

fn tokens(found: &[Found]) -> Vec<&str> {
    let mut tokens: Vec<&str> = found.iter().map(|found| found.token.as_str()).collect();
    tokens.sort_unstable();
    tokens
}

#[test]
fn ours_are_found_and_removed_among_two_thousand() {
    let directory = empty();
    fill(directory.path());
    let before = content(directory.path());
    let mut mailbox = open(directory.path(), &Since::Now);
    assert_eq!(mailbox.look().unwrap(), []);
    std::fs::write(directory.path().join("new/1800009999.M1.mail"), probe("mx1", TOKENS[0])).unwrap();
    std::fs::write(directory.path().join("cur/1800009999.M2.mail:2,S"), probe("mx1", TOKENS[1])).unwrap();
    std::fs::write(directory.path().join(".Junk/new/1800009999.M3.mail"), probe("mx1", TOKENS[2])).unwrap();
    std::fs::write(directory.path().join("new/1800009999.M4.mail"), probe("mx2", TOKENS[0])).unwrap();
    let began = Instant::now();
    let found = mailbox.look().unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(tokens(&found), TOKENS);
    let junk: Vec<&str> =
        found.iter().filter(|found| found.is_junk).map(|found| found.folder.as_str()).collect();
    assert_eq!(junk, ["Junk"]);
    assert!(found.iter().all(|found| found.arrived.is_some() && found.kind == Kind::Probe));
    assert!(found[0].message.starts_with(b"Subject: probe\r\n") && !found[0].message.ends_with(b"body\r\n"));
    assert_eq!(mailbox.look().unwrap(), []);
    // Read by somebody in the meantime: it has moved, and has another name.
    std::fs::rename(
        directory.path().join("new/1800009999.M1.mail"),
        directory.path().join("cur/1800009999.M1.mail:2,S"),
    )
    .unwrap();
    assert_eq!(mailbox.remove(&found).unwrap(), Removed { gone: 3, flagged: 0, left: 0 });
    assert_eq!(mailbox.remove(&found).unwrap(), Removed { gone: 0, flagged: 0, left: 3 });
    std::fs::remove_file(directory.path().join("new/1800009999.M4.mail")).unwrap();
    assert_eq!(content(directory.path()), before);
}

#[test]
fn a_file_that_has_become_another_is_left() {
    let directory = empty();
    let mut mailbox = open(directory.path(), &Since::Now);
    let path = directory.path().join("new/1.M1.mail");
    std::fs::write(&path, probe("mx1", TOKENS[0])).unwrap();
    let found = mailbox.look().unwrap();
    std::fs::write(&path, "Subject: mine\r\n\r\n").unwrap();
    assert_eq!(mailbox.remove(&found).unwrap(), Removed { gone: 0, flagged: 0, left: 1 });
    assert!(path.exists());
    // Nor is one removed whose mark is another's, whatever is asked for.
    let mut forged = found;
    forged[0].instance = "another".parse().unwrap();
    std::fs::write(&path, probe("another", TOKENS[0])).unwrap();
    assert_eq!(mailbox.remove(&forged).unwrap(), Removed { gone: 0, flagged: 0, left: 1 });
    assert!(path.exists());
}

#[test]
fn the_next_run_goes_on_where_the_last_has_stopped() {
    let directory = empty();
    std::fs::write(directory.path().join("new/1.M1.mail"), probe("mx1", TOKENS[0])).unwrap();
    let first = open(directory.path(), &Since::Now);
    let mark = first.mark();
    first.leave();
    std::fs::write(directory.path().join("new/1.M2.mail"), probe("mx1", TOKENS[1])).unwrap();
    let mut next = open(directory.path(), &Since::Mark(mark));
    let found = next.look().unwrap();
    // What was there within the last hour may be told again; what has come is never missed.
    assert!(tokens(&found).contains(&TOKENS[1]));
    let mut all = open(directory.path(), &Since::Beginning);
    assert_eq!(tokens(&all.look().unwrap()), TOKENS[..2]);
    let far = serde_json::json!({ "kind": "maildir", "at": 9_999_999_999_999_u64 });
    // A clock that was set back: what is of this hour is new all the same.
    assert_eq!(open(directory.path(), &Since::Mark(far)).look().unwrap().len(), 2);
    let other = serde_json::json!({ "kind": "imap", "at": 9_999_999_999_999_u64 });
    assert_eq!(open(directory.path(), &Since::Mark(other)).look().unwrap().len(), 2);
}

#[test]
fn what_is_no_message_is_passed_over() {
    let directory = empty();
    let new = directory.path().join("new");
    std::fs::write(directory.path().join("outside"), probe("mx1", TOKENS[0])).unwrap();
    symlink(directory.path().join("outside"), new.join("1.link")).unwrap();
    std::fs::create_dir(new.join("1.directory")).unwrap();
    let fifo = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, new.join("1.fifo"), fifo).unwrap();
    std::fs::write(new.join(".1.hidden"), probe("mx1", TOKENS[0])).unwrap();
    // Our header beyond the first 64 KiB is not looked for.
    let far = format!("{}{}", "Subject: x\r\n".repeat(MESSAGE_LIMIT / 10), probe("mx1", TOKENS[0]));
    std::fs::write(new.join("1.long"), far).unwrap();
    let deep = format!("{}{}", "Subject: x\r\n".repeat(MESSAGE_LIMIT / 24), probe("mx1", TOKENS[1]));
    std::fs::write(new.join("1.deep"), deep).unwrap();
    assert_eq!(tokens(&open(directory.path(), &Since::Beginning).look().unwrap()), [TOKENS[1]]);
}

#[test]
fn fifty_at_a_time() {
    let directory = empty();
    for number in 0..120 {
        let token = format!("{number:032x}");
        std::fs::write(directory.path().join(format!("new/1.M{number}.mail")), probe("mx1", &token)).unwrap();
    }
    let mut mailbox = open(directory.path(), &Since::Beginning);
    let looks: Vec<usize> = (0..4).map(|_| mailbox.look().unwrap().len()).collect();
    assert_eq!(looks, [50, 50, 20, 0]);
}

#[test]
fn a_report_is_told_and_stays() {
    let directory = empty();
    let report = format!(
        "Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\nStatus: 5.1.1\r\n--x\r\n{}--x--\r\n",
        probe("mx1", TOKENS[0])
    );
    std::fs::write(directory.path().join("new/1.M1.mail"), report).unwrap();
    let mut mailbox = open(directory.path(), &Since::Beginning);
    let found = mailbox.look().unwrap();
    assert_eq!((found[0].kind, found[0].token.as_str()), (Kind::Report, TOKENS[0]));
    assert!(String::from_utf8_lossy(&found[0].message).contains("Status: 5.1.1"));
    assert_eq!(mailbox.remove(&found).unwrap(), Removed { gone: 0, flagged: 0, left: 1 });
}

#[test]
fn directories_that_cannot_be_looked_into() {
    let directory = empty();
    let fault = |path: &Path| {
        let failure = Mailbox::open(&receiver(path), &Since::Now, deadline()).unwrap_err();
        assert!(failure.is_local());
        failure.to_string().replace(&directory.path().display().to_string(), "DIR")
    };
    std::fs::remove_dir_all(directory.path().join(".Junk")).unwrap();
    assert_eq!(fault(directory.path()), "mailbox: Maildir 'DIR/.Junk/new': no such file or directory");
    let mut receiver = receiver(directory.path());
    receiver.way.junk_folder = None;
    receiver.way.folders = vec!["../escape".to_owned()];
    let failure = Mailbox::open(&receiver, &Since::Now, deadline()).unwrap_err();
    assert!(failure.to_string().contains("give its name without '/'"), "{failure}");
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn ours_are_counted_among_two_thousand() {
    let directory = empty();
    fill(directory.path());
    let mut mailbox = open(directory.path(), &Since::Now);
    let before = mailbox.probes().unwrap().unwrap();
    for (number, place) in ["new", "cur", ".Junk/new"].iter().enumerate() {
        let path = directory.path().join(place).join(format!("counted{number}"));
        std::fs::write(path, probe("mx1", TOKENS[number])).unwrap();
    }
    std::fs::write(directory.path().join("new/other"), probe("mx2", TOKENS[0])).unwrap();
    assert_eq!(mailbox.probes().unwrap(), Some(before + 3));
    assert_eq!(mailbox.look().unwrap().len(), 3);
}
