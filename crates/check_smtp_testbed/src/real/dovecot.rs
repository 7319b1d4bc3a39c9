//! Dovecot's LMTP server on a Unix socket: Postfix itself only speaks LMTP as a client.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use super::{PATIENCE, open_to_all, pause, stop};
use crate::{Error, Result, TempDir};

/// A running Dovecot; it is stopped when dropped.
#[derive(Debug)]
pub struct Dovecot {
    directory: TempDir,
    master: Child,
}

impl Dovecot {
    /// Whether Dovecot and its LMTP server are installed.
    pub fn is_installed() -> bool {
        ["/usr/lib/dovecot/lmtp", "/usr/libexec/dovecot/lmtp"].iter().any(|path| Path::new(path).is_file())
    }

    /// Starts it. Needs root.
    pub fn start() -> Result<Self> {
        let directory = TempDir::new()?;
        open_to_all(directory.path())?;
        let root = directory.path().display().to_string();
        std::fs::write(directory.path().join("dovecot.conf"), configuration(&root))?;
        let output = std::fs::File::create(directory.path().join("output"))?;
        let mut command = Command::new("dovecot");
        command.args(["-F", "-c", &format!("{root}/dovecot.conf")]);
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let mut dovecot = Self { master: command.spawn()?, directory };
        let began = Instant::now();
        while !dovecot.lmtp_socket().exists() {
            pause(&dovecot.master)?;
            if dovecot.master.try_wait()?.is_some() || began.elapsed() > PATIENCE {
                let said =
                    std::fs::read_to_string(dovecot.directory.path().join("output")).unwrap_or_default();
                return Err(Error::Other(format!("Dovecot does not start: {said}")));
            }
        }
        Ok(dovecot)
    }

    /// Its LMTP socket.
    pub fn lmtp_socket(&self) -> PathBuf {
        self.directory.path().join("lmtp")
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        stop(&mut self.master);
    }
}

fn configuration(root: &str) -> String {
    format!(
        "base_dir = {root}/run\nstate_dir = {root}/state\nlog_path = {root}/dovecot.log\nprotocols = lmtp\nssl = no\n\
         hostname = mail.example.org\nmail_location = maildir:{root}/mail/%u\ndefault_internal_user = dovecot\n\
         service lmtp {{\n  unix_listener {root}/lmtp {{\n    mode = 0600\n  }}\n}}\n\
         passdb {{\n  driver = static\n  args = nopassword=y\n}}\nuserdb {{\n  driver = static\n  args = uid=dovecot gid=dovecot home={root}/mail/%u\n}}\n"
    )
}
