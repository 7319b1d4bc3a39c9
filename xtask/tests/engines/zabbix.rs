//! Zabbix, whichever of 6.0 and 7.0 is installed: the template in its server, asked by its interface.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use check_smtp_testbed::real::{Recorder, Run, Zabbix};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use xtask::registry::{CHECKS, Check};

use crate::bed::{Bed, Scene, shipped};

/// How long a value may take: a reload of the configuration, an interval, and a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A Zabbix with our templates, and what is needed to make hosts.
struct Setup {
    zabbix: Zabbix,
    group: Value,
}

impl Setup {
    fn start(recorder: &Recorder) -> Result<Self, Failed> {
        let zabbix = Zabbix::start(&recorder.plugins())?;
        let version = zabbix.call("apiinfo.version", &json!([]))?;
        let is_old = version.as_str().is_some_and(|version| version.starts_with("6.0."));
        let (templates, groups) = if is_old { ("6.0", "groups") } else { ("7.0", "template_groups") };
        let templates = shipped(&format!("zabbix/{templates}/smtp-monitoring-plugins.yaml"));
        let both = json!({ "createMissing": true, "updateExisting": true });
        let rules = json!({
            groups: both, "templates": both, "items": both, "triggers": both, "graphs": both, "discoveryRules": both, "valueMaps": both,
        });
        let import =
            json!({ "format": "yaml", "rules": rules, "source": std::fs::read_to_string(templates)? });
        zabbix.call("configuration.import", &import)?;
        // What was imported may be imported again, as an upgrade does.
        zabbix.call("configuration.import", &import)?;
        let group =
            zabbix.call("hostgroup.create", &json!({ "name": "Mail servers" }))?["groupids"][0].take();
        Ok(Self { zabbix, group })
    }

    /// Makes a host with the check's template and these options; returns its id.
    fn host(&self, name: &str, check: &Check, options: &[(&str, Option<String>)]) -> Result<Value, Failed> {
        let found = json!({ "filter": { "host": [format!("SMTP by {}", check.program)] } });
        let template = self.zabbix.call("template.get", &found)?[0]["templateid"].take();
        let mut macros = vec![json!({ "macro": user_macro(check, "INTERVAL"), "value": "5s" })];
        let mut others = 0;
        for (option, value) in options {
            if check.macros.iter().any(|(name, _)| name == option) {
                let name = option.replace('-', ".").to_uppercase();
                macros.push(json!({ "macro": user_macro(check, &name), "value": value }));
            } else {
                others += 1;
                let word = value
                    .as_ref()
                    .map_or_else(|| format!("--{option}"), |value| format!("--{option}={value}"));
                macros.push(json!({ "macro": user_macro(check, &format!("OPTION{others}")), "value": word }));
            }
        }
        let host = json!({
            "host": name,
            "groups": [{ "groupid": self.group }],
            "interfaces": [{ "type": 1, "main": 1, "useip": 1, "ip": "127.0.0.1", "dns": "", "port": "10050" }],
            "templates": [{ "templateid": template }],
            "macros": macros,
        });
        Ok(self.zabbix.call("host.create", &host)?["hostids"][0].take())
    }

    /// The host's items, once they are as wanted.
    fn items(&self, host: &Value, is_wanted: impl Fn(&[Value]) -> bool) -> Result<Vec<Value>, Failed> {
        let output = json!(["key_", "lastvalue", "lastclock", "state", "error", "type", "value_type"]);
        let asked = json!({ "hostids": host, "output": output });
        let is_wanted = |items: &Value| items.as_array().is_some_and(|items| is_wanted(items));
        let items = self.zabbix.call_until(PATIENCE, "item.get", &asked, is_wanted)?;
        Ok(items.as_array().cloned().unwrap_or_default())
    }

    /// Waits until exactly these triggers of a host are on.
    fn triggers(&self, host: &Value, names: &[&str], patience: Duration) -> Result<(), Failed> {
        let asked = json!({ "hostids": host, "output": ["description"], "filter": { "value": 1 } });
        let is_wanted = |triggers: &Value| {
            let on: Vec<&str> = triggers
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|trigger| trigger["description"].as_str())
                .collect();
            on == names
        };
        self.zabbix.call_until(patience, "trigger.get", &asked, is_wanted)?;
        Ok(())
    }

    fn set(&self, host: &Value, name: &str, value: &str) -> Result<(), Failed> {
        let found =
            self.zabbix.call("usermacro.get", &json!({ "hostids": host, "filter": { "macro": name } }))?;
        let changed = json!({ "hostmacroid": found[0]["hostmacroid"], "value": value });
        self.zabbix.call("usermacro.update", &changed)?;
        Ok(())
    }
}

fn user_macro(check: &Check, name: &str) -> String {
    format!("{{${}.{name}}}", check.object().replace('_', ".").to_uppercase())
}

fn value<'a>(items: &'a [Value], key: &str) -> Option<&'a str> {
    let item = items.iter().find(|item| item["key_"] == key)?;
    item["lastvalue"].as_str().filter(|_| item["lastclock"] != "0")
}

/// Whether these items hold what one of these runs printed: state, message, and each metric as a number.
fn holds(items: &[Value], prefix: &str, runs: &[Run]) -> bool {
    let is_of = |run: &Run| {
        let Ok(printed) = serde_json::from_str::<Value>(&run.output) else { return false };
        let has_metric = |(label, number): (&String, &Value)| {
            let stored = value(items, &format!("{prefix}.metric[{label}]"))
                .or_else(|| value(items, &format!("{prefix}.further[{label}]")));
            let stored = stored.and_then(|text| text.parse::<f64>().ok());
            stored.zip(number.as_f64()).is_some_and(|(stored, printed)| (stored - printed).abs() < 1e-9)
        };
        value(items, &format!("{prefix}.state")) == Some(printed["exit_code"].to_string().as_str())
            && value(items, &format!("{prefix}.message")) == printed["message"].as_str()
            && printed["metrics"].as_object().is_some_and(|metrics| metrics.iter().all(has_metric))
    };
    runs.iter().any(is_of)
}

fn prefix(check: &Check) -> String {
    check.object().replace('_', ".")
}

/// No item is unsupported.
fn supported(items: &[Value]) -> Result<(), Failed> {
    let broken = items.iter().find(|item| item["state"] != "0" || item["error"] != "");
    broken.map_or(Ok(()), |item| Err(item.to_string().into()))
}

pub fn results(bed: &Bed) -> Result<(), Failed> {
    let recorder = bed.recorder()?;
    let setup = Setup::start(&recorder)?;
    let scenes = bed.scenes("zabbix")?;
    let mut hosts = Vec::new();
    for scene in &scenes {
        hosts.push((scene, setup.host(&scene.name, scene.check, &scene.options)?));
    }
    let several = [("port", Some(bed.port("SMTP")?.to_string())), ("all-addresses", None)];
    let [conn, ..] = &CHECKS;
    let discovered = setup.host("discovered", conn, &several)?;
    for (scene, host) in &hosts {
        stored(&setup, scene, host, &recorder)?;
    }
    let items = setup.items(&discovered, |items| {
        value(items, "smtp.conn.further[time_1]").is_some()
            && holds(items, "smtp.conn", &recorder.runs().unwrap_or_default())
    })?;
    supported(&items)?;
    recovery(bed, &setup, &hosts)?;
    in_time(&setup)
}

fn stored(setup: &Setup, scene: &Scene, host: &Value, recorder: &Recorder) -> Result<(), Failed> {
    let prefix = prefix(scene.check);
    let items = setup.items(host, |items| {
        value(items, &format!("{prefix}.state")) == Some(scene.code.to_string().as_str())
            && holds(items, &prefix, &recorder.runs().unwrap_or_default())
    });
    let items = items.map_err(|error| format!("{}: {}", scene.name, error.message().unwrap_or_default()))?;
    supported(&items)?;
    let state = ["OK", "WARNING", "CRITICAL", "UNKNOWN"].into_iter().nth(usize::try_from(scene.code)?);
    let wanted = format!("{}: {}", scene.check.title, state.unwrap_or_default());
    let wanted = if scene.code == 0 { &[][..] } else { &[wanted.as_str()][..] };
    setup.triggers(host, wanted, PATIENCE)
}

/// A trigger that is on goes off when the server is well again.
fn recovery(bed: &Bed, setup: &Setup, hosts: &[(&Scene, Value)]) -> Result<(), Failed> {
    let critical = hosts.iter().find(|(scene, _)| scene.name == "smtp_conn_critical");
    let (scene, host) = critical.ok_or("no such scene")?;
    setup.set(host, &user_macro(scene.check, "PORT"), &bed.port("SMTP")?.to_string())?;
    setup.triggers(host, &[], PATIENCE)
}

/// A server that says nothing: with our default the check ends in time and says so; with more time than Zabbix gives it, there is no
/// result, and a trigger for that.
fn in_time(setup: &Setup) -> Result<(), Failed> {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = ("port", Some(silent.local_addr()?.port().to_string()));
    let [conn, ..] = &CHECKS;
    let in_time = setup.host("silent", conn, std::slice::from_ref(&port))?;
    let too_late = setup.host("silent_for_too_long", conn, &[port, ("timeout", Some("20".to_owned()))])?;
    let nodata = json!({ "hostid": too_late, "macro": user_macro(conn, "NODATA"), "value": "30s" });
    setup.zabbix.call("usermacro.create", &nodata)?;
    let items = setup.items(&in_time, |items| value(items, "smtp.conn.state") == Some("2"))?;
    supported(&items)?;
    let master = |item: &Value| item["type"] == "10";
    setup.items(&too_late, |items| {
        items.iter().filter(|item| master(item)).all(|item| item["state"] == "1")
    })?;
    setup.triggers(&too_late, &["SMTP connection: no result"], PATIENCE * 2)
}
