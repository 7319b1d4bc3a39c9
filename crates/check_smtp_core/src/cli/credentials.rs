//! Who logs in, and where the secret comes from.

use std::fmt;
use std::path::PathBuf;

use super::{Given, non_empty, path};
use crate::net::Deadline;
use crate::plugin::UsageError;
use crate::secret::{Secret, Source};
use crate::smtp::sasl::{Mechanism, Needs};

/// The user's name when no flag gives it.
const USER_VARIABLE: &str = "SMTP_USER";
/// The password when no flag gives it.
const PASSWORD_VARIABLE: &str = "SMTP_PASS";

/// `-U`, `--authzid`, `-P`, `--password-*`, `--token-*`.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Credentials")]
pub struct CredentialArgs {
    /// The user.
    #[arg(short = 'U', long, help = "User to log in as [default: the environment variable SMTP_USER]", value_name = "NAME", value_parser = non_empty)]
    pub user: Option<String>,
    /// Act as this user, where the server allows it (authorization identity)
    #[arg(long, value_name = "NAME", value_parser = non_empty)]
    pub authzid: Option<String>,
    /// Where the password is.
    #[arg(long, help = "Environment variable that holds the password [default: SMTP_PASS]", value_name = "NAME", value_parser = non_empty)]
    pub password_env: Option<String>,
    /// File that holds the password in one line; refused when others can read it
    #[arg(long, value_name = "FILE", value_parser = path)]
    pub password_file: Option<PathBuf>,
    /// Command that prints the password; run without a shell, 5 seconds at most
    #[arg(long, value_name = "COMMAND", value_parser = command)]
    pub password_command: Option<Words>,
    /// Where systemd put the password.
    #[arg(long, help = "Credential of the systemd service that holds the password (LoadCredential=)", value_name = "NAME", value_parser = credential)]
    pub password_credential: Option<String>,
    /// Read the password from standard input, one line
    #[arg(long, num_args = 0, default_missing_value = "")]
    pub password_stdin: Option<Given>,
    /// The password itself, seen by everybody in the process list: for an options file only (--extra-opts)
    #[arg(short = 'P', long, value_name = "SECRET", value_parser = typed)]
    pub password: Option<Typed>,
    /// Environment variable that holds an OAuth 2.0 token
    #[arg(long, value_name = "NAME", value_parser = non_empty)]
    pub token_env: Option<String>,
    /// File that holds an OAuth 2.0 token; refused when others can read it
    #[arg(long, value_name = "FILE", value_parser = path)]
    pub token_file: Option<PathBuf>,
    /// Command that prints an OAuth 2.0 token; run without a shell, 5 seconds at most
    #[arg(long, value_name = "COMMAND", value_parser = command)]
    pub token_command: Option<Words>,
}

/// A command in words.
#[derive(Clone, Debug)]
pub struct Words(pub(super) Vec<String>);

impl Words {
    /// What it prints, as a secret.
    pub fn source(self) -> Source {
        Source::Command(self.0)
    }
}

/// A secret that was typed. Its `Debug` shows nothing.
#[derive(Clone)]
pub struct Typed(Secret);

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where the secret of a login comes from.
#[derive(Clone, Debug)]
pub enum SecretFrom {
    /// Named on the command line.
    Source(Source),
    /// Typed, where everybody can see it.
    Typed(Typed),
}

impl SecretFrom {
    /// Reads it. The error names the source, never the secret.
    pub fn read(&self, deadline: Deadline) -> Result<Secret, String> {
        match self {
            Self::Source(source) => source.read(deadline),
            Self::Typed(Typed(secret)) => Ok(secret.clone()),
        }
    }

    /// Whether it stood on the command line.
    pub fn is_typed(&self) -> bool {
        matches!(self, Self::Typed(_))
    }
}

/// An account to log in with.
#[derive(Clone, Debug)]
pub struct Account {
    user: Option<String>,
    /// Whom to act as.
    pub authorization: Option<String>,
    /// Where the password or token comes from; `None` takes none (EXTERNAL), or the default.
    pub secret: SecretFrom,
    /// Which of them it is.
    pub kind: Needs,
}

impl CredentialArgs {
    /// Whether any of them is given.
    pub fn is_given(&self) -> bool {
        self.user.is_some()
            || self.authzid.is_some()
            || self.password_env.is_some()
            || self.password_file.is_some()
            || self.password_command.is_some()
            || self.password_credential.is_some()
            || self.password_stdin.is_some()
            || self.password.is_some()
            || self.token_env.is_some()
            || self.token_file.is_some()
            || self.token_command.is_some()
    }

    /// Checks that there is one source and not several. `kind`: what the mechanisms asked for need, where any is asked for.
    pub fn account(self, kind: Option<Needs>, fetches_token: bool) -> Result<Account, UsageError> {
        let passwords = sources([
            ("--password-env", self.password_env.map(Source::environment).map(SecretFrom::Source)),
            ("--password-file", self.password_file.map(Source::file).map(SecretFrom::Source)),
            (
                "--password-command",
                self.password_command.map(|Words(words)| SecretFrom::Source(Source::Command(words))),
            ),
            (
                "--password-credential",
                self.password_credential.map(Source::Credential).map(SecretFrom::Source),
            ),
            ("--password-stdin", self.password_stdin.map(|_| SecretFrom::Source(Source::Input))),
            ("-P/--password", self.password.map(SecretFrom::Typed)),
        ]);
        let tokens = sources([
            ("--token-env", self.token_env.map(Source::environment).map(SecretFrom::Source)),
            ("--token-file", self.token_file.map(Source::file).map(SecretFrom::Source)),
            (
                "--token-command",
                self.token_command.map(|Words(words)| SecretFrom::Source(Source::Command(words))),
            ),
        ]);
        let given = only_one(passwords, tokens, fetches_token)?;
        let found = match (&given, fetches_token) {
            (Some((_, kind, _)), _) => Some(*kind),
            (None, true) => Some(Needs::Token),
            (None, false) => None,
        };
        let kind = agreed(kind, found, given.as_ref().map(|(flag, ..)| *flag))?;
        let default = SecretFrom::Source(Source::environment(PASSWORD_VARIABLE.to_owned()));
        let secret = given.map_or(default, |(_, _, secret)| secret);
        Ok(Account { user: self.user, authorization: self.authzid, secret, kind })
    }
}

impl Account {
    /// The user; EXTERNAL needs none.
    pub fn user(&self, deadline: Deadline) -> Result<String, String> {
        if let Some(user) = &self.user {
            return Ok(user.clone());
        }
        if self.kind == Needs::Certificate {
            return Ok(String::new());
        }
        let variable = Source::environment(USER_VARIABLE.to_owned()).read(deadline);
        variable
            .map(|user| user.expose().to_owned())
            .map_err(|words| format!("no user: give -U/--user ({words})"))
    }

    /// The password or token.
    pub fn secret(&self, deadline: Deadline) -> Result<Secret, String> {
        if self.kind == Needs::Certificate {
            return Ok(Secret::new(String::new()));
        }
        let secret = self
            .secret
            .read(deadline)
            .map_err(|words| format!("the {} cannot be read: {words}", name(self.kind)))?;
        if secret.expose().is_empty() {
            return Err(format!("the {} is empty", name(self.kind)));
        }
        Ok(secret)
    }
}

/// All mechanisms asked for by `flag` take the same kind of secret; `None` where none is asked for.
pub fn agreed_kind(flag: &str, mechanisms: &[Mechanism]) -> Result<Option<Needs>, UsageError> {
    let Some(first) = mechanisms.first() else { return Ok(None) };
    match mechanisms.iter().find(|other| other.needs() != first.needs()) {
        Some(other) => Err(UsageError::new(format!(
            "{flag}: {first} and {other} take different kinds of secret, give mechanisms of one kind"
        ))),
        None => Ok(Some(first.needs())),
    }
}

fn name(kind: Needs) -> &'static str {
    match kind {
        Needs::Token => "token",
        Needs::Password | Needs::Certificate => "password",
    }
}

type Found = (&'static str, SecretFrom);

fn sources<const N: usize>(all: [(&'static str, Option<SecretFrom>); N]) -> Vec<Found> {
    all.into_iter().filter_map(|(flag, source)| source.map(|source| (flag, source))).collect()
}

fn only_one(
    passwords: Vec<Found>,
    tokens: Vec<Found>,
    fetches_token: bool,
) -> Result<Option<(&'static str, Needs, SecretFrom)>, UsageError> {
    let passwords = passwords.into_iter().map(|(flag, source)| (flag, Needs::Password, source));
    let tokens = tokens.into_iter().map(|(flag, source)| (flag, Needs::Token, source));
    let mut all: Vec<_> = passwords.chain(tokens).collect();
    if let [(first, ..), (second, ..), ..] = all.as_slice() {
        return Err(UsageError::new(format!("{first} and {second}: give one source of the secret")));
    }
    match all.pop() {
        Some((flag, ..)) if fetches_token => {
            Err(UsageError::new(format!("{flag} and --oauth2-token-url: give one source of the secret")))
        }
        only => Ok(only),
    }
}

fn agreed(wanted: Option<Needs>, found: Option<Needs>, flag: Option<&str>) -> Result<Needs, UsageError> {
    match (wanted, found) {
        (Some(Needs::Token), None) => Err(UsageError::new(
            "-A/--mechanism takes a token: give --token-env, --token-file, --token-command or --oauth2-token-url",
        )),
        (Some(wanted), Some(found)) if wanted != found => {
            let flag = flag.unwrap_or("--oauth2-token-url");
            Err(UsageError::new(format!(
                "-A/--mechanism does not take what {flag} gives: a password is for PLAIN, LOGIN, CRAM-MD5 and SCRAM, a token for OAUTHBEARER and XOAUTH2, a certificate for EXTERNAL"
            )))
        }
        (wanted, found) => Ok(wanted.or(found).unwrap_or(Needs::Password)),
    }
}

/// A command and its arguments, read as a shell would.
pub fn command(text: &str) -> Result<Words, String> {
    let words = shlex::split(text).filter(|words| !words.is_empty());
    words.map(Words).ok_or_else(|| {
        "give a command and its arguments, quotes closed, such as 'pass show mail/probe'".to_owned()
    })
}

fn credential(text: &str) -> Result<String, String> {
    let name = non_empty(text)?;
    if name.contains('/') || name.starts_with('.') {
        Err("give the name of the credential, without a path".to_owned())
    } else {
        Ok(name)
    }
}

/// Never fails, so that no error can show it; an empty one is refused where it is used.
#[expect(clippy::unnecessary_wraps, reason = "the shape clap wants")]
fn typed(text: &str) -> Result<Typed, String> {
    Ok(Typed(Secret::new(text.to_owned())))
}
