//! Where a password, token or passphrase comes from, and the type that cannot show it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::net::clock::{self, Deadline};

/// A secret file is one line; anything larger is not one.
const FILE_LIMIT: u64 = 64 * 1024;

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

/// Where a secret is to be read from. Holds names only, so it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// An environment variable.
    Environment(String),
    /// A file that nobody else can read.
    File(PathBuf),
}

impl Source {
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

#[expect(clippy::disallowed_methods, reason = "secrets are one of the two readers of the environment")]
fn from_environment(name: &str) -> Result<Secret, String> {
    match std::env::var(name) {
        Ok(value) => Ok(Secret(value)),
        Err(std::env::VarError::NotPresent) => Err(format!("environment variable {name} is not set")),
        Err(std::env::VarError::NotUnicode(_)) => Err(format!("environment variable {name} is not UTF-8")),
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
    use super::Secret;

    #[test]
    fn one_line_break_at_the_end_is_not_part_of_it() {
        for (text, secret) in [("a b\n", "a b"), ("a\r\n", "a"), ("a\n\n", "a\n"), (" a ", " a ")] {
            assert!(Secret::new(text.to_owned()).expose() == secret, "{text:?}");
        }
    }
}
