//! Grafana: a dashboard on the names of `--output prometheus`.

use serde_json::{Value, json};

use super::uuid;
use crate::Result;
use crate::registry::CHECKS;

/// The dashboard.
pub fn dashboard() -> Result<String> {
    let mut panels = vec![state()];
    for check in &CHECKS {
        let program = check.program;
        let selected = format!("check=\"{program}\",host=~\"$host\"");
        let phases = format!("smtp_check_seconds{{{selected},phase!=\"time\"}}");
        panels.push(graph(
            &format!("{}: time of each step", check.title),
            &[(&phases, "{{host}}:{{port}} {{phase}}")],
            "s",
        ));
        for metric in check.metrics.iter().filter(|metric| metric.unit.is_empty()) {
            let values = format!("smtp_check_value{{{selected},metric=\"{}\"}}", metric.label);
            panels.push(graph(
                &format!("{}: {}", check.title, metric.title),
                &[(&values, "{{host}}:{{port}}")],
                "short",
            ));
        }
    }
    for (place, panel) in panels.iter_mut().enumerate() {
        if let Some(map) = panel.as_object_mut() {
            map.insert("id".to_owned(), json!(place + 1));
            map.insert(
                "gridPos".to_owned(),
                json!({ "h": 8, "w": 12, "x": place % 2 * 12, "y": place / 2 * 8 }),
            );
        }
    }
    let dashboard = json!({
        "uid": uuid("grafana dashboard"),
        "title": "Mail servers",
        "tags": ["smtp"],
        "schemaVersion": 36,
        "editable": true,
        "time": { "from": "now-6h", "to": "now" },
        "templating": { "list": [
            { "name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source" },
            {
                "name": "host", "type": "query", "label": "Host", "datasource": source(), "refresh": 2,
                "includeAll": true, "multi": true, "query": "label_values(smtp_check_state, host)"
            },
        ] },
        "panels": panels,
    });
    Ok(serde_json::to_string_pretty(&dashboard)? + "\n")
}

fn source() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}

/// All checks of the hosts selected, coloured by their states.
fn state() -> Value {
    let colours = ["green", "yellow", "red", "purple"];
    let states: serde_json::Map<String, Value> = ["OK", "WARNING", "CRITICAL", "UNKNOWN"]
        .iter()
        .zip(colours)
        .enumerate()
        .map(|(value, (name, colour))| (value.to_string(), json!({ "text": name, "color": colour })))
        .collect();
    json!({
        "type": "state-timeline",
        "title": "State",
        "datasource": source(),
        "targets": [target(0, "smtp_check_state{host=~\"$host\"}", "{{check}} {{host}}:{{port}}")],
        "fieldConfig": { "defaults": { "mappings": [{ "type": "value", "options": states }] }, "overrides": [] },
    })
}

fn graph(title: &str, queries: &[(&str, &str)], unit: &str) -> Value {
    let targets: Vec<Value> =
        queries.iter().enumerate().map(|(place, (query, legend))| target(place, query, legend)).collect();
    json!({
        "type": "timeseries",
        "title": title,
        "datasource": source(),
        "targets": targets,
        "fieldConfig": { "defaults": { "unit": unit }, "overrides": [] },
    })
}

fn target(place: usize, query: &str, legend: &str) -> Value {
    json!({ "refId": format!("Q{place}"), "datasource": source(), "expr": query, "legendFormat": legend })
}
