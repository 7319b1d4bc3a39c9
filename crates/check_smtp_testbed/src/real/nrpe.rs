//! The NRPE daemon, and `check_nrpe` to ask it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};

use super::{free_port, open_to_all, program, required, spawn, stop, wait_for};
use crate::{Result, TempDir};

/// Where its definitions expect plugins: NRPE has no variable for it.
const PLUGINS: &str = "/usr/lib/nagios/plugins";

/// A running NRPE daemon; it is stopped when dropped.
#[derive(Debug)]
pub struct Nrpe {
    _directory: TempDir,
    server: Child,
    port: u16,
}

impl Nrpe {
    /// Whether the daemon and `check_nrpe` are installed.
    pub fn is_installed() -> bool {
        program("nrpe").is_some() && client().is_file()
    }

    /// Starts it with these definitions and `commands` of the test's own. It sees these plugins where its definitions look for them, by a
    /// mount of its own, and this file of options (`$MP_CONFIG_FILE`). Needs root.
    pub fn start(plugins: &Path, definitions: &Path, commands: &str, options: &Path) -> Result<Self> {
        let directory = TempDir::new()?;
        let root = directory.path();
        open_to_all(root)?;
        let port = free_port()?;
        let configuration = root.join("nrpe.cfg");
        let text = format!(
            "server_address=127.0.0.1\nserver_port={port}\nallowed_hosts=127.0.0.1\nnrpe_user=nagios\nnrpe_group=nagios\n\
             pid_file={}/pid\ndont_blame_nrpe=0\nkeep_env_vars=MP_CONFIG_FILE\ncommand_timeout=30\ninclude={}\n{commands}",
            root.display(),
            definitions.display()
        );
        std::fs::write(&configuration, text)?;
        let nrpe = required("nrpe")?;
        let script = format!(
            "mount --bind '{}' {PLUGINS} && exec '{}' -c '{}' -f",
            plugins.display(),
            nrpe.display(),
            configuration.display()
        );
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c"]).arg(script);
        let log = root.join("log");
        let server = spawn(command.env("MP_CONFIG_FILE", options), &log)?;
        let mut server = Self { _directory: directory, server, port };
        wait_for(&[port], &mut server.server, &log)?;
        Ok(server)
    }

    /// Asks for a command, as Nagios would.
    pub fn ask(&self, command: &str) -> Result<Output> {
        let port = self.port.to_string();
        let mut asked = Command::new(client());
        Ok(asked.args(["-H", "127.0.0.1", "-p", &port, "-t", "20", "-c", command]).output()?)
    }
}

impl Drop for Nrpe {
    fn drop(&mut self) {
        stop(&mut self.server);
    }
}

fn client() -> PathBuf {
    Path::new(PLUGINS).join("check_nrpe")
}
