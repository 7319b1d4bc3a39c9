//! Thresholds: the one place where a measured value becomes a state.

use super::{Range, RangeError, State};

/// One `-w` or `-c` as typed: a range, for the whole check or for one named metric (`connect=0.3`).
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// The metric it is for; `None` is the check's main metric.
    pub metric: Option<String>,
    /// When it alerts.
    pub range: Range,
}

impl Threshold {
    /// Reads `RANGE` or `METRIC=RANGE`, the range in seconds or with units.
    pub fn parse_seconds(text: &str) -> Result<Self, RangeError> {
        match text.split_once('=') {
            Some((metric, range)) => {
                Ok(Self { metric: Some(metric.to_owned()), range: Range::parse_seconds(range)? })
            }
            None => Ok(Self { metric: None, range: Range::parse_seconds(text)? }),
        }
    }
}

/// The two ranges one metric is judged by.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Thresholds {
    /// Alerts as WARNING.
    pub warning: Option<Range>,
    /// Alerts as CRITICAL.
    pub critical: Option<Range>,
}

/// What [`Thresholds::judge`] found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// The state the value earns.
    pub state: State,
    /// The range that alerted.
    pub by: Option<Range>,
}

impl Thresholds {
    /// The ranges for `metric` among those typed; the last one given for a metric counts.
    pub fn of(metric: Option<&str>, warnings: &[Threshold], criticals: &[Threshold]) -> Self {
        let last = |all: &[Threshold]| all.iter().rfind(|t| t.metric.as_deref() == metric).map(|t| t.range);
        Self { warning: last(warnings), critical: last(criticals) }
    }

    /// Judges a value; critical is asked first.
    pub fn judge(&self, value: f64) -> Judgement {
        let alerting = |range: Option<Range>| range.filter(|range| range.alerts(value));
        if let Some(range) = alerting(self.critical) {
            return Judgement { state: State::Critical, by: Some(range) };
        }
        match alerting(self.warning) {
            Some(range) => Judgement { state: State::Warning, by: Some(range) },
            None => Judgement { state: State::Ok, by: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Range, State, Threshold, Thresholds};

    #[test]
    fn guideline_example_with_negative_ranges() {
        let thresholds =
            Thresholds { warning: Range::parse("-10:-2").ok(), critical: Range::parse("-30:20").ok() };
        let table = [
            (-31.0, State::Critical),
            (-29.0, State::Warning),
            (-11.0, State::Warning),
            (-10.0, State::Ok),
            (-2.0, State::Ok),
            (-1.0, State::Warning),
            (19.0, State::Warning),
            (21.0, State::Critical),
        ];
        for (value, state) in table {
            assert_eq!(thresholds.judge(value).state, state, "{value}");
        }
    }

    #[test]
    fn last_threshold_for_a_metric_counts() {
        let given = ["2", "connect=0.3", "connect=500ms"].map(|t| Threshold::parse_seconds(t).unwrap());
        let thresholds = Thresholds::of(Some("connect"), &given, &[]);
        assert_eq!(thresholds.judge(0.4).state, State::Ok);
        assert_eq!(thresholds.judge(0.6).state, State::Warning);
        assert_eq!(Thresholds::of(None, &given, &[]).judge(1.9).state, State::Ok);
    }
}
