//! What is known of earlier probes: those that are late, lost or have come back, and the last one that arrived.

use std::path::Path;
use std::time::Duration;

use check_smtp_core::contact::timing::shown;
use check_smtp_core::plugin::{Finding, Perfdata, State, Thresholds, Unit};
use serde_json::{Value, json};

use super::advice;
use crate::args::{Config, Mode, Tracking};
use crate::facts::{Facts, History, Unsent};
use crate::tracker::{Found, Probe, State as Known, Token};

/// Those that came told one by one.
const CAME_LIMIT: usize = 5;

/// What is to be said of it; of the probe of this run a run that waits says it elsewhere.
pub fn findings(config: &Config, facts: &Facts) -> Vec<Finding> {
    let (Some(tracking), Some(history)) = (&config.tracking, &facts.history) else { return Vec::new() };
    let mut findings: Vec<Finding> = state(history).collect();
    findings.extend(unsent(history));
    if history.found.is_none() {
        return findings;
    }
    let told = facts.mark.as_ref().map(|mark| &mark.token).filter(|_| tracking.mode == Mode::Wait);
    findings.extend(came(tracking, history, told));
    findings.extend(last(config, tracking, history, told));
    findings.extend(again(history, told));
    // What nobody could look for may be there.
    let is_seen = facts.arrival.as_ref().is_none_or(|arrival| arrival.failure.is_none());
    findings.extend(overdue(tracking, history, told).filter(|_| is_seen));
    findings.extend(returned(tracking, history, told));
    findings.extend(strangers(history));
    findings
}

/// How many are lost, under way, and neither known to be the one nor the other.
pub fn counts(config: &Config, facts: &Facts) -> Vec<Finding> {
    match (&config.tracking, facts.history.as_ref().filter(|history| history.found.is_some())) {
        (Some(tracking), Some(history)) => {
            std::iter::once(lost(tracking, history)).chain(open(history)).collect()
        }
        _ => Vec::new(),
    }
}

/// `probe of 5 min ago arrived in INBOX of sink@example.org after 2.410 s`, of a run that does not wait.
pub fn summary(config: &Config, facts: &Facts) -> Option<String> {
    config.tracking.as_ref().filter(|tracking| tracking.mode == Mode::Async)?;
    let history = facts.history.as_ref().filter(|history| history.found.is_some())?;
    let last = history.tracker.last_completed();
    Some(match last.and_then(|probe| arrived(probe, history.now)) {
        Some(text) => text,
        None if last.is_some() => String::new(),
        // Said each time: where the directory does not outlive a run, no run ever knows of another.
        None if history.found == Some(Found::Nothing) => {
            "no probe has arrived yet (a new state was begun)".to_owned()
        }
        None => "no probe has arrived yet".to_owned(),
    })
}

fn arrived(probe: &Probe, now: Duration) -> Option<String> {
    let (Known::Received(place, _) | Known::Late(place, _)) = &probe.state else { return None };
    let (took, ago) = (shown(probe.took()?), ago(probe.age(now)));
    Some(format!("probe of {ago} ago arrived in {} of {} after {took}", place.folder, probe.recipient))
}

/// Whether the state can be trusted, and used.
fn state(history: &History) -> impl Iterator<Item = Finding> {
    let moved = match &history.found {
        Some(Found::MovedAside { to, why }) => Some(moved_aside(to, why)),
        _ => None,
    };
    let fault = history.fault.as_ref().map(|fault| {
        Finding::new("state_unusable", State::Unknown, fault.to_string()).advised(advice(
            "state_unusable",
            "without its state the check cannot know what became of earlier probes: mend what is named, or give another --state-dir",
        ))
    });
    let without = history.without.as_ref().map(|path| {
        let text = format!("no state is kept: '{}' is not there, give --state-dir", path.display());
        Finding::new("no_state", State::Ok, text)
    });
    moved.into_iter().chain(fault).chain(without)
}

fn moved_aside(to: &Path, why: &str) -> Finding {
    let text = format!("the state file was broken ({why}), it is kept as '{}'", to.display());
    Finding::new("state_broken", State::Warning, text).advised(advice(
        "state_broken",
        "probes of earlier runs are not known any more, a new state was begun: look for what writes to the directory beside the checks, and for a disk that was full; remove the file when it was looked at",
    ))
}

fn unsent(history: &History) -> Option<Finding> {
    let (id, text, remedy) = match history.unsent? {
        Unsent::NoState => (
            "not_sent",
            "no message was sent: the next run would not know of it",
            "mend the state, then a message is sent again",
        ),
        Unsent::TooMany => (
            "state_full",
            "1000 probes are under way: no more can be remembered",
            "give a shorter --lost-after, or a longer interval between the runs",
        ),
    };
    Some(Finding::new(id, State::Unknown, text).advised(advice(id, remedy)))
}

/// The last one whose outcome is known.
fn last(config: &Config, tracking: &Tracking, history: &History, told: Option<&Token>) -> Vec<Finding> {
    let Some(probe) = history.tracker.last_completed().filter(|probe| Some(&probe.token) != told) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    match &probe.state {
        Known::Lost(_) => findings.push(gone(probe, history.now)),
        Known::Late(..) if !history.came.contains(&probe.token) => findings.push(late(probe, tracking)),
        Known::Late(..) | Known::Received(..) | Known::Bounced(..) | Known::Pending | Known::Uncertain => {}
    }
    // A run that waits has its own arrival to show.
    if told.is_some() {
        return findings;
    }
    if let Known::Received(place, _) | Known::Late(place, _) = &probe.state {
        findings.extend(config.receive.as_ref().and_then(|receive| super::arrival::junk(receive, place)));
    }
    if probe.is_duplicate() {
        findings.push(super::arrival::duplicate(probe.copies(), probe.expected, ""));
    }
    findings
}

/// How long the last one took that has arrived, where a run does not wait for its own.
pub fn time(config: &Config, facts: &Facts) -> Option<Finding> {
    config.tracking.as_ref().filter(|tracking| tracking.mode == Mode::Async)?;
    let last = facts.history.as_ref()?.tracker.last_completed()?;
    last.took().map(|took| super::arrival::took(config, took))
}

fn gone(probe: &Probe, now: Duration) -> Finding {
    let text =
        format!("the message of {} ago to {} is lost{}", ago(probe.age(now)), probe.recipient, id(probe));
    Finding::new("lost", State::Critical, text).advised(advice(
        "lost",
        "it was taken and has not arrived within --lost-after: look for its queue id in the logs of the servers on the way, at their queues, and at filters, aliases and quota of the recipient",
    ))
}

/// Those of earlier runs that were found in this one, the late ones as such whatever has come since.
fn came(tracking: &Tracking, history: &History, told: Option<&Token>) -> Vec<Finding> {
    let came = history.came.iter().filter(|token| Some(*token) != told);
    let probes = came.filter_map(|token| history.tracker.probe(token)).take(CAME_LIMIT);
    probes
        .filter_map(|probe| match &probe.state {
            Known::Late(..) => Some(late(probe, tracking)),
            Known::Received(..) => arrived(probe, history.now)
                .map(|text| Finding::new("earlier", State::Ok, format!("found: {text}"))),
            _ => None,
        })
        .collect()
}

/// Those of earlier runs that came once more, though nothing more was to come; of the last one a run that does not wait tells it anyway.
fn again(history: &History, told: Option<&Token>) -> Vec<Finding> {
    let last = history.tracker.last_completed().filter(|_| told.is_none()).map(|probe| &probe.token);
    let again = history.again.iter().filter(|token| Some(*token) != told.or(last));
    let probes = again.filter_map(|token| history.tracker.probe(token)).filter(|probe| probe.is_duplicate());
    probes
        .take(CAME_LIMIT)
        .map(|probe| {
            let whose =
                format!(" of the message of {} ago to {}", ago(probe.age(history.now)), probe.recipient);
            super::arrival::duplicate(probe.copies(), probe.expected, &whose)
        })
        .collect()
}

fn late(probe: &Probe, tracking: &Tracking) -> Finding {
    let (took, limit) = (probe.took().unwrap_or_default(), tracking.limits.late_after);
    let what = if took > limit {
        format!("arrived late, after {} (in time: {} s)", shown(took), limit.as_secs_f64())
    } else {
        format!("was not found in time, though it arrived after {}", shown(took))
    };
    let text = format!("the message to {} {what}{}", probe.recipient, id(probe));
    Finding::new("late", State::Warning, text).advised(late_advice())
}

/// The oldest that is under way, where it should have arrived.
fn overdue(tracking: &Tracking, history: &History, told: Option<&Token>) -> Option<Finding> {
    let oldest = history.tracker.oldest_pending().filter(|probe| Some(&probe.token) != told)?;
    let age = oldest.age(history.now);
    (age > tracking.limits.late_after).then(|| {
        let text = format!(
            "the message of {} ago to {} has not arrived yet{}",
            ago(age),
            oldest.recipient,
            id(oldest)
        );
        Finding::new("late", State::Warning, text).advised(late_advice())
    })
}

fn late_advice() -> Option<check_smtp_core::plugin::Advice> {
    advice(
        "late",
        "something on the way holds mail up: look at the queues of the servers (postqueue -p), at greylisting, and at the time each hop took (-v); a route that is always so slow wants a greater --late-after",
    )
}

/// The last that came back within the window: CRITICAL unless one that was sent after it has arrived.
fn returned(tracking: &Tracking, history: &History, told: Option<&Token>) -> Option<Finding> {
    let window = tracking.limits.window;
    let bounced = history.tracker.probes().iter().rev().filter(|probe| Some(&probe.token) != told);
    let (probe, at, words) = bounced.into_iter().find_map(|probe| match &probe.state {
        Known::Bounced(at, words) if history.now.saturating_sub(*at) <= window => Some((probe, *at, words)),
        _ => None,
    })?;
    let is_over =
        history.tracker.probes().iter().any(|other| other.took().is_some() && other.sent > probe.sent);
    let state = if is_over { State::Warning } else { State::Critical };
    let ago = ago(history.now.saturating_sub(at));
    let text = format!("the message to {} came back {ago} ago: {words}", probe.recipient);
    Some(Finding::new("bounced", state, text).advised(super::arrival::bounce_advice()))
}

/// How many are lost within the window.
fn lost(tracking: &Tracking, history: &History) -> Finding {
    let count = history.tracker.lost(history.now, &tracking.limits);
    let judgement = tracking.lost.judge(number(count));
    let window = ago(tracking.limits.window);
    let text =
        format!("{count} {} lost within {window}", if count == 1 { "message was" } else { "messages were" });
    let id = if judgement.state == State::Ok { "lost_count" } else { "lost" };
    let finding = Finding::new(id, judgement.state, text);
    let finding = match judgement.state {
        State::Ok => finding,
        _ => finding.advised(advice(
            "lost",
            "the alarm stays for --window after a loss, or until the message arrives after all: look for queue ids in the logs of the servers on the way",
        )),
    };
    finding.measured(metric("lost", count, tracking.lost))
}

/// How many are under way, and how many may be.
fn open(history: &History) -> [Finding; 2] {
    let (pending, uncertain) = (history.tracker.pending(), history.tracker.uncertain());
    let none = Thresholds::default();
    [
        Finding::new("pending", State::Ok, format!("{pending} under way"))
            .measured(metric("pending", pending, none)),
        Finding::new("uncertain_count", State::Ok, format!("{uncertain} of uncertain fate"))
            .measured(metric("uncertain", uncertain, none)),
    ]
}

/// Probes under our name that no run knows of are left where they are.
fn strangers(history: &History) -> Option<Finding> {
    let count = history.strangers;
    (count > 0).then(|| {
        let text = format!("{count} in the mailbox under our name are not known, and left there");
        Finding::new("strangers", State::Ok, text)
    })
}

fn metric(label: &str, count: usize, thresholds: Thresholds) -> Perfdata {
    Perfdata::new(label, number(count), Unit::None).judged_by(thresholds)
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn id(probe: &Probe) -> String {
    probe.queue_id.as_ref().map(|id| format!(" (queue id {id})")).unwrap_or_default()
}

/// A time for the eye: `90 s`, `12 min`, `5 h`, `3 d`.
fn ago(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// What is known, with stable keys; `null` where nothing is kept.
pub fn json(config: &Config, facts: &Facts) -> Value {
    let (Some(tracking), Some(history)) = (&config.tracking, &facts.history) else { return Value::Null };
    if history.found.is_none() {
        return Value::Null;
    }
    let tracker = &history.tracker;
    json!({
        "mode": match tracking.mode { Mode::Wait => "wait", Mode::Async => "async" },
        "last": tracker.last_completed().map(|probe| shown_probe(probe, history.now)),
        "oldest_pending": tracker.oldest_pending().map(|probe| shown_probe(probe, history.now)),
        "pending": tracker.pending(),
        "uncertain": tracker.uncertain(),
        "lost": tracker.lost(history.now, &tracking.limits),
        "bounced": tracker.bounces(history.now, &tracking.limits),
        "strangers": history.strangers,
    })
}

fn shown_probe(probe: &Probe, now: Duration) -> Value {
    let (outcome, place, words) = match &probe.state {
        Known::Uncertain => ("uncertain", None, None),
        Known::Pending => ("pending", None, None),
        Known::Received(place, _) => ("received", Some(place), None),
        Known::Late(place, _) => ("late", Some(place), None),
        Known::Lost(_) => ("lost", None, None),
        Known::Bounced(_, words) => ("bounced", None, Some(words)),
    };
    json!({
        "token": probe.token.as_str(),
        "recipient": probe.recipient,
        "outcome": outcome,
        "age": probe.age(now).as_secs_f64(),
        "seconds": probe.took().map(|took| took.as_secs_f64()),
        "folder": place.map(|place| &place.folder),
        "junk": place.map(|place| place.is_junk),
        "copies": probe.copies(),
        "queue_id": probe.queue_id,
        "words": words,
    })
}
