//! Where a check keeps what its next run must know.

use std::path::PathBuf;

use super::path;
use crate::plugin::UsageError;

/// `--state-dir`.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "State")]
pub struct StateArgs {
    /// Where it is kept.
    #[arg(long, help = "Directory that keeps what the next run must know [default: $STATE_DIRECTORY, else /var/lib/smtp-monitoring-plugins]", value_name = "DIR", value_parser = path)]
    pub state_dir: Option<PathBuf>,
}

impl StateArgs {
    /// The directory, where anything of the run is kept; else it would do nothing, which is said with what it is kept for.
    pub fn directory(self, is_used: bool, needed_for: &str) -> Result<Option<PathBuf>, UsageError> {
        match self.state_dir {
            Some(_) if !is_used => {
                Err(UsageError::new(format!("--state-dir without {needed_for} would do nothing: give both")))
            }
            directory => Ok(directory),
        }
    }
}
