//! Can this account log in, by which mechanism, and is nobody else let in?
//!
//! One session that logs in; then, where asked for, one for each test of the other side of the door: a wrong password, mail
//! without a login, a login without TLS.

mod args;
mod evaluate;
mod facts;
mod probe;

use std::time::Duration;

use check_smtp_core::net::Deadline;
use check_smtp_core::plugin::render::Names;
use check_smtp_core::plugin::{Check, Report, Style, UsageError};

pub use args::{Args, Config};
pub use facts::Facts;

/// The check.
#[derive(Debug)]
pub struct Auth;

impl Check for Auth {
    const NAMES: Names = Names { program: "check_smtp_auth", service: "SMTP AUTH" };
    const ABOUT: &'static str = "Can this account log in, by which mechanism, and is nobody else let in?";
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
    check_smtp_core::plugin::shell::command::<Auth>()
}
