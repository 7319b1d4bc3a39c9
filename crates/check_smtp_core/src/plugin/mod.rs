//! The plugin contract of Nagios and its kin: states, ranges, perfdata, one report, one place that prints.
//!
//! Nothing in here knows SMTP.

pub mod arguments;
pub mod duration;
pub mod extra_opts;
pub mod finding;
pub mod perfdata;
pub mod range;
pub mod render;
pub mod report;
pub mod shell;
pub mod state;
pub mod text;
pub mod threshold;
pub mod usage;

pub use finding::{Advice, Finding};
pub use perfdata::{Perfdata, Unit};
pub use range::{Range, RangeError};
pub use render::{Format, Style};
pub use report::{Gauge, Report, Section};
pub use shell::Check;
pub use state::State;
pub use text::Clean;
pub use threshold::{Threshold, Thresholds};
pub use usage::UsageError;
