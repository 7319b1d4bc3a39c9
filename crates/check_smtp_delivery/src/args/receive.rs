//! Where the message is to arrive, and how long it is waited for.

use std::path::PathBuf;
use std::time::Duration;

use check_smtp_core::certificate::Identity;
use check_smtp_core::cli::credentials::{Words, command};
use check_smtp_core::cli::{self, Given, TlsMode};
use check_smtp_core::net::tls::{Context, Roots, Settings, Version};
use check_smtp_core::net::{Family, Host};
use check_smtp_core::plugin::duration::parse_budget;
use check_smtp_core::plugin::{State, UsageError};
use check_smtp_core::secret;
use check_smtp_core::smtp::sasl::Mechanism;

use super::access::{Access, TypedLogin};
use super::{LoginPlan, without_mailbox};
use crate::mailbox::{Dialogue, Source, Way};

/// The time a message may take when nothing is said.
const WAIT: Duration = Duration::from_secs(30);
/// What everything else may take beside it.
const BESIDE: Duration = Duration::from_secs(15);
/// Probes that may lie in a mailbox when nothing is said.
const MAILBOX_LIMIT: usize = 50;

const RECEIVE_HELP: &str = "Look for the message in this mailbox: imap://, imaps://, pop3:// or pop3s:// with [USER@]HOST[:PORT] (imap and pop3 begin TLS by STARTTLS), maildir:/PATH, or mailpit+, mailhog+ or maildev+ before http://HOST[:PORT]. With several --to a copy is awaited for each that was accepted";

/// `--receive`, what belongs to it, `--wait`.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Arrival")]
pub struct ReceiveArgs {
    /// The mailbox; the URL is read where no error can repeat a password in it.
    #[arg(long, help = RECEIVE_HELP, value_name = "URL")]
    receive: Option<String>,
    /// User of the mailbox [default: the one in the URL, else that of -U]
    #[arg(long, value_name = "NAME", value_parser = cli::non_empty)]
    receive_user: Option<String>,
    /// Mechanisms of the mailbox's login, the first that is offered is taken; with XOAUTH2 or OAUTHBEARER the secret of --receive-password-... is the token [default: the strongest the secret allows]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = super::mechanism)]
    receive_mechanism: Vec<Mechanism>,
    /// Where the password or token of the mailbox is.
    #[arg(long, help = "Environment variable that holds the password of the mailbox, or its token [default: the secret of the login]", value_name = "NAME", value_parser = cli::non_empty)]
    receive_password_env: Option<String>,
    /// File that holds the password of the mailbox, or its token, in one line; refused when others can read it
    #[arg(long, value_name = "FILE", value_parser = cli::path)]
    receive_password_file: Option<PathBuf>,
    /// Command that prints the password of the mailbox, or its token; run without a shell, 5 seconds at most
    #[arg(long, value_name = "COMMAND", value_parser = command)]
    receive_password_command: Option<Words>,
    /// Trust the certificates in this PEM file for the mailbox instead of the system's roots
    #[arg(long, value_name = "FILE", value_parser = cli::path)]
    receive_ca_file: Option<PathBuf>,
    /// Connect here for the mailbox instead of to the host of --receive
    #[arg(long, value_name = "ADDRESS", value_parser = host)]
    receive_address: Option<Host>,
    /// Log in to an imap:// or pop3:// mailbox without TLS, the secret readable on the way; the status line says so
    #[arg(long, num_args = 0, default_missing_value = "")]
    receive_plaintext: Option<Given>,
    /// Look into this folder as well (IMAP, Maildir); repeatable
    #[arg(long, value_name = "NAME", value_parser = cli::non_empty)]
    folder: Vec<String>,
    /// Folder where spam goes [default: the one the IMAP server names]
    #[arg(long, value_name = "NAME", value_parser = cli::non_empty)]
    junk_folder: Option<String>,
    /// What arrival in the junk folder is: ok, warning or critical [default: warning]
    #[arg(long, value_name = "STATE", value_parser = junk_state)]
    junk_is: Option<State>,
    /// What a mailbox is that cannot be looked at: unknown, warning or critical [default: unknown]
    #[arg(long, value_name = "STATE", value_parser = down_state)]
    receiver_down: Option<State>,
    /// How long to wait for the message once it was sent; shorter than -t, which is this and 15 seconds more when it is not given [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = parse_budget)]
    wait: Option<Duration>,
    /// Leave the message in the mailbox; else it is removed once it was seen, it alone
    #[arg(long, num_args = 0, default_missing_value = "")]
    keep: Option<Given>,
    /// Leave the message in the mailbox, and say what would be removed from it; the message is sent all the same
    #[arg(long, num_args = 0, default_missing_value = "")]
    dry_run: Option<Given>,
    /// WARNING when more of our probes than this lie in the mailbox; counted where one stays there (--keep, --dry-run, or it cannot be removed; not by POP3) [default: 50]
    #[arg(long, value_name = "COUNT", value_parser = limit)]
    mailbox_limit: Option<usize>,
}

/// Where a message is looked for.
#[derive(Clone, Debug)]
pub struct Receive {
    /// The mailbox.
    pub source: Source,
    /// The same as it was typed; it holds no password.
    pub url: String,
    /// Whether the login is made without TLS.
    pub is_plain: bool,
    /// How it is reached.
    pub way: Way,
    /// Who logs in, where it is wanted.
    pub access: Access,
    /// What arrival in junk is.
    pub junk_is: State,
    /// What a mailbox is that cannot be looked at; never OK.
    pub receiver_down: State,
    /// How long it is waited for.
    pub wait: Duration,
    /// What becomes of the message there.
    pub cleanup: Cleanup,
    /// More probes than this are too many to lie there.
    pub mailbox_limit: usize,
}

/// What becomes of a message that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleanup {
    /// It is removed, it alone.
    Remove,
    /// It stays (`--keep`).
    Keep,
    /// It stays, and it is told what would be removed (`--dry-run`).
    DryRun,
}

impl ReceiveArgs {
    /// Whether the wait was given.
    pub fn has_wait(&self) -> bool {
        self.wait.is_some()
    }

    /// Where it is looked for; `None` where arrival is not checked.
    pub fn receive(mut self, login: Option<&LoginPlan>) -> Result<Option<Receive>, UsageError> {
        let Some(url) = self.receive.take() else { return self.nothing() };
        let mut source: Source =
            url.parse().map_err(|words: String| UsageError::new(format!("--receive: {words}")))?;
        let secret = self.secret()?;
        self.sound(&source)?;
        let is_plain = self.receive_plaintext.is_some();
        if is_plain {
            in_the_clear(&mut source, self.receive_ca_file.is_some())?;
        }
        let cleanup = self.cleanup()?;
        let typed =
            TypedLogin { user: self.receive_user.take(), secret, mechanisms: self.receive_mechanism.clone() };
        let access = typed.access(&source, login)?;
        Ok(Some(Receive {
            way: self.way(&source),
            source,
            url,
            is_plain,
            access,
            junk_is: self.junk_is.unwrap_or(State::Warning),
            receiver_down: self.receiver_down.unwrap_or(State::Unknown),
            wait: self.wait.unwrap_or(WAIT),
            cleanup,
            mailbox_limit: self.mailbox_limit.unwrap_or(MAILBOX_LIMIT),
        }))
    }

    /// Without a mailbox nothing of it has a meaning.
    fn nothing(&self) -> Result<Option<Receive>, UsageError> {
        without_mailbox(&[
            (self.receive_user.is_some(), "--receive-user"),
            (!self.receive_mechanism.is_empty(), "--receive-mechanism"),
            (self.receive_password_env.is_some(), "--receive-password-env"),
            (self.receive_password_file.is_some(), "--receive-password-file"),
            (self.receive_password_command.is_some(), "--receive-password-command"),
            (self.receive_ca_file.is_some(), "--receive-ca-file"),
            (self.receive_address.is_some(), "--receive-address"),
            (self.receive_plaintext.is_some(), "--receive-plaintext"),
            (!self.folder.is_empty(), "--folder"),
            (self.junk_folder.is_some(), "--junk-folder"),
            (self.junk_is.is_some(), "--junk-is"),
            (self.receiver_down.is_some(), "--receiver-down"),
            (self.wait.is_some(), "--wait"),
            (self.keep.is_some(), "--keep"),
            (self.dry_run.is_some(), "--dry-run"),
            (self.mailbox_limit.is_some(), "--mailbox-limit"),
        ])
        .map(|()| None)
    }

    fn secret(&mut self) -> Result<Option<secret::Source>, UsageError> {
        let sources = [
            ("--receive-password-env", self.receive_password_env.take().map(secret::Source::environment)),
            ("--receive-password-file", self.receive_password_file.take().map(secret::Source::file)),
            ("--receive-password-command", self.receive_password_command.take().map(Words::source)),
        ];
        let mut given = sources.into_iter().filter_map(|(flag, source)| Some((flag, source?)));
        match (given.next(), given.next()) {
            (Some((first, _)), Some((second, _))) => {
                Err(UsageError::new(format!("{first} and {second}: give one source of the secret")))
            }
            (first, _) => Ok(first.map(|(_, source)| source)),
        }
    }

    fn cleanup(&self) -> Result<Cleanup, UsageError> {
        match (&self.keep, &self.dry_run) {
            (Some(_), Some(_)) => Err(UsageError::new(
                "--keep and --dry-run both leave the message in the mailbox, and only --dry-run says what would be removed: give one of them",
            )),
            (Some(_), None) => Ok(Cleanup::Keep),
            (None, Some(_)) => Ok(Cleanup::DryRun),
            (None, None) => Ok(Cleanup::Remove),
        }
    }

    /// What a kind of mailbox has no use for.
    fn sound(&self, source: &Source) -> Result<(), UsageError> {
        let (kind, has_folders, has_network, has_sasl) = match source {
            Source::Imap(_) => ("IMAP", true, true, true),
            Source::Pop3(_) => ("POP3", false, true, true),
            Source::Maildir(_) => ("a Maildir", true, false, false),
            Source::Http(..) => ("an HTTP API", false, true, false),
        };
        let needless = [
            (!has_folders && !self.folder.is_empty(), "--folder"),
            (!has_folders && self.junk_folder.is_some(), "--junk-folder"),
            (!has_sasl && self.receive_plaintext.is_some(), "--receive-plaintext"),
            (!has_sasl && !self.receive_mechanism.is_empty(), "--receive-mechanism"),
            (!has_network && self.receive_ca_file.is_some(), "--receive-ca-file"),
            (!has_network && self.receive_address.is_some(), "--receive-address"),
        ];
        match needless.into_iter().find(|(given, _)| *given) {
            Some((_, flag)) => {
                Err(UsageError::new(format!("{flag} has no meaning for {kind}: leave it out")))
            }
            None => Ok(()),
        }
    }

    fn way(&mut self, source: &Source) -> Way {
        let (sni, identity) = match source {
            Source::Imap(server) | Source::Pop3(server) => server.names(),
            // The HTTP client has its own.
            Source::Maildir(_) | Source::Http(..) => (None, Identity::Name("localhost".to_owned())),
        };
        let tls = Settings {
            context: Context::new(None, None),
            sni,
            identity,
            least: Version::Tls12,
            key_kind: None,
            wants_staple: false,
            roots: self.receive_ca_file.take().map_or(Roots::System, Roots::File),
            is_verified: true,
        };
        Way {
            connect: self.receive_address.take(),
            family: Family::Any,
            tls,
            folders: std::mem::take(&mut self.folder),
            junk_folder: self.junk_folder.take(),
            dialogue: Dialogue::default(),
        }
    }
}

/// No TLS, where it would begin in the clear.
fn in_the_clear(source: &mut Source, has_roots: bool) -> Result<(), UsageError> {
    let (Source::Imap(server) | Source::Pop3(server)) = source else { return Ok(()) };
    if server.mode == TlsMode::Implicit {
        return Err(UsageError::new(
            "--receive-plaintext with imaps:// or pop3s://, which are TLS: give imap:// or pop3://, or leave it out",
        ));
    }
    if has_roots {
        return Err(UsageError::new(
            "--receive-ca-file with --receive-plaintext would do nothing: give one of them",
        ));
    }
    server.mode = TlsMode::None;
    Ok(())
}

impl Receive {
    /// The next run looks for the message.
    pub fn unwaited(self) -> Self {
        Self { wait: Duration::ZERO, ..self }
    }

    /// The time for everything: as typed, else the wait and what else is done.
    pub fn budget(&self, typed: Option<Duration>) -> Result<Duration, UsageError> {
        match typed {
            Some(typed) if typed <= self.wait => Err(UsageError::new(format!(
                "--wait {} s must be shorter than -t {} s, which is the time for everything: give a greater -t, or a shorter --wait",
                self.wait.as_secs_f64(),
                typed.as_secs_f64()
            ))),
            Some(typed) => Ok(typed),
            None => Ok(self.wait + BESIDE),
        }
    }
}

fn host(text: &str) -> Result<Host, String> {
    match text.parse::<Host>() {
        Ok(Host::Socket(_)) => Err("give a host name or an address".to_owned()),
        other => other,
    }
}

fn limit(text: &str) -> Result<usize, String> {
    let limit = text.parse().ok().filter(|limit| *limit > 0);
    limit.ok_or_else(|| "give a number of messages, 1 or more".to_owned())
}

fn junk_state(text: &str) -> Result<State, String> {
    match text {
        "ok" => Ok(State::Ok),
        "warning" => Ok(State::Warning),
        "critical" => Ok(State::Critical),
        _ => Err("give ok, warning or critical".to_owned()),
    }
}

fn down_state(text: &str) -> Result<State, String> {
    match text {
        "unknown" => Ok(State::Unknown),
        "warning" => Ok(State::Warning),
        "critical" => Ok(State::Critical),
        _ => Err("give unknown, warning or critical: what was not seen is never OK".to_owned()),
    }
}
