//! The time of the whole session and of each phase, each with its own thresholds.

use std::time::Duration;

use crate::cli::Limits;
use crate::plugin::{Finding, Perfdata, State, Thresholds, Unit};
use crate::timeline::{Phase, Timeline};

/// What tells the metrics and texts of one session from those of others in the same report.
#[derive(Clone, Debug, Default)]
pub struct Label {
    /// Put before each text (`192.0.2.5: `).
    pub prefix: String,
    /// Put behind each metric's name (`_1`).
    pub suffix: String,
}

impl Label {
    /// A text of this session.
    pub fn text(&self, text: impl Into<String>) -> String {
        let text = text.into();
        if self.prefix.is_empty() { text } else { format!("{}{text}", self.prefix) }
    }

    /// The name of a metric of this session.
    pub fn metric(&self, name: &str) -> String {
        [name, &self.suffix].concat()
    }
}

/// The finding on the whole time.
pub fn total(limits: &Limits, took: Duration, label: &Label) -> Finding {
    judged("slow", "session", "time", took, limits.total(), label)
}

/// A finding for each phase that was finished.
pub fn phases(limits: &Limits, timeline: &Timeline, label: &Label) -> Vec<Finding> {
    let finished = Phase::ALL.into_iter().filter_map(|phase| Some((phase, timeline.of(phase)?)));
    finished
        .map(|(phase, took)| {
            judged("slow_phase", phase.name(), phase.label(), took, limits.of(phase.label()), label)
        })
        .collect()
}

/// A finding on a time, with its metric; `id` is what it is called where it is judged to be out of its range.
pub fn judged(
    id: &'static str,
    what: &str,
    metric: &str,
    took: Duration,
    thresholds: Thresholds,
    label: &Label,
) -> Finding {
    let judgement = thresholds.judge(took.as_secs_f64());
    let by = match judgement.by.map(|range| (range, range.upper_end())) {
        Some((_, Some(upper))) if took.as_secs_f64() > upper => format!(" (over {upper} s)"),
        Some((range, _)) => format!(" (outside {range})"),
        None => String::new(),
    };
    let text = label.text(format!("{what} took {:.3} s{by}", took.as_secs_f64()));
    let id = if judgement.state == State::Ok { "time" } else { id };
    let perfdata =
        Perfdata::new(&label.metric(metric), took.as_secs_f64(), Unit::Seconds).judged_by(thresholds);
    Finding::new(id, judgement.state, text).measured(perfdata)
}

/// A measured time: always three decimals, as the eye compares them.
pub fn shown(took: Duration) -> String {
    format!("{:.3} s", took.as_secs_f64())
}
