//! A report's three forms: plugin text, JSON, Prometheus exposition. Pure: a report and a style in, text out.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{Clean, Finding, Report, State, Unit};

/// All text output ends here; Nagios cuts at 8192 bytes and would lose what stands behind.
const TEXT_LIMIT: usize = 8_000;
/// Line 1 ends here, perfdata included.
const LINE_LIMIT: usize = 4_000;
/// Characters of the status text; the rest of [`LINE_LIMIT`] belongs to perfdata.
const HEADLINE_LIMIT: usize = 700;

/// The form of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// The plugin convention: status line, perfdata, long output.
    #[default]
    Text,
    /// One JSON object on one line.
    Json,
    /// The Prometheus exposition format.
    Prometheus,
}

/// How a report is to be shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Text, JSON or Prometheus.
    pub format: Format,
    /// How often `-v` was given.
    pub verbosity: u8,
}

/// The names a check goes by in its output.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    /// The binary: `check_smtp_conn`.
    pub program: &'static str,
    /// The word before the state: `SMTP CONN`.
    pub service: &'static str,
}

/// Renders a report; the text ends with a newline.
pub fn render(names: Names, report: &Report, style: Style) -> String {
    match style.format {
        Format::Text => text(names, report, style.verbosity),
        Format::Json => json_line(names, report, style.verbosity),
        Format::Prometheus => prometheus(names, report),
    }
}

fn text(names: Names, report: &Report, verbosity: u8) -> String {
    let headline = Clean::with_limit(&report.headline(), HEADLINE_LIMIT);
    let mut out = format!("{} {} - {headline}", names.service, report.state());
    for (index, perfdata) in report.perfdata().enumerate() {
        let item = perfdata.to_string();
        if out.len() + item.len() + 3 > LINE_LIMIT {
            break;
        }
        let _ = write!(out, "{}{item}", if index == 0 { " | " } else { " " });
    }
    out.push('\n');
    let long = Long { left: TEXT_LIMIT.saturating_sub(out.len()), text: String::new() };
    out.push_str(&long.findings(report, verbosity).hints(report).sections(report, verbosity).text);
    out
}

/// The long output, which stops at the limit and says so.
struct Long {
    text: String,
    left: usize,
}

impl Long {
    fn line(&mut self, line: &str) {
        const CUT: &str = "(output cut)\n";
        let Some(left) = self.left.checked_sub(line.len() + 1).filter(|left| *left >= CUT.len()) else {
            if self.left > 0 {
                self.text.push_str(CUT);
                self.left = 0;
            }
            return;
        };
        self.left = left;
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// With `-v` every finding; without it those faults the status line only counted.
    fn findings(mut self, report: &Report, verbosity: u8) -> Self {
        let faults = report.faults();
        let rest: Vec<&Finding> = if verbosity == 0 {
            faults.into_iter().skip(1).collect()
        } else {
            let fine = report.findings().iter().filter(|f| f.state() == State::Ok);
            faults.into_iter().chain(fine).collect()
        };
        for finding in rest {
            self.line(&format!("{}: {}", finding.state(), finding.text()));
        }
        self
    }

    fn hints(mut self, report: &Report) -> Self {
        let mut said: Vec<&str> = Vec::new();
        for advice in report.faults().into_iter().filter_map(Finding::advice) {
            if !said.contains(&advice.id) {
                said.push(advice.id);
                self.line(&format!("hint: {} [{}]", advice.remedy, advice.id));
            }
        }
        self
    }

    fn sections(mut self, report: &Report, verbosity: u8) -> Self {
        for section in report.sections().iter().filter(|section| section.level <= verbosity) {
            if !section.title.is_empty() {
                self.line(&format!("{}:", section.title));
            }
            for line in &section.lines {
                self.line(line.as_str());
            }
        }
        self
    }
}

fn json_line(names: Names, report: &Report, verbosity: u8) -> String {
    let (host, port) = report.target();
    let metrics: Map<String, Value> = report
        .perfdata()
        .map(|perfdata| {
            (perfdata.label().to_owned(), serde_json::from_str(&perfdata.number()).unwrap_or_default())
        })
        .collect();
    let findings: Vec<Value> = report.findings().iter().map(finding_json).collect();
    let sections: Map<String, Value> = report
        .sections()
        .iter()
        .filter(|section| section.level <= verbosity && !section.title.is_empty())
        .map(|s| (s.title.to_owned(), s.lines.iter().map(|line| Value::from(line.as_str())).collect()))
        .collect();
    let mut object = json!({
        "schema": 1,
        "check": names.program,
        "state": report.state().name(),
        "exit_code": report.state().exit_code(),
        "message": Clean::with_limit(&report.headline(), HEADLINE_LIMIT).as_str(),
        "host": Clean::new(host).as_str(),
        "port": port,
        "metrics": metrics,
        "findings": findings,
        "facts": cleaned(Value::Object(report.facts().clone())),
    });
    if let (false, Some(map)) = (sections.is_empty(), object.as_object_mut()) {
        map.insert("details".to_owned(), Value::Object(sections));
    }
    format!("{object}\n")
}

fn finding_json(finding: &Finding) -> Value {
    json!({
        "id": finding.id(),
        "state": finding.state().name(),
        "text": finding.text().as_str(),
        "advice": finding.advice().map(|advice| advice.id),
        "hint": finding.advice().map(|advice| advice.remedy),
    })
}

/// Every string of the facts through the one door.
fn cleaned(value: Value) -> Value {
    match value {
        Value::String(text) => Value::from(Clean::new(&text).as_str()),
        Value::Array(items) => items.into_iter().map(cleaned).collect(),
        Value::Object(map) => {
            map.into_iter().map(|(k, v)| (Clean::new(&k).to_string(), cleaned(v))).collect()
        }
        other => other,
    }
}

fn prometheus(names: Names, report: &Report) -> String {
    let (host, port) = report.target();
    let port = port.map(|port| port.to_string()).unwrap_or_default();
    let labels = format!("check=\"{}\",host=\"{}\",port=\"{port}\"", names.program, label_value(host));
    let mut out = String::new();
    let state = report.state().exit_code();
    let _ = write!(
        out,
        "# HELP smtp_check_state State of the check: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.\n\
         # TYPE smtp_check_state gauge\nsmtp_check_state{{{labels}}} {state}\n"
    );
    let groups = [
        (
            Unit::Seconds,
            "smtp_check_seconds",
            "Time of the whole check (phase=\"time\") and of each phase, in seconds.",
        ),
        (Unit::None, "smtp_check_value", "Other metrics of the check."),
    ];
    for (unit, metric, help) in groups {
        let mut of_unit = report.perfdata().filter(|perfdata| perfdata.unit() == unit).peekable();
        if of_unit.peek().is_some() {
            let _ = write!(out, "# HELP {metric} {help}\n# TYPE {metric} gauge\n");
        }
        for perfdata in of_unit {
            let key = if unit == Unit::Seconds { "phase" } else { "metric" };
            let (label, number) = (perfdata.label(), perfdata.number());
            let _ = writeln!(out, "{metric}{{{labels},{key}=\"{label}\"}} {number}");
        }
    }
    for gauge in report.gauges() {
        let _ = write!(out, "# HELP {} {}\n# TYPE {} gauge\n", gauge.name, gauge.help, gauge.name);
        let own = gauge.labels.iter().map(|(key, value)| format!(",{key}=\"{}\"", label_value(value)));
        let _ = writeln!(out, "{}{{{labels}{}}} {}", gauge.name, own.collect::<String>(), gauge.value);
    }
    out
}

/// A label's value, cleaned and escaped as the exposition format wants it.
fn label_value(text: &str) -> String {
    Clean::new(text).as_str().replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::{Format, Names, Report, Style, render};
    use crate::plugin::{Finding, Perfdata, Section, State, Unit};

    const NAMES: Names = Names { program: "check_x", service: "X" };

    fn style(format: Format, verbosity: u8) -> Style {
        Style { format, verbosity }
    }

    fn report() -> Report {
        let mut report = Report::new("host:25").summary("ready").endpoint("host", Some(25));
        let slow = Finding::new("slow", State::Warning, "slow | \"words\"\r\nmore");
        report.push(slow.measured(Perfdata::new("time", 1.5, Unit::Seconds)));
        report
    }

    #[test]
    fn only_the_perfdata_pipe_stands_on_line_one() {
        let out = render(NAMES, &report(), style(Format::Text, 3));
        assert_eq!(
            out,
            "X WARNING - host:25: slow ¦ \"words\"  more, ready | time=1.500000s\nWARNING: slow ¦ \"words\"  more\n"
        );
    }

    #[test]
    fn long_output_stays_under_eight_kib_and_says_that_it_was_cut() {
        let mut long = report();
        long.section(Section::new(0, "dialogue", (0..500).map(|n| format!("line {n} {}", "x".repeat(80)))));
        let out = render(NAMES, &long, style(Format::Text, 0));
        assert!(out.len() <= 8_192 && out.ends_with("(output cut)\n"), "{}", out.len());
    }

    #[test]
    fn json_is_one_line_and_parses() {
        let out = render(NAMES, &report(), style(Format::Json, 0));
        let value: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(out.lines().count(), 1);
        assert_eq!(value["metrics"]["time"], 1.5);
        assert_eq!(value["exit_code"], 1);
    }

    #[test]
    fn prometheus_names_every_phase() {
        let out = render(NAMES, &report(), style(Format::Prometheus, 0));
        assert!(out.contains(
            "smtp_check_seconds{check=\"check_x\",host=\"host\",port=\"25\",phase=\"time\"} 1.500000\n"
        ));
    }
}
