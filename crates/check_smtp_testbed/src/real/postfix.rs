//! Postfix with a listener for each way a check may meet it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::Pid;

use super::{Cyrus, end, free_ports, hold, open_to_all, required, stop, wait_for};
use crate::factory::{Factory, Kind};
use crate::{Error, Result, TempDir};

/// A listener, or a process behind them: its name and what differs from the rest.
#[derive(Clone, Debug)]
pub struct Service {
    name: &'static str,
    /// What `master.cf` says of one that is no listener.
    process: Option<&'static str>,
    settings: Vec<String>,
    /// The directory with the configurations of Cyrus SASL, the same for all services.
    cyrus: Option<PathBuf>,
}

impl Service {
    /// A listener with settings of its own, each `name=value`.
    pub fn new<S: Into<String>>(name: &'static str, settings: impl IntoIterator<Item = S>) -> Self {
        Self { name, process: None, settings: settings.into_iter().map(Into::into).collect(), cyrus: None }
    }

    /// A process that listeners hand mail to, such as `unix - - n - - smtp`. There is no client that sends mail on unless a test names
    /// one: nothing must leave the machine.
    pub fn behind<S: Into<String>>(
        name: &'static str,
        process: &'static str,
        settings: impl IntoIterator<Item = S>,
    ) -> Self {
        Self { process: Some(process), ..Self::new(name, settings) }
    }

    /// One that takes logins, checked by the Dovecot behind this socket, inside TLS only.
    pub fn with_dovecot(name: &'static str, socket: &Path) -> Self {
        Self::new(
            name,
            [
                "smtpd_tls_security_level=may".to_owned(),
                "smtpd_tls_auth_only=yes".to_owned(),
                "smtpd_sasl_auth_enable=yes".to_owned(),
                "smtpd_sasl_type=dovecot".to_owned(),
                format!("smtpd_sasl_path={}", socket.display()),
                "smtpd_relay_restrictions=permit_sasl_authenticated,reject_unauth_destination".to_owned(),
            ],
        )
    }

    /// The same, checked by Cyrus SASL with one of its configurations.
    pub fn with_cyrus(name: &'static str, cyrus: &Cyrus, configuration: &str) -> Self {
        let service = Self::new(
            name,
            [
                "smtpd_tls_security_level=may".to_owned(),
                "smtpd_tls_auth_only=yes".to_owned(),
                "smtpd_sasl_auth_enable=yes".to_owned(),
                "smtpd_sasl_type=cyrus".to_owned(),
                format!("smtpd_sasl_path={configuration}"),
                "smtpd_sasl_local_domain=example.org".to_owned(),
                format!("cyrus_sasl_config_path={}", cyrus.directory().display()),
            ],
        );
        Self { cyrus: Some(cyrus.directory().to_owned()), ..service }
    }

    /// With one more setting.
    #[must_use]
    pub fn and(mut self, setting: &str) -> Self {
        self.settings.push(setting.to_owned());
        self
    }

    /// The ways `check_smtp_conn` may meet a server.
    fn of_a_server() -> Vec<Self> {
        vec![
            Self::new("smtp", ["smtpd_tls_security_level=may"]),
            Self::new("smtps", ["smtpd_tls_wrappermode=yes", "smtpd_tls_security_level=encrypt"]),
            Self::new("notls", ["smtpd_tls_security_level=none"]),
            Self::new("tlsonly", ["smtpd_tls_security_level=encrypt"]),
            Self::new("refusing", ["smtpd_delay_reject=no", "smtpd_client_restrictions=reject"]),
            Self::new("haproxy", ["smtpd_upstream_proxy_protocol=haproxy", "smtpd_tls_security_level=may"]),
        ]
    }
}

/// A running Postfix; it is stopped when dropped.
#[derive(Debug)]
pub struct Postfix {
    directory: TempDir,
    master: Child,
    ports: Vec<(&'static str, u16)>,
}

impl Postfix {
    /// Whether Postfix is installed, wherever the distribution puts its daemons.
    pub fn is_installed() -> bool {
        daemon_directory().is_some()
    }

    /// Starts it with the services of [`Self::port`]. Needs root.
    pub fn start() -> Result<Self> {
        Self::start_with(&Service::of_a_server())
    }

    /// Starts it with these services and the certificate of the factory's kind `good-rsa`. Needs root.
    pub fn start_with(services: &[Service]) -> Result<Self> {
        Self::start_configured(services, "")
    }

    /// The same, with these lines of `main.cf` too: what is delivered to `virtual` domains, say. In them `PORT(NAME)` is the port of a
    /// service. Needs root.
    pub fn start_configured(services: &[Service], settings: &str) -> Result<Self> {
        let daemons = daemon_directory().ok_or_else(|| Error::Other("Postfix is not installed".into()))?;
        let directory = TempDir::new()?;
        open_to_all(directory.path())?;
        let root = directory.path().display().to_string();
        for name in ["config", "queue", "data"] {
            std::fs::create_dir(directory.path().join(name))?;
        }
        own_data_directory(&directory.path().join("data"))?;
        let identity = Factory::shared()?.identity(Kind::GoodRsa)?;
        std::fs::write(directory.path().join("config/chain.pem"), identity.key_pem + &identity.chain_pem)?;
        std::fs::write(directory.path().join("ca.pem"), Factory::shared()?.ca_pem()?)?;
        let listeners: Vec<_> = services.iter().filter(|service| service.process.is_none()).collect();
        let numbers = free_ports(listeners.len())?;
        let ports: Vec<_> =
            listeners.iter().map(|service| service.name).zip(numbers.iter().copied()).collect();
        std::fs::write(
            directory.path().join("config/main.cf"),
            main_cf(&root, daemons) + &with_ports(settings, &ports),
        )?;
        if let Some(cyrus) = services.iter().find_map(|service| service.cyrus.as_ref()) {
            // Debian looks here, whatever cyrus_sasl_config_path says.
            std::os::unix::fs::symlink(cyrus, directory.path().join("config/sasl"))?;
        }
        std::fs::write(directory.path().join("config/master.cf"), master_cf(services, &ports))?;
        let log = directory.path().join("log");
        let output = std::fs::File::create(&log)?;
        let mut command = Command::new("postfix");
        command.args(["-c", &format!("{root}/config"), "start-fg"]);
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let mut master = command.spawn()?;
        match wait_for(&numbers, &mut master, &log) {
            Ok(()) => Ok(Self { directory, master, ports }),
            Err(error) => {
                stop(&mut master);
                Err(error)
            }
        }
    }

    /// The port of a service: `smtp` (STARTTLS offered), `smtps`, `notls`, `tlsonly` (530 before STARTTLS), `refusing` (554 at the
    /// greeting), `haproxy` (wants a PROXY header).
    pub fn port(&self, service: &str) -> Result<u16> {
        let known = self.ports.iter().find(|(name, _)| *name == service);
        known
            .map(|(_, port)| *port)
            .ok_or_else(|| Error::Other(format!("Postfix has no service '{service}' here")))
    }

    /// The CA file that makes its certificate trusted.
    pub fn ca_file(&self) -> String {
        self.directory.path().join("ca.pem").display().to_string()
    }

    /// Lets a message go that is on hold.
    pub fn release(&self, queue_id: &str) -> Result<()> {
        self.command("postsuper", &["-H", queue_id])?;
        self.flush()
    }

    /// Has it try all mail again that is deferred, now.
    pub fn flush(&self) -> Result<()> {
        self.command("postqueue", &["-f"])
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(required(program)?);
        let output = command.arg("-c").arg(self.directory.path().join("config")).args(arguments).output()?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(Error::Other(format!("{program} {}: {said}", arguments.join(" "))))
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("maillog")).unwrap_or_default()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // The command is a script around the master, which does not hear the signal; the master ends its own daemons.
        let file = self.directory.path().join("queue/pid/master.pid");
        let number = std::fs::read_to_string(file).ok().and_then(|text| text.trim().parse().ok());
        if let Some(process) = number.and_then(Pid::from_raw).and_then(hold) {
            end(&process);
        }
        stop(&mut self.master);
    }
}

fn with_ports(settings: &str, ports: &[(&str, u16)]) -> String {
    ports.iter().fold(settings.to_owned(), |text, (name, port)| {
        text.replace(&format!("PORT({name})"), &port.to_string())
    })
}

fn daemon_directory() -> Option<&'static str> {
    let known = ["/usr/lib/postfix/sbin", "/usr/libexec/postfix", "/usr/lib/postfix"];
    known.into_iter().find(|directory| Path::new(directory).join("master").is_file())
}

/// `data_directory` must belong to the mail owner.
fn own_data_directory(path: &Path) -> Result<()> {
    let status = Command::new("chown").arg("postfix").arg(path).status()?;
    if status.success() { Ok(()) } else { Err(Error::Other("there is no user postfix".into())) }
}

fn main_cf(root: &str, daemons: &str) -> String {
    format!(
        "compatibility_level = 2\nqueue_directory = {root}/queue\ndata_directory = {root}/data\ndaemon_directory = {daemons}\n\
         command_directory = /usr/sbin\nmail_owner = postfix\nsetgid_group = postdrop\nmyhostname = mail.example.org\n\
         mydestination = example.org\ninet_interfaces = loopback-only\ninet_protocols = ipv4\nmynetworks = 127.0.0.0/8\n\
         local_recipient_maps =\nlocal_transport = discard\nalias_maps =\nalias_database =\nsmtpd_tls_chain_files = {root}/config/chain.pem\n\
         smtpd_tls_session_cache_database =\nmaillog_file = {root}/maillog\nmaillog_file_prefixes = {root}\n\
         smtpd_peername_lookup = no\nmessage_size_limit = 20480000\n"
    )
}

fn master_cf(services: &[Service], ports: &[(&str, u16)]) -> String {
    let mut text = String::new();
    for service in services {
        let port = ports.iter().find(|(name, _)| *name == service.name).map_or(0, |(_, port)| *port);
        let _ = match service.process {
            Some(process) => writeln!(text, "{} {process}", service.name),
            None => writeln!(text, "127.0.0.1:{port} inet n - n - - smtpd"),
        };
        for setting in &service.settings {
            let _ = writeln!(text, "  -o {setting}");
        }
    }
    text.push_str(
        "pickup unix n - n 60 1 pickup\ncleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\ntlsmgr unix - - n 1000? 1 tlsmgr\n\
         rewrite unix - - n - - trivial-rewrite\nbounce unix - - n - 0 bounce\ndefer unix - - n - 0 bounce\n\
         discard unix - - n - - discard\nvirtual unix - n n - - virtual\nlmtp unix - - n - - lmtp\nerror unix - - n - - error\nproxymap unix - - n - - proxymap\nanvil unix - - n - 1 anvil\n\
         scache unix - - n - 1 scache\npostlog unix-dgram n - n - 1 postlogd\n",
    );
    text
}
