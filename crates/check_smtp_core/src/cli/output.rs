//! How the result is shown.

use super::Given;
use crate::plugin::{Format, Style};

/// `-v`, `--output`, `--extra-opts`, `-V`.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Show more: -v every finding, -vv times and capabilities, -vvv the dialogue (secrets starred out)
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Form of the output; the exit code is the same in each
    #[arg(long, value_enum, value_name = "FORM")]
    pub output: Option<Format>,
    /// Read options from an ini file first; the command line wins [section: the program's name, file: the well-known places]
    #[arg(long, value_name = "SECTION@FILE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub extra_opts: Option<String>,
    /// Show the version of the program and of OpenSSL
    #[arg(short = 'V', long, num_args = 0, default_missing_value = "")]
    pub version: Option<Given>,
}

impl OutputArgs {
    /// How the report is to be rendered.
    pub fn style(&self) -> Style {
        Style { format: self.output.unwrap_or_default(), verbosity: self.verbose }
    }
}
