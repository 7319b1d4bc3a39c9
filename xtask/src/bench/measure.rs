//! What a run costs: instructions (callgrind) and system calls (strace) repeat; memory and CPU are the kernel's own count.

use std::path::Path;
use std::process::{Command, Stdio};

use check_smtp_testbed::TempDir;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use crate::Result;

/// Runs in a batch whose CPU is counted together.
pub const BATCH: u32 = 20;
/// How valgrind counts instructions.
pub const CALLGRIND: [&str; 2] = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];

/// What one run costs.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub instructions: f64,
    pub calls: f64,
    pub memory: f64,
    pub cpu: f64,
}

/// A program as an engine starts it, with a locale; cargo's own variables (`LD_LIBRARY_PATH`) would cost the loader.
pub fn started(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("LANG", "C.UTF-8")
        .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
        .stdin(Stdio::null());
    command
}

/// All of it; `cpu` is known already.
pub fn cost(program: &Path, arguments: &[String], cpu: f64) -> Result<Cost> {
    Ok(Cost {
        instructions: instructions(program, arguments)?,
        calls: calls(program, arguments)?,
        memory: memory(program, arguments)?,
        cpu,
    })
}

/// Milliseconds of CPU for one run, from a batch of `runs`. A run that does not end with 0 measures nothing.
pub fn cpu(program: &Path, arguments: &[String], runs: u32) -> Result<f64> {
    let spent = || -> Result<i64> {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
        Ok((usage.user_time() + usage.system_time()).num_microseconds())
    };
    let before = spent()?;
    for _ in 0..runs {
        let status = started(program).args(arguments).stdout(Stdio::null()).status()?;
        if status.code() != Some(0) {
            return Err(format!("{} {} ended with {status}", program.display(), arguments.join(" ")).into());
        }
    }
    let micros = i32::try_from(spent()? - before)?;
    Ok(f64::from(micros) / f64::from(runs) / 1000.0)
}

/// Instructions of one run.
pub fn instructions(program: &Path, arguments: &[String]) -> Result<f64> {
    collected(started("valgrind").args(CALLGRIND).arg(program).args(arguments))
}

/// Runs what begins, perhaps after others, with valgrind and [`CALLGRIND`].
pub fn collected(command: &mut Command) -> Result<f64> {
    let told = String::from_utf8(command.output()?.stderr)?;
    let line = told.lines().find(|line| line.contains("Collected :")).ok_or("callgrind told nothing")?;
    Ok(line.split(' ').next_back().unwrap_or_default().parse()?)
}

fn calls(program: &Path, arguments: &[String]) -> Result<f64> {
    let directory = TempDir::new()?;
    let table = directory.path().join("strace");
    started("strace")
        .args(["-f", "-c", "-o"])
        .arg(&table)
        .arg(program)
        .args(arguments)
        .stdout(Stdio::null())
        .status()?;
    let table = std::fs::read_to_string(table)?;
    let total = table.lines().find(|line| line.ends_with(" total")).ok_or("strace told nothing")?;
    Ok(total.split_ascii_whitespace().nth(3).ok_or("strace told no count")?.parse()?)
}

/// Peak resident set in KiB, told by GNU time, whose own is smaller than any program's here.
fn memory(program: &Path, arguments: &[String]) -> Result<f64> {
    let output = started("/usr/bin/time")
        .args(["-f", "%M"])
        .arg(program)
        .args(arguments)
        .stdout(Stdio::null())
        .output()?;
    Ok(String::from_utf8(output.stderr)?.trim().parse()?)
}

/// The one in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
