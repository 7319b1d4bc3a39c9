//! Zabbix: its server, its database, and its frontend for the interface (API).

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::postgres::{Postgres, as_user};
use super::web::{ask, can_ask};
use super::{free_port, give_to, open_to_all, pause, program, required, spawn, stop, wait_for};
use crate::cases::can_have_mounts_of_its_own;
use crate::{Error, Result, TempDir};

/// The user it runs as.
const USER: &str = "zabbix";
/// Where Debian keeps the schema and the frontend.
const SCHEMA: &str = "/usr/share/zabbix-server-pgsql";
const FRONTEND: &str = "/usr/share/zabbix";

/// A running Zabbix; it is stopped when dropped.
#[derive(Debug)]
pub struct Zabbix {
    // Stopped in this order: who uses the database, and then the database.
    server: Ended,
    frontend: Ended,
    _database: Postgres,
    directory: TempDir,
    port: u16,
    token: Option<String>,
}

/// A process that ends with its owner.
#[derive(Debug)]
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        stop(&mut self.0);
    }
}

impl Zabbix {
    /// Whether all its parts are installed, and curl, and a mount of its own is possible.
    pub fn is_installed() -> bool {
        let files = [format!("{SCHEMA}/schema.sql.gz"), format!("{FRONTEND}/api_jsonrpc.php")];
        let has_programs = program("zabbix_server").is_some() && program("php").is_some() && can_ask();
        has_programs
            && can_have_mounts_of_its_own()
            && Postgres::is_installed()
            && files.iter().all(|file| Path::new(file).is_file())
    }

    /// Starts all of it with these external scripts and logs in. External checks may take 3 seconds, as Zabbix has it when nothing is
    /// said. Needs root.
    pub fn start(plugins: &Path) -> Result<Self> {
        let database = Postgres::start()?;
        let file = |name: &str| Path::new(SCHEMA).join(name);
        database.load(&[&file("schema.sql.gz"), &file("images.sql.gz"), &file("data.sql.gz")])?;
        let directory = TempDir::new()?;
        let root = directory.path();
        open_to_all(root)?;
        for name in ["run", "frontend"] {
            std::fs::create_dir(root.join(name))?;
            give_to(USER, &root.join(name))?;
        }
        let server_port = low_port()?;
        let text = configuration(root, database.socket(), plugins, server_port);
        std::fs::write(root.join("server.conf"), text)?;
        let mut command = Command::new(required("zabbix_server")?);
        command.arg("--foreground").arg("--config").arg(root.join("server.conf"));
        let server = Ended(spawn(&mut command, &root.join("log"))?);
        let port = free_port()?;
        let frontend = Ended(frontend(root, database.socket(), port)?);
        let mut zabbix = Self { server, frontend, _database: database, directory, port, token: None };
        wait_for(&[server_port], &mut zabbix.server.0, &log_of(&zabbix.directory))?;
        wait_for(&[port], &mut zabbix.frontend.0, &zabbix.directory.path().join("frontend.log"))?;
        // The account of every new installation.
        let token = zabbix.call("user.login", &json!({ "username": "Admin", "password": "zabbix" }))?;
        zabbix.token = token.as_str().map(str::to_owned);
        Ok(zabbix)
    }

    /// Calls a method of its interface and gives back the result.
    pub fn call(&self, method: &str, parameters: &Value) -> Result<Value> {
        let url = format!("http://127.0.0.1:{}/api_jsonrpc.php", self.port);
        let mut body = json!({ "jsonrpc": "2.0", "method": method, "params": parameters, "id": 1 });
        // Refused by 7.0 where a method can be called by anybody.
        let is_open = ["user.login", "apiinfo.version"].contains(&method);
        if let (false, Some(body)) = (is_open, body.as_object_mut()) {
            body.insert("auth".to_owned(), json!(self.token));
        }
        let mut answer = ask(&url, "", Some(&body))?;
        match answer.get_mut("result") {
            Some(result) => Ok(result.take()),
            None => Err(Error::Other(format!("{method}: {answer}"))),
        }
    }

    /// Calls until the result is as wanted, or fails with the last one when that took too long.
    pub fn call_until(
        &self,
        patience: Duration,
        method: &str,
        parameters: &Value,
        is_wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let began = Instant::now();
        loop {
            let result = self.call(method, parameters)?;
            if is_wanted(&result) {
                return Ok(result);
            }
            if began.elapsed() > patience {
                return Err(Error::Other(format!("{method} gives {result}; the log:\n{}", self.log())));
            }
            pause(&self.server.0)?;
        }
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(log_of(&self.directory)).unwrap_or_default()
    }
}

fn log_of(directory: &TempDir) -> std::path::PathBuf {
    directory.path().join("log")
}

/// A free port as Zabbix takes it, which is none of those the kernel hands out.
fn low_port() -> Result<u16> {
    let mut ports = 20_000..=u16::try_from(i16::MAX).unwrap_or_default();
    let port = ports.find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    port.ok_or_else(|| Error::Other("no port below 32768 is free".into()))
}

fn configuration(root: &Path, socket: &Path, plugins: &Path, port: u16) -> String {
    let (root, socket, plugins) = (root.display(), socket.display(), plugins.display());
    format!(
        "LogType=console\nPidFile={root}/run/pid\nSocketDir={root}/run\nUser={USER}\nListenIP=127.0.0.1\nListenPort={port}\n\
         DBHost={socket}\nDBName=zabbix\nDBUser=zabbix\nExternalScripts={plugins}\nTimeout=3\nCacheUpdateFrequency=2\n\
         StartPollers=4\nStartPollersUnreachable=1\nStartTrappers=1\nStartPingers=0\nStartDiscoverers=0\nStartHTTPPollers=0\n\
         StartEscalators=1\nStartAlerters=1\nStartTimers=1\nStartDBSyncers=1\nStartPreprocessors=2\nStartLLDProcessors=1\n\
         StartODBCPollers=0\nStartHistoryPollers=1\nStartReportWriters=0\nHistoryStorageDateIndex=0\n"
    )
}

/// PHP's own server with the frontend; it sees a configuration of its own, where Debian's looks for it, by a mount of its own.
fn frontend(root: &Path, socket: &Path, port: u16) -> Result<Child> {
    let settings = root.join("frontend");
    std::fs::copy(
        Path::new(FRONTEND).join("conf/maintenance.inc.php"),
        settings.join("maintenance.inc.php"),
    )?;
    let text = format!(
        "<?php\n$DB['TYPE'] = 'POSTGRESQL';\n$DB['SERVER'] = '{}';\n$DB['PORT'] = '0';\n$DB['DATABASE'] = 'zabbix';\n\
         $DB['USER'] = 'zabbix';\n$DB['PASSWORD'] = '';\n$DB['SCHEMA'] = '';\n$DB['ENCRYPTION'] = false;\n$DB['KEY_FILE'] = '';\n\
         $DB['CERT_FILE'] = '';\n$DB['CA_FILE'] = '';\n$DB['VERIFY_HOST'] = false;\n$DB['CIPHER_LIST'] = '';\n\
         $DB['DOUBLE_IEEE754'] = true;\n$ZBX_SERVER_NAME = 'test';\n$IMAGE_FORMAT_DEFAULT = IMAGE_FORMAT_PNG;\n",
        socket.display()
    );
    std::fs::write(settings.join("zabbix.conf.php"), text)?;
    let php = as_user(USER, &required("php")?);
    let words: Vec<_> = php.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
    let script = format!(
        "mount --bind '{}' /etc/zabbix && exec setpriv {} -d max_execution_time=300 -d post_max_size=16M -d memory_limit=256M \
         -d date.timezone=UTC -S 127.0.0.1:{port} -t {FRONTEND}",
        settings.display(),
        words.join(" ")
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c"]).arg(script);
    spawn(&mut command, &root.join("frontend.log"))
}
