//! What a domain's MX records say (RFC 5321 section 5.1, RFC 7505).

use check_smtp_core::contact;
use check_smtp_core::plugin::{Finding, State};

use crate::args::{Hosts, Server};
use crate::facts::Facts;

/// All findings on the records themselves.
pub fn findings(server: &Server, facts: &Facts) -> Vec<Finding> {
    let (Hosts::OfDomain(domain), Some(exchangers)) = (&server.domain.hosts, &facts.exchangers) else {
        return Vec::new();
    };
    let mut findings = contact::domain::findings(domain, exchangers);
    let aliases = facts.hosts.iter().filter(|_| !exchangers.is_implicit).filter_map(|host| {
        let target = host.records.as_ref()?.alias_of.as_ref()?;
        let text =
            format!("MX host {} is an alias of {target} (RFC 2181 section 10.3 forbids it)", host.name);
        Some(Finding::new("mx_alias", State::Warning, text))
    });
    findings.extend(aliases);
    findings
}
