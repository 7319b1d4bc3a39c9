//! The state file's text. It holds addresses, times and server's words, never a secret.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::state::PROBES_LIMIT;
use super::{Instance, Place, Probe, State, Token, Tracker};

/// The form of the file. A file with a greater number was written by a newer version, and is left alone.
const SCHEMA: u64 = 1;
/// Probes a file can hold, open and finished.
const ENTRIES_LIMIT: usize = PROBES_LIMIT * 2;

/// Why a text is no state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Broken: the reason.
    Corrupt(String),
    /// Written by a newer version, in this form.
    Newer(u64),
}

/// The text of a state.
pub fn write(instance: &Instance, tracker: &Tracker) -> String {
    let probes: Vec<Value> = tracker.probes().iter().map(entry).collect();
    let header = tracker.kept_header().map(|(token, text)| json!({ "token": token.as_str(), "text": text }));
    json!({
        "schema": SCHEMA, "instance": instance.as_str(), "mark": tracker.mark(), "probes": probes, "header": header,
    })
    .to_string()
}

fn entry(probe: &Probe) -> Value {
    let mut entry = Map::new();
    let mut put = |key: &str, value: Value| entry.insert(key.to_owned(), value);
    put("token", json!(probe.token.as_str()));
    put("recipient", json!(probe.recipient));
    put("sent", millis(probe.sent));
    put("expected", json!(probe.expected));
    if let Some(queue_id) = &probe.queue_id {
        put("queue_id", json!(queue_id));
    }
    if !probe.copies.is_empty() {
        put("copies", json!(probe.copies));
    }
    let (name, at) = match &probe.state {
        State::Uncertain => ("uncertain", None),
        State::Pending => ("pending", None),
        State::Received(_, at) => ("received", Some(*at)),
        State::Late(_, at) => ("late", Some(*at)),
        State::Lost(at) => ("lost", Some(*at)),
        State::Bounced(at, _) => ("bounced", Some(*at)),
    };
    put("state", json!(name));
    if let Some(at) = at {
        put("at", millis(at));
    }
    if let State::Received(place, _) | State::Late(place, _) = &probe.state {
        put("folder", json!(place.folder));
        put("junk", json!(place.is_junk));
    }
    if let State::Bounced(_, words) = &probe.state {
        put("words", json!(words));
    }
    Value::Object(entry)
}

fn millis(time: Duration) -> Value {
    json!(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// Reads a state back. Strict: half a state would forget probes silently.
pub fn read(text: &[u8], instance: &Instance) -> Result<Tracker, Unreadable> {
    let corrupt = |what: &str| Unreadable::Corrupt(what.to_owned());
    let document: Value =
        serde_json::from_slice(text).map_err(|error| Unreadable::Corrupt(error.to_string()))?;
    let schema = document.get("schema").and_then(Value::as_u64).ok_or_else(|| corrupt("no schema number"))?;
    if schema > SCHEMA {
        return Err(Unreadable::Newer(schema));
    }
    if document.get("instance").and_then(Value::as_str) != Some(instance.as_str()) {
        return Err(corrupt("it is the state of another instance"));
    }
    let entries =
        document.get("probes").and_then(Value::as_array).ok_or_else(|| corrupt("no list of probes"))?;
    if entries.len() > ENTRIES_LIMIT {
        return Err(corrupt("too many probes"));
    }
    let probes: Option<Vec<Probe>> = entries.iter().map(probe).collect();
    let probes = probes.ok_or_else(|| corrupt("a probe is not complete"))?;
    let mark = document.get("mark").filter(|mark| !mark.is_null()).cloned();
    let header = document.get("header").and_then(|header| {
        let token = header.get("token")?.as_str()?.parse::<Token>().ok()?;
        Some((token, header.get("text")?.as_str()?.to_owned()))
    });
    Ok(Tracker::from_parts(probes, mark, header))
}

fn probe(entry: &Value) -> Option<Probe> {
    let text = |key: &str| entry.get(key).and_then(Value::as_str);
    let time = |key: &str| entry.get(key).and_then(Value::as_u64).map(Duration::from_millis);
    let place = || {
        let is_junk = entry.get("junk")?.as_bool()?;
        Some(Place { folder: text("folder")?.to_owned(), is_junk })
    };
    let state = match text("state")? {
        "uncertain" => State::Uncertain,
        "pending" => State::Pending,
        "received" => State::Received(place()?, time("at")?),
        "late" => State::Late(place()?, time("at")?),
        "lost" => State::Lost(time("at")?),
        "bounced" => State::Bounced(time("at")?, text("words")?.to_owned()),
        _ => return None,
    };
    let copies = match entry.get("copies") {
        None => Vec::new(),
        Some(copies) => {
            copies.as_array()?.iter().map(|copy| copy.as_str().map(str::to_owned)).collect::<Option<_>>()?
        }
    };
    Some(Probe {
        token: text("token")?.parse::<Token>().ok()?,
        recipient: text("recipient")?.to_owned(),
        expected: entry
            .get("expected")
            .and_then(Value::as_u64)
            .map_or(Some(1), |count| usize::try_from(count).ok())?,
        sent: time("sent")?,
        queue_id: text("queue_id").map(str::to_owned),
        state,
        copies,
    })
}
