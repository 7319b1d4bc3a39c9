//! Does a message sent here arrive there, and how long does it take?

pub mod mailbox;
pub mod tracker;
