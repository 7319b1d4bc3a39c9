//! Zabbix: a template for each check. One external check gives JSON, and everything else depends on it.

use serde_json::{Value, json};

use super::{ORIGIN, question, uuid, yaml};
use crate::registry::{CHECKS, Check, Metric};

/// Zabbix's own group of templates, by the identifier every installation has.
const GROUP: [&str; 2] = ["a571c0d144b14fd4a87a9d9b2aa9fcd6", "Templates/Applications"];
/// Free places in the command line for what has no macro; an empty one is no argument.
const OPTIONS: usize = 6;
/// Colours of a graph's lines.
const COLOURS: [&str; 12] = [
    "1A7C11", "2774A4", "F63100", "A54F10", "FC6EA3", "6C59DC", "AC8C14", "611F27", "5CCD18", "00AABB",
    "F230E0", "FFAD40",
];
/// Times over several steps.
const SUMS: [&str; 3] = ["time", "sent", "arrived"];

/// The format of the export.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 6.0 LTS, which 6.2 and 6.4 read too.
    V6_0,
    /// 7.0 LTS: the time limit belongs to the item.
    V7_0,
}

impl Version {
    /// As the export has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::V6_0 => "6.0",
            Self::V7_0 => "7.0",
        }
    }
}

/// All templates of a version in one file.
pub fn templates(version: Version) -> String {
    let templates: Vec<Value> = CHECKS.iter().map(|check| Template { check, version }.value()).collect();
    let graphs: Vec<Value> = CHECKS.iter().flat_map(|check| Template { check, version }.graphs()).collect();
    let groups = match version {
        Version::V6_0 => "groups",
        Version::V7_0 => "template_groups",
    };
    let mut export = json!({ "version": version.name() });
    if let Some(map) = export.as_object_mut() {
        if version == Version::V6_0 {
            // 6.0 wants a date; the release's, so that two builds are the same.
            map.insert("date".to_owned(), json!("2026-11-24T00:00:00Z"));
        }
        map.insert(groups.to_owned(), json!([{ "uuid": GROUP[0], "name": GROUP[1] }]));
        map.insert("templates".to_owned(), json!(templates));
        map.insert("graphs".to_owned(), json!(graphs));
    }
    format!("# {ORIGIN}\n{}", yaml::document(&json!({ "zabbix_export": export })))
}

struct Template {
    check: &'static Check,
    version: Version,
}

impl Template {
    fn name(&self) -> String {
        format!("SMTP by {}", self.check.program)
    }

    /// `smtp.conn`: what keys begin with.
    fn prefix(&self) -> String {
        self.check.object().replace('_', ".")
    }

    /// `{$SMTP.CONN.PORT}`.
    fn user_macro(&self, name: &str) -> String {
        format!("{{${}.{}}}", self.prefix().to_uppercase(), name.replace('-', ".").to_uppercase())
    }

    fn uuid(&self, what: &str) -> String {
        uuid(&format!("zabbix {} {what}", self.name()))
    }

    /// The external check with its whole command line.
    fn master_key(&self) -> String {
        let mut words = vec!["--hostname".to_owned(), "{HOST.CONN}".to_owned()];
        for (option, _) in self.check.macros {
            words.extend([format!("--{option}"), self.user_macro(option)]);
        }
        words.extend(["--output".to_owned(), "json".to_owned()]);
        words.extend((1..=OPTIONS).map(|number| self.user_macro(&format!("option{number}"))));
        let words: Vec<String> = words.into_iter().map(|word| format!("\"{word}\"")).collect();
        format!("{}[{}]", self.check.program, words.join(","))
    }

    fn value(&self) -> Value {
        let mut items = vec![self.master(), self.state(), self.message()];
        items.extend(self.check.metrics.iter().map(|metric| self.metric(metric)));
        json!({
            "uuid": self.uuid("template"),
            "template": self.name(),
            "name": self.name(),
            "description": format!(
                "{} Needs {} in the directory of external scripts. No macro holds a secret: name a file or a section of an ini file \
                 (--extra-opts=section@file).",
                question(self.check), self.check.program
            ),
            "groups": [{ "name": GROUP[1] }],
            "items": items,
            "discovery_rules": [self.discovery()],
            "tags": [{ "tag": "target", "value": "smtp" }],
            "macros": self.macros(),
            "valuemaps": [self.states()],
        })
    }

    /// Not kept: everything in it is kept by what depends on it.
    fn master(&self) -> Value {
        let mut item = json!({
            "uuid": self.uuid("master"),
            "name": format!("{}: result", self.check.title),
            "type": "EXTERNAL",
            "key": self.master_key(),
            "delay": self.user_macro("interval"),
            "history": "0",
            "trends": "0",
            "value_type": "TEXT",
            "tags": [{ "tag": "component", "value": "raw" }],
        });
        if let (Version::V7_0, Some(map)) = (self.version, item.as_object_mut()) {
            map.insert("timeout".to_owned(), json!(self.user_macro("item-timeout")));
        }
        item
    }

    /// An item that takes its value out of the master's JSON.
    fn dependent(&self, key: &str, name: &str, step: &Value, rest: Value) -> Value {
        let mut item = json!({
            "uuid": self.uuid(key),
            "name": format!("{}: {name}", self.check.title),
            "type": "DEPENDENT",
            "key": format!("{}.{key}", self.prefix()),
        });
        if let (Some(map), Value::Object(rest)) = (item.as_object_mut(), rest) {
            if self.version == Version::V6_0 {
                map.insert("delay".to_owned(), json!("0"));
            }
            map.extend(rest);
            map.insert("preprocessing".to_owned(), json!([step]));
            map.insert("master_item".to_owned(), json!({ "key": self.master_key() }));
        }
        item
    }

    fn state(&self) -> Value {
        let rest = json!({
            "description": "0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN",
            "valuemap": { "name": STATES },
            "tags": [{ "tag": "component", "value": "state" }],
            "triggers": self.triggers(),
        });
        self.dependent("state", "state", &path("$.exit_code"), rest)
    }

    fn message(&self) -> Value {
        let rest = json!({ "value_type": "TEXT", "trends": "0", "tags": [{ "tag": "component", "value": "state" }] });
        self.dependent("message", "message", &path("$.message"), rest)
    }

    fn metric(&self, metric: &Metric) -> Value {
        let mut rest =
            json!({ "value_type": "FLOAT", "tags": [{ "tag": "component", "value": "performance" }] });
        if let (false, Some(map)) = (metric.unit.is_empty(), rest.as_object_mut()) {
            map.insert("units".to_owned(), json!(metric.unit));
        }
        let step = path_if_there(&format!("$.metrics.{}", metric.label));
        self.dependent(&format!("metric[{}]", metric.label), metric.title, &step, rest)
    }

    /// Metrics that not every run has: those of each address, port or endpoint, and those a later release adds.
    fn discovery(&self) -> Value {
        let known: Vec<String> =
            self.check.metrics.iter().map(|metric| format!("'{}'", metric.label)).collect();
        let script = format!(
            "var known = [{}]; return JSON.stringify(Object.keys(JSON.parse(value).metrics).filter(function (name) {{ \
             return known.indexOf(name) < 0; }}).map(function (name) {{ return {{'{{#METRIC}}': name}}; }}));",
            known.join(", ")
        );
        let rest = json!({ "value_type": "FLOAT", "tags": [{ "tag": "component", "value": "performance" }] });
        let step = path_if_there("$.metrics['{#METRIC}']");
        let prototype = self.dependent("further[{#METRIC}]", "{#METRIC}", &step, rest);
        let step = json!({ "type": "JAVASCRIPT", "parameters": [script] });
        self.dependent("discovery", "further metrics", &step, json!({ "item_prototypes": [prototype] }))
    }

    fn triggers(&self) -> Vec<Value> {
        let item = |key: &str| format!("/{}/{}.{key}", self.name(), self.prefix());
        let title = self.check.title;
        // The message is a part of the expression only so that it can be shown beside the problem.
        let of_state = |state: u8, name: &str, priority: &str| {
            json!({
                "uuid": self.uuid(&format!("trigger {name}")),
                "expression": format!("last({})={state} and length(last({}))>=0", item("state"), item("message")),
                "name": format!("{title}: {name}"),
                "opdata": "{ITEM.LASTVALUE2}",
                "priority": priority,
                "tags": [{ "tag": "scope", "value": "availability" }],
            })
        };
        let missing = json!({
            "uuid": self.uuid("trigger no data"),
            "expression": format!("nodata({},{})=1", item("state"), self.user_macro("nodata")),
            "name": format!("{title}: no result"),
            "priority": "AVERAGE",
            "description": "The external check is missing, or did not end in time.",
            "tags": [{ "tag": "scope", "value": "notice" }],
        });
        vec![
            of_state(1, "WARNING", "WARNING"),
            of_state(2, "CRITICAL", "HIGH"),
            of_state(3, "UNKNOWN", "AVERAGE"),
            missing,
        ]
    }

    fn macros(&self) -> Vec<Value> {
        let command = (self.check.command)();
        let help = |option: &str| {
            let arg = command.get_arguments().find(|arg| arg.get_long() == Some(option));
            arg.and_then(clap::Arg::get_help).map(ToString::to_string).unwrap_or_default()
        };
        let given = |name: &str, value: &str, description: &str| json!({ "macro": self.user_macro(name), "value": value, "description": description });
        let mut macros: Vec<Value> = self
            .check
            .macros
            .iter()
            .map(|(option, value)| given(option, value, &format!("--{option}: {}", help(option))))
            .collect();
        macros.push(given("interval", "1m", "How often the check runs"));
        macros.push(given("nodata", "5m", "After how long without a result a problem is raised"));
        if self.version == Version::V7_0 {
            macros.push(given("item-timeout", "3s", "When Zabbix ends the check; more than --timeout"));
        }
        let word =
            "One more word of the command line, such as --starttls or --sni=mail.example.org; no secret";
        macros.extend((1..=OPTIONS).map(|number| given(&format!("option{number}"), "", word)));
        macros
    }

    fn states(&self) -> Value {
        let mappings: Vec<Value> = ["OK", "WARNING", "CRITICAL", "UNKNOWN"]
            .iter()
            .enumerate()
            .map(|(value, name)| json!({ "value": value.to_string(), "newvalue": name }))
            .collect();
        json!({ "uuid": self.uuid("states"), "name": STATES, "mappings": mappings })
    }

    /// The steps on top of each other.
    fn graphs(&self) -> Vec<Value> {
        let is_step = |metric: &&Metric| metric.unit == "s" && !SUMS.contains(&metric.label);
        let phases = self.check.metrics.iter().filter(is_step);
        let lines: Vec<Value> = phases
            .zip(COLOURS)
            .enumerate()
            .map(|(place, (metric, colour))| {
                let key = format!("{}.metric[{}]", self.prefix(), metric.label);
                json!({ "sortorder": place.to_string(), "color": colour, "item": { "host": self.name(), "key": key } })
            })
            .collect();
        let name = format!("{}: time of each step", self.check.title);
        vec![
            json!({ "uuid": self.uuid("graph"), "name": name, "type": "STACKED", "ymin_type_1": "FIXED", "graph_items": lines }),
        ]
    }
}

/// The name of the value map.
const STATES: &str = "Plugin state";

fn path(path: &str) -> Value {
    json!({ "type": "JSONPATH", "parameters": [path] })
}

/// The same for what a run may not have, such as the phases after the one that failed.
fn path_if_there(path: &str) -> Value {
    json!({ "type": "JSONPATH", "parameters": [path], "error_handler": "DISCARD_VALUE" })
}
