//! Development only: a certificate factory, a scripted server, a runner for `.case` files, a small embedded mail server,
//! and real servers (mail, names, policies) started for a test. Nothing here is shipped; everything listens on loopback alone.

#![expect(
    clippy::disallowed_methods,
    reason = "the other side of the wire: it needs the sockets, clocks and output the checks may not touch"
)]

pub mod cases;
mod error;
pub mod factory;
mod forwarder;
pub mod real;
pub mod script;
pub mod serve;
mod silent;
mod socket;
mod tempdir;

pub use self::error::{Error, Result};
pub use self::forwarder::Forwarder;
pub use self::tempdir::TempDir;

/// Whether this process may start servers, bind low ports and mount.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether a missing piece is a failure (CI) or a skipped test (a user's machine).
pub fn is_ci() -> bool {
    std::env::var_os("CI").is_some()
}
