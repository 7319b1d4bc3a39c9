//! What is asked: the embedded server, and the roots it is verified by.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use check_smtp_testbed::TempDir;

use crate::{Result, root};

/// Builds by `make` or `cargo`.
pub fn build(program: &str, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(program);
    // What cargo says of xtask to xtask is no business of the build: ring's build script would begin again.
    for (name, _) in std::env::vars_os() {
        if name
            .to_str()
            .is_some_and(|name| ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|of| name.starts_with(of)))
        {
            command.env_remove(name);
        }
    }
    let status = command.args(arguments).current_dir(root()).stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(format!("{program} {} failed", arguments.join(" ")).into()) }
}

/// The embedded server as a process of its own, ended by its number.
pub struct Server {
    child: Child,
    variables: HashMap<String, String>,
}

impl Server {
    pub fn start() -> Result<Self> {
        build("cargo", &["build", "--quiet", "-p", "check_smtp_testbed"])?;
        let mut child = Command::new(root().join("target/debug/smtp_testbed"))
            .args(["serve", "--until-eof", "--slow", "200", "--addresses", "32"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut variables = HashMap::new();
        for line in BufReader::new(child.stdout.take().ok_or("no output")?).lines() {
            let line = line?;
            let (name, value) = line.split_once('=').ok_or("a line that is no variable")?;
            variables.insert(name.to_owned(), value.trim_matches('\'').to_owned());
            if name == "TESTBED_PID" {
                return Ok(Self { child, variables });
            }
        }
        Err("the embedded server did not start".into())
    }

    pub fn value(&self, name: &str) -> Result<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .ok_or_else(|| format!("the server told no {name}").into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its standard input closes, which ends it.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// The system's roots (`count` of them) and the server's own, as a hashed directory and as a bundle.
pub struct Roots {
    directory: TempDir,
    pub count: usize,
}

impl Roots {
    /// The hashed directory.
    pub fn hashed(&self) -> String {
        self.directory.path().join("hashed").display().to_string()
    }

    /// The bundle.
    pub fn bundle(&self) -> String {
        self.directory.path().join("bundle.pem").display().to_string()
    }

    pub fn collect(own: &str) -> Result<Self> {
        let directory = TempDir::new()?;
        let bundles = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];
        let system = bundles
            .into_iter()
            .find(|path| Path::new(path).is_file())
            .ok_or("the system has no bundle of roots")?;
        let mut bundle = String::new();
        std::fs::File::open(system)?.read_to_string(&mut bundle)?;
        let count = bundle.matches("BEGIN CERTIFICATE").count();
        bundle.push_str(&std::fs::read_to_string(own)?);
        std::fs::write(directory.path().join("bundle.pem"), &bundle)?;
        let hashed = directory.path().join("hashed");
        std::fs::create_dir(&hashed)?;
        for (index, part) in bundle
            .split_inclusive("-----END CERTIFICATE-----")
            .filter(|part| part.contains("BEGIN"))
            .enumerate()
        {
            std::fs::write(hashed.join(format!("{index}.pem")), format!("{}\n", part.trim()))?;
        }
        let status = Command::new("openssl")
            .arg("rehash")
            .arg(&hashed)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        if status.success() { Ok(Self { directory, count }) } else { Err("openssl rehash failed".into()) }
    }
}
