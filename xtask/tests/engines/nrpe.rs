//! NRPE.

use std::fmt::Write as _;

use check_smtp_testbed::real::Nrpe;
use libtest_mimic::Failed;
use xtask::registry::CHECKS;

use crate::bed::{Bed, shipped};

pub fn results(bed: &Bed) -> Result<(), Failed> {
    let recorder = bed.recorder()?;
    let scenes = bed.scenes("nagios")?;
    let mut commands = String::new();
    for scene in &scenes {
        let (program, words) = (scene.check.program, scene.words().join(" "));
        let _ = writeln!(
            commands,
            "command[{}]=/usr/lib/nagios/plugins/{program} --hostname 127.0.0.1 {words}",
            scene.name
        );
    }
    let definitions = shipped("nrpe/smtp-monitoring-plugins.cfg");
    let options = bed.options_file("nagios")?;
    let server = Nrpe::start(&recorder.plugins(), &definitions, &commands, &options)?;
    let mut asked = 0;
    let mut ask = |command: &str, code: Option<i32>| -> Result<(), Failed> {
        let output = server.ask(command)?;
        asked += 1;
        let runs = recorder.runs()?;
        let passed = String::from_utf8(output.stdout)?;
        let run = runs.iter().find(|run| run.output == passed);
        let run =
            run.ok_or_else(|| format!("{command}: no plugin printed what check_nrpe printed: {passed}"))?;
        if output.status.code() != Some(run.code) || code.is_some_and(|code| code != run.code) {
            return Err(format!("{command}: {} from {}, {passed}", output.status, run.code).into());
        }
        if runs.len() != asked {
            return Err(format!("{command}: {} runs of {asked}", runs.len()).into());
        }
        Ok(())
    };
    for scene in &scenes {
        ask(&scene.name, Some(scene.code))?;
    }
    // The shipped lines: the first asks port 25 of this machine, whatever is there; the others are told where to look.
    for check in &CHECKS {
        for (place, service) in check.services.iter().enumerate() {
            let is_local = service.name == "smtp";
            let command = if place == 0 {
                check.program.to_owned()
            } else {
                format!("{}_{}", check.program, service.name)
            };
            ask(&command, (!is_local).then_some(0))?;
        }
    }
    Ok(())
}
