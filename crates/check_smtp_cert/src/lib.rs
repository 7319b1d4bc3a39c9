//! Is the mail server's certificate and TLS sound, and for how long?
//!
//! One session (or one for each address with `--all-addresses`, each kind of key with `--key-types both`) up to the handshake, which goes
//! through whatever the certificate is; or a local chain with `-f`. Then path, dates, names and strength are judged apart.

mod args;
mod evaluate;
mod expect;
mod facts;
mod probe;
mod validity;

use std::time::Duration;

use check_smtp_core::net::Deadline;
use check_smtp_core::plugin::render::Names;
use check_smtp_core::plugin::{Check, Report, Style, UsageError};

pub use args::{Args, Config};
pub use facts::Facts;

/// The check.
#[derive(Debug)]
pub struct Cert;

impl Check for Cert {
    const NAMES: Names = Names { program: "check_smtp_cert", service: "SMTP CERT" };
    const ABOUT: &'static str = "Is the mail server's certificate and TLS sound, and for how long?";
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
    check_smtp_core::plugin::shell::command::<Cert>()
}
