//! Whether the message has arrived, and where.

use std::time::Duration;

use check_smtp_core::contact::timing::{self, Label, shown};
use check_smtp_core::plugin::{Advice, Finding, State};
use serde_json::{Value, json};

use super::advice;
use crate::args::{Config, Mode, Receive};
use crate::facts::{Arrival, Copy};
use crate::mailbox::{Action, Removed, Verdict};
use crate::tracker::Place;

impl Arrival {
    /// Whether every copy that was waited for has come.
    pub fn is_complete(&self) -> bool {
        self.expected > 0 && self.copies.len() >= self.expected
    }

    /// When the last of the copies waited for was seen.
    fn after(&self) -> Option<Duration> {
        self.copies.get(self.expected.checked_sub(1)?).map(|copy| copy.after)
    }

    /// The stable name of what became of it, for JSON.
    fn outcome(&self, mode: Option<Mode>) -> &'static str {
        match self {
            Self { failure: Some(_), .. } if mode == Some(Mode::Async) => "receiver_down",
            _ if mode == Some(Mode::Async) => "not_awaited",
            Self { expected: 0, .. } => "not_sent",
            _ if self.bounced() > 0 => "bounced",
            _ if self.is_complete() && self.copies.iter().any(|copy| copy.is_junk) => "in_junk",
            _ if self.is_complete() => "arrived",
            Self { failure: Some(_), .. } => "receiver_down",
            _ => "not_arrived",
        }
    }
}

/// What is to be said of the mailbox and the message in it.
pub fn findings(config: &Config, arrival: Option<&Arrival>) -> Vec<Finding> {
    let (Some(receive), Some(arrival)) = (&config.receive, arrival) else { return Vec::new() };
    let mut findings: Vec<Finding> = bounces(arrival).collect();
    findings.extend(absence(receive, arrival));
    findings.extend(receiver_down(receive, arrival));
    findings.extend(in_junk(receive, arrival));
    findings.extend(duplicates(arrival));
    findings.extend(unreadable(arrival));
    findings.extend(removal(arrival));
    findings.extend(too_many(receive, arrival));
    findings
}

/// How long it took; `None` where not everything has come.
pub fn time(config: &Config, arrival: Option<&Arrival>) -> Option<Finding> {
    arrival?.after().map(|after| took(config, after))
}

/// A time from the sending to the arrival, judged.
pub fn took(config: &Config, took: Duration) -> Finding {
    let limits = config.limits.of("arrived");
    timing::judged("slow_arrival", "arrival", "arrived", took, limits, &Label::default())
}

/// `probe arrived in INBOX of sink@example.org after 2.410 s`; `None` where not everything has.
pub fn summary(arrival: Option<&Arrival>, whom: &str) -> Option<String> {
    let arrival = arrival.filter(|arrival| arrival.is_complete())?;
    let after = shown(arrival.after()?);
    let mut folders: Vec<&str> = arrival.copies.iter().map(|copy| copy.folder.as_str()).collect();
    folders.dedup();
    Some(format!("probe arrived in {} of {whom} after {after}", folders.join(", ")))
}

/// Said behind `accepted for ...` where the message was not seen.
pub fn remark(config: &Config, arrival: Option<&Arrival>) -> &'static str {
    match (&config.receive, arrival) {
        (None, _) => ", arrival not checked",
        _ if config.tracking.is_some_and(|tracking| tracking.mode == Mode::Async) => "",
        (Some(_), Some(arrival)) if arrival.failure.is_some() => ", arrival not known",
        (Some(_), _) => "",
    }
}

fn bounces(arrival: &Arrival) -> impl Iterator<Item = Finding> {
    arrival.reports.iter().filter(|verdict| verdict.action == Action::Failed).map(|verdict| {
        let words = if verdict.words.is_empty() { &verdict.status } else { &verdict.words };
        let whom = if verdict.recipient.is_empty() { "the recipient" } else { &verdict.recipient };
        Finding::new("bounced", State::Critical, format!("the message to {whom} bounced: {words}"))
            .advised(bounce_advice())
    })
}

/// What to do about a message that came back.
pub fn bounce_advice() -> Option<Advice> {
    advice(
        "bounced",
        "a server behind the one that took it could not deliver it and says why: look into the log of the server that sent the report",
    )
}

/// A mailbox that could be looked at to the end of the wait, and what was not in it.
fn absence(receive: &Receive, arrival: &Arrival) -> Option<Finding> {
    let found = arrival.copies.len();
    let is_told = arrival.is_complete() || arrival.failure.is_some() || arrival.bounced() > 0;
    if arrival.expected == 0 || is_told {
        return None;
    }
    let what = match arrival.expected {
        1 => "the message has not arrived".to_owned(),
        all => format!("only {found} of {all} copies have arrived"),
    };
    // The rest of the time may have been shorter than what was asked for.
    let cut = if arrival.waited < receive.wait {
        format!(" (not {} s: the sending took the rest of -t)", receive.wait.as_secs_f64())
    } else {
        String::new()
    };
    let text = format!("{what} within {}{cut}", shown(arrival.waited));
    Some(Finding::new("not_arrived", State::Critical, text).advised(advice(
        "not_arrived",
        "look for its queue id in the logs of the servers on the way, at their queues, and at filters, aliases and quota of the recipient; a route that is slow or greylisted wants a greater --wait",
    )))
}

fn receiver_down(receive: &Receive, arrival: &Arrival) -> Option<Finding> {
    let failure = arrival.failure.as_ref().filter(|_| !arrival.is_complete())?;
    let finding = Finding::new("receiver_down", receive.receiver_down, failure.to_string());
    Some(finding.advised(Some(failure.advice())))
}

fn in_junk(receive: &Receive, arrival: &Arrival) -> Option<Finding> {
    let copy = arrival.copies.iter().find(|copy| copy.is_junk)?;
    junk(receive, &Place { folder: copy.folder.clone(), is_junk: true })
}

/// A message that the receiver holds for spam.
pub fn junk(receive: &Receive, place: &Place) -> Option<Finding> {
    if !place.is_junk {
        return None;
    }
    let text = format!("the message went to the junk folder {}", place.folder);
    Some(Finding::new("in_junk", receive.junk_is, text).advised(advice(
        "in_junk",
        "the receiver's filter holds the probe for spam: look at the headers it adds (--keep leaves the message there), at SPF, DKIM and DMARC of the sender, and at the sending address's reputation",
    )))
}

fn duplicates(arrival: &Arrival) -> Option<Finding> {
    let (found, expected) = (arrival.copies.len(), arrival.expected);
    (expected > 0 && found > expected).then(|| duplicate(found, expected, ""))
}

/// A message that arrived more often than it was sent; `whose` says which one, where it is not the one the run is about.
pub fn duplicate(found: usize, expected: usize, whose: &str) -> Finding {
    let was = if expected == 1 { "was" } else { "were" };
    let text = format!("{found} copies{whose} have arrived where {expected} {was} to");
    Finding::new("duplicate", State::Warning, text).advised(advice(
        "duplicate",
        "the message was sent once: look for two aliases or forwards to one mailbox, or a server that delivers again after a reply that came too late",
    ))
}

/// What lies there seems lost.
fn unreadable(arrival: &Arrival) -> Option<Finding> {
    let folders = arrival.unreadable.join(", ");
    (!folders.is_empty())
        .then(|| Finding::new("junk_unreadable", State::Ok, format!("junk folder {folders} cannot be read")))
}

fn removal(arrival: &Arrival) -> Option<Finding> {
    if arrival.spared > 0 {
        let text = format!("probes in the mailbox: {} would be removed", arrival.spared);
        return Some(Finding::new("removed", State::Ok, text));
    }
    match arrival.removal.as_ref()? {
        Err(failure) => {
            let text = format!("the message was not removed: {failure}");
            Some(Finding::new("not_removed", State::Warning, text).advised(Some(failure.advice())))
        }
        Ok(Removed { gone, flagged, left }) => {
            let mut parts = Vec::new();
            for (count, what) in [(gone, "removed"), (flagged, "flagged as deleted"), (left, "left")] {
                if *count > 0 {
                    parts.push(format!("{count} {what}"));
                }
            }
            Some(Finding::new("removed", State::Ok, format!("probes in the mailbox: {}", parts.join(", "))))
        }
    }
}

/// A mailbox that fills up with probes ends at its quota.
fn too_many(receive: &Receive, arrival: &Arrival) -> Option<Finding> {
    let (lying, limit) = (arrival.lying?, receive.mailbox_limit);
    (lying > limit).then(|| {
        let text = format!("{lying} probes of this instance lie in the mailbox (over {limit})");
        Finding::new("too_many_probes", State::Warning, text).advised(advice(
            "too_many_probes",
            "nobody removes them: leave --keep and --dry-run out, let this user delete messages, remove once by hand what carries the header X-Smtp-Monitoring-Probe of this instance, or give a greater --mailbox-limit",
        ))
    })
}

/// What was seen, with stable keys; `not_checked` without a mailbox.
pub fn json(config: &Config, arrival: Option<&Arrival>) -> Value {
    if config.receive.is_none() {
        return Value::from("not_checked");
    }
    let Some(arrival) = arrival else { return json!({ "outcome": "not_sent" }) };
    let copy = |copy: &Copy| json!({ "folder": copy.folder, "junk": copy.is_junk, "seconds": copy.after.as_secs_f64() });
    let report = |verdict: &Verdict| {
        let action = match verdict.action {
            Action::Failed => "failed",
            Action::Delayed => "delayed",
            Action::Delivered => "delivered",
            Action::Other => "other",
        };
        json!({ "recipient": verdict.recipient, "action": action, "status": verdict.status, "words": verdict.words })
    };
    let removed = arrival.removal.as_ref().and_then(|removal| removal.as_ref().ok());
    json!({
        "outcome": arrival.outcome(config.tracking.map(|tracking| tracking.mode)),
        "seconds": arrival.after().map(|after| after.as_secs_f64()),
        "expected": arrival.expected,
        "copies": arrival.copies.iter().map(copy).collect::<Vec<_>>(),
        "reports": arrival.reports.iter().map(report).collect::<Vec<_>>(),
        "waited": arrival.waited.as_secs_f64(),
        "failure": arrival.failure.as_ref().map(ToString::to_string),
        "removed": removed.map(|removed| json!({ "gone": removed.gone, "flagged": removed.flagged, "left": removed.left })),
        "would_remove": arrival.spared,
        "lying": arrival.lying,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser as _;

    use super::{Action, Arrival, Copy, Removed, State, Verdict, findings, json, remark, summary};
    use crate::args::{Args, Config};
    use crate::mailbox::{Failure, Step};

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn config(more: &str) -> Config {
        let line = format!("x -H 127.0.0.1 -f a@example.org --to b@example.org {more}");
        Line::try_parse_from(line.split_whitespace()).unwrap().args.config().unwrap()
    }

    fn copy(folder: &str, is_junk: bool, millis: u64) -> Copy {
        Copy { folder: folder.to_owned(), is_junk, after: Duration::from_millis(millis) }
    }

    fn told(config: &Config, arrival: &Arrival) -> Vec<(&'static str, State)> {
        let findings = findings(config, Some(arrival)).into_iter().chain(super::time(config, Some(arrival)));
        findings.map(|finding| (finding.id(), finding.state())).collect()
    }

    fn seen(expected: usize, copies: Vec<Copy>) -> Arrival {
        Arrival { expected, copies, waited: Duration::from_secs(30), ..Arrival::default() }
    }

    #[test]
    fn arrived_late_twice_or_in_junk() {
        let config = config("--receive maildir:/m -w arrived=2 -c arrived=5");
        let one = seen(1, vec![copy("INBOX", false, 1500)]);
        assert_eq!(told(&config, &one), [("time", State::Ok)]);
        let text = summary(Some(&one), "b@example.org").unwrap();
        assert_eq!(text, "probe arrived in INBOX of b@example.org after 1.500 s");
        let late = seen(1, vec![copy("INBOX", false, 2500)]);
        assert_eq!(told(&config, &late), [("slow_arrival", State::Warning)]);
        let twice = seen(1, vec![copy("INBOX", false, 10), copy("Junk", true, 9000)]);
        // The first copy is the arrival, the second one a fault of its own.
        let expected = [("in_junk", State::Warning), ("duplicate", State::Warning), ("time", State::Ok)];
        assert_eq!(told(&config, &twice), expected);
        assert!(summary(Some(&twice), "b").unwrap().contains("INBOX, Junk"));
    }

    #[test]
    fn what_is_missing_is_never_ok() {
        let config = config("--receive maildir:/m --receiver-down warning");
        assert_eq!(told(&config, &seen(1, Vec::new())), [("not_arrived", State::Critical)]);
        let half = seen(2, vec![copy("INBOX", false, 10)]);
        let findings = findings(&config, Some(&half));
        let text = findings.first().unwrap().text().to_string();
        assert_eq!(text, "only 1 of 2 copies have arrived within 30.000 s");
        assert_eq!(summary(Some(&half), "b"), None);
        let cut = Arrival { waited: Duration::from_secs(12), ..seen(1, Vec::new()) };
        let told_cut = super::findings(&config, Some(&cut)).first().unwrap().text().to_string();
        assert!(
            told_cut.ends_with("within 12.000 s (not 30 s: the sending took the rest of -t)"),
            "{told_cut}"
        );
        let failure = Failure::new(Step::Look, check_smtp_core::error::Cause::Closed);
        let down = Arrival { failure: Some(failure.clone()), ..seen(1, Vec::new()) };
        assert_eq!(told(&config, &down), [("receiver_down", State::Warning)]);
        assert_eq!(remark(&config, Some(&down)), ", arrival not known");
        // It was seen before the mailbox went away.
        let after = Arrival { failure: Some(failure.clone()), ..seen(1, vec![copy("INBOX", false, 10)]) };
        assert_eq!(told(&config, &after), [("time", State::Ok)]);
        let stays = Arrival { removal: Some(Err(failure)), ..seen(1, vec![copy("INBOX", false, 10)]) };
        assert_eq!(told(&config, &stays), [("not_removed", State::Warning), ("time", State::Ok)]);
    }

    #[test]
    fn a_bounce_and_its_words() {
        let config = config("--receive maildir:/m");
        let verdict = Verdict {
            recipient: "b@example.org".to_owned(),
            action: Action::Failed,
            status: "5.1.1".to_owned(),
            words: "550 5.1.1 unknown".to_owned(),
        };
        let delayed = Verdict { action: Action::Delayed, ..verdict.clone() };
        let arrival = Arrival { reports: vec![delayed.clone(), verdict], ..seen(1, Vec::new()) };
        let findings = findings(&config, Some(&arrival));
        assert_eq!(findings.len(), 1);
        let text = findings.first().unwrap().text().to_string();
        assert_eq!(text, "the message to b@example.org bounced: 550 5.1.1 unknown");
        // A delay alone is no end.
        let waits = Arrival { reports: vec![delayed], ..seen(1, Vec::new()) };
        assert_eq!(told(&config, &waits), [("not_arrived", State::Critical)]);
    }

    #[test]
    fn what_would_be_removed() {
        let config = config("--receive maildir:/m --dry-run");
        let arrival =
            Arrival { spared: 2, ..seen(2, vec![copy("INBOX", false, 10), copy("INBOX", false, 20)]) };
        assert_eq!(told(&config, &arrival), [("removed", State::Ok), ("time", State::Ok)]);
        let text = findings(&config, Some(&arrival)).first().unwrap().text().to_string();
        assert_eq!(text, "probes in the mailbox: 2 would be removed");
    }

    #[test]
    fn a_mailbox_that_fills_up() {
        let config = config("--receive maildir:/m --keep --mailbox-limit 3");
        let with = |lying| Arrival { lying, ..seen(1, vec![copy("INBOX", false, 10)]) };
        for few in [None, Some(0), Some(3)] {
            assert_eq!(told(&config, &with(few)), [("time", State::Ok)]);
        }
        let expected = [("too_many_probes", State::Warning), ("time", State::Ok)];
        assert_eq!(told(&config, &with(Some(4))), expected);
        let text = findings(&config, Some(&with(Some(4)))).first().unwrap().text().to_string();
        assert_eq!(text, "4 probes of this instance lie in the mailbox (over 3)");
    }

    #[test]
    fn json_of_what_was_seen() {
        assert_eq!(json(&config(""), None), "not_checked");
        let config = config("--receive maildir:/m");
        assert_eq!(json(&config, None), serde_json::json!({ "outcome": "not_sent" }));
        let removed = Removed { gone: 1, ..Removed::default() };
        let arrival = Arrival { removal: Some(Ok(removed)), ..seen(1, vec![copy("INBOX", false, 1500)]) };
        let expected = serde_json::json!({
            "outcome": "arrived", "seconds": 1.5, "expected": 1, "waited": 30.0, "failure": null, "reports": [],
            "copies": [{ "folder": "INBOX", "junk": false, "seconds": 1.5 }],
            "removed": { "gone": 1, "flagged": 0, "left": 0 }, "would_remove": 0, "lying": null,
        });
        assert_eq!(json(&config, Some(&arrival)), expected);
    }
}
