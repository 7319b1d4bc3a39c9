//! Development only: a certificate factory, a scripted server, a runner for `.case` files, a small embedded mail server,
//! and real mail servers started for a test. Nothing here is shipped; everything listens on loopback alone.

#![expect(
    clippy::disallowed_methods,
    reason = "the other side of the wire: it needs the sockets, clocks and output the checks may not touch"
)]

pub mod cases;
mod error;
pub mod factory;
pub mod script;
pub mod serve;
mod socket;
mod tempdir;

pub use self::error::{Error, Result};
pub use self::tempdir::TempDir;
