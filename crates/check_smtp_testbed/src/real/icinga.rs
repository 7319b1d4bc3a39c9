//! Icinga 2: alone, or a master with a satellite, run as the user `nagios`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::web::{Sink, ask, can_ask};
use super::{copied, free_port, give_to, open_to_all, pause, program, required, spawn, stop, wait_for};
use crate::{Error, Result, TempDir};

/// The user it runs as.
const USER: &str = "nagios";
/// How long all checks together may take; a satellite is first given its objects by its master, who reloads for them.
const PATIENCE: Duration = Duration::from_secs(90);
const MASTER: &str = "master";
const SATELLITE: &str = "satellite";

/// A running Icinga 2; it is stopped when dropped.
#[derive(Debug)]
pub struct Icinga {
    node: Node,
    server: Child,
    sink: Sink,
}

/// What a node is made of, before it runs.
#[derive(Debug)]
struct Node {
    name: &'static str,
    directory: TempDir,
    port: u16,
}

impl Icinga {
    /// Whether it is installed, and curl to ask its interface with.
    pub fn is_installed() -> bool {
        program("icinga2").is_some() && can_ask()
    }

    /// Starts one with these files of definitions, and with objects of the test's own. Fails unless its own verification
    /// (`icinga2 daemon -C`) is without error and warning.
    pub fn start(plugins: &Path, files: &[PathBuf], objects: &str) -> Result<Self> {
        let node = Node::new(MASTER)?;
        node.certify(&node)?;
        let zones = format!(
            "object Endpoint \"{MASTER}\" {{ }}\nobject Zone \"{MASTER}\" {{ endpoints = [ \"{MASTER}\" ] }}\n"
        );
        node.run(plugins, files, &(zones + objects))
    }

    /// Starts a master and its satellite (in this order); the objects are the satellite's, sent to it by its master, who has no plugins.
    pub fn start_with_satellite(plugins: &Path, files: &[PathBuf], objects: &str) -> Result<(Self, Self)> {
        let (master, satellite) = (Node::new(MASTER)?, Node::new(SATELLITE)?);
        master.certify(&master)?;
        satellite.certify(&master)?;
        let zones = |address: &str| {
            format!(
                "object Endpoint \"{MASTER}\" {{ }}\nobject Endpoint \"{SATELLITE}\" {{ {address} }}\n\
                 object Zone \"{MASTER}\" {{ endpoints = [ \"{MASTER}\" ] }}\n\
                 object Zone \"{SATELLITE}\" {{ endpoints = [ \"{SATELLITE}\" ]; parent = \"{MASTER}\" }}\n"
            )
        };
        let sent = master.path("etc/zones.d").join(SATELLITE);
        std::fs::create_dir_all(&sent)?;
        std::fs::write(sent.join("objects.conf"), objects)?;
        let address = format!("host = \"127.0.0.1\"; port = {}", satellite.port);
        let satellite = satellite.run(plugins, files, &zones(""))?;
        let master = master.run(Path::new("/nonexistent"), files, &zones(&address))?;
        Ok((master, satellite))
    }

    /// Asks its interface.
    pub fn ask(&self, path: &str, body: Option<&Value>) -> Result<Value> {
        let url = format!("https://127.0.0.1:{}/v1/{path}", self.node.port);
        ask(&url, "user = \"test:test\"\nheader = \"Accept: application/json\"\n", body)
    }

    /// Waits until so many services are there and have a result, and returns them with all their attributes.
    pub fn services(&mut self, count: usize) -> Result<Vec<Value>> {
        let began = Instant::now();
        loop {
            let answer = self.ask("objects/services", None)?;
            let results = answer.get("results").and_then(Value::as_array).into_iter().flatten();
            let services: Vec<Value> = results.filter_map(|result| result.get("attrs")).cloned().collect();
            let is_checked = |service: &Value| service.get("last_check_result").is_some_and(Value::is_object);
            if services.len() == count && services.iter().all(is_checked) {
                return Ok(services);
            }
            if self.server.try_wait()?.is_some() || began.elapsed() > PATIENCE {
                let known = services.len();
                let log = self.log();
                return Err(Error::Other(format!(
                    "{known} of {count} services, or not checked; the log:\n{log}"
                )));
            }
            pause(&self.server)?;
        }
    }

    /// Has all services checked now.
    pub fn check_now(&self) -> Result<()> {
        let body = json!({ "type": "Service", "force": true, "filter": "true" });
        self.ask("actions/reschedule-check", Some(&body)).map(|_| ())
    }

    /// What its writer for performance data has sent, in lines of `InfluxDB`'s protocol.
    pub fn points(&self) -> String {
        self.sink.bodies()
    }

    /// Lets a tenth of a second pass.
    pub fn pause(&self) -> Result<()> {
        pause(&self.server)
    }

    /// Its process number.
    pub fn id(&self) -> u32 {
        self.server.id()
    }

    /// What it has logged, but for our own questions.
    pub fn log(&self) -> String {
        let text = std::fs::read_to_string(self.node.path("said")).unwrap_or_default();
        let is_ours =
            |line: &str| line.contains("HttpServerConnection:") || line.contains("no client certificate");
        text.lines().filter(|line| !is_ours(line)).fold(String::new(), |log, line| log + line + "\n")
    }
}

impl Drop for Icinga {
    fn drop(&mut self) {
        stop(&mut self.server);
    }
}

impl Node {
    fn new(name: &'static str) -> Result<Self> {
        let directory = TempDir::new()?;
        open_to_all(directory.path())?;
        for name in ["etc", "data", "data/certs", "data/ca", "log", "cache", "spool", "run"] {
            let path = directory.path().join(name);
            std::fs::create_dir(&path)?;
            give_to(USER, &path)?;
        }
        Ok(Self { name, directory, port: free_port()? })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self, words: &[&str]) -> Result<Command> {
        let mut command = Command::new(required("icinga2")?);
        command.args(words);
        for (name, path) in [
            ("ConfigDir", "etc"),
            ("ZonesDir", "etc/zones.d"),
            ("DataDir", "data"),
            ("LogDir", "log"),
            ("CacheDir", "cache"),
            ("SpoolDir", "spool"),
            ("InitRunDir", "run"),
            ("PidPath", "run/pid"),
        ] {
            command.arg("--define").arg(format!("{name}={}", self.path(path).display()));
        }
        command.args(["--define", "RunAsUser=nagios", "--define", "RunAsGroup=nagios"]);
        Ok(command)
    }

    fn done(&self, words: &[&str]) -> Result<String> {
        let output = self.command(words)?.output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let is_clean = !said.contains(" warning/") && !said.contains(" critical/");
        if output.status.success() && is_clean {
            Ok(said)
        } else {
            Err(Error::Other(format!("icinga2 {}: {said}", words.join(" "))))
        }
    }

    /// Gives it a certificate, signed by the authority of that node, as Icinga's own tools do it.
    fn certify(&self, authority: &Self) -> Result<()> {
        if !authority.path("data/ca/ca.key").is_file() {
            authority.done(&["pki", "new-ca"])?;
        }
        let path = |kind: &str| self.path(&format!("data/certs/{}.{kind}", self.name)).display().to_string();
        let (key, request, certificate) = (path("key"), path("csr"), path("crt"));
        self.done(&["pki", "new-cert", "--cn", self.name, "--key", &key, "--csr", &request])?;
        authority.done(&["pki", "sign-csr", "--csr", &request, "--cert", &certificate])?;
        let root = self.path("data/certs/ca.crt");
        std::fs::copy(authority.path("data/ca/ca.crt"), &root)?;
        [key, certificate].iter().try_for_each(|path| give_to(USER, Path::new(path)))?;
        give_to(USER, &root)
    }

    fn run(self, plugins: &Path, files: &[PathBuf], objects: &str) -> Result<Icinga> {
        let sink = Sink::start()?;
        let configuration = self.path("etc/icinga2.conf");
        let text = format!(
            "const NodeName = \"{}\"\nconst ZoneName = NodeName\nconst PluginDir = \"{}\"\ninclude <itl>\ninclude <plugins>\n\
             object ApiListener \"api\" {{ bind_host = \"127.0.0.1\"; bind_port = {}; accept_config = true; accept_commands = true }}\n\
             object ApiUser \"test\" {{ password = \"test\"; permissions = [ \"*\" ] }}\nobject CheckerComponent \"checker\" {{ }}\n{}",
            self.name,
            plugins.display(),
            self.port,
            writer(sink.port())
        );
        let mut text = text + objects;
        for file in copied(files, &self.path("etc"))? {
            let _ = writeln!(text, "include \"{}\"", file.display());
        }
        std::fs::write(&configuration, text)?;
        let configuration = configuration.display().to_string();
        self.done(&["daemon", "-C", "-c", &configuration])?;
        let log = self.path("said");
        let mut server = spawn(&mut self.command(&["daemon", "-c", &configuration])?, &log)?;
        if let Err(error) = wait_for(&[self.port], &mut server, &log) {
            stop(&mut server);
            return Err(error);
        }
        Ok(Icinga { node: self, server, sink })
    }
}

/// A writer that shows how performance data was understood: value, thresholds and unit of each metric.
fn writer(port: u16) -> String {
    format!(
        "object InfluxdbWriter \"influxdb\" {{\n  host = \"127.0.0.1\"\n  port = {port}\n  database = \"test\"\n  flush_interval = 1s\n  \
         enable_send_thresholds = true\n  service_template = {{ measurement = \"$service.check_command$\"; \
         tags = {{ service = \"$service.name$\" }} }}\n}}\n"
    )
}
