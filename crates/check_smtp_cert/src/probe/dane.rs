//! Holds the chains that were sent against the TLSA records of their hosts.

use check_smtp_core::dane::{self, Tlsa, Usage};
use check_smtp_core::error::Failure;
use check_smtp_core::net::dns::TlsaLookup;
use check_smtp_core::net::tls;
use check_smtp_core::timeline::Phase;

use crate::facts::{Chain, DaneSeen, HostSeen};

/// The records of a host that senders use: secure and usable.
fn usable(host: &HostSeen) -> Vec<Tlsa> {
    match host.records.as_ref().and_then(|records| records.tlsa.as_ref()) {
        Some(TlsaLookup::Secure(_, records)) => {
            records.iter().filter(|record| record.usability().is_ok()).cloned().collect()
        }
        _ => Vec::new(),
    }
}

/// Which of its host's records match a chain, and the path to the trust anchor that one names; `None` without records.
pub fn seen(host: &HostSeen, sent: &[Vec<u8>]) -> Option<DaneSeen> {
    let records = usable(host);
    if records.is_empty() {
        return None;
    }
    let hits = dane::hits(&records, sent);
    let anchors: Vec<&Tlsa> =
        records.iter().filter(|record| record.usability() == Ok(Usage::TrustAnchor)).collect();
    // Only where a record names one: its path is built then.
    let anchored = (!anchors.is_empty()).then(|| {
        let path = tls::anchored_path(sent, &anchors);
        Chain::new(sent, path.map_err(|cause| Failure::new(Phase::Tls, cause)))
    });
    Some(DaneSeen { hits, anchored })
}
