//! What was wrong with the command line.

use super::Clean;

/// A command line that cannot be asked: names the flag, the value and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(String);

impl UsageError {
    /// For a flag whose value is wrong: `-p '70000': give a port from 1 to 65535`.
    pub fn value(flag: &str, value: &str, wanted: impl AsRef<str>) -> Self {
        Self(format!("{flag} '{}': {}", Clean::with_limit(value, 80), wanted.as_ref()))
    }

    /// For anything else.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}
