//! The only sockets and clocks of the suite. Every wait in here carries the one deadline.

pub mod clock;
pub mod dial;
#[cfg(feature = "dns")]
pub mod dns;
#[cfg(feature = "https")]
pub mod https;
pub mod own_name;
pub mod parallel;
pub mod proxy;
pub mod resolve;
pub mod stream;
pub mod tls;

pub use clock::Deadline;
pub use dial::{Attempt, Outcome};
pub use resolve::{Family, Host};
pub use stream::{Stream, Wire};
