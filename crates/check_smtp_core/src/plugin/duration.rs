//! Durations as admins type them: a bare number is seconds, fractions and units are allowed.

use std::time::Duration;

/// Reads seconds from `2`, `2.5`, `800ms`, `2s`, `30d`, `6h30m`; `None` when it is none of these.
///
/// A sign is allowed (a range may start below 0). humantime reads the units; it knows neither bare numbers nor fractions.
pub fn parse_seconds(text: &str) -> Option<f64> {
    if let Some(number) = parse_number(text) {
        return Some(number);
    }
    let (sign, magnitude) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text),
    };
    let unit_at = magnitude.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = magnitude.split_at_checked(unit_at)?;
    let seconds = if number.contains('.') {
        parse_number(number)? * unit_seconds(unit)?
    } else {
        compound_seconds(magnitude)?
    };
    seconds.is_finite().then_some(sign * seconds)
}

/// Reads a time budget: as [`parse_seconds`], but more than nothing and at most a day.
pub fn parse_budget(text: &str) -> Result<Duration, String> {
    let seconds = parse_seconds(text).ok_or("not a duration, give seconds or a unit: 10, 2.5, 800ms, 1m")?;
    if seconds <= 0.0 {
        return Err("must be more than 0, a check never waits for ever".into());
    }
    if seconds > 86_400.0 {
        return Err("must be at most one day".into());
    }
    Ok(Duration::from_secs_f64(seconds).max(Duration::from_millis(1)))
}

/// A decimal number with optional sign and fraction; no exponent, no hexadecimal, no `inf` or `nan`, nor so many digits that it
/// becomes one.
pub fn parse_number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let plain =
        digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') && digits.bytes().any(|b| b.is_ascii_digit());
    let number: f64 = text.parse().ok().filter(|_| plain)?;
    number.is_finite().then_some(number)
}

fn unit_seconds(unit: &str) -> Option<f64> {
    compound_seconds(&format!("1{unit}"))
}

/// humantime's reading; spaces are not ours (`1 -c 2` is two arguments that came as one).
fn compound_seconds(text: &str) -> Option<f64> {
    if text.contains(char::is_whitespace) {
        return None;
    }
    humantime::parse_duration(text).ok().map(|duration| duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::{parse_budget, parse_seconds};

    #[test]
    fn bare_numbers_units_and_fractions() {
        let cases = [
            ("2", 2.0),
            ("2.5", 2.5),
            ("800ms", 0.8),
            ("2s", 2.0),
            ("1.5s", 1.5),
            ("30d", 2_592_000.0),
            ("6h30m", 23_400.0),
            ("-5", -5.0),
            ("-500ms", -0.5),
            ("1.500000", 1.5),
            ("010", 10.0),
        ];
        for (text, seconds) in cases {
            let read = parse_seconds(text).unwrap_or(f64::NAN);
            assert!((read - seconds).abs() < 1e-9, "{text}: {read}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "abc", "1e3", "0x10", "nan", "inf", "1 -c 2", "10abc", ".", "1.5.2", "--5", "5 s"] {
            assert_eq!(parse_seconds(text), None, "{text}");
        }
    }

    #[test]
    fn a_budget_is_never_zero_negative_or_endless() {
        for text in ["0", "-1", "0ms", "2d", "inf"] {
            assert!(parse_budget(text).is_err(), "{text}");
        }
    }
}
