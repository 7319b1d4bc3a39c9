//! The only code that prints, exits or asks the environment where the options file is.
//!
//! Everything between the command line and the report is pure or bounded by the deadline, so this is all there is to it:
//! read the words, ask the check, print once, exit with the state.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use clap::{Args as _, Command, FromArgMatches as _, error::ErrorKind};

use super::extra_opts::{self, Places};
use super::render::{Names, render};
use super::{Clean, Format, Report, State, Style, UsageError, arguments, finding::Finding};
use crate::net::clock::{self, Deadline};

/// A check: five small stages, values between them.
pub trait Check: 'static {
    /// The binary's name and the word that opens its status line.
    const NAMES: Names;
    /// One sentence for `--help`.
    const ABOUT: &'static str;
    /// What was typed.
    type Args: clap::Args;
    /// What is known to be sound.
    type Config;
    /// What was seen.
    type Facts;

    /// Turns what was typed into what is sound, or says which flag is wrong. Pure.
    fn config(args: Self::Args) -> Result<Self::Config, UsageError>;
    /// The time the whole check may take (`-t`).
    fn budget(config: &Self::Config) -> Duration;
    /// How the report is to be shown.
    fn style(config: &Self::Config) -> Style;
    /// Asks the server. The only stage that touches the world; decides nothing, and ends by the deadline.
    fn probe(config: &Self::Config, deadline: Deadline) -> Self::Facts;
    /// Judges the facts. Pure.
    fn evaluate(config: &Self::Config, facts: &Self::Facts) -> Report;
}

/// The clap definition of a check, for its own parser, its man page and its completions.
pub fn command<C: Check>() -> Command {
    let command = Command::new(C::NAMES.program)
        .version(env!("CARGO_PKG_VERSION"))
        .disable_version_flag(true)
        .args_override_self(true)
        .max_term_width(100)
        .after_help(
            "Exit codes: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN (usage errors, --help and --version too).",
        );
    // After the arguments: their type's doc comment would be the description otherwise.
    C::Args::augment_args(command).about(C::ABOUT).long_about(None)
}

/// Runs a check to its end: one report on standard output, the state as exit code, nothing on standard error.
pub fn run<C: Check>() -> ! {
    panic_is_unknown(C::NAMES);
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let format =
        if arguments::peek(&words, "--output") == Some("json") { Format::Json } else { Format::Text };
    // Everything large lives here, where nothing is dropped any more: freeing it costs as much as building it.
    let mut command = command::<C>();
    match configure::<C>(&mut command, words) {
        Ok(config) => {
            let facts = C::probe(&config, Deadline::after(C::budget(&config)));
            let report = C::evaluate(&config, &facts);
            finish(&render(C::NAMES, &report, C::style(&config)), report.state())
        }
        Err(Refused::Shown(text)) => finish(&text, State::Unknown),
        Err(Refused::Usage(error)) => {
            let report = unusable(C::NAMES, &error);
            finish(&render(C::NAMES, &report, Style { format, verbosity: 0 }), State::Unknown)
        }
    }
}

/// A check's name, and what runs it.
pub type Entry = (&'static str, fn() -> !);

/// A check as a row for [`run_by_name`].
pub fn entry<C: Check>() -> Entry {
    (C::NAMES.program, run::<C>)
}

/// Runs the check the process was called as: the packages hold one program under the name of each check.
pub fn run_by_name(checks: &[Entry]) -> ! {
    let called = std::env::args_os().next().unwrap_or_default();
    let name = Path::new(&called).file_name().unwrap_or_default();
    match checks.iter().find(|(program, _)| name == *program) {
        Some((_, run)) => run(),
        None => finish(&no_such_check(name, checks), State::Unknown),
    }
}

fn no_such_check(name: &OsStr, checks: &[Entry]) -> String {
    let programs: Vec<&str> = checks.iter().map(|(program, _)| *program).collect();
    let name = Clean::new(&name.to_string_lossy());
    format!(
        "SMTP UNKNOWN - called as '{name}', which is no check: give it the name of one: {}\n",
        programs.join(", ")
    )
}

/// Why no check was made.
enum Refused {
    /// Help or version was asked for.
    Shown(String),
    /// The command line is wrong.
    Usage(UsageError),
}

fn configure<C: Check>(command: &mut Command, words: Vec<OsString>) -> Result<C::Config, Refused> {
    let words = arguments::without_unused_macros(command, words);
    let words = with_extra_opts(command, words).map_err(Refused::Usage)?;
    let argv = std::iter::once(OsString::from(C::NAMES.program)).chain(words.iter().cloned());
    let mut matches =
        command.try_get_matches_from_mut(argv).map_err(|error| refused(command, &error, &words))?;
    if matches.contains_id("version") {
        return Err(Refused::Shown(version(C::NAMES)));
    }
    let typed =
        C::Args::from_arg_matches_mut(&mut matches).map_err(|error| refused(command, &error, &words))?;
    C::config(typed).map_err(Refused::Usage)
}

/// Reads the options file where one is asked for, with a deadline of its own: it may lie on a dead file server.
fn with_extra_opts(command: &Command, words: Vec<OsString>) -> Result<Vec<OsString>, UsageError> {
    if !words.iter().any(|word| word.to_str().is_some_and(|word| word.starts_with("--extra-opts"))) {
        return Ok(words);
    }
    let places = places();
    let command = command.clone();
    clock::within(Deadline::after(Duration::from_secs(10)), move || {
        extra_opts::expand(&command, words, &places)
    })
    .unwrap_or_else(|| Err(UsageError::new("--extra-opts: the options file could not be read within 10 s")))
}

#[expect(clippy::disallowed_methods, reason = "the shell is where the environment is read")]
fn places() -> Places {
    Places {
        config_file: std::env::var_os("MP_CONFIG_FILE"),
        config_path: std::env::var_os("NAGIOS_CONFIG_PATH"),
    }
}

fn refused(command: &Command, error: &clap::Error, words: &[OsString]) -> Refused {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Refused::Shown(error.render().to_string())
        }
        _ => Refused::Usage(arguments::usage_error(command, error, words)),
    }
}

fn version(names: Names) -> String {
    let openssl = crate::net::tls::library();
    format!("{} {} (smtp-monitoring-plugins), {openssl}\n", names.program, env!("CARGO_PKG_VERSION"))
}

fn unusable(names: Names, error: &UsageError) -> Report {
    let mut report = Report::new("usage");
    report.push(Finding::new("usage_error", State::Unknown, error.to_string()));
    report.section(super::Section::new(0, "", [format!("Try '{} --help'.", names.program)]));
    report
}

/// A panic is a fault of ours: one UNKNOWN line and exit code 3, never a backtrace on standard error.
fn panic_is_unknown(names: Names) {
    std::panic::set_hook(Box::new(move |info| {
        let place = info.location().map(|l| format!(" at {}:{}", l.file(), l.line())).unwrap_or_default();
        let line = Clean::new(&format!("internal error{place}, please report it"));
        finish(&format!("{} UNKNOWN - {line}\n", names.service), State::Unknown)
    }));
}

/// Prints once and ends. A closed standard output is no reason to change the exit code.
#[expect(clippy::disallowed_methods, clippy::exit, reason = "the one place that prints and exits")]
fn finish(text: &str, state: State) -> ! {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
    std::process::exit(i32::from(state.exit_code()))
}
