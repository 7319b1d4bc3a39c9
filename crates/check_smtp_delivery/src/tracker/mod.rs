//! What became of the probes of a route, from one run to the next.
//!
//! [`Tracker`] is pure: what happened and when are arguments, what is known is the answer. [`Store`] keeps it in a file: locked for
//! the whole run, replaced by rename, never believed when it is broken.

mod id;
mod json;
mod probe;
mod state;
mod store;
#[cfg(test)]
mod tests;

pub use id::{Instance, Token};
pub use probe::{Arrival, Place, Probe, State};
pub use state::{Full, Limits, Noted, PROBES_LIMIT, Tracker};
pub use store::{Found, Store, StoreFault};
