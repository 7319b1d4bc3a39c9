//! Nagios Core with a configuration of its own, run as the user `nagios`.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Instant;

use super::{PATIENCE, copied, give_to, open_to_all, pause, program, spawn, stop};
use crate::{Error, Result, TempDir};

/// The user it runs as.
const USER: &str = "nagios";

/// A running Nagios; it is stopped when dropped.
#[derive(Debug)]
pub struct Nagios {
    directory: TempDir,
    server: Child,
}

/// A service as `status.dat` has it, field by field.
pub type Status = HashMap<String, String>;

impl Nagios {
    /// Whether it is installed.
    pub fn is_installed() -> bool {
        nagios().is_some()
    }

    /// Starts it with these files of definitions, and with definitions of the test's own. `interval`: the length of its unit of time in
    /// seconds. Fails unless its own verification (`nagios4 -v`) is without error and warning.
    pub fn start(plugins: &Path, files: &[PathBuf], definitions: &str) -> Result<Self> {
        let directory = TempDir::new()?;
        let root = directory.path();
        open_to_all(root)?;
        for name in ["spool", "var"] {
            std::fs::create_dir(root.join(name))?;
            give_to(USER, &root.join(name))?;
        }
        std::fs::write(root.join("resource.cfg"), format!("$USER1$={}\n", plugins.display()))?;
        std::fs::write(root.join("objects.cfg"), format!("{}{definitions}", base()))?;
        let configuration = root.join("nagios.cfg");
        std::fs::write(&configuration, main(root, &copied(files, root)?))?;
        let nagios = nagios().ok_or_else(|| Error::Other("Nagios is not installed".into()))?;
        verify(&nagios, &configuration)?;
        let server = spawn(Command::new(nagios).arg(&configuration), &root.join("said"))?;
        Ok(Self { directory, server })
    }

    /// Waits until each of these services has a result that was made after the start, and returns them by their description.
    pub fn statuses(&mut self, services: &[String]) -> Result<HashMap<String, Status>> {
        let began = Instant::now();
        loop {
            let text =
                std::fs::read_to_string(self.directory.path().join("var/status.dat")).unwrap_or_default();
            let known = parse(&text);
            if services.iter().all(|name| known.get(name).is_some_and(is_checked)) {
                return Ok(known);
            }
            if self.server.try_wait()?.is_some() || began.elapsed() > PATIENCE {
                return Err(Error::Other(format!(
                    "Nagios did not check everything; its log:\n{}",
                    self.log()
                )));
            }
            pause(&self.server)?;
        }
    }

    /// Lets a tenth of a second pass.
    pub fn pause(&self) -> Result<()> {
        pause(&self.server)
    }

    /// Its process number.
    pub fn id(&self) -> u32 {
        self.server.id()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.directory.path().join(name)).unwrap_or_default();
        read("said") + &read("var/nagios.log")
    }
}

impl Drop for Nagios {
    fn drop(&mut self) {
        stop(&mut self.server);
    }
}

/// Debian's name, or that of everybody else.
fn nagios() -> Option<PathBuf> {
    program("nagios4").or_else(|| program("nagios"))
}

fn is_checked(status: &Status) -> bool {
    status.get("has_been_checked").is_some_and(|value| value == "1")
}

fn verify(nagios: &Path, configuration: &Path) -> Result<()> {
    let output = Command::new(nagios).arg("-v").arg(configuration).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let is_clean = said.contains("Total Warnings: 0") && said.contains("Total Errors:   0");
    if output.status.success() && is_clean {
        Ok(())
    } else {
        Err(Error::Other(format!("nagios4 -v is not clean:\n{said}")))
    }
}

/// The service blocks of a status file.
fn parse(text: &str) -> HashMap<String, Status> {
    let mut services = HashMap::new();
    for block in text.split("\nservicestatus {\n").skip(1) {
        let lines = block.split("\n\t}").next().unwrap_or_default().lines();
        let fields: Status = lines
            .filter_map(|line| line.trim_start_matches('\t').split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        services.insert(fields.get("service_description").cloned().unwrap_or_default(), fields);
    }
    services
}

/// Everything below its own directory, and a unit of time of a second.
fn main(root: &Path, files: &[PathBuf]) -> String {
    let root = root.display();
    let mut text = format!(
        "log_file={root}/var/nagios.log\nresource_file={root}/resource.cfg\ncfg_file={root}/objects.cfg\n\
         object_cache_file={root}/var/objects.cache\nprecached_object_file={root}/var/objects.precache\nstatus_file={root}/var/status.dat\n\
         status_update_interval=1\nnagios_user={USER}\nnagios_group={USER}\ncommand_file={root}/var/nagios.cmd\n\
         query_socket={root}/var/nagios.qh\nlock_file={root}/var/nagios.pid\ntemp_file={root}/var/nagios.tmp\ntemp_path={root}/spool\n\
         check_result_path={root}/spool\nlog_archive_path={root}/var\nretain_state_information=0\nuse_syslog=0\nenable_notifications=0\n\
         interval_length=1\nmax_service_check_spread=1\nmax_host_check_spread=1\ncheck_result_reaper_frequency=1\ncheck_for_updates=0\n\
         illegal_object_name_chars=`~!$%^&*|'\"<>?,()=\nillegal_macro_output_chars=`~$&|'\"<>\n"
    );
    for file in files {
        let _ = writeln!(text, "cfg_file={}", file.display());
    }
    text
}

/// What a distribution's own configuration has: the templates and names that services refer to.
fn base() -> &'static str {
    "define timeperiod {\n    timeperiod_name 24x7\n    alias always\n    monday 00:00-24:00\n    tuesday 00:00-24:00\n    \
     wednesday 00:00-24:00\n    thursday 00:00-24:00\n    friday 00:00-24:00\n    saturday 00:00-24:00\n    sunday 00:00-24:00\n}\n\
     define command {\n    command_name none\n    command_line /bin/true\n}\n\
     define contact {\n    contact_name admin\n    host_notification_period 24x7\n    service_notification_period 24x7\n    \
     host_notification_options d\n    service_notification_options c\n    host_notification_commands none\n    \
     service_notification_commands none\n}\n\
     define host {\n    name generic-host\n    check_period 24x7\n    max_check_attempts 1\n    contacts admin\n    \
     notification_period 24x7\n    notification_interval 0\n    check_command none\n    check_interval 300\n    register 0\n}\n\
     define service {\n    name generic-service\n    check_period 24x7\n    max_check_attempts 1\n    check_interval 5\n    \
     retry_interval 5\n    contacts admin\n    notification_period 24x7\n    notification_interval 0\n    register 0\n}\n"
}
