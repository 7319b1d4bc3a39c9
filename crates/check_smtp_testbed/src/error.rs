//! The one error type of the testbed.

use std::io;

/// Why a server, a certificate or a case could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A script or a case file is not written as it should be.
    #[error("line {line}: {message}")]
    Syntax {
        /// Line number in the file, from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// OpenSSL refused to make a key, a certificate or a context.
    #[error("OpenSSL: {0}")]
    OpenSsl(#[from] openssl::error::ErrorStack),
    /// The operating system refused.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Anything else, said in full.
    #[error("{0}")]
    Other(String),
}

impl Error {
    /// A syntax error at `line`.
    pub fn syntax(line: usize, message: impl Into<String>) -> Self {
        Self::Syntax { line, message: message.into() }
    }
}

impl From<rustix::io::Errno> for Error {
    fn from(errno: rustix::io::Errno) -> Self {
        Self::Io(errno.into())
    }
}

/// A result with the testbed's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;
