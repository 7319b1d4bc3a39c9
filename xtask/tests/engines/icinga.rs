//! Icinga 2.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use check_smtp_testbed::real::{Icinga, Recorder};
use libtest_mimic::Failed;
use serde_json::Value;
use xtask::registry::CHECKS;

use crate::bed::{Bed, Scene, parts, runs_of, shipped};

const COMMANDS: &str = "icinga2/smtp-commands.conf";
const SERVICES: &str = "icinga2/smtp-services.conf.sample";

/// A host, and a service for each scene.
fn objects(scenes: &[Scene]) -> String {
    let mut text =
        "object Host \"localhost\" { address = \"127.0.0.1\"; check_command = \"dummy\" }\n".to_owned();
    for scene in scenes {
        let object = scene.check.object();
        let _ = writeln!(
            text,
            "object Service \"{}\" {{\n  host_name = \"localhost\"\n  check_command = \"{object}\"\n  check_interval = 5s\n  retry_interval = 5s",
            scene.name
        );
        for (name, value) in &scene.options {
            let value = value.as_ref().map_or_else(|| "true".to_owned(), |text| format!("\"{text}\""));
            let _ = writeln!(text, "  vars.{object}_{} = {value}", name.replace('-', "_"));
        }
        text.push_str("}\n");
    }
    text
}

pub fn results(bed: &Bed) -> Result<(), Failed> {
    let recorder = bed.recorder()?;
    let scenes = bed.scenes("nagios")?;
    let mut icinga = Icinga::start(&recorder.plugins(), &[shipped(COMMANDS)], &objects(&scenes))?;
    let services = icinga.services(scenes.len())?;
    compare(&services, &scenes, &recorder, "master")?;
    points(&icinga, &services)?;
    complaints(&icinga)
}

/// State, output, performance data and source of every result.
fn compare(services: &[Value], scenes: &[Scene], recorder: &Recorder, source: &str) -> Result<(), Failed> {
    let runs = recorder.runs()?;
    for scene in scenes {
        let service = services.iter().find(|service| service["name"] == scene.name.as_str());
        let result = &service.ok_or_else(|| format!("no service {}", scene.name))?["last_check_result"];
        if result["state"] != f64::from(scene.code) || result["check_source"] != source {
            return Err(format!("{}: {result}", scene.name).into());
        }
        let stored = (text_of(&result["output"]), perfdata_of(result));
        let printed: Vec<_> = runs_of(&runs, scene).iter().map(|run| as_stored(&run.output)).collect();
        if !printed.contains(&stored) {
            return Err(format!("{}: stored {stored:?}\nprinted {printed:?}", scene.name).into());
        }
    }
    Ok(())
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn perfdata_of(result: &Value) -> Vec<String> {
    result["performance_data"].as_array().into_iter().flatten().map(text_of).collect()
}

/// What Icinga keeps of an output: the text without performance data, and that item by item.
fn as_stored(output: &str) -> (String, Vec<String>) {
    let (text, perfdata, rest) = parts(output);
    // The blank before the pipe stays.
    let text = if perfdata.is_empty() { text.to_owned() } else { format!("{text} ") };
    let text = if rest.is_empty() { text } else { format!("{text}\n{rest}") };
    (text, perfdata.split_ascii_whitespace().map(str::to_owned).collect())
}

/// What the writer made of each metric: a point of the same number, thresholds and unit, and none left out. It sends once a second.
fn points(icinga: &Icinga, services: &[Value]) -> Result<(), Failed> {
    let began = Instant::now();
    loop {
        match points_sent(&icinga.points(), services) {
            Err(error) if began.elapsed() > Duration::from_secs(10) => return Err(error),
            Err(_) => icinga.pause()?,
            Ok(()) => return Ok(()),
        }
    }
}

fn points_sent(sent: &str, services: &[Value]) -> Result<(), Failed> {
    for service in services {
        let name = text_of(&service["name"]);
        for item in perfdata_of(&service["last_check_result"]) {
            let point = wanted(&item)?;
            let label = item.split('=').next().unwrap_or_default();
            let tags = format!(",metric={label},service={name} ");
            let tags_other = format!(",service={name},metric={label} ");
            let mut of_metric =
                sent.lines().filter(|line| line.contains(&tags) || line.contains(&tags_other)).map(fields);
            if !of_metric.any(|fields| fields == point) {
                return Err(format!("{name}: {item} was not understood as {point:?} in:\n{sent}").into());
            }
        }
    }
    Ok(())
}

/// The fields of a line of `InfluxDB`'s protocol, numbers in one form.
fn fields(line: &str) -> BTreeMap<String, String> {
    let fields = line.split(' ').nth(1).unwrap_or_default();
    let fields = fields.split(',').filter_map(|field| field.split_once('='));
    fields.map(|(key, value)| (key.to_owned(), number(value.trim_matches('"')))).collect()
}

fn number(text: &str) -> String {
    text.parse::<f64>().map_or_else(|_| text.to_owned(), |number| format!("{number:.6}"))
}

/// What an item of performance data says, as fields. Icinga has no field for a range: `30:` is the one kind it drops, as its
/// documentation says; the value and the other threshold stay.
fn wanted(item: &str) -> Result<BTreeMap<String, String>, Failed> {
    let (_, rest) = item.split_once('=').ok_or("an item without a value")?;
    let mut parts = rest.split(';');
    let value = parts.next().unwrap_or_default();
    let mut fields = BTreeMap::new();
    let seconds = value.strip_suffix('s');
    fields.insert("value".to_owned(), number(seconds.unwrap_or(value)));
    if seconds.is_some() {
        fields.insert("unit".to_owned(), "seconds".to_owned());
    }
    for (name, threshold) in ["warn", "crit"].iter().zip(parts) {
        if threshold.parse::<f64>().is_ok() {
            fields.insert((*name).to_owned(), number(threshold));
        }
    }
    Ok(fields)
}

/// Nothing was rejected.
fn complaints(icinga: &Icinga) -> Result<(), Failed> {
    let log = icinga.log();
    let complaint = log.lines().find(|line| line.contains(" warning/") || line.contains(" critical/"));
    complaint.map_or(Ok(()), |line| Err(line.into()))
}

/// The sample rules as they are, on a host that asks for all of them.
pub fn samples(bed: &Bed) -> Result<(), Failed> {
    let recorder = bed.recorder()?;
    let services: Vec<_> = CHECKS.iter().flat_map(|check| check.services).collect();
    let names: Vec<String> = services.iter().map(|service| format!("\"{}\"", service.name)).collect();
    let host = format!(
        "object Host \"localhost\" {{\n  address = \"127.0.0.1\"\n  check_command = \"dummy\"\n  vars.smtp_services = [ {} ]\n  \
         vars.smtp_conn_port = {}\n  vars.smtp_cert_port = {}\n  vars.smtp_cert_ca_file = \"{}\"\n}}\n",
        names.join(", "),
        bed.port("SMTP")?,
        bed.port("SUBMISSION")?,
        bed.ca_file().display()
    );
    let files = [shipped(COMMANDS), shipped(SERVICES)];
    let mut icinga = Icinga::start(&recorder.plugins(), &files, &host)?;
    icinga.check_now()?;
    let results = icinga.services(services.len())?;
    for name in ["smtp", "smtp_certificate"] {
        let service = results.iter().find(|service| service["name"] == name).ok_or("no such service")?;
        if service["last_check_result"]["state"] != 0.0 {
            return Err(service["last_check_result"].to_string().into());
        }
    }
    complaints(&icinga)
}

/// The checks are run by the satellite, and the master has its results.
pub fn satellite(bed: &Bed) -> Result<(), Failed> {
    let recorder = bed.recorder()?;
    let scenes = bed.scenes("nagios")?;
    let (mut master, satellite) =
        Icinga::start_with_satellite(&recorder.plugins(), &[shipped(COMMANDS)], &objects(&scenes))?;
    let services = master.services(scenes.len())?;
    compare(&services, &scenes, &recorder, "satellite")?;
    complaints(&satellite)
}
