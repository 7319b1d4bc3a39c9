//! SMTP as values: bytes in, values out. No socket, no clock.

pub mod address;
pub mod capabilities;
pub mod command;
pub mod envelope;
pub mod expect;
pub mod foreign;
pub mod greylisting;
pub mod message;
pub mod queue_id;
pub mod reply;
pub mod sasl;

pub use address::Mailbox;
pub use capabilities::{Capabilities, Requirement};
pub use command::Command;
pub use envelope::{Dsn, Envelope, Notify, Parameter};
pub use expect::Expected;
pub use foreign::Foreign;
pub use greylisting::is_greylisting;
pub use message::Message;
pub use queue_id::queue_id;
pub use reply::{Reply, ReplyError, ReplyParser};
