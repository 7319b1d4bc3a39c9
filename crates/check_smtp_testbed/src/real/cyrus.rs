//! Cyrus SASL's own user database, for Postfix.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::open_to_all;
use crate::{Error, Result, TempDir};

/// A database with one user, and the configuration that uses it. Cyrus SASL is a library: there is nothing to stop.
#[derive(Debug)]
pub struct Cyrus {
    directory: TempDir,
}

impl Cyrus {
    /// The configuration with the user.
    pub const UP: &str = "smtpd";
    /// The configuration whose database cannot be opened.
    pub const DOWN: &str = "down";

    /// Whether its tools and mechanisms are installed.
    pub fn is_installed() -> bool {
        let tool = ["/usr/sbin/saslpasswd2"].iter().any(|path| Path::new(path).is_file());
        let directories =
            ["/usr/lib/x86_64-linux-gnu/sasl2", "/usr/lib/aarch64-linux-gnu/sasl2", "/usr/lib64/sasl2"];
        tool && directories.iter().any(|directory| Path::new(directory).join("libcrammd5.so").exists())
    }

    /// Makes it. Needs root.
    pub fn new(user: &str, password: &str) -> Result<Self> {
        let directory = TempDir::new()?;
        open_to_all(directory.path())?;
        let database = directory.path().join("sasldb2");
        // Postfix may not enter: the database is there for nobody, which is told apart from a user it does not hold.
        let locked = directory.path().join("locked");
        std::fs::create_dir(&locked)?;
        std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o700))?;
        for (name, database) in [(Self::UP, database.clone()), (Self::DOWN, locked.join("sasldb2"))] {
            let configuration = format!(
                "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {}\nmech_list: PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256\n",
                database.display()
            );
            std::fs::write(directory.path().join(format!("{name}.conf")), configuration)?;
        }
        let mut tool = Command::new("saslpasswd2");
        tool.args(["-p", "-c", "-u", "example.org", "-f"]).arg(&database).arg(user);
        let mut tool = tool.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        if let Some(mut input) = tool.stdin.take() {
            input.write_all(password.as_bytes())?;
        }
        let output = tool.wait_with_output()?;
        if !output.status.success() {
            return Err(Error::Other(format!("saslpasswd2: {}", String::from_utf8_lossy(&output.stderr))));
        }
        let owned = Command::new("chown").arg("postfix").arg(&database).status()?;
        if !owned.success() {
            return Err(Error::Other("there is no user postfix".into()));
        }
        Ok(Self { directory })
    }

    /// The directory with its configurations.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}
