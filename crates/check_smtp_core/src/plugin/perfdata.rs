//! Performance data: `label=value[UOM];[warn];[crit];[min];[max]`.

use std::fmt;

use super::Thresholds;

/// The units every engine understands; days are sent without one (Icinga 2 would multiply them).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A plain number.
    None,
    /// Seconds, written with six decimals.
    Seconds,
}

/// One measured value with the thresholds it was judged by.
#[derive(Clone, Debug, PartialEq)]
pub struct Perfdata {
    label: String,
    value: f64,
    unit: Unit,
    thresholds: Thresholds,
}

impl Perfdata {
    /// A metric. The label keeps letters, digits and `_` only, so that it needs no quotes in any engine.
    pub fn new(label: &str, value: f64, unit: Unit) -> Self {
        let label = label.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        Self { label, value, unit, thresholds: Thresholds::default() }
    }

    /// Adds the thresholds it was judged by.
    #[must_use]
    pub fn judged_by(mut self, thresholds: Thresholds) -> Self {
        self.thresholds = thresholds;
        self
    }

    /// The label.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The value; `None` when it is not a number an engine could store (such a metric is left out).
    pub fn value(&self) -> Option<f64> {
        self.value.is_finite().then_some(self.value)
    }

    /// The value as it is printed, without its unit.
    pub fn number(&self) -> String {
        match self.unit {
            Unit::Seconds => format!("{:.6}", self.value),
            Unit::None => format!("{}", self.value),
        }
    }

    /// Its unit.
    pub fn unit(&self) -> Unit {
        self.unit
    }
}

impl fmt::Display for Perfdata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = if self.unit == Unit::Seconds { "s" } else { "" };
        write!(f, "{}={}{unit}", self.label, self.number())?;
        match (self.thresholds.warning, self.thresholds.critical) {
            (None, None) => Ok(()),
            (Some(warning), None) => write!(f, ";{warning}"),
            (None, Some(critical)) => write!(f, ";;{critical}"),
            (Some(warning), Some(critical)) => write!(f, ";{warning};{critical}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Perfdata, Thresholds, Unit};
    use crate::plugin::Range;

    #[test]
    fn seconds_have_six_decimals_and_plain_thresholds() {
        let thresholds = Thresholds { warning: Range::parse("1").ok(), critical: Range::parse("~:3").ok() };
        let perfdata = Perfdata::new("time", 0.042_113, Unit::Seconds).judged_by(thresholds);
        assert_eq!(perfdata.to_string(), "time=0.042113s;1;3");
    }

    #[test]
    fn labels_need_no_quotes() {
        assert_eq!(Perfdata::new("a b='::c", 1.0, Unit::None).to_string(), "a_b____c=1");
    }

    #[test]
    fn critical_alone_keeps_its_place() {
        let thresholds = Thresholds { warning: None, critical: Range::parse("10:20").ok() };
        assert_eq!(Perfdata::new("n", 2.0, Unit::None).judged_by(thresholds).to_string(), "n=2;;10:20");
    }
}
