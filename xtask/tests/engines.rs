//! The definitions in real engines: each is started with its shipped definitions, runs every check against the embedded server in every
//! state, and what it stored is held against what the plugin printed.
//!
//! `SMTP_PLUGIN_DIR` names the plugins to try (those of an installed package); without it they are built. Where an engine is missing,
//! its tests are skipped and say so; in CI that is a failure.

#![expect(
    clippy::disallowed_methods,
    reason = "a test asks its environment for the plugins, and reads its own clock"
)]
#![expect(clippy::indexing_slicing, reason = "serde_json gives null for what is not there")]

#[path = "engines/bed.rs"]
mod bed;
#[path = "engines/icinga.rs"]
mod icinga;
#[path = "engines/nagios.rs"]
mod nagios;
#[path = "engines/nrpe.rs"]
mod nrpe;
#[path = "engines/registry.rs"]
mod registry;
#[path = "engines/zabbix.rs"]
mod zabbix;

use std::process::ExitCode;
use std::sync::Arc;

use bed::Bed;
use check_smtp_testbed::real::{Icinga, Nagios, Nrpe, Zabbix};
use libtest_mimic::{Arguments, Failed, Trial};

type Scene = fn(&Bed) -> Result<(), Failed>;
type Installed = fn() -> bool;

/// What its test needs.
const ZABBIX: &str = "zabbix_server for PostgreSQL, its frontend, PHP, PostgreSQL, curl or mounts of its own";

const TRIALS: [(&str, &str, Installed, Scene); 8] = [
    ("the_registry_has_every_metric", "", || true, registry::scenes),
    ("nagios_stores_what_was_printed", "nagios4", Nagios::is_installed, nagios::results),
    ("nagios_takes_the_sample_services", "nagios4", Nagios::is_installed, nagios::samples),
    (
        "nrpe_passes_on_what_was_printed",
        "nrpe, check_nrpe or mounts of its own",
        Nrpe::is_installed,
        nrpe::results,
    ),
    ("icinga2_stores_what_was_printed", "icinga2 or curl", Icinga::is_installed, icinga::results),
    ("icinga2_takes_the_sample_services", "icinga2 or curl", Icinga::is_installed, icinga::samples),
    ("icinga2_has_a_satellite_check", "icinga2 or curl", Icinga::is_installed, icinga::satellite),
    ("zabbix_stores_what_was_printed", ZABBIX, Zabbix::is_installed, zabbix::results),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let is_root = check_smtp_testbed::is_root();
    let may_skip = !check_smtp_testbed::is_ci();
    let needed = TRIALS.iter().any(|(_, _, is_installed, _)| is_installed());
    // Dropped, and so stopped, before the exit code is given back.
    let bed = if is_root && needed && !arguments.list {
        Bed::start()
    } else {
        Err("no engine can be started".into())
    };
    let bed = bed.map(Arc::new).map_err(|error| error.to_string());
    let trials = TRIALS.into_iter().map(|(name, engine, is_installed, hold)| {
        let reason = match (is_root, is_installed()) {
            (false, _) => Some("needs root".to_owned()),
            (_, false) => Some(format!("{engine} missing")),
            _ => None,
        };
        if let Some(reason) = reason.filter(|_| may_skip) {
            Trial::test(format!("{name} (skipped: {reason})"), || Ok(())).with_ignored_flag(true)
        } else {
            let bed = bed.clone();
            Trial::test(name, move || hold(bed?.as_ref()))
        }
    });
    let trials = trials.collect();
    // One engine at a time: a machine that starves an engine proves nothing about us.
    let conclusion = libtest_mimic::run(&Arguments { test_threads: Some(1), ..arguments }, trials);
    drop(bed);
    conclusion.exit_code()
}
