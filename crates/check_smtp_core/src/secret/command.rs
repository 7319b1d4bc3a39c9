//! A secret that a command prints: no shell, own deadline, little output.

use std::io::Read;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use super::{FILE_LIMIT, Hidden, Secret};
use crate::net::Deadline;
use crate::net::stream::timespec;

/// A command that takes longer hangs, on a locked key ring perhaps; the check itself needs the rest of its time.
const SHARE: Duration = Duration::from_secs(5);
/// Bytes of its complaints that are kept.
const COMPLAINT_LIMIT: usize = 4096;
/// Characters of them that are shown.
const COMPLAINT_SHOWN: usize = 200;

/// Runs the command and takes what it prints.
pub fn run(words: &[String], deadline: Deadline) -> Result<Secret, String> {
    let deadline = deadline.at_most(SHARE);
    let (program, arguments) = words.split_first().ok_or("the command is empty")?;
    let told = |what: &str| format!("'{program}' {what}");
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A group of its own, so that what it has started ends with it.
    let child = command.process_group(0).spawn();
    let mut child = child.map_err(|error| told(&crate::error::system_words(&error)))?;
    let gathered = gather(&mut child, deadline);
    if gathered.is_err() {
        let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
    }
    let status = child.wait().map_err(|error| told(&crate::error::system_words(&error)))?;
    let (printed, complaint) = gathered.map_err(told)?;
    let printed = String::from_utf8(printed).map_err(|_| told("printed something that is not UTF-8"))?;
    if !status.success() {
        return Err(told(&format!("failed ({status}){}", shown(&complaint, &printed))));
    }
    if printed.trim().is_empty() {
        return Err(told(&format!("printed nothing{}", shown(&complaint, &printed))));
    }
    Ok(Secret::new(printed))
}

/// What it said on standard error, without what it printed.
fn shown(complaint: &[u8], printed: &str) -> String {
    let mut hidden = Hidden::default();
    hidden.add(printed.trim());
    let text = String::from_utf8_lossy(complaint);
    let text = hidden.star(text.trim());
    if text.is_empty() {
        String::new()
    } else {
        format!(": {}", text.chars().take(COMPLAINT_SHOWN).collect::<String>())
    }
}

type Gathered = Result<(Vec<u8>, Vec<u8>), &'static str>;

/// Reads both pipes until the command has ended; what it left running in the background is not waited for.
fn gather(child: &mut Child, deadline: Deadline) -> Gathered {
    let (Some(mut output), Some(mut complaints)) = (child.stdout.take(), child.stderr.take()) else {
        return Err("has no output");
    };
    let ended =
        pidfd_open(Pid::from_child(child), PidfdFlags::empty()).map_err(|_| "cannot be waited for")?;
    let (mut printed, mut complaint) = (Vec::new(), Vec::new());
    let (mut is_output_open, mut is_complaint_open) = (true, true);
    loop {
        let mut waited = vec![PollFd::new(&ended, PollFlags::IN)];
        if is_output_open {
            waited.push(PollFd::new(&output, PollFlags::IN));
        }
        if is_complaint_open {
            waited.push(PollFd::new(&complaints, PollFlags::IN));
        }
        let left = deadline.left();
        if left.is_zero() || matches!(poll(&mut waited, Some(&timespec(left))), Ok(0)) {
            return Err("did not end in time");
        }
        let ready: Vec<bool> = waited.iter().map(|one| !one.revents().is_empty()).collect();
        let mut ready = ready.into_iter();
        let has_ended = ready.next() == Some(true);
        let mut has_read = false;
        if is_output_open && ready.next() == Some(true) {
            is_output_open = take(&mut output, &mut printed, FILE_LIMIT)?;
            has_read = true;
        }
        if is_complaint_open && ready.next() == Some(true) {
            // Read on and forgotten: a command that complains at length must not hang on a full pipe.
            is_complaint_open = take(&mut complaints, &mut complaint, u64::MAX)?;
            complaint.truncate(COMPLAINT_LIMIT);
            has_read = true;
        }
        if has_ended && !has_read {
            return Ok((printed, complaint));
        }
    }
}

/// Reads once what is there; `false` at the end.
fn take(pipe: &mut impl Read, into: &mut Vec<u8>, limit: u64) -> Result<bool, &'static str> {
    let mut buffer = [0; 2048];
    let count = pipe.read(&mut buffer).map_err(|_| "closed its output with an error")?;
    into.extend(buffer.iter().take(count));
    if into.len() as u64 > limit { Err("prints more than 64 KiB, that is no secret") } else { Ok(count > 0) }
}

#[cfg(test)]
mod tests {
    use super::run;
    use crate::net::Deadline;
    use std::time::Duration;

    fn shell(script: &str, seconds: f64) -> Result<String, String> {
        let words = ["sh", "-c", script].map(str::to_owned);
        let secret = run(&words, Deadline::after(Duration::from_secs_f64(seconds)));
        secret.map(|secret| secret.expose().to_owned())
    }

    #[test]
    fn takes_one_line_and_waits_for_nobody_else() {
        assert_eq!(shell("printf 'a b\\n'", 5.0).as_deref(), Ok("a b"));
        assert_eq!(shell("echo secret; sleep 30 &", 5.0).as_deref(), Ok("secret"));
    }

    #[test]
    fn what_went_wrong_is_told_without_the_secret() {
        assert_eq!(shell("exec sleep 30", 0.2).unwrap_err(), "'sh' did not end in time");
        assert_eq!(
            shell("echo topsecret; echo no topsecret key >&2; exit 3", 5.0).unwrap_err(),
            "'sh' failed (exit status: 3): no *** key"
        );
        assert_eq!(shell("echo locked >&2", 5.0).unwrap_err(), "'sh' printed nothing: locked");
        assert_eq!(shell("head -c 300000 /dev/zero >&2; echo secret", 5.0).as_deref(), Ok("secret"));
        assert!(shell("yes", 5.0).unwrap_err().contains("more than 64 KiB"));
        let missing = ["/nowhere/pass".to_owned()];
        let told = run(&missing, Deadline::after(Duration::from_secs(5))).err().unwrap();
        assert_eq!(told, "'/nowhere/pass' no such file or directory");
    }
}
