//! Sandbox servers that catch mail and show it by an HTTP API: Mailpit, `MailHog` and `MailDev` (2 and 3).
//!
//! The list names the messages; what is new is fetched as it was received, its beginning alone, and compared here.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::time::Duration;

use check_smtp_core::error::Cause as Common;
use check_smtp_core::net::https::api::{self, Api as Calls, Limit, Reach};
use check_smtp_core::net::https::{Answer, Fault};
use check_smtp_core::net::tls::Roots;
use check_smtp_core::net::{Deadline, Host, clock};
use chrono::DateTime;
use serde_json::{Value, json};

use super::failure::{Cause, Failure, Step};
use super::header::{self, Kind, MESSAGE_LIMIT};
use super::pop3::parse::short;
use super::source::{Api, Site};
use super::{COUNTING, FOUND_LIMIT, Found, Receiver, Removed, Since};
use crate::tracker::Instance;

/// Messages of the list that are looked at, the newest.
const TAIL: usize = 200;
/// Bytes of a list: `MailHog` and `MailDev` 2 put the messages themselves into it.
const LIST_LIMIT: u64 = 2 * 1024 * 1024;
/// Bytes of a message's name.
const NAME_LIMIT: usize = 200;
/// Names kept for the next run.
const MARK_LIMIT: usize = 512;
/// How often it is looked at again.
const INTERVAL: Duration = Duration::from_millis(500);

/// A mailbox by an HTTP API.
pub struct Http {
    place: Place,
    reach: Reach,
    instance: Instance,
    deadline: Deadline,
    seen: HashSet<u64>,
    /// The messages of the last list that are seen, as short numbers.
    last: Vec<u64>,
    /// When the last look began that left nothing for another, since 1970.
    looked: Option<Duration>,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Http({})", self.place.url)
    }
}

/// Which API, and where.
#[derive(Clone)]
struct Place {
    api: Api,
    /// Up to the API's own paths.
    url: String,
}

/// A message of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    name: String,
    arrived: Option<Duration>,
}

impl Http {
    /// Asks for the list, and decides what is new.
    pub fn open(
        api: Api,
        site: &Site,
        receiver: &Receiver,
        since: &Since,
        deadline: Deadline,
    ) -> Result<Self, Failure> {
        let way = &receiver.way;
        let addresses = match &way.connect {
            None => Vec::new(),
            Some(Host::Address(address)) => vec![*address],
            Some(_) => return Err(local("--receive-address of an HTTP API must be an address")),
        };
        let ca_file = match &way.tls.roots {
            Roots::System => None,
            Roots::File(path) => Some(("--receive-ca-file", path.clone())),
            Roots::Directory(_) => {
                return Err(local(
                    "a directory of certificates is not understood for an HTTP API: give a file",
                ));
            }
        };
        let account = receiver.login.as_ref().map(|login| (login.user.clone(), login.secret.clone()));
        let reach = Reach { addresses, ca_file, is_insecure: !way.tls.is_verified, account };
        let place = Place { api, url: url_of(site) };
        let mut http = Self {
            place,
            reach,
            instance: receiver.instance.clone(),
            deadline,
            seen: HashSet::new(),
            last: Vec::new(),
            looked: None,
        };
        let listed = http.within(deadline, Step::Connect, Place::list)?;
        http.seen = match since {
            Since::Now => listed.iter().map(|entry| short(entry.name.as_bytes())).collect(),
            Since::Beginning => HashSet::new(),
            Since::Mark(mark) => marked(mark),
        };
        http.remember(&listed);
        Ok(http)
    }

    /// Fetches the beginning of what is new.
    pub fn look(&mut self) -> Result<Vec<Found>, Failure> {
        let began = clock::since_epoch();
        let (seen, instance) = (self.seen.clone(), self.instance.clone());
        let (listed, looked, found) = self.within(self.deadline, Step::Look, move |place, calls| {
            let listed = place.list(calls)?;
            let (mut looked, mut found) = (Vec::new(), Vec::new());
            for entry in &listed {
                let short = short(entry.name.as_bytes());
                if seen.contains(&short) || found.len() >= FOUND_LIMIT {
                    continue;
                }
                looked.push(short);
                let Some(message) = place.message(calls, &entry.name)? else { continue };
                found.extend(recognised(entry, &message, &instance));
            }
            Ok((listed, looked, found))
        })?;
        self.seen.extend(looked);
        self.remember(&listed);
        if found.len() < FOUND_LIMIT {
            self.looked = Some(began);
        }
        Ok(found)
    }

    /// All that is asked from now on ends by this deadline.
    pub fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = deadline;
    }

    /// Lets the time to the next look pass.
    pub fn pause(&self, at_most: Duration) {
        clock::pause(self.deadline, at_most.min(INTERVAL));
    }

    /// Removes these, each looked at once more.
    pub fn remove(&mut self, found: &[Found]) -> Result<Removed, Failure> {
        let is_ours = |found: &&Found| found.kind == Kind::Probe && found.instance == self.instance;
        let ours = found.iter().filter(is_ours).filter(|found| !matches!(found.uid.as_str(), "" | "all"));
        let wanted: Vec<Found> = ours.map(|found| Found { message: Vec::new(), ..found.clone() }).collect();
        let gone = self.within(self.deadline, Step::Remove, move |place, calls| {
            let mut gone = 0;
            for found in wanted {
                let message = place.message(calls, &found.uid)?;
                let mark = message.and_then(|message| header::recognise(&message));
                if mark == Some((Kind::Probe, found.instance, found.token)) {
                    gone += usize::from(place.delete(calls, &found.uid)?);
                }
            }
            Ok(gone)
        })?;
        Ok(Removed { gone, flagged: 0, left: found.len() - gone })
    }

    /// Probes of ours among the newest messages, as many of them as there is time to fetch: no list tells their headers.
    pub fn probes(&self) -> Result<usize, Failure> {
        let patience = self.deadline.at_most(COUNTING);
        let fetching = patience.less(patience.left() / 2);
        let instance = self.instance.clone();
        self.within(patience, Step::Look, move |place, calls| {
            let mut count = 0;
            for entry in place.list(calls)?.iter().take_while(|_| !fetching.left().is_zero()) {
                let message = place.message(calls, &entry.name)?.unwrap_or_default();
                let mark = header::mark_of(header::header_of(&message));
                count += usize::from(mark.is_some_and(|(owner, _)| owner == instance));
            }
            Ok(count)
        })
    }

    /// Where the next run goes on.
    pub fn mark(&self) -> Value {
        let names: Vec<String> = self.last.iter().map(|name| format!("{name:016x}")).collect();
        let at = self.looked.and_then(|at| u64::try_from(at.as_millis()).ok());
        json!({ "kind": "http", "at": at, "seen": names })
    }

    fn remember(&mut self, listed: &[Entry]) {
        let known =
            listed.iter().map(|entry| short(entry.name.as_bytes())).filter(|name| self.seen.contains(name));
        self.last = known.take(MARK_LIMIT).collect();
    }

    fn within<T: Send + 'static>(
        &self,
        deadline: Deadline,
        step: Step,
        work: impl FnOnce(&Place, &Calls) -> Result<T, Broken> + Send + 'static,
    ) -> Result<T, Failure> {
        let place = self.place.clone();
        let worked = api::with(&self.place.url, &self.reach, deadline, move |calls| Ok(work(&place, calls)));
        match worked {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(Broken::Answer(words))) => Err(Failure::new(step, Cause::Broken(words))),
            Ok(Err(Broken::Status(status @ (401 | 403)))) => {
                Err(Failure::new(Step::Login, Cause::Refused(format!("HTTP status {status}"))))
            }
            Ok(Err(Broken::Status(status))) => {
                Err(Failure::new(step, Cause::Refused(format!("HTTP status {status}"))))
            }
            Ok(Err(Broken::Fault(fault))) | Err(fault) => Err(Failure::new(step, cause(fault))),
        }
    }
}

/// Why a call gave nothing.
enum Broken {
    Fault(Fault),
    Status(u16),
    Answer(String),
}

impl From<Fault> for Broken {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

fn local(words: &str) -> Failure {
    Failure::new(Step::Connect, Common::Local(words.to_owned()))
}

fn cause(fault: Fault) -> Cause {
    match fault {
        Fault::Timeout(budget) => Common::Timeout(budget).into(),
        Fault::NameNotFound => Common::LookupFailed(fault.to_string()).into(),
        Fault::Unreachable(words) => Common::NotConnected(words).into(),
        Fault::Tls(_) => Common::Handshake(fault.to_string()).into(),
        Fault::TooLarge => Cause::Broken("lists more than 2 MiB: empty the sandbox".to_owned()),
        Fault::Local(words) => Common::Local(words).into(),
    }
}

/// The port is always written, so that it is the same whatever the scheme.
fn url_of(site: &Site) -> String {
    let scheme = if site.is_https { "https" } else { "http" };
    let host = match &site.host {
        Host::Name(name) | Host::Scoped(name) => name.clone(),
        Host::Address(std::net::IpAddr::V6(address)) => format!("[{address}]"),
        Host::Address(address) => address.to_string(),
        Host::Socket(path) => path.display().to_string(),
    };
    format!("{scheme}://{host}:{}{}", site.port, site.base)
}

impl Place {
    /// The newest messages.
    fn list(&self, calls: &Calls) -> Result<Vec<Entry>, Broken> {
        let path = match self.api {
            Api::Mailpit => "/api/v1/messages?limit=200",
            Api::MailHog => "/api/v2/messages?limit=200",
            Api::MailDev => "/api/email/summary?limit=200&sort=desc",
        };
        let mut answer = calls.get(&format!("{}{path}", self.url), Limit::Whole(LIST_LIMIT))?;
        if self.api == Api::MailDev && !is_json(&answer) {
            // Before version 3.
            answer = calls.get(&format!("{}/email", self.url), Limit::Whole(LIST_LIMIT))?;
        }
        if answer.status != 200 {
            return Err(Broken::Status(answer.status));
        }
        entries(&answer.body).map_err(Broken::Answer)
    }

    /// The beginning of a message as it was received; `None`: it is gone.
    fn message(&self, calls: &Calls, name: &str) -> Result<Option<Vec<u8>>, Broken> {
        let name = escaped(name);
        let paths = match self.api {
            Api::Mailpit => [format!("/api/v1/message/{name}/raw"), String::new()],
            Api::MailHog => [format!("/api/v1/messages/{name}/download"), String::new()],
            Api::MailDev => [format!("/api/email/{name}/source"), format!("/email/{name}/source")],
        };
        for path in paths.iter().filter(|path| !path.is_empty()) {
            let answer = calls.get(&format!("{}{path}", self.url), Limit::Beginning(MESSAGE_LIMIT as u64))?;
            match answer.status {
                200 => return Ok(Some(answer.body)),
                404 => {}
                other => return Err(Broken::Status(other)),
            }
        }
        Ok(None)
    }

    /// Deletes one message; whether it was there.
    fn delete(&self, calls: &Calls, name: &str) -> Result<bool, Broken> {
        let name_in_path = escaped(name);
        let document = json!({ "IDs": [name] }).to_string();
        let status = match self.api {
            Api::Mailpit => calls.delete(&format!("{}/api/v1/messages", self.url), Some(&document))?,
            Api::MailHog => calls.delete(&format!("{}/api/v1/messages/{name_in_path}", self.url), None)?,
            Api::MailDev => {
                let status = calls.delete(&format!("{}/api/email/{name_in_path}", self.url), None)?;
                if status == 404 {
                    calls.delete(&format!("{}/email/{name_in_path}", self.url), None)?
                } else {
                    status
                }
            }
        };
        match status {
            200..=204 => Ok(true),
            404 => Ok(false),
            other => Err(Broken::Status(other)),
        }
    }
}

fn is_json(answer: &Answer) -> bool {
    answer.status == 200
        && answer.content_type.as_deref().is_some_and(|kind| kind.starts_with("application/json"))
}

/// Reads a list: an array, or an object that holds one; each message with its name and when it came, the newest of them.
fn entries(document: &[u8]) -> Result<Vec<Entry>, String> {
    let document: Value =
        serde_json::from_slice(document).map_err(|_| "answers with something that is no JSON".to_owned())?;
    let list = ["messages", "items"].iter().find_map(|key| document.get(key)).unwrap_or(&document);
    let list = list.as_array().ok_or("answers without a list of messages: is it another sandbox?")?;
    let mut entries: Vec<Entry> = list.iter().filter_map(entry).collect();
    // MailDev 2 has the newest at the end, and no limit.
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.arrived));
    entries.truncate(TAIL);
    Ok(entries)
}

fn entry(message: &Value) -> Option<Entry> {
    let text = |keys: [&str; 2]| keys.iter().find_map(|key| message.get(key)?.as_str());
    // MailDev deletes everything by the name "all".
    let is_sound = |name: &&str| !name.is_empty() && name.len() <= NAME_LIMIT && *name != "all";
    let name = text(["ID", "id"]).filter(is_sound)?;
    let arrived = text(["Created", "time"]).and_then(|time| DateTime::parse_from_rfc3339(time).ok());
    let arrived =
        arrived.and_then(|time| u64::try_from(time.timestamp_millis()).ok()).map(Duration::from_millis);
    Some(Entry { name: name.to_owned(), arrived })
}

fn recognised(entry: &Entry, message: &[u8], instance: &Instance) -> Option<Found> {
    let (kind, owner, token) = header::recognise(message)?;
    let kept = if kind == Kind::Probe { header::header_of(message) } else { message };
    (owner == *instance).then(|| Found {
        kind,
        instance: owner,
        token,
        folder: "INBOX".to_owned(),
        is_junk: false,
        uid: entry.name.clone(),
        arrived: entry.arrived,
        message: kept.to_vec(),
    })
}

/// A name within a path: everything but unreserved characters as %XX (RFC 3986 section 2.3).
fn escaped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

fn marked(mark: &Value) -> HashSet<u64> {
    let is_ours = mark.get("kind").and_then(Value::as_str) == Some("http");
    let names = mark.get("seen").and_then(Value::as_array).filter(|_| is_ours);
    let names = names.into_iter().flatten().filter_map(Value::as_str);
    names.filter_map(|name| u64::from_str_radix(name, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::{entries, escaped};

    fn names(document: &str) -> Vec<String> {
        entries(document.as_bytes()).unwrap().into_iter().map(|entry| entry.name).collect()
    }

    #[test]
    fn lists_of_each_sandbox() {
        let mailpit = r#"{"total":2,"messages":[{"ID":"d7a5543b","MessageID":"x@y","Created":"2027-02-07T02:44:26.5Z"},{"ID":"1","Created":"2027-02-07T02:44:25+01:00"}]}"#;
        assert_eq!(names(mailpit), ["d7a5543b", "1"]);
        let arrived = entries(mailpit.as_bytes()).unwrap()[0].arrived.unwrap();
        assert_eq!(arrived.as_millis(), 1_801_968_266_500);
        let mailhog = r#"{"total":1,"items":[{"ID":"hRH_=@mailhog.example","Created":"2027-02-07T02:44:25.123456789Z","Content":{}}]}"#;
        assert_eq!(names(mailhog), ["hRH_=@mailhog.example"]);
        assert_eq!(
            names(
                r#"[{"id":"a","time":"2027-02-07T02:44:25.000Z"},{"id":"b","time":"2027-02-07T02:44:26.000Z"}]"#
            ),
            ["b", "a"]
        );
        assert_eq!(names(r#"{"items":[{"id":"a"},{"id":""},{"id":7},{},{"id":"all"}]}"#), ["a"]);
        assert_eq!(names(&format!(r#"[{{"id":"{}"}}]"#, "x".repeat(201))), Vec::<String>::new());
        for other in ["", "<html>", "{}", "7", r#"{"messages":7}"#] {
            assert!(entries(other.as_bytes()).is_err(), "{other}");
        }
    }

    #[test]
    fn a_name_never_leaves_its_place_in_the_path() {
        assert_eq!(escaped("../all?x=@"), "%2E%2E%2Fall%3Fx%3D%40");
    }
}
