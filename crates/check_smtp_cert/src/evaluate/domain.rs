//! What a domain's MX records say (RFC 5321 section 5.1, RFC 7505).

use check_smtp_core::advice::for_failure;
use check_smtp_core::contact;
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
    findings.extend(contact::domain::findings(domain, exchangers));
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
