//! The shell's promises, tried on a check that breaks them: a panic and a probe that hangs end as one line and an exit code.
//!
//! The test binary is the check as well: it starts itself with the variable `AS_CHECK`.

#![expect(clippy::disallowed_methods, reason = "a test starts programs and looks into its environment")]

use std::process::{Command, ExitCode, Output};
use std::time::Duration;

use check_smtp_core::net::{Deadline, clock};
use check_smtp_core::plugin::render::Names;
use check_smtp_core::plugin::{Check, Finding, Report, State, Style, UsageError, shell};
use libtest_mimic::{Arguments, Failed, Trial};

#[derive(clap::Args)]
struct Args {
    #[command(flatten)]
    output: check_smtp_core::cli::OutputArgs,
}

struct Broken;

impl Check for Broken {
    const NAMES: Names = Names { program: "check_broken", service: "BROKEN" };
    const ABOUT: &'static str = "Breaks the rules";
    type Args = Args;
    type Config = Style;
    type Facts = bool;

    fn config(args: Args) -> Result<Style, UsageError> {
        Ok(args.output.style())
    }

    fn budget(_: &Style) -> Duration {
        Duration::from_millis(300)
    }

    fn style(style: &Style) -> Style {
        *style
    }

    /// With `-v` it hangs where no deadline reaches; otherwise it panics, on a thread of its own with `-vv`.
    #[expect(clippy::panic, reason = "what is tested")]
    fn probe(style: &Style, deadline: Deadline) -> bool {
        match style.verbosity {
            1 => {
                let (_keep, never) = std::sync::mpsc::channel::<()>();
                clock::within(deadline, move || never.recv().is_ok()).is_none()
            }
            2 => clock::within(deadline, || panic!("secret words")).unwrap_or(false),
            _ => panic!("secret words"),
        }
    }

    fn evaluate(_: &Style, was_left_behind: &bool) -> Report {
        let mut report = Report::new("x");
        let state = if *was_left_behind { State::Critical } else { State::Ok };
        report.push(Finding::new("left", state, "left behind"));
        report
    }
}

fn main() -> ExitCode {
    if std::env::var_os("AS_CHECK").is_some() {
        shell::run::<Broken>();
    }
    let trials = vec![
        Trial::test("a_panic_is_one_unknown_line", || panics(&[])),
        Trial::test("a_panic_on_a_worker_thread_too", || panics(&["-vv"])),
        Trial::test("what_hangs_is_left_behind_at_the_deadline", hangs),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn check(arguments: &[&str]) -> Result<Output, std::io::Error> {
    Command::new(std::env::current_exe()?).args(arguments).env("AS_CHECK", "1").output()
}

fn panics(arguments: &[&str]) -> Result<(), Failed> {
    let output = check(arguments)?;
    let stdout = String::from_utf8(output.stdout)?;
    let is_one_line =
        stdout.starts_with("BROKEN UNKNOWN - internal error at ") && stdout.lines().count() == 1;
    let is_silent = output.stderr.is_empty() && !stdout.contains("secret");
    if is_one_line && is_silent && output.status.code() == Some(3) {
        Ok(())
    } else {
        Err(format!("{:?} {stdout}", output.status).into())
    }
}

fn hangs() -> Result<(), Failed> {
    let output = check(&["-v"])?;
    let stdout = String::from_utf8(output.stdout)?;
    let is_told = stdout.starts_with("BROKEN CRITICAL - x: left behind");
    if output.status.code() == Some(2) && is_told { Ok(()) } else { Err(stdout.into()) }
}
