//! `MailDev`, a sandbox server that catches mail and shows it by an HTTP API.

use std::path::PathBuf;
use std::process::{Child, Command};

use super::{free_ports, program, spawn, stop, wait_for};
use crate::{Error, Result, TempDir};

/// A running `MailDev`; it is stopped when dropped.
#[derive(Debug)]
pub struct MailDev {
    server: Child,
    smtp: u16,
    web: u16,
    _directory: TempDir,
}

impl MailDev {
    /// Where it is installed. The environment variable `MAILDEV` names another one.
    pub fn program() -> Option<PathBuf> {
        std::env::var_os("MAILDEV").map(PathBuf::from).or_else(|| program("maildev"))
    }

    /// Starts it with a user and a password for its API.
    pub fn start(user: &str, password: &str) -> Result<Self> {
        let directory = TempDir::new()?;
        let ports = free_ports(2)?;
        let [smtp, web] = ports.as_slice() else { return Err(Error::Other("no two ports are free".into())) };
        let program = Self::program().ok_or_else(|| Error::Other("MailDev is not installed".into()))?;
        let mut command = Command::new(program);
        command.args([
            "--ip",
            "127.0.0.1",
            "--web-ip",
            "127.0.0.1",
            "--web-user",
            user,
            "--web-pass",
            password,
        ]);
        command.args(["--smtp", &smtp.to_string(), "--web", &web.to_string()]);
        command.arg("--mail-directory").arg(directory.path().join("mail"));
        let log = directory.path().join("log");
        let mut server = spawn(&mut command, &log)?;
        if let Err(error) = wait_for(&ports, &mut server, &log) {
            stop(&mut server);
            return Err(error);
        }
        Ok(Self { server, smtp: *smtp, web: *web, _directory: directory })
    }

    /// The port of its SMTP server.
    pub fn smtp(&self) -> u16 {
        self.smtp
    }

    /// The port of its API.
    pub fn web(&self) -> u16 {
        self.web
    }
}

impl Drop for MailDev {
    fn drop(&mut self) {
        stop(&mut self.server);
    }
}
