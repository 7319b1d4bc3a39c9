//! SMTP as values: bytes in, values out. No socket, no clock.

pub mod address;
pub mod capabilities;
pub mod command;
pub mod expect;
pub mod foreign;
pub mod reply;
pub mod sasl;

pub use address::Mailbox;
pub use capabilities::{Capabilities, Requirement};
pub use command::Command;
pub use expect::Expected;
pub use foreign::Foreign;
pub use reply::{Reply, ReplyError, ReplyParser};
