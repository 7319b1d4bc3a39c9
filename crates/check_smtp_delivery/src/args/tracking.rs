//! What a run knows of the ones before it, and how their probes are judged.

use std::time::Duration;

use check_smtp_core::cli::Given;
use check_smtp_core::plugin::duration::parse_seconds;
use check_smtp_core::plugin::{Range, Thresholds, UsageError};

use super::{range, without_mailbox};
use crate::tracker::Limits;

/// A message of `--async` is late after this, when nothing is said.
const LATE_AFTER: Duration = Duration::from_secs(5 * 60);
/// It is lost after this.
const LOST_AFTER: Duration = Duration::from_secs(60 * 60);
/// So long a lost one counts.
const WINDOW: Duration = Duration::from_secs(60 * 60);
/// The longest of these times; what is older nobody looks for.
const LONGEST: f64 = 31.0 * 86_400.0;
/// Recipients of one message whose copies are told apart from one run to the next: each takes its room in the file.
const RECIPIENT_LIMIT: usize = 10;

const ASYNC_HELP: &str = "Do not wait: look for what earlier runs have sent, send the next message, and answer about the last one that arrived, was lost or came back, and the oldest still under way; for routes that are slow or greylisted";

/// `--async`, `--late-after`, `--lost-after`, `--lost-warning`, `--lost-critical`, `--window`.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Earlier messages (with --receive)")]
pub struct TrackingArgs {
    /// No waiting.
    #[arg(long = "async", help = ASYNC_HELP, num_args = 0, default_missing_value = "")]
    is_async: Option<Given>,
    /// With --async: a message that takes longer is late, which is WARNING [default: 5m]
    #[arg(long, value_name = "TIME", value_parser = span)]
    late_after: Option<Duration>,
    /// A message that has not arrived by then is lost; with --wait that is -t, unless it is given [default: 1h]
    #[arg(long, value_name = "TIME", value_parser = span)]
    lost_after: Option<Duration>,
    /// WARNING when the number of messages lost within --window is outside this range [default: 0]
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true, value_parser = range)]
    lost_warning: Option<Range>,
    /// CRITICAL when it is outside this range; the last one known of being lost is CRITICAL whatever the number [default: 2]
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true, value_parser = range)]
    lost_critical: Option<Range>,
    /// So long a lost or returned message counts, from when that was noticed; less if it arrives after all [default: 1h]
    #[arg(long, value_name = "TIME", value_parser = span)]
    window: Option<Duration>,
}

/// Whether a run waits for its own message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It does.
    Wait,
    /// The next run looks for it.
    Async,
}

/// How probes are judged from one run to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tracking {
    /// Whether a run waits.
    pub mode: Mode,
    /// What is late, and what is lost.
    pub limits: Limits,
    /// How many lost ones are too many.
    pub lost: Thresholds,
}

impl TrackingArgs {
    /// Whether a run does not wait; usage errors of flags that do nothing then.
    pub fn mode(&self, has_wait: bool) -> Result<Mode, UsageError> {
        match (&self.is_async, has_wait) {
            (Some(_), true) => {
                Err(UsageError::new("--wait with --async, which does not wait: give one of them"))
            }
            (Some(_), false) => Ok(Mode::Async),
            (None, _) if self.late_after.is_some() => Err(UsageError::new(
                "--late-after without --async would do nothing: give -w arrived=TIME, or --async",
            )),
            (None, _) => Ok(Mode::Wait),
        }
    }

    /// How probes are judged. `budget`: the time a run has.
    pub fn tracking(&self, mode: Mode, recipients: usize, budget: Duration) -> Result<Tracking, UsageError> {
        if mode == Mode::Async && recipients > RECIPIENT_LIMIT {
            return Err(UsageError::new(format!(
                "--async with more than {RECIPIENT_LIMIT} recipients: give fewer --to, and another run for the others"
            )));
        }
        let (late, lost) = match mode {
            // What comes within the run is in time, and the run itself says what did not.
            Mode::Wait => (budget, budget),
            Mode::Async => (LATE_AFTER, LOST_AFTER),
        };
        let late_after = self.late_after.unwrap_or(late);
        let limits = Limits {
            late_after,
            lost_after: self.lost_after.unwrap_or_else(|| lost.max(late_after)),
            window: self.window.unwrap_or(WINDOW),
        };
        if limits.lost_after < limits.late_after {
            return Err(UsageError::new(format!(
                "--lost-after {} s is shorter than {} {} s: a message is late before it is lost",
                limits.lost_after.as_secs_f64(),
                if mode == Mode::Async { "--late-after" } else { "-t" },
                limits.late_after.as_secs_f64()
            )));
        }
        let range = |typed: Option<Range>, usual| typed.or_else(|| Range::parse(usual).ok());
        let lost =
            Thresholds { warning: range(self.lost_warning, "0"), critical: range(self.lost_critical, "2") };
        Ok(Tracking { mode, limits, lost })
    }

    /// Without a mailbox nothing of it has a meaning.
    pub fn nothing(&self) -> Result<(), UsageError> {
        without_mailbox(&[
            (self.is_async.is_some(), "--async"),
            (self.late_after.is_some(), "--late-after"),
            (self.lost_after.is_some(), "--lost-after"),
            (self.lost_warning.is_some(), "--lost-warning"),
            (self.lost_critical.is_some(), "--lost-critical"),
            (self.window.is_some(), "--window"),
        ])
    }
}

fn span(text: &str) -> Result<Duration, String> {
    let seconds = parse_seconds(text).ok_or("not a duration, give seconds or a unit: 90, 10m, 2h")?;
    if seconds <= 0.0 || seconds > LONGEST {
        return Err("give more than 0, and at most 31 days".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds).max(Duration::from_millis(1)))
}
