//! What the header of a message says of its way: the trace fields of RFC 5321 section 4.4, authentication results, the score of a spam filter.
//!
//! Pure: the bytes of a header in, values out. All of it was written by servers on the way, by whoever sent the message, or by both: it is
//! bounded here in bytes, fields and lengths, and every text has passed [`Clean`].

mod authentication;
mod field;
mod received;
mod spam;

use std::time::Duration;

use check_smtp_core::plugin::Clean;

pub use authentication::{AuthenticationResults, Method, MethodResult, Outcome};
use field::{Field, fields};
pub use received::{Hop, Tls};
pub use spam::Spam;

/// Bytes looked at of a header.
pub const HEADER_LIMIT: usize = 64 * 1024;
/// Hops looked at, the last ones; servers take more than this for a loop (RFC 5321 section 6.3).
const HOPS_LIMIT: usize = 100;
/// Fields of authentication results looked at, the topmost ones.
const RESULTS_LIMIT: usize = 50;
/// Characters of a name or value, which is as long as a domain can be (RFC 1035 section 2.3.4).
const TEXT_LIMIT: usize = 255;

/// What a header says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// The hops, in the order of travel.
    pub hops: Vec<Hop>,
    /// Whether there is more than was looked at: the first hops may be missing.
    pub is_cut: bool,
    /// What servers say of authentication, the topmost field (the last server) first, whoever they are.
    pub authentication: Vec<AuthenticationResults>,
    /// What spam filters say.
    pub spam: Spam,
}

impl Trace {
    /// Reads a header, 64 KiB of it at the most; what cannot be understood is left out.
    pub fn read(header: &[u8]) -> Self {
        let fields = fields(header);
        let mut received: Vec<Hop> = named(&fields, "received").take(HOPS_LIMIT + 1).map(Hop::read).collect();
        let is_cut = header.len() >= HEADER_LIMIT || received.len() > HOPS_LIMIT;
        received.truncate(HOPS_LIMIT);
        received.reverse();
        let mut before = None;
        for hop in &mut received {
            hop.delay = hop.time.zip(before).and_then(|(time, before): (i64, i64)| time.checked_sub(before));
            before = hop.time;
        }
        let authentication = named(&fields, "authentication-results")
            .take(RESULTS_LIMIT)
            .map(AuthenticationResults::read)
            .collect();
        Self { hops: received, is_cut, authentication, spam: Spam::read(&fields) }
    }
}

/// When the last server took the message, since 1970, as the topmost Received field says; `None` where that one cannot be read.
pub fn received_at(header: &[u8]) -> Option<Duration> {
    let fields = fields(header);
    let topmost = named(&fields, "received").next()?;
    u64::try_from(received::time(topmost)?).ok().map(Duration::from_secs)
}

/// The values of the fields of that name, from the top; the name in lower case.
fn named<'f>(fields: &'f [Field], name: &'static str) -> impl Iterator<Item = &'f str> {
    fields.iter().filter(move |field| field.name == name).map(|field| field.value.as_str())
}

/// The door for a name or a value.
fn clean(text: &str) -> String {
    Clean::with_limit(text, TEXT_LIMIT).to_string()
}

#[cfg(test)]
mod tests;
