//! Argument groups that every check flattens: the same flag has the same meaning and the same help text everywhere.

pub mod credentials;
#[cfg(feature = "dns")]
pub mod dns;
pub mod oauth2;
pub mod output;
pub mod state;
pub mod target;
pub mod timing;
pub mod tls;

pub use credentials::{Account, CredentialArgs, SecretFrom, agreed_kind};
#[cfg(feature = "dns")]
pub use dns::DnsArgs;
pub use oauth2::OAuth2Args;
pub use output::OutputArgs;
pub use state::StateArgs;
pub use target::{Target, TargetArgs};
pub use timing::{Limits, TimingArgs};
pub use tls::{TlsArgs, TlsMode};

use std::path::PathBuf;

/// A flag that was given, in an `Option` and with `num_args = 0`. For each `bool` that is not given clap parses the word
/// "false", 3000 instructions at every start.
#[derive(Clone, Copy, Debug)]
pub struct Given;

impl From<&str> for Given {
    fn from(_: &str) -> Self {
        Self
    }
}

/// A value that may not be empty.
pub fn non_empty(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("must not be empty".to_owned()) } else { Ok(text.to_owned()) }
}

/// A path that may not be empty.
pub fn path(text: &str) -> Result<PathBuf, String> {
    non_empty(text).map(PathBuf::from)
}

/// A port number.
pub fn port(text: &str) -> Result<u16, String> {
    let number = if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None };
    number.filter(|port| *port > 0).ok_or_else(|| "give a port from 1 to 65535".to_owned())
}
