//! Dovecot: its LMTP server on a Unix socket (Postfix itself only speaks LMTP as a client), and its logins for Postfix.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use rustix::process::Pid;

use super::{PATIENCE, end, hold, open_to_all, pause, stop};
use crate::{Error, Result, TempDir};

/// Who may log in.
#[derive(Clone, Copy, Debug)]
pub enum Users<'a> {
    /// Everybody.
    Anybody,
    /// One user with a password or, where an introspection endpoint is given, with a token.
    One {
        /// The user.
        user: &'a str,
        /// The password.
        password: &'a str,
        /// Where tokens are asked for.
        introspection: Option<&'a str>,
    },
}

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

    /// Starts it for everybody. Needs root.
    pub fn start() -> Result<Self> {
        Self::start_for(Users::Anybody)
    }

    /// Starts it. Needs root.
    pub fn start_for(users: Users<'_>) -> Result<Self> {
        let directory = TempDir::new()?;
        open_to_all(directory.path())?;
        let root = directory.path().display().to_string();
        std::fs::write(
            directory.path().join("dovecot.conf"),
            configuration(&root, &databases(&root, users)?),
        )?;
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

    /// Its socket for Postfix's logins.
    pub fn login_socket(&self) -> PathBuf {
        self.directory.path().join("login")
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("dovecot.log")).unwrap_or_default()
    }

    /// Its LMTP socket.
    pub fn lmtp_socket(&self) -> PathBuf {
        self.directory.path().join("lmtp")
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // Its services outlive the master while a client such as Postfix holds on to them.
        let number = self.master.id();
        let services =
            std::fs::read_to_string(format!("/proc/{number}/task/{number}/children")).unwrap_or_default();
        let pids = services.split_ascii_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?));
        let processes: Vec<_> = pids.filter_map(hold).collect();
        stop(&mut self.master);
        processes.iter().for_each(end);
    }
}

/// The password databases.
fn databases(root: &str, users: Users<'_>) -> Result<String> {
    const PASSWORDS: &str = "plain login cram-md5 scram-sha-1 scram-sha-256";
    match users {
        Users::Anybody => Ok("passdb {\n  driver = static\n  args = nopassword=y\n}\n".to_owned()),
        Users::One { user, password, introspection } => {
            std::fs::write(format!("{root}/users"), format!("{user}:{{PLAIN}}{password}\n"))?;
            open_to_all(Path::new(&format!("{root}/users")))?;
            let mut text = format!(
                "passdb {{\n  driver = passwd-file\n  args = scheme=PLAIN {root}/users\n  mechanisms = {PASSWORDS}\n}}\n"
            );
            if let Some(url) = introspection {
                let tokens = format!(
                    "introspection_mode = get\nintrospection_url = {url}\nusername_attribute = username\nactive_attribute = active\nactive_value = true\n"
                );
                std::fs::write(format!("{root}/tokens.conf"), tokens)?;
                text.push_str("passdb {\n  driver = oauth2\n  mechanisms = xoauth2 oauthbearer\n");
                let _ = writeln!(text, "  args = {root}/tokens.conf\n}}");
            }
            Ok(text)
        }
    }
}

fn configuration(root: &str, databases: &str) -> String {
    format!(
        "base_dir = {root}/run\nstate_dir = {root}/state\nlog_path = {root}/dovecot.log\nprotocols = lmtp\nssl = no\n\
         hostname = mail.example.org\nmail_location = maildir:{root}/mail/%u\ndefault_internal_user = dovecot\n\
         auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256 xoauth2 oauthbearer\nauth_failure_delay = 0\n\
         service lmtp {{\n  unix_listener {root}/lmtp {{\n    mode = 0600\n  }}\n}}\n\
         service auth {{\n  unix_listener {root}/login {{\n    mode = 0666\n  }}\n}}\n\
         service anvil {{\n  unix_listener anvil-auth-penalty {{\n    mode = 0\n  }}\n}}\n\
         {databases}userdb {{\n  driver = static\n  args = uid=dovecot gid=dovecot home={root}/mail/%u\n}}\n"
    )
}
