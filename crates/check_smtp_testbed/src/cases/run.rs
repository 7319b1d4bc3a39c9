//! Runs one case and holds what came against what was expected.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use super::file::{Case, ServerSection, blessed};
use super::mask::{difference, mask};
use super::words::split;
use crate::factory::{Factory, Kind};
use crate::script::{Place, Server};
use crate::silent::Silent;
use crate::{Error, Result, TempDir};

/// A mount namespace whose mounts the machine never sees.
const OWN_MOUNTS: [&str; 3] = ["--mount", "--propagation", "private"];

/// Whether a case may replace a file of the system here. In a plain chroot it may not: `/` is no mount point there, and a mount
/// could not be kept from the machine.
pub fn can_have_mounts_of_its_own() -> bool {
    Command::new("unshare").args(OWN_MOUNTS).arg("true").output().is_ok_and(|output| output.status.success())
}

/// Everything a case needs while it runs.
struct Stage {
    directory: TempDir,
    /// Held open: full listeners and silent name servers.
    silent: Vec<Silent>,
    servers: Vec<(String, Server)>,
    /// Placeholder and what it stands for; longer values first when they are masked.
    names: Vec<(String, String)>,
}

/// Runs a case; the error is the whole story.
pub fn run(path: &Path, programs: &HashMap<String, PathBuf>) -> Result<()> {
    let text = std::fs::read_to_string(path)?;
    let case = Case::parse(&text)?;
    let stage = Stage::set(&case)?;
    let words = split(&stage.fill(&case.command)).map_err(Error::Other)?;
    let (program, arguments) =
        words.split_first().ok_or_else(|| Error::Other("the command is empty".into()))?;
    let binary =
        programs.get(program).ok_or_else(|| Error::Other(format!("no program '{program}' is known here")))?;
    let environment: Vec<(String, String)> =
        case.environment.iter().map(|(name, value)| (name.clone(), stage.fill(value))).collect();
    let (binary, arguments) = stage.wrapped(&case, binary, arguments)?;
    let seen = execute(&binary, &arguments, &environment)?;
    let masked = mask(&stage.unfill(&seen.stdout));
    let complaints: Vec<String> = stage
        .servers
        .into_iter()
        .flat_map(|(name, server)| server.finish().into_iter().map(move |c| format!("server {name}: {c}")))
        .collect();
    drop(stage.directory);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, blessed(&text, seen.code, &masked))?;
    }
    let mut faults = faults_of(&seen, &arguments);
    faults.extend(complaints);
    let lines = difference(&case.stdout, &masked);
    if !lines.is_empty() {
        faults.push(format!("stdout differs (- expected, + got):\n{}", lines.join("\n")));
    }
    if seen.code != case.exit {
        faults.push(format!("exit code {}, expected {}", seen.code, case.exit));
    }
    if let Some((least, most)) =
        case.seconds.filter(|(least, most)| seen.seconds < *least || seen.seconds > *most)
    {
        faults.push(format!("took {:.3} s, expected {least} to {most}", seen.seconds));
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Error::Other(format!("$ {}\n{}", words.join(" "), faults.join("\n"))))
    }
}

struct Seen {
    stdout: String,
    stderr: String,
    code: i32,
    seconds: f64,
    is_utf8: bool,
}

fn execute(binary: &Path, arguments: &[String], environment: &[(String, String)]) -> Result<Seen> {
    let mut command = Command::new(binary);
    command
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .envs(environment.iter().map(|(n, v)| (n, v)));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let began = Instant::now();
    let mut child = command.spawn()?;
    let mut stdout = Vec::new();
    if let Some(mut pipe) = child.stdout.take() {
        pipe.read_to_end(&mut stdout)?;
    }
    let mut stderr = String::new();
    if let Some(mut pipe) = child.stderr.take() {
        pipe.read_to_string(&mut stderr)?;
    }
    let status = child.wait()?;
    let seconds = began.elapsed().as_secs_f64();
    let is_utf8 = std::str::from_utf8(&stdout).is_ok();
    let stdout = String::from_utf8_lossy(&stdout).into_owned();
    Ok(Seen { stdout, stderr, code: status.code().unwrap_or(-1), seconds, is_utf8 })
}

/// What must hold for every output of every check.
fn faults_of(seen: &Seen, arguments: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    if !seen.stderr.is_empty() {
        faults.push(format!("stderr is not empty: {}", seen.stderr));
    }
    if !seen.is_utf8 || seen.stdout.chars().any(|c| c.is_control() && c != '\n') {
        faults.push("stdout is not clean UTF-8 text".to_owned());
    }
    let is_text = !arguments.iter().any(|word| word.contains("json") || word.contains("prometheus"));
    let mut lines = seen.stdout.lines();
    let first = lines.next().unwrap_or_default();
    if is_text && (first.matches('|').count() > 1 || lines.any(|line| line.contains('|'))) {
        faults.push("more than one '|', or one behind line 1".to_owned());
    }
    // What an engine takes of a result; a help is read by people.
    let is_result = is_text && !arguments.iter().any(|word| word == "--help");
    if seen.stdout.is_empty() || seen.stdout.len() > 8192 && is_result {
        faults.push(format!("{} bytes on stdout", seen.stdout.len()));
    }
    faults
}

impl Stage {
    fn set(case: &Case) -> Result<Self> {
        let directory = TempDir::new()?;
        let mut stage = Self { directory, silent: Vec::new(), servers: Vec::new(), names: Vec::new() };
        let root = stage.directory.path().display().to_string();
        stage.write_authority(&root)?;
        for section in &case.servers {
            stage.start(section)?;
        }
        for kind in Kind::ALL {
            stage.write_identity(*kind, &case.command)?;
        }
        stage.names.push(("{dir}".to_owned(), root));
        for file in &case.files {
            let path = stage.directory.path().join(&file.name);
            std::fs::write(&path, stage.fill(&file.text))?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(file.mode))?;
        }
        Ok(stage)
    }

    /// `{ca}` as a file and `{cadir}` as a hashed directory.
    fn write_authority(&mut self, root: &str) -> Result<()> {
        let factory = Factory::shared()?;
        let (file, directory) = (format!("{root}/ca.pem"), format!("{root}/roots"));
        std::fs::create_dir(&directory)?;
        std::fs::write(&file, factory.ca_pem()?)?;
        std::fs::write(format!("{directory}/{}", factory.ca_hash_name()), factory.ca_pem()?)?;
        self.names.push(("{ca}".to_owned(), file));
        self.names.push(("{cadir}".to_owned(), directory));
        Ok(())
    }

    fn write_identity(&mut self, kind: Kind, command: &str) -> Result<()> {
        let word = kind.word();
        let (certificate, key) = (format!("{{cert.{word}}}"), format!("{{key.{word}}}"));
        if !command.contains(&certificate) && !command.contains(&key) {
            return Ok(());
        }
        let identity = Factory::shared()?.identity(kind)?;
        for (name, text, suffix) in [(certificate, identity.chain_pem, "crt"), (key, identity.key_pem, "key")]
        {
            let path = self.directory.path().join(format!("{word}.{suffix}"));
            std::fs::write(&path, text)?;
            self.names.push((name, path.display().to_string()));
        }
        Ok(())
    }

    fn start(&mut self, section: &ServerSection) -> Result<()> {
        let dotted = if section.name.is_empty() { String::new() } else { format!(".{}", section.name) };
        if section.options.iter().any(|option| option == "unix") {
            let path = self.directory.path().join(format!("s{}", self.servers.len()));
            self.names.push((format!("{{socket{dotted}}}"), path.display().to_string()));
            self.servers
                .push((section.name.clone(), Server::start_at(section.script.clone(), Place::Unix(path))?));
            return Ok(());
        }
        let address = self.address(section)?;
        if section.options.iter().any(|option| option == "udp-silent") {
            self.silent.push(Silent::name_server(address.ip())?);
            return Ok(());
        }
        let port = if section.options.iter().any(|option| option == "closed") {
            // Bound and let go: nothing listens there now.
            TcpListener::bind(address)?.local_addr()?.port()
        } else if section.options.iter().any(|option| option == "filtered") {
            let full = Silent::full_listener(address)?;
            let port = full.port();
            self.silent.push(full);
            port
        } else {
            let server = Server::start_at(section.script.clone(), Place::Tcp(address))?;
            let port = server.port();
            self.servers.push((section.name.clone(), server));
            port
        };
        self.names.push((format!("{{port{dotted}}}"), port.to_string()));
        if self.names.iter().all(|(name, _)| name != "{port}") {
            self.names.push(("{port}".to_owned(), port.to_string()));
        }
        Ok(())
    }

    fn address(&self, section: &ServerSection) -> Result<SocketAddr> {
        let mut ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let mut port = 0;
        for (key, value) in section.options.iter().filter_map(|option| option.split_once('=')) {
            match (key, value.strip_prefix("of:")) {
                ("ip", _) => ip = value.parse().map_err(|_| Error::Other(format!("no address '{value}'")))?,
                ("port", Some(other)) => {
                    let known = self.servers.iter().find(|(name, _)| name == other);
                    port = known
                        .map(|(_, server)| server.port())
                        .ok_or_else(|| Error::Other(format!("no server '{other}' before this one")))?;
                }
                _ => return Err(Error::Other(format!("no option '{key}={value}' of a server"))),
            }
        }
        Ok(SocketAddr::new(ip, port))
    }

    /// The command inside a mount namespace of its own, where the case replaces a file of the system.
    fn wrapped(&self, case: &Case, binary: &Path, arguments: &[String]) -> Result<(PathBuf, Vec<String>)> {
        if case.replaced.is_empty() {
            return Ok((binary.to_owned(), arguments.to_vec()));
        }
        let mut script = String::from("set -e\n");
        for (index, (target, text)) in case.replaced.iter().enumerate() {
            let path = self.directory.path().join(format!("replaced{index}"));
            std::fs::write(&path, self.fill(text))?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644))?;
            let _ = writeln!(script, "mount --bind '{}' {target}", path.display());
        }
        script.push_str("exec \"$@\"");
        let outer = OWN_MOUNTS.into_iter().chain(["sh", "-c", &script, "sh"]).map(str::to_owned);
        let inner = std::iter::once(binary.display().to_string()).chain(arguments.iter().cloned());
        Ok((PathBuf::from("unshare"), outer.chain(inner).collect()))
    }

    fn fill(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    /// The reverse. Ports only where they stand as whole numbers.
    fn unfill(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in self.names.iter().filter(|(name, _)| !name.starts_with("{port")) {
            text = text.replace(value, name);
        }
        for (name, value) in self.names.iter().filter(|(name, _)| name.starts_with("{port")) {
            text = replace_number(&text, value, name);
        }
        text
    }
}

fn replace_number(text: &str, number: &str, with: &str) -> String {
    let Ok(pattern) = regex_lite::Regex::new(&format!(r"(^|[^0-9.])({number})($|[^0-9])")) else {
        return text.to_owned();
    };
    let mut replaced = text.to_owned();
    // Twice, because neighbours share the character between them.
    for _ in 0..2 {
        replaced = pattern
            .replace_all(&replaced, |captures: &regex_lite::Captures<'_>| {
                let part = |index| captures.get(index).map_or("", |m: regex_lite::Match<'_>| m.as_str());
                format!("{}{with}{}", part(1), part(3))
            })
            .into_owned();
    }
    replaced
}
