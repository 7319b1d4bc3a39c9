//! What was sent, as it arrived: read back by an independent parser, Python's email package with its strict policy, and nothing is wrong;
//! and looked at by `SpamAssassin`, whose header rules find nothing missing or invalid.
//!
//! The embedded server takes the messages into a Maildir. Without Python the tests are skipped and say so; in CI that is a failure.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use check_smtp_testbed::serve::Testbed;
use check_smtp_testbed::{Result, TempDir};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

const PLAIN: &str = "text/plain";
const TEXT: &str = "Gr\u{fc}\u{df}e\n.\n..two\nfrom here\nFrom here\n=20\ntrailing  \n";

/// A message: its name, the flags that make it, and the parts it has, in order, with name and content where they are known.
struct Scene {
    name: &'static str,
    flags: &'static str,
    parts: &'static [(&'static str, Option<&'static str>, Option<&'static str>)],
    /// A header it must have.
    header: (&'static str, &'static str),
}

const SCENES: [Scene; 9] = [
    Scene {
        name: "plain",
        flags: "",
        parts: &[(PLAIN, None, None)],
        header: ("Auto-Submitted", "auto-generated"),
    },
    Scene {
        name: "own_text",
        flags: "--body-file {dir}/text",
        parts: &[(PLAIN, None, Some(TEXT))],
        header: ("X-Auto-Response-Suppress", "All"),
    },
    Scene {
        name: "html_and_attachments",
        flags: "--body-file {dir}/text --html {dir}/page --attach {dir}/bytes.bin --attach {dir}/Pr\u{fc}fung.txt",
        parts: &[
            ("multipart/mixed", None, None),
            ("multipart/alternative", None, None),
            (PLAIN, None, Some(TEXT)),
            ("text/html", None, Some("<p>Gr\u{fc}\u{df}e</p>\n")),
            ("application/octet-stream", Some("bytes.bin"), Some("\0\r\n.\r\n\u{7f}")),
            (PLAIN, Some("Pr\u{fc}fung.txt"), Some(TEXT)),
        ],
        header: ("MIME-Version", "1.0"),
    },
    Scene {
        name: "utf8_subject",
        flags: "--subject 'Gr\u{fc}\u{df}e aus Z\u{fc}rich, \u{2709} und noch viel mehr Text, damit die Zeile gefaltet werden muss'",
        parts: &[(PLAIN, None, None)],
        header: (
            "Subject",
            "Gr\u{fc}\u{df}e aus Z\u{fc}rich, \u{2709} und noch viel mehr Text, damit die Zeile gefaltet werden muss",
        ),
    },
    Scene {
        name: "utf8_header",
        flags: "--header 'X-Site: Z\u{fc}rich' --header 'Reply-To: Monitoring <monitoring@example.net>'",
        parts: &[(PLAIN, None, None)],
        header: ("X-Site", "Z\u{fc}rich"),
    },
    Scene {
        name: "padded",
        flags: "--size 20k",
        parts: &[(PLAIN, None, None)],
        header: ("From", "probe@example.org"),
    },
    Scene {
        name: "large",
        flags: "--size 1M --attach {dir}/bytes.bin",
        parts: &[
            ("multipart/mixed", None, None),
            (PLAIN, None, None),
            ("application/octet-stream", Some("bytes.bin"), Some("\0\r\n.\r\n\u{7f}")),
        ],
        header: ("To", "sink@example.org"),
    },
    Scene {
        name: "long_lines",
        flags: "--body-file {dir}/long",
        parts: &[(PLAIN, None, None)],
        header: ("Content-Transfer-Encoding", "quoted-printable"),
    },
    Scene {
        name: "as_it_is",
        flags: "--eml {dir}/m.eml",
        parts: &[(PLAIN, None, Some("body\n.\n"))],
        header: ("Subject", "as it is"),
    },
];

/// What `SpamAssassin` looks at too.
const FILTERED: [&str; 3] = ["plain", "html_and_attachments", "padded"];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let has_python =
        Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success());
    if !has_python && !check_smtp_testbed::is_ci() {
        let skipped =
            Trial::test("messages (skipped: python3 is not installed)", || Ok(())).with_ignored_flag(true);
        return libtest_mimic::run(&arguments, vec![skipped]).exit_code();
    }
    let mut trials: Vec<Trial> = SCENES.iter().map(|scene| Trial::test(scene.name, || hold(scene))).collect();
    let has_filter = Path::new("/usr/bin/spamassassin").is_file();
    let is_skipped = !has_filter && !check_smtp_testbed::is_ci();
    for scene in SCENES.iter().filter(|scene| FILTERED.contains(&scene.name)) {
        let note = if is_skipped { " (skipped: SpamAssassin is not installed)" } else { "" };
        let trial = Trial::test(format!("spamassassin_{}{note}", scene.name), || filter(scene));
        trials.push(trial.with_ignored_flag(is_skipped));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The header rules of a real spam filter, without network: none of them finds a header missing, invalid or of the wrong date.
fn filter(scene: &Scene) -> std::result::Result<(), Failed> {
    let files = files()?;
    let testbed = Testbed::start(Duration::ZERO, 1, None)?;
    let (words, output) = send(scene, &testbed, &files)?;
    if !output.status.success() {
        return Err(format!("{words:?}\n{}", String::from_utf8_lossy(&output.stdout)).into());
    }
    let message = std::fs::File::open(arrived(testbed.directory())?)?;
    let judged = Command::new("/usr/bin/spamassassin").args(["-L", "-t"]).stdin(message).output()?;
    let text = String::from_utf8_lossy(&judged.stdout).into_owned();
    let unfolded = text.replace("\n\t", "").replace("\r\n\t", "");
    let status = unfolded.lines().find(|line| line.starts_with("X-Spam-Status: ")).unwrap_or_default();
    let tests = status.split("tests=").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    let is_fault =
        |name: &&str| ["MISSING_", "INVALID_", "DATE_", "LONGWORDS"].iter().any(|part| name.contains(part));
    let faults: Vec<&str> = tests.split(',').filter(is_fault).collect();
    if status.is_empty() || !faults.is_empty() {
        return Err(format!("{faults:?}\n{text}").into());
    }
    Ok(())
}

/// Sends the scene's message to the embedded server.
fn send(
    scene: &Scene,
    testbed: &Testbed,
    files: &TempDir,
) -> std::result::Result<(Vec<String>, Output), Failed> {
    let port = testbed.port("SMTP")?;
    let directory = files.path().display().to_string();
    let line = format!(
        "-H 127.0.0.1 -p {port} -f probe@example.org --to sink@example.org --instance site1 --output json "
    );
    let words = check_smtp_testbed::cases::split(&(line + &scene.flags.replace("{dir}", &directory)))?;
    let output = Command::new(env!("CARGO_BIN_EXE_check_smtp_delivery")).args(&words).output()?;
    Ok((words, output))
}

fn hold(scene: &Scene) -> std::result::Result<(), Failed> {
    let files = files()?;
    let testbed = Testbed::start(Duration::ZERO, 1, None)?;
    let (words, output) = send(scene, &testbed, &files)?;
    let said: Value = serde_json::from_slice(&output.stdout)?;
    let facts = at(&said, "/facts");
    let arrived = arrived(testbed.directory())?;
    let bytes = std::fs::read(&arrived)?;
    let read = read_by_python(&arrived)?;
    let mut faults: Vec<String> = Vec::new();
    if *at(&read, "/defects") != Value::Array(Vec::new()) {
        faults.push(format!("defects: {}", *at(&read, "/defects")));
    }
    if *at(facts, "/size") != bytes.len() {
        faults.push(format!("{} bytes arrived, SIZE said {}", bytes.len(), *at(facts, "/size")));
    }
    let token = at(facts, "/token").as_str().unwrap_or_default();
    let mut wanted = vec![
        (scene.header.0.to_owned(), scene.header.1.to_owned()),
        ("X-Smtp-Monitoring-Probe".to_owned(), format!("site1/{token}")),
    ];
    if let Some(id) = at(facts, "/message_id").as_str() {
        wanted.push(("Message-ID".to_owned(), id.to_owned()));
    }
    for (name, value) in wanted {
        let is_there = |header: &Value| *at(header, "/0") == *name && *at(header, "/1") == *value;
        if at(&read, "/headers")
            .as_array()
            .is_none_or(|headers| headers.iter().filter(|h| is_there(h)).count() != 1)
        {
            faults.push(format!("not once: {name}: {value}"));
        }
    }
    faults.extend(parts_that_differ(scene, &read));
    if faults.is_empty() {
        return Ok(());
    }
    Err(format!("{words:?}\n{}\n{said}\n{}", faults.join("\n"), String::from_utf8_lossy(&bytes)).into())
}

fn parts_that_differ(scene: &Scene, read: &Value) -> Vec<String> {
    let Some(parts) = at(read, "/parts").as_array() else { return vec!["no parts".to_owned()] };
    let mut faults = Vec::new();
    if parts.len() != scene.parts.len() {
        faults.push(format!("{} parts, expected {}", parts.len(), scene.parts.len()));
    }
    for (part, (kind, name, content)) in parts.iter().zip(scene.parts) {
        if *at(part, "/0") != **kind || at(part, "/1").as_str() != *name {
            faults.push(format!("part {} {}, expected {kind} {name:?}", *at(part, "/0"), *at(part, "/1")));
        }
        let bytes = at(part, "/2").as_str().and_then(|text| BASE64.decode(text).ok()).unwrap_or_default();
        // Text has CRLF on the way, and SMTP adds the end of its last line; an attachment is its bytes.
        let is_text = name.is_none();
        let seen = String::from_utf8_lossy(&bytes).into_owned();
        let seen = if is_text { seen.replace("\r\n", "\n").trim_end_matches('\n').to_owned() } else { seen };
        let content = content.map(|content| if is_text { content.trim_end_matches('\n') } else { content });
        if content.is_some_and(|content| content != seen) {
            faults.push(format!("part {kind} holds {seen:?}, expected {content:?}"));
        }
    }
    faults
}

fn at<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

/// The one message in the Maildir.
fn arrived(directory: &Path) -> std::result::Result<PathBuf, Failed> {
    let entries = std::fs::read_dir(directory.join("Maildir/new"))?;
    let paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    match paths.as_slice() {
        [only] => Ok(only.clone()),
        several => Err(format!("{} messages arrived", several.len()).into()),
    }
}

fn read_by_python(message: &Path) -> std::result::Result<Value, Failed> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages.py");
    let output = Command::new("python3").arg(script).arg(message).output()?;
    if !output.status.success() {
        return Err(format!(
            "{}\n{}",
            String::from_utf8_lossy(&output.stderr),
            std::fs::read_to_string(message).unwrap_or_default()
        )
        .into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn files() -> Result<TempDir> {
    let directory = TempDir::new()?;
    let long = format!("{}\nshort\n", "long line ".repeat(200));
    for (name, text) in [
        ("text", TEXT),
        ("Pr\u{fc}fung.txt", TEXT),
        ("page", "<p>Gr\u{fc}\u{df}e</p>\n"),
        ("bytes.bin", "\0\r\n.\r\n\u{7f}"),
        ("long", &long),
        ("m.eml", "Subject: as it is\nFrom: a@example.org\n\nbody\n.\n"),
    ] {
        std::fs::write(directory.path().join(name), text)?;
    }
    Ok(directory)
}
