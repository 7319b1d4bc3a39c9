//! What differs from run to run is masked before an output is compared.

use regex_lite::{Captures, Regex};

/// The masks, in their order: pattern and what it becomes.
const MASKS: [(&str, &str); 15] = [
    // Validity that is left, in perfdata, JSON and texts.
    (r#"\b((?:chain_)?days(?:_\d+)?"?[=:])-?\d+(\.\d+)?"#, "$1{days}"),
    (r"\bnot_after=\d+", "not_after={epoch}"),
    (r#"(metric="(?:not_after|days|chain_days)"\} |expiry(?:_timestamp_seconds)?\{.*\} )-?[0-9.]+"#, "$1{n}"),
    (r"\(\d+ days", "({n} days"),
    // What throwaway certificates have by chance.
    (
        r#"("(?:spki_)?sha256":"|fingerprint_sha256="|serialnumber="|"serial":"|serial |SHA-256 |SHA-256 of the public key |serial number is )[0-9a-f]{16,}"#,
        "$1{hex}",
    ),
    // Perfdata: seconds with six decimals.
    (r"=-?\d+\.\d{6}s", "={s}"),
    // Times in texts: three decimals and a unit.
    (r"\b\d+\.\d{3} s\b", "{t} s"),
    // When something began.
    (r"\+\d+ ms", "+{ms} ms"),
    (r#""began_ms":\d+"#, "\"began_ms\":{ms}"),
    // JSON numbers with a fraction, and Prometheus values.
    (r#"(":|\} )-?\d+(\.\d+(e-\d+)?|e-\d+)"#, "$1{f}"),
    // What is random in a message that is sent, and its size, which depends on the host's name.
    (r"\b[0-9a-f]{32}\b", "{token}"),
    (r"(\{token\}, |\(message of )\d+ bytes", "$1{n} bytes"),
    (r#""size":\d+,"arrival""#, "\"size\":{n},\"arrival\""),
    (r" SIZE=\d+", " SIZE={n}"),
    // Lengths of time in certificate texts.
    (r"\b(\d+ d \d+ h|\d+ h \d+ min|\d+ min)\b", "{span}"),
];

/// Masks measured times and the dates of throwaway certificates.
pub fn mask(text: &str) -> String {
    let mut masked = text.to_owned();
    for (pattern, becomes) in MASKS {
        masked = replace(&masked, pattern, |captures| {
            becomes.replace("$1", captures.get(1).map_or("", |m| m.as_str()))
        });
    }
    masked = replace(&masked, r"\b20\d\d-\d\d-\d\d\b", |_| "{date}".to_owned());
    replace(&masked, r#""not_(before|after)":\d+"#, |captures| {
        format!("\"not_{}\":{{epoch}}", captures.get(1).map_or("", |m| m.as_str()))
    })
}

fn replace(text: &str, pattern: &str, with: impl Fn(&Captures<'_>) -> String) -> String {
    Regex::new(pattern).map_or_else(
        |_| text.to_owned(),
        |pattern| pattern.replace_all(text, |captures: &Captures<'_>| with(captures)).into_owned(),
    )
}

/// Whether a line fits an expected one in which `{any}` stands for any text.
pub fn fits(expected: &str, line: &str) -> bool {
    crate::script::fits(&expected.replace('*', "\u{1}").replace("{any}", "*"), &line.replace('*', "\u{1}"))
}

/// The lines that do not fit, as a difference for people; empty when all is as expected.
pub fn difference(expected: &str, got: &str) -> Vec<String> {
    let (expected, got): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), got.lines().collect());
    if fit_all(&expected, &got) {
        return Vec::new();
    }
    let mut lines = Vec::new();
    for index in 0..expected.len().max(got.len()) {
        match (expected.get(index), got.get(index)) {
            (Some(expected), Some(got)) if fits(expected, got) => lines.push(format!("  {got}")),
            (expected, got) => {
                lines.extend(expected.map(|line| format!("- {line}")));
                lines.extend(got.map(|line| format!("+ {line}")));
            }
        }
    }
    lines
}

fn fit_all(expected: &[&str], got: &[&str]) -> bool {
    match (expected.split_first(), got.split_first()) {
        (None, None) => true,
        (Some((&"...", rest)), None) => fit_all(rest, got),
        (Some((&"...", rest)), Some((_, fewer))) => fit_all(rest, got) || fit_all(expected, fewer),
        (Some((line, rest)), Some((seen, fewer))) => fits(line, seen) && fit_all(rest, fewer),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{difference, mask};

    #[test]
    fn times_are_masked() {
        assert_eq!(mask("ready in 0.042 s | time=0.042113s;1;3"), "ready in {t} s | time={s};1;3");
        assert_eq!(mask("expired 10 d 0 h ago, on 2026-01-02"), "expired {span} ago, on {date}");
        assert_eq!(mask("{\"rcpt\":7e-6,\"n\":3}"), "{\"rcpt\":{f},\"n\":3}");
        assert_eq!(mask("{\"time\":0.0042,\"n\":3}"), "{\"time\":{f},\"n\":3}");
    }

    #[test]
    fn a_difference_is_seen() {
        assert!(difference("a\n...\nc{any}e\n", "a\nx\ny\ncde\n").is_empty());
        assert_eq!(difference("a\nb\n", "a\nc\n"), ["  a", "- b", "+ c"]);
        assert!(!difference("a\n", "a\nb\n").is_empty());
    }
}
