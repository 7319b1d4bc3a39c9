//! What a check says: findings, and more for those who ask for more.

use serde_json::{Map, Value};

use super::{Clean, Finding, Perfdata, State};

/// Lines shown from a verbosity on (`-v` = 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The verbosity it needs; 0 is always shown.
    pub level: u8,
    /// Its heading; empty for none.
    pub title: &'static str,
    /// Its lines.
    pub lines: Vec<Clean>,
}

impl Section {
    /// A section of lines that may hold outside text.
    pub fn new<I>(level: u8, title: &'static str, lines: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let lines = lines.into_iter().map(|line| Clean::with_limit(line.as_ref(), 1000)).collect();
        Self { level, title, lines }
    }
}

/// A gauge of the Prometheus form alone, by a name that dashboards know.
#[derive(Clone, Debug, PartialEq)]
pub struct Gauge {
    /// Its name.
    pub name: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// Labels of its own beside those of the check, with their values.
    pub labels: Vec<(&'static str, String)>,
    /// The value.
    pub value: f64,
}

/// The result of a check, before it is given a form.
#[derive(Clone, Debug, Default)]
pub struct Report {
    subject: Clean,
    summary: Clean,
    host: String,
    port: Option<u16>,
    findings: Vec<Finding>,
    sections: Vec<Section>,
    facts: Map<String, Value>,
    gauges: Vec<Gauge>,
}

impl Report {
    /// A report on `subject` (`mail.example.org:25 (192.0.2.5)`).
    pub fn new(subject: &str) -> Self {
        Self { subject: Clean::new(subject), ..Self::default() }
    }

    /// What is said when all is well, and after a warning: `ready in 0.042 s`.
    #[must_use]
    pub fn summary(mut self, text: &str) -> Self {
        self.summary = Clean::new(text);
        self
    }

    /// The endpoint as labels for JSON and Prometheus; a Unix socket has no port.
    #[must_use]
    pub fn endpoint(mut self, host: &str, port: Option<u16>) -> Self {
        host.clone_into(&mut self.host);
        self.port = port;
        self
    }

    /// Adds a finding.
    pub fn push(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Adds findings.
    pub fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.findings.extend(findings);
    }

    /// Adds a section, unless it is empty.
    pub fn section(&mut self, section: Section) {
        if !section.lines.is_empty() {
            self.sections.push(section);
        }
    }

    /// Adds a fact to the JSON form. Its text is cleaned by the renderer.
    pub fn fact(&mut self, key: &str, value: impl Into<Value>) {
        self.facts.insert(key.to_owned(), value.into());
    }

    /// Adds a gauge to the Prometheus form.
    pub fn gauge(&mut self, gauge: Gauge) {
        self.gauges.push(gauge);
    }

    /// The gauges of the Prometheus form.
    pub fn gauges(&self) -> &[Gauge] {
        &self.gauges
    }

    /// The worst state of all findings; without any finding the check learned nothing: UNKNOWN.
    pub fn state(&self) -> State {
        self.findings.iter().map(Finding::state).max().unwrap_or(State::Unknown)
    }

    /// The findings that are not OK, worst first, otherwise in the order they were made.
    pub fn faults(&self) -> Vec<&Finding> {
        let mut faults: Vec<_> = self.findings.iter().filter(|f| f.state() != State::Ok).collect();
        faults.sort_by_key(|finding| std::cmp::Reverse(finding.state()));
        faults
    }

    /// All findings.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// All metrics an engine can store, in the order of their findings.
    pub fn perfdata(&self) -> impl Iterator<Item = &Perfdata> {
        self.findings.iter().flat_map(Finding::perfdata).filter(|perfdata| perfdata.value().is_some())
    }

    /// The sections.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The facts of the JSON form.
    pub fn facts(&self) -> &Map<String, Value> {
        &self.facts
    }

    /// Host and port.
    pub fn target(&self) -> (&str, Option<u16>) {
        (&self.host, self.port)
    }

    /// The text of the status line after `STATE - `: the worst finding, how many more there are, the summary.
    pub fn headline(&self) -> String {
        let subject = &self.subject;
        let summary = &self.summary;
        let faults = self.faults();
        let Some(worst) = faults.first() else {
            return format!("{subject} {summary}").trim().to_owned();
        };
        let more = match faults.len() - 1 {
            0 => String::new(),
            n => format!(" (+{n} more)"),
        };
        let tail = if summary.is_empty() { String::new() } else { format!(", {summary}") };
        format!("{subject}: {}{more}{tail}", worst.text())
    }
}

#[cfg(test)]
mod tests {
    use super::{Finding, Report, State};

    #[test]
    fn headline_names_the_worst_and_counts_the_others() {
        let mut report = Report::new("mail.example.org:25").summary("ready in 1 s");
        report.push(Finding::new("a", State::Warning, "slow"));
        report.push(Finding::new("b", State::Critical, "refused"));
        assert_eq!(report.headline(), "mail.example.org:25: refused (+1 more), ready in 1 s");
        assert_eq!(report.state(), State::Critical);
    }

    #[test]
    fn a_report_without_findings_is_unknown() {
        assert_eq!(Report::new("x").state(), State::Unknown);
    }
}
