//! The NRPE daemon, and `check_nrpe` to ask it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};

use super::{free_port, give_to, open_to_all, program, required, spawn, stop, wait_for};
use crate::cases::can_have_mounts_of_its_own;
use crate::{Result, TempDir};

/// The user it runs as.
const USER: &str = "nagios";
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
    /// Whether the daemon and `check_nrpe` are installed, and a mount of its own is possible.
    pub fn is_installed() -> bool {
        program("nrpe").is_some() && client().is_file() && can_have_mounts_of_its_own()
    }

    /// Starts it with these definitions and `commands` of the test's own. It sees these plugins, and this file of options, where its
    /// definitions look for them, by mounts of its own. Needs root.
    pub fn start(plugins: &Path, definitions: &Path, commands: &str, options: &Path) -> Result<Self> {
        let directory = TempDir::new()?;
        let root = directory.path();
        open_to_all(root)?;
        let port = free_port()?;
        let configuration = root.join("nrpe.cfg");
        let text = format!(
            "server_address=127.0.0.1\nserver_port={port}\nallowed_hosts=127.0.0.1\nnrpe_user={USER}\nnrpe_group={USER}\n\
             pid_file={}/pid\ndont_blame_nrpe=0\ncommand_timeout=30\ninclude={}\n{commands}",
            root.display(),
            definitions.display()
        );
        std::fs::write(&configuration, text)?;
        let nrpe = required("nrpe")?;
        let (upper, work) = (root.join("etc"), root.join("work"));
        let of_options = upper.join("smtp-monitoring-plugins");
        std::fs::create_dir_all(&of_options)?;
        std::fs::create_dir(&work)?;
        open_to_all(&upper)?;
        let own = of_options.join("mail.ini");
        // With its mode: others may not read it.
        std::fs::copy(options, &own)?;
        give_to(USER, &own)?;
        let script = format!(
            "mount --bind '{}' {PLUGINS} && mount -t overlay -o lowerdir=/etc,upperdir='{}',workdir='{}' overlay /etc && \
             exec '{}' -c '{}' -f",
            plugins.display(),
            upper.display(),
            work.display(),
            nrpe.display(),
            configuration.display()
        );
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c"]).arg(script);
        let log = root.join("log");
        let server = spawn(&mut command, &log)?;
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
