//! Holds the chains that were sent against the TLSA records of their hosts.

use std::collections::HashMap;

use check_smtp_core::dane::{self, Tlsa, Usage};
use check_smtp_core::error::Failure;
use check_smtp_core::net::Deadline;
use check_smtp_core::net::dns::TlsaLookup;
use check_smtp_core::net::tls;
use check_smtp_core::timeline::Phase;

use super::Sent;
use crate::facts::{Chain, DaneSeen, Facts, HostSeen};

/// What the records of each endpoint's host say of its chain, found out once for each host and chain.
pub fn look(sent: &Sent, facts: &mut Facts, deadline: Deadline) {
    let mut known: HashMap<(usize, usize), Option<DaneSeen>> = HashMap::new();
    for endpoint in &mut facts.endpoints {
        let Some(number) = endpoint.chain else { continue };
        let (Some(host), Some(chain)) = (facts.hosts.get(endpoint.host), sent.get(number)) else { continue };
        let seen = known.entry((endpoint.host, number)).or_insert_with(|| seen(host, chain, deadline));
        endpoint.dane.clone_from(seen);
    }
}

/// The records of a host that senders use: secure and usable.
fn usable(host: &HostSeen) -> Vec<Tlsa> {
    match host.records.as_ref().and_then(|records| records.tlsa.as_ref()) {
        Some(TlsaLookup::Secure(tlsas)) => {
            tlsas.records.iter().filter(|record| record.usability().is_ok()).cloned().collect()
        }
        _ => Vec::new(),
    }
}

/// Which records match a chain, and the path to the trust anchor that one names; `None` without records.
fn seen(host: &HostSeen, sent: &[Vec<u8>], deadline: Deadline) -> Option<DaneSeen> {
    let records = usable(host);
    if records.is_empty() {
        return None;
    }
    let hits = dane::hits(&records, sent);
    let anchors: Vec<&Tlsa> =
        records.iter().filter(|record| record.usability() == Ok(Usage::TrustAnchor)).collect();
    let named: Vec<usize> = hits.iter().map(|hit| hit.element).filter(|element| *element > 0).collect();
    // Only where a record names one: its path is built then.
    let anchored = (!anchors.is_empty()).then(|| {
        let path = tls::anchored_path(sent, &named, &anchors, deadline);
        Chain::new(sent, path.map_err(|cause| Failure::new(Phase::Tls, cause)))
    });
    Some(DaneSeen { hits, anchored })
}
