//! What a domain's MX records say (RFC 5321 section 5.1, RFC 7505). Pure.

use crate::advice::domain as advice;
use crate::net::dns::Exchangers;
use crate::plugin::{Finding, State};

/// All findings on the records themselves.
pub fn findings(domain: &str, exchangers: &Exchangers) -> Vec<Finding> {
    let mut findings = Vec::new();
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
    findings
}
