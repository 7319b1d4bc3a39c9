//! The range grammar of the plugin guidelines.

use std::{fmt, str::FromStr};

use super::duration::{parse_number, parse_seconds};

/// A range of values, and whether being inside or outside of it alerts.
///
/// ```text
/// [@][start:][end]     both ends inclusive: a value on an end point is inside
///   10      alerts below 0 and above 10      10:20   alerts outside 10..20
///   10:     alerts below 10                  @10:20  alerts inside 10..20, ends included
///   ~:10    alerts above 10
/// ```
/// Numbers are decimal (`010` is ten); a range given for a time also takes units (`500ms`, `2s`, `30d`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    start: f64,
    end: f64,
    alert_inside: bool,
}

/// Why a text is not a range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// Nothing was given.
    #[error("empty, give a range such as 10, 10:, ~:10, 10:20 or @10:20")]
    Empty,
    /// Two arguments came as one word, Debian's `'$ARG1$'` habit.
    #[error(
        "holds a blank: several arguments came as one word, give each flag and value as a word of its own"
    )]
    SeveralWords,
    /// A part that is not a number (or, for times, a duration).
    #[error("'{0}' is not a number, give a range such as 10, 10:, ~:10, 10:20 or @10:20")]
    NotANumber(String),
    /// The range would contain nothing.
    #[error("starts above its end ({0} > {1}), give the smaller end first")]
    Inverted(String, String),
}

impl Range {
    /// Reads a range of plain numbers.
    pub fn parse(text: &str) -> Result<Self, RangeError> {
        Self::parse_with(text, parse_number)
    }

    /// Reads a range of seconds; each end may carry its own unit.
    pub fn parse_seconds(text: &str) -> Result<Self, RangeError> {
        Self::parse_with(text, parse_seconds)
    }

    fn parse_with(text: &str, number: fn(&str) -> Option<f64>) -> Result<Self, RangeError> {
        if text.is_empty() {
            return Err(RangeError::Empty);
        }
        if text.contains(char::is_whitespace) {
            return Err(RangeError::SeveralWords);
        }
        let (alert_inside, body) = match text.strip_prefix('@') {
            Some(body) => (true, body),
            None => (false, text),
        };
        let read = |part: &str| number(part).ok_or_else(|| RangeError::NotANumber(part.to_owned()));
        let (start, end) = match body.split_once(':') {
            None => (0.0, read(body)?),
            Some(("", "")) => return Err(RangeError::NotANumber(body.to_owned())),
            Some((start, end)) => {
                let start = match start {
                    "~" => f64::NEG_INFINITY,
                    "" => 0.0,
                    number => read(number)?,
                };
                (start, if end.is_empty() { f64::INFINITY } else { read(end)? })
            }
        };
        if start > end {
            return Err(RangeError::Inverted(start.to_string(), end.to_string()));
        }
        Ok(Self { start, end, alert_inside })
    }

    /// Whether `value` raises an alert.
    pub fn alerts(&self, value: f64) -> bool {
        let inside = self.start <= value && value <= self.end;
        inside == self.alert_inside
    }

    /// The upper end where there is one, for texts such as "over 0.3 s".
    pub fn upper_end(&self) -> Option<f64> {
        (!self.alert_inside && self.end.is_finite()).then_some(self.end)
    }
}

impl FromStr for Range {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        Self::parse(text)
    }
}

/// The form perfdata carries: a plain number for `0:10` and `~:10`, because Icinga 2 drops anything else. A range that ends
/// below zero keeps its `~`: `-10` alone would be no range.
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let starts_low = self.start == 0.0 || self.start == f64::NEG_INFINITY;
        if !self.alert_inside && starts_low && self.end >= 0.0 && self.end.is_finite() {
            return write!(f, "{}", self.end);
        }
        if self.alert_inside {
            f.write_str("@")?;
        }
        if self.start == f64::NEG_INFINITY {
            f.write_str("~:")?;
        } else {
            write!(f, "{}:", self.start)?;
        }
        if self.end.is_finite() { write!(f, "{}", self.end) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::Range;

    /// The table of the plugin guidelines: what is written, what alerts, what does not.
    #[test]
    fn guideline_table() {
        let table: &[(&str, &[f64], &[f64])] = &[
            ("10", &[-0.1, 10.1], &[0.0, 5.0, 10.0]),
            ("10:", &[9.9, -1.0], &[10.0, 1e9]),
            ("~:10", &[10.1], &[10.0, -1e9]),
            ("10:20", &[9.9, 20.1], &[10.0, 20.0]),
            ("@10:20", &[10.0, 15.0, 20.0], &[9.9, 20.1]),
            (":5.75", &[-0.1, 5.76], &[0.0, 5.75]),
            ("~:0", &[0.5], &[-10.0, 0.0]),
            ("1:1", &[0.5, 5.2], &[1.0]),
            ("@1:1", &[1.0], &[0.5, 5.2]),
            ("@0:657.8210567", &[32.88, 0.0, 657.821_056_7], &[-2.0]),
            ("010", &[10.1, -0.1], &[10.0, 8.5]),
        ];
        for (text, alerting, quiet) in table {
            let range = Range::parse(text).unwrap();
            for value in *alerting {
                assert!(range.alerts(*value), "{text} must alert at {value}");
            }
            for value in *quiet {
                assert!(!range.alerts(*value), "{text} must not alert at {value}");
            }
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "20:10", "2:1", "10abc", "10:20:30", "abc", "~10", "@", "", "0x10", "-5", ":", "1e3", "nan",
            "inf:", "1 -c 2",
        ] {
            assert!(Range::parse(text).is_err(), "{text:?}");
        }
        let endless = "9".repeat(400);
        for text in [endless.clone(), format!("{endless}:"), format!("@1:{endless}")] {
            assert!(Range::parse(&text).is_err() && Range::parse_seconds(&format!("{text}.5d")).is_err());
        }
    }

    #[test]
    fn perfdata_form_is_a_plain_number_where_icinga_needs_one() {
        let forms = [
            ("0:10", "10"),
            ("~:10", "10"),
            ("10", "10"),
            ("10:20", "10:20"),
            ("@10:20", "@10:20"),
            ("10:", "10:"),
            ("~:-10", "~:-10"),
            ("-20:-10", "-20:-10"),
            ("~:-0", "-0"),
        ];
        for (text, form) in forms {
            assert!(Range::parse(form).is_ok(), "{form}");
            assert_eq!(Range::parse(text).unwrap().to_string(), form);
        }
    }

    #[test]
    fn times_take_units_on_each_end() {
        let range = Range::parse_seconds("500ms:2s").unwrap();
        assert!(range.alerts(0.4) && !range.alerts(0.5) && !range.alerts(2.0) && range.alerts(2.1));
    }
}
