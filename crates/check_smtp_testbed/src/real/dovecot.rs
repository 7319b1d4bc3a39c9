//! Dovecot: its LMTP server on a Unix socket (Postfix itself only speaks LMTP as a client), its logins for Postfix, and where asked for
//! its mailboxes by IMAP and POP3.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use rustix::process::Pid;

use super::{PATIENCE, end, free_ports, hold, open_to_all, pause, stop};
use crate::factory::{Factory, Kind};
use crate::{Error, Result, TempDir};

/// Who may log in.
#[derive(Clone, Copy, Debug)]
pub enum Users<'a> {
    /// Everybody.
    Anybody,
    /// Everybody who knows this password, by PLAIN or LOGIN.
    WithPassword(&'a str),
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

/// Where its mailboxes are: ports on loopback.
#[derive(Clone, Copy, Debug, Default)]
pub struct MailboxPorts {
    /// IMAP, with STARTTLS.
    pub imap: u16,
    /// IMAP inside TLS.
    pub imaps: u16,
    /// POP3, with STLS.
    pub pop3: u16,
    /// POP3 inside TLS.
    pub pop3s: u16,
    /// LMTP, which puts messages into them.
    pub lmtp: u16,
}

/// A running Dovecot; it is stopped when dropped.
#[derive(Debug)]
pub struct Dovecot {
    directory: TempDir,
    master: Child,
    ports: MailboxPorts,
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
        Self::start_with(users, MailboxPorts::default(), "")
    }

    /// Starts it with its mailboxes, the certificate of the factory's kind `good`, and these lines of its own configuration language. The
    /// junk folder is called `Spam and more`. Mail comes in by LMTP too, through its user's Sieve script ([`Self::sort_by`])
    /// where that plugin is installed. Needs root.
    pub fn start_with_mailboxes(users: Users<'_>, settings: &str) -> Result<Self> {
        let ports = free_ports(5)?;
        let [imap, imaps, pop3, pop3s, lmtp] = ports.as_slice() else {
            return Err(Error::Other("no five ports are free".into()));
        };
        let ports = MailboxPorts { imap: *imap, imaps: *imaps, pop3: *pop3, pop3s: *pop3s, lmtp: *lmtp };
        Self::start_with(users, ports, settings)
    }

    fn start_with(users: Users<'_>, ports: MailboxPorts, settings: &str) -> Result<Self> {
        let directory = TempDir::new()?;
        open_to_all(directory.path())?;
        let root = directory.path().display().to_string();
        let mut text = configuration(&root, &databases(&root, users)?);
        if ports.imap > 0 {
            text.push_str(&mailboxes(&root, ports)?);
            let (user, group) = Self::owner()?;
            for place in ["mail", "sieve"] {
                std::fs::create_dir(directory.path().join(place))?;
                std::os::unix::fs::chown(directory.path().join(place), Some(user), Some(group))?;
            }
        }
        text.push_str(settings);
        std::fs::write(directory.path().join("dovecot.conf"), text)?;
        let output = std::fs::File::create(directory.path().join("output"))?;
        let mut command = Command::new("dovecot");
        command.args(["-F", "-c", &format!("{root}/dovecot.conf")]);
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let mut dovecot = Self { master: command.spawn()?, directory, ports };
        let began = Instant::now();
        while !dovecot.listens() {
            pause(&dovecot.master)?;
            if dovecot.master.try_wait()?.is_some() || began.elapsed() > PATIENCE {
                let said =
                    std::fs::read_to_string(dovecot.directory.path().join("output")).unwrap_or_default();
                return Err(Error::Other(format!("Dovecot does not start: {said}{}", dovecot.log())));
            }
        }
        Ok(dovecot)
    }

    /// Its master opens all sockets before it starts anything.
    fn listens(&self) -> bool {
        let port = self.ports.imap;
        self.lmtp_socket().exists() && (port == 0 || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok())
    }

    /// Whether its IMAP and POP3 servers are installed.
    pub fn has_mailboxes() -> bool {
        let is_there = |name: &str| {
            ["/usr/lib/dovecot", "/usr/libexec/dovecot"]
                .iter()
                .any(|path| Path::new(path).join(name).is_file())
        };
        is_there("imap-login") && is_there("pop3-login")
    }

    /// Whether its Sieve plugin is installed.
    pub fn has_sieve() -> bool {
        let places = ["/usr/lib/dovecot/modules", "/usr/lib64/dovecot", "/usr/lib/dovecot"];
        places.iter().any(|path| Path::new(path).join("lib90_sieve_plugin.so").is_file())
    }

    /// Makes a Sieve script (RFC 5228) the active one of a user.
    pub fn sort_by(&self, user: &str, script: &str) -> Result<()> {
        let path = self.directory.path().join("sieve").join(format!("{user}.sieve"));
        std::fs::write(&path, script)?;
        open_to_all(&path)
    }

    /// The numbers of the user and the group that mailboxes belong to.
    pub fn owner() -> Result<(u32, u32)> {
        let users = std::fs::read_to_string("/etc/passwd")?;
        let numbers = users.lines().find_map(|line| {
            let mut fields = line.strip_prefix("dovecot:")?.split(':').skip(1);
            Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
        });
        numbers.ok_or_else(|| Error::Other("there is no user dovecot".into()))
    }

    /// Where its mailboxes are.
    pub fn ports(&self) -> MailboxPorts {
        self.ports
    }

    /// The Maildir of a user.
    pub fn maildir(&self, user: &str) -> PathBuf {
        self.directory.path().join("mail").join(user)
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
        Users::WithPassword(password) => {
            Ok(format!("passdb {{\n  driver = static\n  args = password={password}\n}}\n"))
        }
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

/// Its mailboxes, on loopback alone.
fn mailboxes(root: &str, ports: MailboxPorts) -> Result<String> {
    let identity = Factory::shared()?.identity(Kind::Good)?;
    std::fs::write(format!("{root}/chain.pem"), identity.chain_pem)?;
    std::fs::write(format!("{root}/key.pem"), identity.key_pem)?;
    let listener = |service: &str, plain: u16, secure: u16| {
        format!(
            "service {service}-login {{\n  inet_listener {service} {{\n    address = 127.0.0.1\n    port = {plain}\n  }}\n  \
             inet_listener {service}s {{\n    address = 127.0.0.1\n    port = {secure}\n    ssl = yes\n  }}\n}}\n"
        )
    };
    let sieve = if Dovecot::has_sieve() {
        format!(
            "protocol lmtp {{\n  mail_plugins = sieve\n}}\nplugin {{\n  sieve = file:{root}/sieve/%u.sieve\n  sieve_extensions = +editheader\n}}\n"
        )
    } else {
        String::new()
    };
    let lmtp = ports.lmtp;
    Ok(format!(
        "protocols = lmtp imap pop3\nfirst_valid_uid = 1\nssl = yes\nssl_cert = <{root}/chain.pem\nssl_key = <{root}/key.pem\n\
         namespace inbox {{\n  inbox = yes\n  mailbox \"Spam and more\" {{\n    auto = subscribe\n    special_use = \\Junk\n  }}\n  \
         mailbox Trash {{\n    auto = create\n    special_use = \\Trash\n  }}\n}}\n\
         service lmtp {{\n  inet_listener lmtp {{\n    address = 127.0.0.1\n    port = {lmtp}\n  }}\n}}\n{sieve}{}{}",
        listener("imap", ports.imap, ports.imaps),
        listener("pop3", ports.pop3, ports.pop3s)
    ))
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
