//! Servers of mailboxes that mean harm, or are broken: within the deadline and 16 MB, whatever they send.
//!
//! Each is met by a process of its own, this test program itself, so that its memory can be read.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test starts programs, tells them by the environment what to do, and ends where anything is wrong"
)]

use std::process::{Command, Stdio};
use std::time::Duration;

use check_smtp_core::cli::TlsMode;
use check_smtp_core::net::tls::{Context, Roots, Settings, Version};
use check_smtp_core::net::{Deadline, Family};
use check_smtp_core::secret::Secret;
use check_smtp_core::smtp::sasl::Needs;
use check_smtp_delivery::mailbox::{Dialogue, Failure, Login, Mailbox, Receiver, Since, Source, Way};
use check_smtp_testbed::script::Server;

const URL: &str = "HOSTILE_TEST_URL";
const SINCE: &str = "HOSTILE_TEST_SINCE";
const USER: &str = "HOSTILE_TEST_USER";
const SECRET: &str = "HOSTILE_TEST_SECRET";
const PASSWORD: &str = "correct horse battery";
/// The check's whole time here.
const BUDGET: Duration = Duration::from_millis(700);
/// What a process may take more, on a machine that others use too.
const GRACE: u128 = 1000;
const MEMORY: u64 = 16 * 1024;

/// What a child does, if this is one. Not a test by itself.
#[test]
#[ignore = "the other half of the tests here"]
fn child() {
    let deadline = Deadline::after(BUDGET);
    let ended = meet(&std::env::var(URL).unwrap(), std::env::var_os(SINCE).is_some(), deadline);
    let words = ended.map_or_else(|failure| failure.to_string(), |found| format!("{found} found"));
    let taken = deadline.elapsed().as_millis();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak = peak.trim().trim_end_matches(" kB");
    // Standard output is the test harness's as well.
    println_to_stdout(&format!("\nsaid {taken} {peak} {words}\n"));
}

fn println_to_stdout(text: &str) {
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()).unwrap();
}

/// Opens the mailbox and looks twice, or counts.
fn meet(url: &str, is_old: bool, deadline: Deadline) -> Result<usize, Failure> {
    let (url, is_count) = url.strip_prefix("count ").map_or((url, false), |url| (url, true));
    let (url, is_plain) = url.strip_prefix("plain ").map_or((url, false), |url| (url, true));
    let mut source: Source = url.parse().unwrap();
    let (Source::Imap(server) | Source::Pop3(server)) = &mut source else { unreachable!() };
    if is_plain {
        server.mode = TlsMode::None;
    }
    let (sni, identity) = server.names();
    let tls = Settings {
        context: Context::new(None, None),
        sni,
        identity,
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
        dialogue: Dialogue::kept(),
    };
    let login = Login {
        user: std::env::var(USER).unwrap_or_else(|_| "probe".to_owned()),
        secret: Secret::new(std::env::var(SECRET).unwrap_or_else(|_| PASSWORD.to_owned())),
        kind: Needs::Password,
        mechanisms: Vec::new(),
    };
    let dialogue = way.dialogue.clone();
    let receiver = Receiver { source, way, instance: "mx1".parse().unwrap(), login: Some(login) };
    let since = if is_old { Since::Beginning } else { Since::Now };
    let ended = Mailbox::open(&receiver, &since, deadline).and_then(|mut mailbox| {
        if is_count {
            return Ok(mailbox.probes()?.unwrap_or_default());
        }
        let found = mailbox.look()?.len() + mailbox.look()?.len();
        mailbox.pause(Duration::from_millis(100))?;
        Ok(found)
    });
    // It is there whatever has happened.
    let lines = dialogue.lines();
    assert!(lines.len() <= 200 && lines.iter().all(|line| !line.contains(PASSWORD) && line.len() < 2000));
    ended
}

/// Plays a script, meets it, and gives what was said of it.
fn said_of(scheme: &str, script: &str, is_old: bool) -> String {
    said_with(scheme, script, is_old, None)
}

/// The same with another user and password.
fn said_with(scheme: &str, script: &str, is_old: bool, account: Option<(&str, &str)>) -> String {
    let server = Server::start(script).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(URL, format!("{scheme}://127.0.0.1:{}", server.port()));
    if is_old {
        command.env(SINCE, "beginning");
    }
    if let Some((user, password)) = account {
        command.env(USER, user).env(SECRET, password);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    drop(server);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = text.lines().find_map(|line| line.strip_prefix("said "));
    let said = said.unwrap_or_else(|| unreachable!("{text}{}", String::from_utf8_lossy(&output.stderr)));
    let mut words = said.splitn(3, ' ');
    let taken: u128 = words.next().unwrap().parse().unwrap();
    let peak: u64 = words.next().unwrap().parse().unwrap();
    assert!(taken <= BUDGET.as_millis() + GRACE, "{taken} ms: {script}");
    assert!(peak <= MEMORY, "{peak} kB: {script}");
    words.next().unwrap_or_default().to_owned()
}

const GREETING: &str = "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\n";
const LOGIN: &str = "C: a1 AUTHENTICATE PLAIN *\nS: a1 OK [CAPABILITY IMAP4rev1 UIDPLUS IDLE] in\n";
const LIST: &str = "C: a2 LIST *\nS: a2 OK\n";
const EXAMINE: &str =
    "C: a3 EXAMINE *\nS: * 3 EXISTS\nS: * OK [UIDVALIDITY 9]\nS: * OK [UIDNEXT 4]\nS: a3 OK\n";
const NOOP: &str = "C: a4 NOOP\nS: a4 OK\nC: a5 UID FETCH *\n";

/// The dialogue up to each point at which we wait for the server.
fn stages() -> [(&'static str, String); 6] {
    [
        ("greeting", String::new()),
        ("login", format!("{GREETING}C: a1 AUTHENTICATE PLAIN *\n")),
        ("list", format!("{GREETING}{LOGIN}C: a2 LIST *\n")),
        ("examine", format!("{GREETING}{LOGIN}{LIST}C: a3 EXAMINE *\n")),
        ("noop", format!("{GREETING}{LOGIN}{LIST}{EXAMINE}C: a4 NOOP\n")),
        ("fetch", format!("{GREETING}{LOGIN}{LIST}{EXAMINE}{NOOP}")),
    ]
}

/// What any server can do to us, and the words for it; one of them is said.
const ATTACKS: [(&str, &[&str]); 9] = [
    ("flood * OK still here\\r\\n", &["within 0.7 s", "answers to one command"]),
    ("flood xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", &["a line of more than 65536 bytes"]),
    (
        "S: * 1 FETCH (BODY[HEADER] {4294967296}\nflood x",
        &["announces 4294967296 bytes", "no answer of IMAP"],
    ),
    (
        "S: * 1 FETCH (BODY[HEADER] {99999999999999999999999999}\nflood x",
        &["announces 18446744073709551615 bytes"],
    ),
    ("S: * 1 FETCH (BODY[HEADER] {131072}\ndrip x", &["within 0.7 s"]),
    (
        "flood * 1 FETCH (BODY[HEADER] {5}\\r\\nabcde BODY[HEADER] {9}\\r\\n",
        &["an answer of more than 262144 bytes", "within 0.7 s"],
    ),
    ("drip * OK xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", &["within 0.7 s"]),
    ("stall", &["within 0.7 s"]),
    ("reset", &["reset the connection", "closed the connection"]),
];

#[test]
fn whatever_an_imap_server_sends_at_any_point() {
    for (stage, before) in stages() {
        for (attack, told) in ATTACKS {
            let said = said_of("plain imap", &format!("{before}{attack}\n"), false);
            let is_greeting = stage == "greeting" && said.contains("no answer of IMAP");
            assert!(
                is_greeting || told.iter().any(|words| said.contains(words)),
                "{stage}, {attack}: {said}"
            );
            assert!(said.starts_with("mailbox"), "{said}");
        }
    }
}

#[test]
fn whatever_an_imap_server_answers_to_a_count() {
    let before = format!(
        "{GREETING}{LOGIN}{LIST}{EXAMINE}C: a4 NOOP\nS: a4 OK\nC: a5 UID SEARCH 1:* HEADER X-Smtp-Monitoring-Probe \"mx1/\"\n"
    );
    for (attack, told) in ATTACKS {
        let said = said_of("count plain imap", &format!("{before}{attack}\n"), false);
        assert!(told.iter().any(|words| said.contains(words)), "{attack}: {said}");
    }
    for (answer, told) in [
        ("S: * SEARCH 1 3\nS: a5 OK", "2 found"),
        ("S: * SEARCH\nS: a5 OK", "0 found"),
        // It cannot tell, and that is no fault of the run.
        ("S: a5 NO not here", "0 found"),
        ("S: a5 BAD what", "0 found"),
        // There are no more than three messages.
        ("repeat 2000 * SEARCH 1 2 3 4 5\\r\\n\nS: a5 OK", "3 found"),
    ] {
        assert_eq!(said_of("count plain imap", &format!("{before}{answer}\n"), false), told, "{answer}");
    }
}

#[test]
fn numbers_and_headers_that_make_no_sense() {
    let before = format!("{GREETING}{LOGIN}{LIST}{EXAMINE}{NOOP}");
    let fetched = |line: &str, rest: &str| format!("{before}S: {line}\nS: a5 OK\n{rest}");
    let again = "C: a6 NOOP\nS: a6 OK\nC: a7 UID FETCH *\nS: a7 OK\nC: a8 IDLE\nS: a8 NO\n";
    for line in [
        "* 1 FETCH (UID 1 BODY[HEADER] {43}\\r\\nX-Smtp-Monitoring-Probe: mx1/00000000000000)",
        "* 1 FETCH (UID 0 BODY[HEADER] NIL)",
        "* 1 FETCH (UID 4294967296)",
        "* 1 FETCH (UID 4294967295 BODY[HEADER] \"\")",
        "* 1 FETCH ((((((((((((((((((((((((((((",
        "* 1 FETCH )))))",
        "* FETCH",
        "* 4294967295 EXISTS",
        "* \\xff\\xfe\\0",
    ] {
        assert_eq!(said_of("plain imap", &fetched(line, again), false), "0 found", "{line}");
    }
    // A mark in the glance that the header does not bear out; and the header of a message that was not asked for.
    let glance = "* 1 FETCH (UID 7 BODY[HEADER.FIELDS (X)]<0> {63}\\r\\nX-Smtp-Monitoring-Probe: mx1/00000000000000000000000000000001\\r\\n)";
    for header in [
        "UID 7 BODY[HEADER]<0> {12}\\r\\nSubject: x\\r\\n",
        "UID 8 BODY[HEADER]<0> {63}\\r\\nX-Smtp-Monitoring-Probe: mx1/00000000000000000000000000000001\\r\\n",
    ] {
        let rest = format!(
            "C: a6 UID FETCH 7 *\nS: * 1 FETCH ({header})\nS: a6 OK\nC: a7 NOOP\nS: a7 OK\nC: a8 UID FETCH 8:*\nS: a8 OK\nC: a9 IDLE\nS: a9 BAD\n"
        );
        assert_eq!(said_of("plain imap", &fetched(glance, &rest), false), "0 found", "{header}");
    }
    let wrong_tag = format!("{before}S: a4 OK\n");
    assert!(said_of("plain imap", &wrong_tag, false).ends_with("ends a command that was not sent"));
    let bye = format!("{before}S: * BYE going down\nclose\n");
    assert_eq!(said_of("plain imap", &bye, false), "mailbox refused us in the search for probes: going down");
}

#[test]
fn a_search_without_end() {
    let before = format!("{GREETING}{LOGIN}{LIST}{EXAMINE}C: a4 NOOP\nS: a4 OK\nC: a5 UID SEARCH *\n");
    let said =
        said_of("plain imap", &format!("{before}flood * SEARCH 1 2 3 4 5 6 7 8 9 4000000000\\r\\n\n"), true);
    assert!(said.contains("within 0.7 s") || said.contains("answers to one command"), "{said}");
}

#[test]
fn what_stands_behind_starttls_is_never_read_as_said_inside() {
    let greeting = "S: * OK [CAPABILITY IMAP4rev1 STARTTLS] ready\nC: a1 STARTTLS\n";
    let told = |count| {
        format!(
            "mailbox: {count} bytes behind the reply to STARTTLS, in the clear: injection or broken server"
        )
    };
    let injected = format!("{greeting}s: a1 OK go\\r\\n* CAPABILITY AUTH=PLAIN\\r\\n\nexpect-eof\n");
    assert_eq!(said_of("imap", &injected, false), told(25));
    let injected =
        "S: +OK ready\nC: CAPA\nS: +OK\nS: STLS\nS: .\nC: STLS\ns: +OK go\\r\\n+OK\\r\\n\nexpect-eof\n";
    assert_eq!(said_of("pop3", injected, false), told(5));
    let preauth = "S: * PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] in\nexpect-eof\n";
    assert_eq!(
        said_of("imap", preauth, false),
        "mailbox at STARTTLS: lets us in before TLS can begin (PREAUTH)"
    );
    for (scheme, script) in [
        ("imap", "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\nexpect-eof\n"),
        ("pop3", "S: +OK ready\nC: CAPA\nS: +OK\nS: SASL PLAIN\nS: .\nexpect-eof\n"),
    ] {
        assert_eq!(said_of(scheme, script, false), "mailbox: STARTTLS is not offered");
    }
    // A server that does not know CAPA is asked all the same.
    let old = "S: +OK ready\nC: CAPA\nS: -ERR\nC: STLS\nS: -ERR unknown\nexpect-eof\n";
    assert_eq!(said_of("pop3", old, false), "mailbox refused us at STARTTLS: unknown");
}

#[test]
fn whatever_a_pop3_server_sends_at_any_point() {
    const LOGIN: &str = "S: +OK ready\nC: CAPA\nS: +OK\nS: SASL PLAIN\nS: .\nC: AUTH PLAIN *\nS: +OK\n";
    let stages = [
        String::new(),
        "S: +OK ready\nC: CAPA\n".to_owned(),
        "S: +OK ready\nC: CAPA\nS: +OK\n".to_owned(),
        "S: +OK ready\nC: CAPA\nS: +OK\nS: SASL PLAIN\nS: .\nC: AUTH PLAIN *\n".to_owned(),
        format!("{LOGIN}C: UIDL\n"),
        format!("{LOGIN}C: UIDL\nS: +OK\n"),
        format!("{LOGIN}C: UIDL\nS: +OK\nS: 1 a\nS: .\nC: TOP 1 0\nS: +OK\n"),
    ];
    let attacks: [(&str, &[&str]); 6] = [
        ("flood 1 x\\r\\n", &["within 0.7 s", "lines", "no answer of POP3"]),
        ("flood xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", &["a line of more than 65536 bytes"]),
        (
            "flood + \\r\\n",
            &["within 0.7 s", "lines", "challenges", "has none", "no answer of POP3", "nothing to say"],
        ),
        ("drip 1 x", &["within 0.7 s"]),
        ("stall", &["within 0.7 s"]),
        ("reset", &["reset the connection", "closed the connection"]),
    ];
    for before in &stages {
        for (attack, told) in attacks {
            let said = said_of("plain pop3", &format!("{before}{attack}\n"), true);
            assert!(told.iter().any(|words| said.contains(words)), "{before}{attack}: {said}");
            assert!(said.starts_with("mailbox"), "{said}");
        }
    }
}

#[test]
fn a_server_that_repeats_our_secret_is_starred() {
    let encoded = "AHByb2JlAGNvcnJlY3QgaG9yc2UgYmF0dGVyeQ==";
    let script =
        format!("{GREETING}C: a1 AUTHENTICATE PLAIN {encoded}\nS: a1 NO not {encoded} nor {PASSWORD}\n");
    assert_eq!(said_of("plain imap", &script, false), "mailbox refused the login: not *** nor ***");
    let script = format!(
        "S: +OK ready\nC: CAPA\nS: -ERR\nC: USER probe\nS: +OK\nC: PASS {PASSWORD}\nS: -ERR no {PASSWORD}\\x1b[31m|\n"
    );
    assert_eq!(said_of("plain pop3", &script, false), "mailbox refused the login: no ***\u{fffd}[31m¦");
}

#[test]
fn without_a_mechanism_the_command_login_is_taken_where_it_is_allowed() {
    let script = format!(
        "S: * OK [CAPABILITY IMAP4rev1] ready\nC: a1 LOGIN \"probe\" \"{PASSWORD}\"\nS: a1 OK in\nC: a2 CAPABILITY\nS: * CAPABILITY IMAP4rev1\nS: a2 OK\nC: a3 LIST \"\" \"*\"\nS: * LIST (\\\\Junk) \"/\" {{4}}\\r\\nSpam\nS: a3 OK\nC: a4 STATUS \"Spam\" (UIDNEXT UIDVALIDITY)\nS: * STATUS Spam (UIDNEXT 1 UIDVALIDITY 1)\nS: a4 OK\nC: a5 EXAMINE \"INBOX\"\nS: * 0 EXISTS\nS: a5 OK\nC: a6 STATUS *\nS: * STATUS Spam (UIDNEXT 1 UIDVALIDITY 1)\nS: a6 OK\nC: a7 NOOP\nS: a7 OK\nC: a8 STATUS *\nS: a8 NO gone\nC: a9 NOOP\nS: a9 OK\n"
    );
    assert_eq!(said_of("plain imap", &script, false), "0 found");
    // What no quoted string can carry goes as a literal.
    let script = "S: * OK [CAPABILITY IMAP4rev1] ready\nC: a1 LOGIN {6}\nS: + go\nC: pr\u{f6}be \"a \\\"b\\\\ c\"\nS: a1 NO seen a \"b\\\\ c\n";
    let said = said_with("plain imap", script, false, Some(("pr\u{f6}be", "a \"b\\ c")));
    assert_eq!(said, "mailbox refused the login: seen ***");
    let refused = "S: * OK [CAPABILITY IMAP4rev1 LOGINDISABLED] ready\nexpect-eof\n";
    assert!(said_of("plain imap", refused, false).starts_with("mailbox: no mechanism offered can be used"));
}
