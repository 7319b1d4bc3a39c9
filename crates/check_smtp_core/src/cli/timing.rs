//! Thresholds and the one time budget.

use std::time::Duration;

use crate::plugin::duration::parse_budget;
use crate::plugin::{Threshold, Thresholds, UsageError};

/// The time for everything when nothing is said.
const BUDGET: Duration = Duration::from_secs(10);

/// `-w`, `-c`, `-t`.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Thresholds and time")]
pub struct TimingArgs {
    /// WARNING outside this range of seconds; PHASE=RANGE for one phase; repeatable (-w 2 -w connect=0.3 -w tls=500ms)
    #[arg(short, long, value_name = "[PHASE=]RANGE", allow_hyphen_values = true, value_parser = threshold)]
    pub warning: Vec<Threshold>,
    /// CRITICAL outside this range, given as for -w
    #[arg(short, long, value_name = "[PHASE=]RANGE", allow_hyphen_values = true, value_parser = threshold)]
    pub critical: Vec<Threshold>,
    /// Time for everything together: name lookup, connect, TLS, dialogue, QUIT; seconds or with a unit (2.5, 800ms) [default: 10]
    #[arg(short, long, value_name = "TIME", allow_hyphen_values = true, value_parser = budget)]
    pub timeout: Option<Duration>,
}

/// Thresholds that are known to name metrics of the check.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    warnings: Vec<Threshold>,
    criticals: Vec<Threshold>,
}

impl Limits {
    /// The thresholds of the whole check.
    pub fn total(&self) -> Thresholds {
        Thresholds::of(None, &self.warnings, &self.criticals)
    }

    /// The thresholds of one metric.
    pub fn of(&self, metric: &str) -> Thresholds {
        Thresholds::of(Some(metric), &self.warnings, &self.criticals)
    }
}

impl TimingArgs {
    /// The time for everything.
    pub fn budget(&self) -> Duration {
        self.timeout.unwrap_or(BUDGET)
    }

    /// Checks that every named metric is one of `known`. `time` names the total and is the same as no name.
    pub fn limits(&self, known: &[&str]) -> Result<Limits, UsageError> {
        let checked = |flag: &str, given: &[Threshold]| -> Result<Vec<Threshold>, UsageError> {
            given.iter().map(|threshold| named(flag, threshold, known)).collect()
        };
        Ok(Limits {
            warnings: checked("-w/--warning", &self.warning)?,
            criticals: checked("-c/--critical", &self.critical)?,
        })
    }
}

fn named(flag: &str, threshold: &Threshold, known: &[&str]) -> Result<Threshold, UsageError> {
    match threshold.metric.as_deref() {
        Some("time") => Ok(Threshold { metric: None, ..threshold.clone() }),
        Some(name) if !known.contains(&name) => Err(UsageError::value(
            flag,
            &format!("{name}={}", threshold.range),
            format!("no phase of this check, give time or one of {}", known.join(", ")),
        )),
        _ => Ok(threshold.clone()),
    }
}

fn threshold(text: &str) -> Result<Threshold, String> {
    Threshold::parse_seconds(text).map_err(|error| error.to_string())
}

fn budget(text: &str) -> Result<Duration, String> {
    parse_budget(text)
}
