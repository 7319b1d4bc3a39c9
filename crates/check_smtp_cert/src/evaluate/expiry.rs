//! How much validity is left. Compared in seconds, shown in days.

use check_smtp_core::advice;
use check_smtp_core::certificate::{date, span};
use check_smtp_core::contact::timing::Label;
use check_smtp_core::plugin::{Finding, Perfdata, Range, State, Thresholds, Unit};

use super::endpoint;
use super::views::View;
use crate::args::Config;
use crate::facts::{Chain, Element, Facts};
use crate::validity::{DAY, as_f64};

/// The certificate that ends first.
#[derive(Clone, Copy, Debug)]
pub struct Earliest<'a> {
    element: &'a Element,
    view: &'a View<'a>,
    place: &'static str,
}

impl Earliest<'_> {
    /// Seconds left; negative when it is over.
    pub fn left(&self, now: i64) -> i64 {
        self.element.certificate.not_after.saturating_sub(now)
    }

    /// What is said of it beside the worst finding: that it is over is a finding of its own, unless it does not count.
    pub fn told(&self, config: &Config, facts: &Facts) -> Option<String> {
        match (self.left(facts.now) >= 0, self.view.has_dates(config)) {
            (true, _) => Some(self.sentence(facts)),
            (false, true) => None,
            (false, false) => Some(format!(
                "expired on {}, which DANE-EE ignores",
                date(self.element.certificate.not_after)
            )),
        }
    }

    /// `valid until 2027-02-21 (89 days)`, with the name and the place of what is not the leaf, and the endpoint where there are
    /// several.
    pub fn sentence(&self, facts: &Facts) -> String {
        let place = match self.place {
            "leaf" => String::new(),
            place => format!(", {place} {}", self.element.certificate.label()),
        };
        let sender = self.view.endpoints.first().and_then(|index| facts.endpoints.get(*index));
        let sender = sender.filter(|_| facts.endpoints.len() > 1);
        let sender =
            sender.map(|endpoint| format!(", {}", endpoint::name(facts, endpoint))).unwrap_or_default();
        format!(
            "valid until {} ({}{place}{sender})",
            date(self.element.certificate.not_after),
            days(self.left(facts.now))
        )
    }
}

/// The one of all certificates that count that ends first.
pub fn earliest<'a>(config: &Config, views: &'a [View<'a>]) -> Option<Earliest<'a>> {
    let all = views.iter().flat_map(|view| {
        let judged = view.chain.judged().iter().enumerate();
        judged.map(move |(index, element)| Earliest { element, view, place: place(&view.chain, index) })
    });
    // What is judged comes before what is not, however early that ends.
    all.min_by_key(|earliest| (!earliest.view.has_dates(config), earliest.element.certificate.not_after))
}

/// The place of a certificate among those that are judged.
pub fn place(chain: &Chain, index: usize) -> &'static str {
    match index {
        0 => "leaf",
        last if chain.is_trusted() && last + 1 == chain.judged().len() => "root",
        _ => "intermediate",
    }
}

/// WARNING and CRITICAL for the certificates of a chain, in seconds.
fn limits(config: &Config, view: &View<'_>) -> (Option<f64>, Option<f64>) {
    let leaf = view.chain.leaf().filter(|_| view.has_dates(config));
    leaf.map_or((None, None), |leaf| config.left.of(&leaf.certificate))
}

/// A finding for each certificate of a chain that is over, not begun or about to end.
pub fn findings(config: &Config, view: &View<'_>, now: i64) -> Vec<Finding> {
    let (chain, label) = (view.chain.as_ref(), &view.label);
    if !view.has_dates(config) {
        return ignored(chain, now, label).into_iter().collect();
    }
    let limits = limits(config, view);
    let judged = chain.judged().iter().enumerate();
    let mut findings: Vec<Finding> =
        judged.filter_map(|(index, element)| one(limits, element, place(chain, index), now, label)).collect();
    findings.extend(off_path(chain, now, label));
    findings
}

/// Dates that are over and do not count are told, not judged.
fn ignored(chain: &Chain, now: i64, label: &Label) -> Option<Finding> {
    let fault = chain.leaf()?.certificate.time_fault(now)?;
    let text = format!("{fault}, which DANE-EE ignores (RFC 7671 section 5.1)");
    Some(Finding::new("dates_ignored", State::Ok, label.text(text)))
}

fn one(
    (warning, critical): (Option<f64>, Option<f64>),
    element: &Element,
    place: &str,
    now: i64,
    label: &Label,
) -> Option<Finding> {
    let certificate = &element.certificate;
    if let Some(fault) = certificate.time_fault(now) {
        return Some(
            Finding::new(fault.id(), State::Critical, label.text(fault.to_string()))
                .advised(advice::for_fault(&fault)),
        );
    }
    let left = certificate.not_after.saturating_sub(now);
    let is_below = |limit: Option<f64>| limit.filter(|limit| as_f64(left) < *limit);
    let (state, limit) = match (is_below(critical), is_below(warning)) {
        (Some(limit), _) => (State::Critical, limit),
        (None, Some(limit)) => (State::Warning, limit),
        (None, None) => return None,
    };
    let text = format!(
        "certificate of {} ({place}) expires in {}, on {} (less than {} left)",
        certificate.label(),
        span(left),
        date(certificate.not_after),
        limit_shown(limit)
    );
    Some(Finding::new("certificate_expires_soon", state, label.text(text)).advised(advice::expires_soon()))
}

/// An expired certificate that no path goes over harms nobody; it is told, not judged.
fn off_path(chain: &Chain, now: i64, label: &Label) -> Vec<Finding> {
    if !chain.is_trusted() {
        return Vec::new();
    }
    let is_off = |element: &&Element| chain.path.iter().all(|on| on.details.sha256 != element.details.sha256);
    let over =
        chain.sent.iter().filter(is_off).filter(|element| element.certificate.time_fault(now).is_some());
    over.map(|element| {
        let text = format!(
            "certificate of {} is sent and has expired; the path does not go over it",
            element.certificate.label()
        );
        Finding::new("expired_off_path", State::Ok, label.text(text))
    })
    .collect()
}

/// The metrics: what is left at the earliest, and above the leaf; for each endpoint where there are several.
pub fn measured(config: &Config, facts: &Facts, views: &[View<'_>]) -> Vec<Finding> {
    let Some(earliest) = earliest(config, views) else { return Vec::new() };
    let left = earliest.left(facts.now);
    let text = if left < 0 {
        format!("earliest certificate expired on {}", date(earliest.element.certificate.not_after))
    } else {
        earliest.sentence(facts)
    };
    let mut finding = Finding::new("validity", State::Ok, text)
        .measured(in_days("days", left).judged_by(thresholds(limits(config, earliest.view))))
        .measured(Perfdata::new("not_after", as_f64(earliest.element.certificate.not_after), Unit::None));
    let above = earliest.view.chain.path.iter().skip(1).map(|element| element.certificate.not_after).min();
    if let Some(not_after) = above {
        finding = finding.measured(in_days("chain_days", not_after.saturating_sub(facts.now)));
    }
    if facts.endpoints.len() > 1 {
        for index in 0..facts.endpoints.len() {
            let view = views.iter().find(|view| view.endpoints.contains(&index));
            let first =
                view.and_then(|view| view.chain.judged().iter().map(|one| one.certificate.not_after).min());
            if let Some(not_after) = first {
                let name = format!("days_{}", index + 1);
                finding = finding.measured(in_days(&name, not_after.saturating_sub(facts.now)));
            }
        }
    }
    vec![finding]
}

/// Days with four decimals (nine seconds): engines store them, seconds decide.
fn in_days(name: &str, seconds: i64) -> Perfdata {
    Perfdata::new(name, rounded(as_f64(seconds) / DAY), Unit::None)
}

fn rounded(days: f64) -> f64 {
    (days * 10_000.0).round() / 10_000.0
}

/// As plugins write "less than": `30:`.
fn thresholds((warning, critical): (Option<f64>, Option<f64>)) -> Thresholds {
    let range = |limit: Option<f64>| {
        limit.and_then(|seconds| Range::parse(&format!("{}:", rounded(seconds / DAY))).ok())
    };
    Thresholds { warning: range(warning), critical: range(critical) }
}

/// `89 days`; hours and minutes below two days.
fn days(left: i64) -> String {
    if left >= 2 * 86_400 { format!("{} days", left / 86_400) } else { span(left) }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a limit is far below 2^63 seconds, and is shown in days"
)]
fn limit_shown(limit: f64) -> String {
    let seconds = limit as i64;
    if seconds % 86_400 == 0 { format!("{} d", seconds / 86_400) } else { span(seconds) }
}
