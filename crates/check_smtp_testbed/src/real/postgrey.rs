//! Postgrey: who comes for the first time is put off, and let through after a while.

use std::process::{Child, Command};

use super::{free_port, give_to, open_to_all, program, required, spawn, stop, wait_for};
use crate::{Result, TempDir};

/// The user its packages make.
const USER: &str = "postgrey";

/// A running Postgrey; it is stopped when dropped.
#[derive(Debug)]
pub struct Postgrey {
    directory: TempDir,
    server: Child,
    port: u16,
}

impl Postgrey {
    /// Whether it is installed.
    pub fn is_installed() -> bool {
        program("postgrey").is_some()
    }

    /// Starts it; it puts everybody off for so many seconds, also those its packages know for good. Needs root.
    pub fn start(delay: u32) -> Result<Self> {
        let directory = TempDir::new()?;
        open_to_all(directory.path())?;
        let (nobody, data) = (directory.path().join("nobody"), directory.path().join("data"));
        std::fs::write(&nobody, "")?;
        std::fs::create_dir(&data)?;
        give_to(USER, &data)?;
        let (port, nobody, data) = (free_port()?, nobody.display(), data.display());
        let mut command = Command::new(required("postgrey")?);
        command.args([
            format!("--inet=127.0.0.1:{port}"),
            format!("--delay={delay}"),
            format!("--dbdir={data}"),
            format!("--whitelist-clients={nobody}"),
            format!("--whitelist-recipients={nobody}"),
            // A client that has come often is let through at once otherwise.
            "--auto-whitelist-clients=0".to_owned(),
            "--hostname=mail.example.org".to_owned(),
        ]);
        let log = directory.path().join("log");
        let server = spawn(&mut command, &log)?;
        let mut server = Self { directory, server, port };
        wait_for(&[port], &mut server.server, &log)?;
        Ok(server)
    }

    /// Where it answers, for Postfix's `check_policy_service`.
    pub fn service(&self) -> String {
        format!("inet:127.0.0.1:{}", self.port)
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Postgrey {
    fn drop(&mut self) {
        stop(&mut self.server);
    }
}
