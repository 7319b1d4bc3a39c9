//! The core all checks of the suite share: the plugin contract, SMTP as values, the network with one deadline, TLS as verdicts.
//!
//! Data flows one way: `argv -> Args -> Config -> Facts -> Report -> (stdout, exit code)`; see [`plugin::shell`].

pub mod advice;
pub mod certificate;
pub mod cli;
pub mod contact;
pub mod dane;
pub mod error;
pub mod hello;
pub mod mta_sts;
pub mod net;
pub mod oauth2;
pub mod plugin;
pub mod policy;
pub mod secret;
pub mod session;
pub mod smtp;
pub mod timeline;

pub use error::{Cause, Failure};
pub use timeline::{Phase, Timeline};
