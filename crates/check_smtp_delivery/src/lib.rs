//! Does a message sent here arrive there, and how long does it take?
//!
//! One message, built here and marked with a token of its own, is handed to the server (or to the servers of the recipient's domain); what
//! became of it is told for each recipient. It is never sent a second time.

mod args;
mod evaluate;
mod facts;
pub mod mailbox;
mod mark;
mod message;
mod probe;
pub mod trace;
pub mod tracker;

use std::time::Duration;

use check_smtp_core::net::Deadline;
use check_smtp_core::plugin::render::Names;
use check_smtp_core::plugin::{Check, Report, Style, UsageError};

pub use args::{Args, Config};
pub use facts::Facts;

/// The check.
#[derive(Debug)]
pub struct Delivery;

impl Check for Delivery {
    const NAMES: Names = Names { program: "check_smtp_delivery", service: "SMTP DELIVERY" };
    const ABOUT: &'static str = "Does a message sent here arrive there, and how long does it take?";
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
    check_smtp_core::plugin::shell::command::<Delivery>()
}
