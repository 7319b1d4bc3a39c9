//! One route with a state of its own: runs of the check on it, and what they say.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use check_smtp_core::net::{Deadline, clock};
use check_smtp_testbed::cases::{fits, mask, split};
use check_smtp_testbed::{Result, TempDir};
use libtest_mimic::Failed;
use serde_json::Value;

use crate::{Outcome, PASSWORD, World, crowd};

/// How long anything may take that happens by itself.
const PATIENCE: Duration = Duration::from_secs(20);

impl World {
    /// With the ports and paths of this world.
    fn fill(&self, text: &str) -> Result<String> {
        let ports = self.dovecot.ports();
        let secure = format!(
            "--receive-address 127.0.0.1 --receive-ca-file {} --receive-password-env SECRET",
            self.ca
        );
        let mail = self.dovecot.maildir("");
        let mut filled = text
            .replace("{secure}", &secure)
            .replace("{mail}", mail.display().to_string().trim_end_matches('/'));
        for (name, port) in [
            ("imap", ports.imap),
            ("imaps", ports.imaps),
            ("pop3s", ports.pop3s),
            ("smtp", self.postfix.port("smtp")?),
            ("holding", self.postfix.port("holding")?),
            ("greylisting", self.postfix.port("greylisting")?),
            ("cutting", self.cutting),
        ] {
            filled = filled.replace(&format!("{{{name}}}"), &port.to_string());
        }
        Ok(filled)
    }

    /// How often Postfix has taken a message with this in its Message-ID: `TOKEN.`, or `.INSTANCE@`.
    pub fn taken(&self, part: &str) -> usize {
        let log = self.postfix.log();
        log.lines()
            .filter(|line| line.contains("/cleanup") && line.contains("message-id=<") && line.contains(part))
            .count()
    }

    /// Waits until Postfix has logged it.
    pub fn logged(&self, words: &[&str]) -> Outcome {
        wait_until(&format!("{words:?} in the log of Postfix"), || {
            Ok(self.postfix.log().lines().any(|line| words.iter().all(|word| line.contains(word))))
        })
    }
}

/// Polls for what is to come about.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Outcome {
    let deadline = Deadline::after(PATIENCE);
    while !is_so()? {
        if deadline.left().is_zero() {
            return Err(format!("waited in vain for {what}").into());
        }
        clock::pause(deadline, Duration::from_millis(20));
    }
    Ok(())
}

/// Lets a limit pass.
pub fn pass(time: Duration) {
    clock::pause(Deadline::after(PATIENCE), time);
}

/// A route: its name is the instance of its probes, and the user of its mailbox.
pub struct Route<'w> {
    pub world: &'w World,
    pub name: &'static str,
    user: &'static str,
    state: TempDir,
    receive: String,
    before: Vec<Vec<u8>>,
}

impl<'w> Route<'w> {
    /// Into the Maildir of the user of the same name.
    pub fn new(world: &'w World, name: &'static str) -> Result<Self> {
        Self::into(world, name, name, "--receive maildir:{mail}/{user}")
    }

    /// Looks into another's mailbox, or another way.
    pub fn into(world: &'w World, name: &'static str, user: &'static str, receive: &str) -> Result<Self> {
        let before = crowd::others(&world.dovecot.maildir(user))?;
        let receive = receive.replace("{user}", user);
        Ok(Self { world, name, user, state: TempDir::new()?, receive, before })
    }

    /// Looks another way from now on.
    pub fn look_by(&mut self, receive: &str) {
        self.receive = receive.replace("{user}", self.user);
    }

    /// A run that waits for nothing, of a message to the user, by `smtp`.
    pub fn next(&self, more: &str) -> std::result::Result<Run, Failed> {
        self.run(&format!("--async {more}"))
    }

    /// A run; `-p` and `--to` where `more` does not name others.
    pub fn run(&self, more: &str) -> std::result::Result<Run, Failed> {
        self.run_behind("", more)
    }

    /// Runs the check with mounts of its own, made by a script in which `{state}` is the state directory.
    pub fn run_behind(&self, script: &str, more: &str) -> std::result::Result<Run, Failed> {
        let words = self.words(more)?;
        let program = env!("CARGO_BIN_EXE_check_smtp_delivery");
        let mut command = if script.is_empty() {
            Command::new(program)
        } else {
            let script = script.replace("{state}", &self.state.path().display().to_string());
            let mut command = Command::new("unshare");
            command.args(["--mount", "--propagation", "private", "sh", "-c"]);
            command.args([&format!("set -e\n{script}\nexec \"$@\""), "sh", program]);
            command
        };
        let output = command.args(split(&words)?).env("SECRET", PASSWORD).output()?;
        let stdout = String::from_utf8(output.stdout)?;
        let run = Run { words, exit: output.status.code(), stdout };
        if !output.stderr.is_empty() || run.stdout.contains(PASSWORD) {
            return Err(run.fault("stderr is not empty, or a password is shown"));
        }
        if crowd::others(&self.world.dovecot.maildir(self.user))? != self.before {
            return Err(run.fault("messages of others have changed"));
        }
        Ok(run)
    }

    /// The words of a command.
    pub fn words(&self, more: &str) -> std::result::Result<String, Failed> {
        let mut words = format!("-H 127.0.0.1 {} {more}", self.receive);
        for (flag, usual) in [
            ("--instance", self.name),
            ("-p", "{smtp}"),
            ("-f", "probe@example.org"),
            ("--to", &format!("{}@example.net", self.user)),
            ("--state-dir", &self.state.path().display().to_string()),
            ("--output", "text -v"),
        ] {
            if !words.contains(&format!(" {flag} ")) {
                words = format!("{words} {flag} {usual}");
            }
        }
        // Given as `-`: none.
        Ok(self.world.fill(&words.replace(" --state-dir - ", " "))?)
    }

    /// Holds what a run without waiting knows by its JSON against what is expected at these places of it.
    pub fn history(&self, more: &str, expected: &[(&str, Value)]) -> Outcome {
        let run = self.next(&format!("{more} --output json"))?;
        let all: Value = serde_json::from_str(&run.stdout)?;
        for (place, value) in expected {
            if all.pointer(&format!("/facts/history{place}")) != Some(value) {
                return Err(run.fault(&format!("{place} is not {value}")));
            }
        }
        Ok(())
    }

    /// Waits until so many messages of ours are in the mailbox.
    pub fn has(&self, count: usize) -> Outcome {
        let path = self.world.dovecot.maildir(self.user);
        wait_until(&format!("{count} messages of ours in {}", path.display()), || {
            Ok(crowd::ours(&path)?.len() == count)
        })
    }

    /// The messages of ours in the mailbox.
    pub fn messages(&self) -> Result<Vec<String>> {
        let messages = crowd::ours(&self.world.dovecot.maildir(self.user))?;
        Ok(messages.iter().map(|message| String::from_utf8_lossy(message).into_owned()).collect())
    }

    /// Where its state is kept.
    pub fn state(&self) -> &Path {
        self.state.path()
    }

    /// The file of it.
    pub fn file(&self) -> PathBuf {
        self.state().join(format!("delivery-{}.json", self.name))
    }

    /// The probes in it, in the order they were sent.
    pub fn known(&self) -> std::result::Result<Vec<Known>, Failed> {
        let all: Value = serde_json::from_slice(&std::fs::read(self.file())?)?;
        let probes = all.get("probes").and_then(Value::as_array).ok_or("no list of probes")?;
        let text = |probe: &Value, key| probe.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let known = |probe| Known {
            token: text(probe, "token"),
            state: text(probe, "state"),
            copies: probe.get("copies").and_then(Value::as_array).map_or(0, Vec::len),
        };
        Ok(probes.iter().map(known).collect())
    }

    /// What is known of one.
    pub fn state_of(&self, token: &str) -> std::result::Result<String, Failed> {
        let known = self.known()?.into_iter().find(|probe| probe.token == token);
        Ok(known.ok_or_else(|| format!("{token} is not known"))?.state)
    }
}

/// A probe in the state.
#[derive(Debug)]
pub struct Known {
    pub token: String,
    pub state: String,
    pub copies: usize,
}

/// What a run said.
pub struct Run {
    words: String,
    exit: Option<i32>,
    stdout: String,
}

impl Run {
    /// Holds exit code and first line, up to the perfdata and without `SMTP DELIVERY`, against what is expected.
    pub fn says(self, exit: i32, first_line: &str) -> std::result::Result<Self, Failed> {
        let masked = mask(&self.stdout);
        let first = masked.split(" | ").next().unwrap_or_default();
        let expected = format!("SMTP DELIVERY {first_line}");
        if self.exit != Some(exit) {
            return Err(self.fault(&format!("exit {:?}, expected {exit}", self.exit)));
        }
        if !fits(&expected, first) {
            return Err(self.fault(&format!("- {expected}\n+ {first}")));
        }
        Ok(self)
    }

    /// A line that must be there.
    pub fn shows(self, line: &str) -> std::result::Result<Self, Failed> {
        if mask(&self.stdout).lines().any(|shown| fits(line, shown)) {
            return Ok(self);
        }
        Err(self.fault(&format!("not shown: {line}")))
    }

    /// A text that must not be there.
    pub fn hides(self, text: &str) -> std::result::Result<Self, Failed> {
        if self.stdout.contains(text) { Err(self.fault(&format!("shown: {text}"))) } else { Ok(self) }
    }

    /// How many are lost, under way and of uncertain fate.
    pub fn counts(self, lost: u32, pending: u32, uncertain: u32) -> std::result::Result<Self, Failed> {
        for (label, count) in [("lost", lost), ("pending", pending), ("uncertain", uncertain)] {
            let seen = self.metric(label);
            if seen.as_deref() != Some(&count.to_string()) {
                return Err(self.fault(&format!("{label}={seen:?}, expected {count}")));
            }
        }
        Ok(self)
    }

    /// How long the last one took that arrived.
    pub fn arrived(&self) -> std::result::Result<f64, Failed> {
        let seen = self.metric("arrived").ok_or_else(|| self.fault("no arrived="))?;
        Ok(seen.trim_end_matches('s').parse()?)
    }

    /// Whether the last one took so long.
    pub fn took(self, seconds: std::ops::Range<f64>) -> std::result::Result<Self, Failed> {
        let arrived = self.arrived()?;
        if seconds.contains(&arrived) {
            return Ok(self);
        }
        Err(self.fault(&format!("arrived={arrived}, expected {seconds:?}")))
    }

    /// Nothing is known of one that arrived.
    pub fn took_nothing(self) -> std::result::Result<Self, Failed> {
        if self.metric("arrived").is_some() { Err(self.fault("arrived= is there")) } else { Ok(self) }
    }

    /// A value of the perfdata, without its limits.
    fn metric(&self, label: &str) -> Option<String> {
        let perfdata = self.stdout.lines().next()?.split_once(" | ")?.1;
        let value = perfdata.split(' ').find_map(|metric| metric.strip_prefix(label)?.strip_prefix('='))?;
        value.split(';').next().map(str::to_owned)
    }

    /// What Postfix has called the message.
    pub fn queue_id(&self) -> std::result::Result<String, Failed> {
        let id = self.stdout.split_once("queued as ").map(|(_, rest)| rest.split_whitespace().next());
        id.flatten().map(str::to_owned).ok_or_else(|| self.fault("no queue id"))
    }

    /// The token of its message.
    pub fn token(&self) -> std::result::Result<String, Failed> {
        let line = self.stdout.lines().find_map(|line| line.strip_prefix("OK: probe "));
        let token = line.and_then(|line| line.split_once('/')?.1.split(',').next());
        token.map(str::to_owned).ok_or_else(|| self.fault("no token"))
    }

    /// With everything that was said.
    pub fn fault(&self, what: &str) -> Failed {
        format!("check_smtp_delivery {}\n{what}\n{}", self.words, self.stdout).into()
    }
}
