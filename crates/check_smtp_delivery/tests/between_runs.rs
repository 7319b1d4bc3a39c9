//! What happens between two runs, and what stalls within one: a report that waited, a clock that was set back, a mailbox that does not
//! answer. With the embedded server and a Maildir, or a sandbox that is played on it.

#![expect(clippy::unwrap_used, reason = "a test ends where anything is wrong")]

use std::fs::{self, File, FileTimes};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use check_smtp_core::net::{Deadline, clock};
use check_smtp_testbed::TempDir;
use check_smtp_testbed::cases::split;
use check_smtp_testbed::serve::Testbed;
use serde_json::Value;

const HOURS: u64 = 3600 * 1000;

/// A server, the mailbox it delivers to, and a state.
struct Route {
    testbed: Testbed,
    state: TempDir,
}

impl Route {
    fn new() -> Self {
        Self { testbed: Testbed::start(Duration::ZERO, 1, None).unwrap(), state: TempDir::new().unwrap() }
    }

    fn maildir(&self) -> PathBuf {
        self.testbed.directory().join("Maildir")
    }

    /// A run that looks into the Maildir; its exit code and what it says.
    fn run(&self, more: &str) -> (Option<i32>, String) {
        let more = format!("--instance route {more}");
        self.run_by(&format!("maildir:{}", self.maildir().display()), "SMTP", &more)
    }

    fn run_by(&self, receive: &str, port: &str, more: &str) -> (Option<i32>, String) {
        let words = format!(
            "-H mail.example.org -I 127.0.0.1 -p {} -f probe@example.org --to sink@example.org --state-dir {} --receive {receive} {more}",
            self.testbed.port(port).unwrap(),
            self.state.path().display()
        );
        let mut command = Command::new(env!("CARGO_BIN_EXE_check_smtp_delivery"));
        let output = command.args(split(&words).unwrap()).env("SECRET", self.testbed.account().1).output();
        let output = output.unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }

    fn file(&self) -> PathBuf {
        self.state.path().join("delivery-route.json")
    }

    fn known(&self) -> Value {
        serde_json::from_slice(&fs::read(self.file()).unwrap()).unwrap()
    }

    /// The token of the last message, and what became of it.
    fn last(&self) -> (String, String) {
        let known = self.known();
        let probe = known.get("probes").and_then(Value::as_array).unwrap().last().unwrap();
        let text = |key: &str| probe.get(key).and_then(Value::as_str).unwrap().to_owned();
        (text("token"), text("state"))
    }

    /// Moves the times in the state that lie at these places, in milliseconds.
    fn shift(&self, places: &[&str], by: impl Fn(u64) -> u64) {
        let mut known = self.known();
        for place in places {
            let time = known.pointer_mut(place).unwrap();
            *time = by(time.as_u64().unwrap()).into();
        }
        fs::write(self.file(), known.to_string()).unwrap();
    }

    /// What the server has delivered.
    fn delivered(&self) -> usize {
        fs::read_dir(self.maildir().join("new")).unwrap().count()
    }
}

fn report(token: &str) -> String {
    format!(
        "Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n--x\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.example.org\r\n\r\nFinal-Recipient: rfc822; sink@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 unknown user\r\n\r\n--x\r\nContent-Type: text/rfc822-headers\r\n\r\nX-Smtp-Monitoring-Probe: route/{token}\r\n--x--\r\n"
    )
}

fn put(maildir: &Path, name: &str, text: &str, arrived: Duration) {
    let file = File::create(maildir.join("new").join(name)).unwrap();
    (&file).write_all(text.as_bytes()).unwrap();
    file.set_times(FileTimes::new().set_modified(UNIX_EPOCH + arrived)).unwrap();
}

fn assert_says((exit, text): &(Option<i32>, String), expected: i32, words: &[&str]) {
    assert_eq!(*exit, Some(expected), "{text}");
    for words in words {
        assert!(text.contains(words), "not said: {words}\n{text}");
    }
}

#[test]
fn report_that_lay_there_for_longer_than_the_window() {
    let route = Route::new();
    assert_says(&route.run("--async"), 0, &[]);
    let (token, _) = route.last();
    // The message itself went elsewhere.
    fs::remove_dir_all(route.maildir().join("new")).unwrap();
    fs::create_dir(route.maildir().join("new")).unwrap();
    // Sent three hours ago, returned at once, and the mailbox could not be looked at since.
    route.shift(&["/probes/0/sent", "/mark/at"], |time| time - 3 * HOURS);
    let returned =
        clock::since_epoch().saturating_sub(Duration::from_millis(3 * HOURS)) + Duration::from_secs(2);
    put(&route.maildir(), "1.report", &report(&token), returned);
    let words = "the message to sink@example.org came back 0 s ago: 550 5.1.1 unknown user";
    assert_says(&route.run("--async"), 2, &[words]);
    // One that was sent after it has arrived.
    assert_says(&route.run("--async"), 1, &["came back", "arrived in INBOX"]);
}

#[test]
fn mailbox_whose_clock_is_behind() {
    let route = Route::new();
    assert_says(&route.run("--async"), 0, &[]);
    // Sent twenty minutes ago, looked for in vain a minute ago, and now said to have been there all the time.
    route.shift(&["/probes/0/sent"], |time| time - HOURS / 3);
    route.shift(&["/mark/at"], |time| time - HOURS / 60);
    for entry in fs::read_dir(route.maildir().join("new")).unwrap() {
        let began = clock::since_epoch().saturating_sub(Duration::from_millis(HOURS / 3));
        let file = File::options().write(true).open(entry.unwrap().path()).unwrap();
        file.set_times(FileTimes::new().set_modified(UNIX_EPOCH + began)).unwrap();
    }
    assert_says(&route.run("--async"), 1, &["arrived late, after 11", "(in time: 300 s)"]);
}

#[test]
fn second_copy_after_the_run_that_has_seen_the_first() {
    let route = Route::new();
    assert_says(&route.run("--wait 5 --keep"), 0, &[]);
    let paths = fs::read_dir(route.maildir().join("new")).unwrap().map(|entry| entry.unwrap().path());
    for path in paths.collect::<Vec<_>>() {
        fs::copy(&path, path.with_extension("again")).unwrap();
    }
    let words = " ago to sink@example.org have arrived where 1 was to, probe arrived in INBOX";
    assert_says(&route.run("--wait 5 --keep"), 1, &["2 copies of the message of ", words]);
    // It is told once.
    assert_says(&route.run("--wait 5 --keep"), 0, &[]);
}

/// Somebody floods the mailbox with copies of a message we know: the run's own is found, and no more of the others is kept in mind.
#[test]
fn flood_of_copies() {
    let route = Route::new();
    assert_says(&route.run("--wait 5 --keep"), 0, &[]);
    let place = route.maildir().join("new");
    let path = fs::read_dir(&place).unwrap().next().unwrap().unwrap().path();
    for number in 0..1300 {
        fs::hard_link(&path, path.with_extension(number.to_string())).unwrap();
    }
    let words = ["copies of the message of ", "probe arrived in INBOX", ": 1001 removed"];
    assert_says(&route.run("--wait 10 -v"), 1, &words);
    assert_eq!(route.delivered(), 301);
}

#[test]
fn two_services_of_one_route() {
    let route = Route::new();
    // Nothing arrives there.
    let elsewhere = TempDir::new().unwrap();
    for part in ["new", "cur", "tmp"] {
        fs::create_dir(elsewhere.path().join(part)).unwrap();
    }
    let (here, there) = (route.maildir(), elsewhere.path());
    let receive = |path: &Path| format!("maildir:{}", path.display());
    assert_says(&route.run_by(&receive(there), "SMTP", "--async"), 0, &["pending=1"]);
    // Sent longer ago than a run that waits has time for.
    for entry in fs::read_dir(route.state.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "json") {
            let mut known: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let sent = known.pointer_mut("/probes/0/sent").unwrap();
            *sent = (sent.as_u64().unwrap() - 10_000).into();
            fs::write(path, known.to_string()).unwrap();
        }
    }
    // One that waits does not call lost what the other has an hour for, nor does one that looks elsewhere.
    let waits = "--wait 500ms -t 1";
    assert_says(&route.run_by(&receive(there), "SMTP", waits), 2, &["has not arrived", "lost=0"]);
    assert_says(&route.run_by(&receive(&here), "SMTP", waits), 0, &["lost=0"]);
    assert_says(&route.run_by(&receive(there), "SMTP", "--async"), 0, &["lost=0", "pending=2"]);
}

#[test]
fn no_room_to_remember_what_arrives() {
    let route = Route::new();
    let sent = clock::since_epoch().as_secs() * 1000 - HOURS;
    let probe = |number| {
        serde_json::json!({
            "token": format!("{number:032x}"), "recipient": "sink@example.org", "sent": sent, "expected": 1, "state": "pending",
        })
    };
    let probes: Vec<Value> = (0..1000).map(probe).collect();
    let state = serde_json::json!({ "schema": 1, "instance": "route", "mark": null, "probes": probes });
    fs::write(route.file(), state.to_string()).unwrap();
    let words = "UNKNOWN - mail.example.org:{port} (127.0.0.1): 1000 probes are under way: no more can be remembered (+1 more), probe arrived in INBOX";
    let words = words.replace("{port}", &route.testbed.port("SMTP").unwrap().to_string());
    assert_says(&route.run("--wait 5 --lost-after 31d --window 31d"), 3, &[&words]);
}

#[test]
fn clock_set_back() {
    let route = Route::new();
    assert_says(&route.run("--wait 5"), 0, &[]);
    route.shift(&["/mark/at"], |time| time + 5 * HOURS);
    assert_says(&route.run("--wait 5"), 0, &["probe arrived in INBOX"]);
}

#[test]
fn lost_by_mistake_and_found_again() {
    let route = Route::new();
    let limits = "--async --late-after 60 --lost-after 60";
    assert_says(&route.run(limits), 0, &[]);
    let mut known = route.known();
    known["probes"][0]["state"] = "lost".into();
    known["probes"][0]["at"] = known["probes"][0]["sent"].clone();
    fs::write(route.file(), known.to_string()).unwrap();
    let words = "the message to sink@example.org was not found in time, though it arrived after 0.0";
    assert_says(&route.run(limits), 1, &[words]);
}

#[test]
fn password_of_the_sender_in_the_header() {
    let route = Route::new();
    let login = format!(
        "--instance route -S --ca-file {} -U probe@example.org --password-env SECRET --async -vvv",
        route.testbed.directory().join("ca.pem").display()
    );
    let receive = format!("maildir:{}", route.maildir().display());
    assert_says(&route.run_by(&receive, "SUBMISSION", &login), 0, &[]);
    let password = route.testbed.account().1;
    for entry in fs::read_dir(route.maildir().join("new")).unwrap() {
        let path = entry.unwrap().path();
        let message = fs::read_to_string(&path).unwrap();
        let hop = format!("Received: from {password} by mail.example.net with ESMTP id 1; {password}\r\n");
        fs::write(path, hop + &message).unwrap();
    }
    let (exit, text) = route.run_by(&receive, "SUBMISSION", &login);
    assert_says(&(exit, text.clone()), 0, &["arrived in INBOX", "*** -> mail.example.net"]);
    assert!(!text.contains(password), "{text}");
    assert!(!route.known().to_string().contains(password));
}

/// What a sandbox does not answer.
#[derive(Clone, Copy)]
enum Stalls {
    /// Its list, after so many.
    Lists(usize),
    /// A removal, which it has made.
    Removals,
}

/// Plays Mailpit on a Maildir; gives back its URL.
fn mailpit(maildir: PathBuf, stalls: Stalls) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("mailpit+http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let lists = Arc::new(AtomicUsize::new(0));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (maildir, lists) = (maildir.clone(), Arc::clone(&lists));
            std::thread::spawn(move || answer(&stream.unwrap(), &maildir.join("new"), stalls, &lists));
        }
    });
    url
}

/// One request of a connection, which is closed behind it.
fn answer(stream: &TcpStream, folder: &Path, stalls: Stalls, lists: &AtomicUsize) {
    let mut lines = BufReader::new(stream);
    let (mut request, mut length) = (String::new(), 0);
    lines.read_line(&mut request).unwrap();
    loop {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        match line.to_ascii_lowercase().trim_end().split_once(": ") {
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(_) => {}
            None => break,
        }
    }
    let mut document = vec![0; length];
    lines.read_exact(&mut document).unwrap();
    let names = || fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let names: Vec<String> = names().map(|name| name.into_string().unwrap()).collect();
    let (kind, body) = if request.starts_with("DELETE") {
        let asked: Value = serde_json::from_slice(&document).unwrap();
        fs::remove_file(folder.join(asked.pointer("/IDs/0").and_then(Value::as_str).unwrap())).unwrap();
        ("text/plain", "ok".to_owned())
    } else if request.starts_with("GET /api/v1/messages") {
        let list: Vec<Value> = names.iter().map(|name| serde_json::json!({ "ID": name })).collect();
        ("application/json", serde_json::json!({ "messages": list }).to_string())
    } else {
        let name = names.iter().find(|name| request.contains(&name.replace('.', "%2E")));
        ("text/plain", fs::read_to_string(folder.join(name.unwrap())).unwrap())
    };
    let is_stalled = match stalls {
        Stalls::Removals => request.starts_with("DELETE"),
        Stalls::Lists(count) => {
            request.starts_with("GET /api/v1/messages") && lists.fetch_add(1, Ordering::Relaxed) >= count
        }
    };
    if is_stalled {
        clock::pause(Deadline::after(Duration::from_secs(60)), Duration::from_secs(60));
    }
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let mut stream = stream;
    stream.write_all((head + &body).as_bytes()).unwrap();
}

#[test]
fn mailbox_that_stalls_before_the_message_is_sent() {
    let route = Route::new();
    let receive = mailpit(route.maildir(), Stalls::Lists(1));
    let run = route.run_by(&receive, "SMTP", "--instance route -t 4 --wait 1");
    assert_says(&run, 3, &["UNKNOWN - ", "no complete answer in the search for probes", "arrival not known"]);
    assert!(!run.1.contains("--state-dir") && run.1.contains("pending=1"), "{}", run.1);
    assert_eq!((route.delivered(), route.last().1.as_str()), (1, "pending"));
}

#[test]
fn mailbox_that_stalls_at_the_removal() {
    let route = Route::new();
    let receive = mailpit(route.maildir(), Stalls::Removals);
    let run = route.run_by(&receive, "SMTP", "--instance route -t 4 --wait 2");
    assert_says(&run, 1, &["WARNING - ", "the message was not removed", "probe arrived in INBOX"]);
    // The next run does not call lost what this one has removed.
    assert_eq!((route.delivered(), route.last().1.as_str()), (0, "received"));
    assert_says(&route.run_by(&receive, "SMTP", "--instance route -t 4 --wait 2 --keep"), 0, &["lost=0"]);
}
