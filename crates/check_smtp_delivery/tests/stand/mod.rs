//! A Dovecot with mailboxes of a test's own, one user for each scene, and a second one that can do as little as old servers.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use check_smtp_core::net::tls::{Context, Roots, Settings, Version};
use check_smtp_core::net::{Deadline, Family, clock};
use check_smtp_core::secret::Secret;
use check_smtp_core::smtp::sasl::{Mechanism, Needs};
use check_smtp_delivery::mailbox::{Dialogue, Failure, Found, Login, Mailbox, Receiver, Since, Source, Way};
use check_smtp_testbed::factory::Factory;
use check_smtp_testbed::real::{Dovecot, Introspection, MailboxPorts, Users};
use check_smtp_testbed::{Result, TempDir};

/// Who may log in where passwords count; the scenes have users of their own where they do not.
pub const USER: &str = "probe@example.org";
pub const PASSWORD: &str = "correct-horse";
pub const TOKEN: &str = "token-of-today";

/// Everything that runs; dropped, and so stopped, in this order.
pub struct Stand {
    /// Everybody may log in.
    open: Dovecot,
    /// As little as old servers.
    old: Dovecot,
    /// Passwords and tokens count.
    strict: Dovecot,
    _introspection: Introspection,
    roots: TempDir,
}

impl Stand {
    pub fn start() -> Result<Self> {
        let roots = TempDir::new()?;
        std::fs::write(roots.path().join("ca.pem"), Factory::shared()?.ca_pem()?)?;
        let introspection = Introspection::start(TOKEN, USER)?;
        let url = introspection.url();
        let users = Users::One { user: USER, password: PASSWORD, introspection: Some(&url) };
        // Scenes run at the same time, each with several sessions.
        let many = "auth_mechanisms = plain login\nmail_max_userip_connections = 100\n";
        let least = "auth_mechanisms = plain\nimap_capability = IMAP4rev1\n";
        Ok(Self {
            open: Dovecot::start_with_mailboxes(
                Users::Anybody,
                &many.replace("log_path = /dev/stderr\n", ""),
            )?,
            old: Dovecot::start_with_mailboxes(Users::WithPassword(PASSWORD), least)?,
            strict: Dovecot::start_with_mailboxes(users, "")?,
            _introspection: introspection,
            roots,
        })
    }

    pub fn ports(&self) -> MailboxPorts {
        self.strict.ports()
    }

    pub fn receiver(&self, scheme: &str, user: &str) -> Receiver {
        let server = if user == USER { &self.strict } else { &self.open };
        self.receiver_at(server.ports(), scheme, user)
    }

    pub fn receiver_at(&self, ports: MailboxPorts, scheme: &str, user: &str) -> Receiver {
        let port = match scheme {
            "imap" => ports.imap,
            "imaps" => ports.imaps,
            "pop3" => ports.pop3,
            _ => ports.pop3s,
        };
        let source: Source = format!("{scheme}://mail.example.org:{port}").parse().unwrap();
        let (sni, identity) = match &source {
            Source::Imap(server) | Source::Pop3(server) => server.names(),
            other => unreachable!("{other:?}"),
        };
        let tls = Settings {
            context: Context::new(None, None),
            sni,
            identity,
            least: Version::Tls12,
            key_kind: None,
            wants_staple: false,
            roots: Roots::File(self.roots.path().join("ca.pem")),
            is_verified: true,
        };
        let way = Way {
            connect: "127.0.0.1".parse().ok(),
            family: Family::Any,
            tls,
            folders: Vec::new(),
            junk_folder: None,
            dialogue: Dialogue::kept(),
        };
        let login = Login {
            user: user.to_owned(),
            secret: Secret::new(PASSWORD.to_owned()),
            kind: Needs::Password,
            mechanisms: Vec::new(),
        };
        Receiver { source, way, instance: "mx1".parse().unwrap(), login: Some(login) }
    }

    pub fn open(&self, scheme: &str, user: &str, since: &Since) -> Mailbox {
        Mailbox::open(&self.receiver(scheme, user), since, deadline()).unwrap()
    }

    /// A mailbox of the old server, by the commands of old, and what is said to it.
    pub fn open_old(&self, scheme: &str, user: &str) -> (Mailbox, Dialogue) {
        let mut receiver = self.receiver_at(self.old.ports(), scheme, user);
        receiver.login.as_mut().unwrap().mechanisms = vec![Mechanism::Login];
        (Mailbox::open(&receiver, &Since::Now, deadline()).unwrap(), receiver.way.dialogue)
    }

    pub fn open_with_token(
        &self,
        scheme: &str,
        mechanism: &str,
        token: &str,
    ) -> std::result::Result<Dialogue, Failure> {
        let mut receiver = self.receiver(scheme, USER);
        let login = receiver.login.as_mut().unwrap();
        login.secret = Secret::new(token.to_owned());
        login.kind = Needs::Token;
        login.mechanisms = vec![mechanism.parse().unwrap()];
        Mailbox::open(&receiver, &Since::Now, deadline()).map(|_| receiver.way.dialogue)
    }

    /// Puts a probe into a folder, as a delivery agent does: written beside, and renamed.
    pub fn deliver(&self, user: &str, folder: &str, number: u32) -> String {
        self.put(user, folder, &probe("mx1", &token(number)));
        token(number)
    }

    /// The same in the mailbox of the old server.
    pub fn deliver_old(&self, user: &str, number: u32) {
        put(&self.old.maildir(user), &probe("mx1", &token(number)), "new", "");
    }

    pub fn put(&self, user: &str, folder: &str, text: &str) {
        let directory = self.open.maildir(user);
        let directory = match folder {
            "INBOX" => directory,
            // As Dovecot writes it.
            "Übung & Tests" => directory.join(".&ANw-bung &- Tests"),
            other => directory.join(format!(".{other}")),
        };
        put(&directory, text, "new", "");
    }

    /// Messages of others: read, unread, flagged \Deleted by somebody else, and some that look like ours.
    pub fn fill(&self, user: &str, count: usize) {
        for number in 0..count {
            let text = match number % 8 {
                0 => probe("another", &token(1)),
                1 => format!("Subject: {}\r\n\r\nX-Smtp-Monitoring-Probe: mx1/{}\r\n", token(1), token(1)),
                2 => format!("X-Smtp-Monitoring-Probe: mx1/{}0\r\nSubject: x\r\n\r\n.\r\n..\r\n", token(1)),
                _ => format!(
                    "Subject: message {number}\r\nFrom: other@example.net\r\n\r\n{}",
                    "text ".repeat(100)
                ),
            };
            let (place, flags) = [("new", ""), ("cur", ":2,"), ("cur", ":2,ST"), ("cur", ":2,T")][number % 4];
            put(&self.open.maildir(user), &text, place, flags);
        }
    }

    /// Every message below the mailbox by the part of its name that stays, and what is in it.
    pub fn content(&self, user: &str) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        for place in ["new", "cur"] {
            for entry in std::fs::read_dir(self.open.maildir(user).join(place)).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                // What the server adds to a name it gave no size: its size.
                let unique = name.split([':', ',']).next().unwrap().to_owned();
                let was_deleted = name.split(":2,").nth(1).is_some_and(|flags| flags.contains('T'));
                let mut text = std::fs::read(&path).unwrap();
                text.push(u8::from(was_deleted));
                files.insert(unique, text);
            }
        }
        files
    }

    /// The last complaints of the servers.
    pub fn complaints(&self) -> String {
        let mut complaints = Vec::new();
        for server in [&self.open, &self.old, &self.strict] {
            let log = server.log();
            let lines: Vec<&str> = log
                .lines()
                .filter(|line| ["Error", "Fatal"].iter().any(|word| line.contains(word)))
                .collect();
            complaints.extend(lines.iter().rev().take(10).rev().map(|line| (*line).to_owned()));
        }
        complaints.join("\n")
    }
}

/// Looks until so many are found.
pub fn wait_for(mailbox: &mut Mailbox, count: usize) -> Vec<Found> {
    let deadline = deadline();
    let mut found = Vec::new();
    while found.len() < count {
        assert!(!deadline.left().is_zero(), "{} of {count} found", found.len());
        found.extend(mailbox.look().unwrap());
        if found.len() < count {
            mailbox.pause(Duration::from_millis(100)).unwrap();
        }
    }
    found
}

/// As a delivery agent does.
fn put(directory: &Path, text: &str, place: &str, flags: &str) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for part in ["new", "cur", "tmp"] {
        make(&directory.join(part));
    }
    let name = format!("{}.M{}.mail", now().as_secs(), NEXT.fetch_add(1, Ordering::Relaxed));
    let beside = directory.join("tmp").join(&name);
    std::fs::write(&beside, text).unwrap();
    let (owner, group) = Dovecot::owner().unwrap();
    std::os::unix::fs::chown(&beside, Some(owner), Some(group)).unwrap();
    std::fs::rename(beside, directory.join(place).join(name + flags)).unwrap();
}

/// A directory of Dovecot's user, with all above it.
fn make(path: &Path) {
    if path.is_dir() {
        return;
    }
    if let Some(above) = path.parent() {
        make(above);
    }
    // Others may make it at the same time.
    let _ = std::fs::create_dir(path);
    let (owner, group) = Dovecot::owner().unwrap();
    std::os::unix::fs::chown(path, Some(owner), Some(group)).unwrap();
}

pub fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

pub fn now() -> Duration {
    clock::since_epoch()
}

pub fn token(number: u32) -> String {
    format!("{number:032x}")
}

pub fn probe(instance: &str, token: &str) -> String {
    format!(
        "Subject: probe\r\nX-Smtp-Monitoring-Probe: {instance}/{token}\r\nTo: sink@example.org\r\n\r\nbody of {token}\r\n"
    )
}

pub fn tokens(found: &[Found]) -> Vec<String> {
    let mut tokens: Vec<String> = found.iter().map(|found| found.token.to_string()).collect();
    tokens.sort_unstable();
    tokens
}
