//! `PostgreSQL` with a cluster of its own, on a socket in its own directory and nowhere else.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Instant;

use super::{PATIENCE, give_to, open_to_all, pause, spawn, stop};
use crate::{Error, Result, TempDir};

/// The user it runs as.
const USER: &str = "postgres";
/// The one database and its owner.
const DATABASE: &str = "zabbix";

/// A running server; it is stopped when dropped.
#[derive(Debug)]
pub struct Postgres {
    directory: TempDir,
    server: Child,
}

impl Postgres {
    /// Whether it is installed.
    pub fn is_installed() -> bool {
        programs().is_some()
    }

    /// Starts it with an empty database and a user, both named `zabbix`. Needs root.
    pub fn start() -> Result<Self> {
        let programs = programs().ok_or_else(|| Error::Other("PostgreSQL is not installed".into()))?;
        let directory = TempDir::new()?;
        let root = directory.path();
        open_to_all(root)?;
        let data = root.join("data");
        std::fs::create_dir(&data)?;
        give_to(USER, &data)?;
        give_to(USER, root)?;
        let mut initdb = as_user(USER, &programs.join("initdb"));
        initdb.args(["--username", DATABASE, "--auth", "trust", "--encoding", "UTF8", "--locale", "C"]);
        done(initdb.args(["--no-sync", "--pgdata"]).arg(&data))?;
        let mut postgres = as_user(USER, &programs.join("postgres"));
        // What is thrown away at the end need not survive a power cut.
        postgres.arg("-D").arg(&data).arg("-k").arg(root);
        postgres.args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off"]);
        postgres.args(["-c", "synchronous_commit=off"]);
        let log = root.join("log");
        let mut server = Self { server: spawn(&mut postgres, &log)?, directory };
        server.wait()?;
        done(server.client("postgres")?.args(["--command", "CREATE DATABASE zabbix"]))?;
        Ok(server)
    }

    /// The directory of its socket.
    pub fn socket(&self) -> &Path {
        self.directory.path()
    }

    /// Runs these files of SQL, each packed by gzip, in one transaction.
    pub fn load(&self, files: &[&Path]) -> Result<()> {
        let mut unpack = Command::new("gzip");
        let mut unpack = unpack
            .args(["--decompress", "--stdout"])
            .args(files)
            .stdout(std::process::Stdio::piped())
            .spawn()?;
        let text = unpack.stdout.take().ok_or_else(|| Error::Other("no output of gzip".into()))?;
        let mut client = self.client(DATABASE)?;
        let loaded = done(client.arg("--single-transaction").stdin(text));
        let is_unpacked = unpack.wait()?.success();
        loaded?;
        if is_unpacked { Ok(()) } else { Err(Error::Other("gzip failed".into())) }
    }

    fn client(&self, database: &str) -> Result<Command> {
        let programs = programs().ok_or_else(|| Error::Other("PostgreSQL is not installed".into()))?;
        let mut client = Command::new(programs.join("psql"));
        client.args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--username", DATABASE]);
        client.arg("--host").arg(self.socket()).args(["--dbname", database]);
        Ok(client)
    }

    fn wait(&mut self) -> Result<()> {
        let began = Instant::now();
        while !self.client("postgres")?.args(["--command", "SELECT 1"]).output()?.status.success() {
            if self.server.try_wait()?.is_some() || began.elapsed() > PATIENCE {
                let log = std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
                return Err(Error::Other(format!("PostgreSQL does not answer; its log:\n{log}")));
            }
            pause(&self.server)?;
        }
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGINT is its fast shutdown: it waits for no client.
        let pid = rustix::process::Pid::from_child(&self.server);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        stop(&mut self.server);
    }
}

/// Where its newest version keeps its programs.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian =
        versions.map(|version| version.path().join("bin")).filter(|path| path.join("initdb").is_file());
    debian.max().or_else(|| Path::new("/usr/bin/initdb").is_file().then(|| PathBuf::from("/usr/bin")))
}

/// A program as another user, under the same process number.
pub fn as_user(user: &str, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--regid", user, "--clear-groups"]).arg(program);
    command
}

fn done(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    if output.status.success() {
        Ok(())
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(Error::Other(format!("{}: {said}", command.get_program().display())))
    }
}
