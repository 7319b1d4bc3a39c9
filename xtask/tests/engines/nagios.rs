//! Nagios Core.

use std::fmt::Write as _;

use check_smtp_testbed::real::Nagios;
use libtest_mimic::Failed;
use xtask::registry::CHECKS;

use crate::bed::{Bed, parts, runs_of, shipped};

const COMMANDS: &str = "nagios/smtp-monitoring-plugins.cfg";
const SERVICES: &str = "nagios/smtp-services.cfg.sample";

fn host(name: &str) -> String {
    format!("define host {{\n    use generic-host\n    host_name {name}\n    address 127.0.0.1\n}}\n")
}

pub fn results(bed: &Bed) -> Result<(), Failed> {
    let recorder = bed.recorder()?;
    let scenes = bed.scenes("nagios")?;
    let mut definitions = host("localhost");
    for scene in &scenes {
        let _ = write!(
            definitions,
            "define service {{\n    use generic-service\n    host_name localhost\n    service_description {}\n    check_command {}!{}\n}}\n",
            scene.name,
            scene.check.program,
            scene.words().join(" ")
        );
    }
    let mut nagios = Nagios::start(&recorder.plugins(), &[shipped(COMMANDS)], &definitions)?;
    let names: Vec<String> = scenes.iter().map(|scene| scene.name.clone()).collect();
    let statuses = nagios.statuses(&names)?;
    let runs = recorder.runs()?;
    for scene in &scenes {
        let status = statuses.get(&scene.name).ok_or("no status")?;
        let field = |name: &str| status.get(name).map(String::as_str).unwrap_or_default();
        let stored = (field("plugin_output"), field("performance_data"), field("long_plugin_output"));
        if field("current_state") != scene.code.to_string() {
            return Err(format!("{}: state {}: {stored:?}", scene.name, field("current_state")).into());
        }
        let printed: Vec<_> = runs_of(&runs, scene).iter().map(|run| as_stored(&run.output)).collect();
        let is_equal = |(text, perfdata, rest): &(String, String, String)| {
            (text.as_str(), perfdata.as_str(), rest.as_str()) == stored
        };
        if !printed.iter().any(is_equal) {
            return Err(format!("{}: stored {stored:?}\nprinted {printed:?}", scene.name).into());
        }
    }
    Ok(())
}

/// What Nagios keeps of an output: its log is made of fields with `;` between them, so that one in the text becomes `:`.
fn as_stored(output: &str) -> (String, String, String) {
    let (text, perfdata, rest) = parts(output);
    (text.replace(';', ":"), perfdata.to_owned(), rest.to_owned())
}

/// The samples as they are, with a host of the name they use.
pub fn samples(bed: &Bed) -> Result<(), Failed> {
    let recorder = bed.recorder()?;
    let files = [shipped(COMMANDS), shipped(SERVICES)];
    let mut nagios = Nagios::start(&recorder.plugins(), &files, &host("mail.example.org"))?;
    let services: Vec<_> = CHECKS.iter().flat_map(|check| check.services).collect();
    let names: Vec<String> = services.iter().map(|service| service.title.to_owned()).collect();
    nagios.statuses(&names)?;
    let runs = recorder.runs()?;
    // Whatever listens on those ports of this machine: no command line was refused.
    let refused = runs
        .iter()
        .find(|run| run.output.contains("usage") || run.code == 3 && !run.output.contains("password"));
    match refused {
        Some(run) => Err(format!("{run:?}").into()),
        None if runs.len() < services.len() => Err(format!("only {} runs", runs.len()).into()),
        None => Ok(()),
    }
}
