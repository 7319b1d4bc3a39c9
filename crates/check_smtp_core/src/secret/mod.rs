//! Where a password, token or passphrase comes from, and the types that cannot show it.

mod command;

use std::borrow::Cow;
use std::fmt;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::net::clock::{self, Deadline};

/// A secret file is one line; anything larger is not one.
const FILE_LIMIT: u64 = 64 * 1024;
/// Where the packages make room for state.
const STATE_DIRECTORY: &str = "/var/lib/smtp-monitoring-plugins";
/// Characters a text must have to be hidden.
const HIDDEN_LEAST: usize = 4;

/// A secret. It has no `Debug` and no `Display`, so that it cannot end in an output by accident.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret; one line break at its end does not belong to it.
    pub fn new(text: String) -> Self {
        let line = text.strip_suffix('\n').map(|t| t.strip_suffix('\r').unwrap_or(t).to_owned());
        Self(line.unwrap_or(text))
    }

    /// The secret itself, for the one place that uses it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Texts that are starred out wherever a server repeats them.
#[derive(Clone, Default)]
pub struct Hidden(Vec<String>);

impl Hidden {
    /// Hides a text and its Base64 form. What is shorter than four characters stands in every text by chance and is left alone.
    pub fn add(&mut self, text: &str) {
        for form in [text.to_owned(), BASE64.encode(text)] {
            if text.chars().count() >= HIDDEN_LEAST && !self.0.contains(&form) {
                self.0.push(form);
            }
        }
        // A secret within a longer one would leave the rest of it standing.
        self.0.sort_by_key(|form| std::cmp::Reverse(form.len()));
    }

    /// Hides a text as it is.
    pub fn add_verbatim(&mut self, text: &str) {
        if text.len() >= HIDDEN_LEAST && !self.0.iter().any(|form| form == text) {
            self.0.push(text.to_owned());
            self.0.sort_by_key(|form| std::cmp::Reverse(form.len()));
        }
    }

    /// The text without what is hidden.
    pub fn star<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.0.iter().fold(Cow::Borrowed(text), |text, form| {
            if text.contains(form.as_str()) { Cow::Owned(text.replace(form.as_str(), "***")) } else { text }
        })
    }

    /// Whether nothing is hidden.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hidden({})", self.0.len())
    }
}

/// A fresh nonce of 144 random bits, printable.
pub fn nonce() -> Result<String, String> {
    random::<18>().map(|bytes| BASE64.encode(bytes))
}

/// Random bytes of the system; 256 at the most, which it gives all at once.
pub fn random<const N: usize>() -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    match rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()) {
        Ok(count) if count == N => Ok(bytes),
        _ => Err("the system gives no random bytes".to_owned()),
    }
}

/// Where tokens are kept: the directory given, else systemd's, else the package's.
#[expect(clippy::disallowed_methods, reason = "systemd names the directory in the environment")]
pub fn state_directory(given: Option<&Path>) -> PathBuf {
    // A service with several state directories has them all in there.
    let systemd = || std::env::split_paths(&std::env::var_os("STATE_DIRECTORY")?).next();
    given.map(Path::to_owned).or_else(systemd).unwrap_or_else(|| PathBuf::from(STATE_DIRECTORY))
}

/// Where a secret lies. Holds names only, so it may be shown.
///
/// Apart from [`Source`], because starting a command brings in forty symbols of the C library: 30 000 instructions at every start of a
/// check that has no use for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// An environment variable.
    Environment(String),
    /// A file that nobody else can read.
    File(PathBuf),
}

impl Stored {
    /// Reads the secret. The error names the source and what would be right, never the secret.
    pub fn read(&self, deadline: Deadline) -> Result<Secret, String> {
        match self {
            Self::Environment(name) => from_environment(name),
            Self::File(path) => {
                let owned = path.clone();
                clock::within(deadline, move || from_file(&owned))
                    .unwrap_or_else(|| Err(format!("{} could not be read in time", path.display())))
            }
        }
    }
}

/// Where a secret is to be read from. Holds names only, so it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Where it lies.
    Stored(Stored),
    /// What a command prints: its words, run without a shell.
    Command(Vec<String>),
    /// A credential that systemd hands to the service (`LoadCredential=`).
    Credential(String),
    /// Standard input, one line.
    Input,
}

impl Source {
    /// An environment variable.
    pub fn environment(name: String) -> Self {
        Self::Stored(Stored::Environment(name))
    }

    /// A file that nobody else can read.
    pub fn file(path: PathBuf) -> Self {
        Self::Stored(Stored::File(path))
    }

    /// Reads the secret, as [`Stored::read`].
    pub fn read(&self, deadline: Deadline) -> Result<Secret, String> {
        match self {
            Self::Stored(stored) => stored.read(deadline),
            Self::Command(words) => command::run(words, deadline),
            Self::Credential(name) => Stored::File(credentials_directory()?.join(name)).read(deadline),
            Self::Input => clock::within(deadline, from_input)
                .unwrap_or_else(|| Err("standard input gave no line in time".to_owned())),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "secrets are one of the two readers of the environment")]
fn from_environment(name: &str) -> Result<Secret, String> {
    match std::env::var(name) {
        Ok(value) => Ok(Secret(value)),
        Err(std::env::VarError::NotPresent) => Err(format!("environment variable {name} is not set")),
        Err(std::env::VarError::NotUnicode(_)) => Err(format!("environment variable {name} is not UTF-8")),
    }
}

#[expect(clippy::disallowed_methods, reason = "systemd names the directory in the environment")]
fn credentials_directory() -> Result<PathBuf, String> {
    let directory = std::env::var_os("CREDENTIALS_DIRECTORY");
    directory.map(PathBuf::from).ok_or_else(|| {
        "CREDENTIALS_DIRECTORY is not set: systemd sets it for a service with LoadCredential=".to_owned()
    })
}

fn from_input() -> Result<Secret, String> {
    let mut line = String::new();
    let read = std::io::BufRead::read_line(
        &mut std::io::BufReader::new(std::io::stdin().take(FILE_LIMIT)),
        &mut line,
    );
    match read {
        Ok(0) => Err("standard input is empty".to_owned()),
        Ok(_) => Ok(Secret::new(line)),
        Err(error) => Err(format!("standard input: {}", crate::error::system_words(&error))),
    }
}

fn from_file(path: &Path) -> Result<Secret, String> {
    let wrong = |what: &str| format!("{}: {what}", path.display());
    let about = std::fs::metadata(path).map_err(|error| wrong(&crate::error::system_words(&error)))?;
    if about.permissions().mode() & 0o004 != 0 {
        return Err(wrong("is readable by others, chmod o-r it"));
    }
    if !about.is_file() || about.len() > FILE_LIMIT {
        return Err(wrong("is not a file of at most 64 KiB"));
    }
    std::fs::read_to_string(path).map(Secret::new).map_err(|error| wrong(&crate::error::system_words(&error)))
}

#[cfg(test)]
mod tests {
    use super::{Hidden, Secret};

    #[test]
    fn what_is_hidden_is_starred_in_both_forms() {
        let mut hidden = Hidden::default();
        hidden.add("hunter2");
        hidden.add("hunter2and3");
        hidden.add("abc");
        assert_eq!(hidden.star("no aHVudGVyMg== hunter2and3 hunter2 abc"), "no *** *** *** abc");
    }

    #[test]
    fn one_line_break_at_the_end_is_not_part_of_it() {
        for (text, secret) in [("a b\n", "a b"), ("a\r\n", "a"), ("a\n\n", "a\n"), (" a ", " a ")] {
            assert!(Secret::new(text.to_owned()).expose() == secret, "{text:?}");
        }
    }
}
