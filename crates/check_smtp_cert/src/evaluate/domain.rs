//! What a domain's MX records say (RFC 5321 section 5.1, RFC 7505).

use check_smtp_core::advice::{domain as advice, for_failure};
use check_smtp_core::error::Failure;
use check_smtp_core::plugin::{Finding, State};
use check_smtp_core::timeline::Phase;

use crate::args::{Hosts, Server};
use crate::facts::Facts;

/// All findings on the records themselves.
pub fn findings(server: &Server, facts: &Facts) -> Vec<Finding> {
    let mut findings = halves(facts);
    let (Hosts::OfDomain(domain), Some(exchangers)) = (&server.domain.hosts, &facts.exchangers) else {
        return findings;
    };
    match (exchangers.has_null, exchangers.hosts.is_empty()) {
        (true, true) => {
            let text = format!("{domain} takes no mail (null MX, RFC 7505)");
            findings.push(Finding::new("null_mx", State::Critical, text).advised(advice::null_mx()));
        }
        (true, false) => {
            let text =
                format!("{domain} has a null MX beside others: senders may refuse it (RFC 7505 section 3)");
            findings.push(Finding::new("null_mx_beside_others", State::Warning, text));
        }
        _ => {}
    }
    if exchangers.is_implicit {
        let text = format!("{domain} has no MX record: senders try its own addresses (RFC 5321 section 5.1)");
        findings.push(Finding::new("implicit_mx", State::Ok, text));
    }
    if exchangers.left_out > 0 {
        let text = format!("{} MX hosts of {domain} are left out, beyond the limit", exchangers.left_out);
        findings.push(Finding::new("mx_left_out", State::Warning, text));
    }
    let aliases = facts.hosts.iter().filter(|_| !exchangers.is_implicit).filter_map(|host| {
        let target = host.records.as_ref()?.alias_of.as_ref()?;
        let text =
            format!("MX host {} is an alias of {target} (RFC 2181 section 10.3 forbids it)", host.name);
        Some(Finding::new("mx_alias", State::Warning, text))
    });
    findings.extend(aliases);
    findings
}

/// Addresses of one family that cannot be looked up while the other's can: senders that want them wait.
fn halves(facts: &Facts) -> Vec<Finding> {
    let halves = facts.hosts.iter().filter_map(|host| Some((host, host.records.as_ref()?.half.as_ref()?)));
    halves
        .map(|(host, cause)| {
            let failure = Failure::new(Phase::Dns, cause.clone());
            let text = format!("{}: of some addresses: {failure}", host.name);
            Finding::new("addresses_half_known", State::Warning, text).advised(for_failure(&failure))
        })
        .collect()
}
