//! Does the mail server answer, as what, and how fast is each step?
//!
//! One session (or one for each address with `--all-addresses`, each port with `--ports`): name lookup, connect, greeting, EHLO,
//! optional TLS, optional commands, QUIT.

mod args;
mod evaluate;
mod facts;
mod probe;
mod role;

use std::time::Duration;

use check_smtp_core::net::Deadline;
use check_smtp_core::plugin::render::Names;
use check_smtp_core::plugin::{Check, Report, Style, UsageError};

pub use args::{Args, Config};
pub use facts::{Facts, Visit};

/// The check.
#[derive(Debug)]
pub struct Conn;

impl Check for Conn {
    const NAMES: Names = Names { program: "check_smtp_conn", service: "SMTP CONN" };
    const ABOUT: &'static str = "Does the mail server answer, as what, and how fast is each step?";
    type Args = Args;
    type Config = Config;
    type Facts = Facts;

    fn config(args: Args) -> Result<Config, UsageError> {
        args.config()
    }

    fn budget(config: &Config) -> Duration {
        config.budget
    }

    fn style(config: &Config) -> Style {
        config.style
    }

    fn probe(config: &Config, deadline: Deadline) -> Facts {
        probe::probe(config, deadline)
    }

    fn evaluate(config: &Config, facts: &Facts) -> Report {
        evaluate::evaluate(config, facts)
    }
}

/// The clap definition, for man page and completions.
pub fn command() -> clap::Command {
    check_smtp_core::plugin::shell::command::<Conn>()
}
