//! What to do about a domain: its MX and TLSA records, its MTA-STS policy.

use super::advice;
use crate::plugin::Advice;

/// Advice on a lookup that failed, by the words of the failure.
pub(super) fn for_lookup(words: &str) -> Option<Advice> {
    if words.contains("SERVFAIL") {
        return advice(
            "servfail",
            "the zone's own name servers fail, or DNSSEC is bogus (then 'dig +cd' has an answer): look at the zone with delv or dnsviz",
        );
    }
    if words.contains("no answer of") {
        return advice(
            "resolver_silent",
            "the name server does not answer: is the one given with --resolver (or in /etc/resolv.conf) running, and does it take questions from this host?",
        );
    }
    advice(
        "resolver_fails",
        "check the name servers in /etc/resolv.conf of the monitoring host, or give an address with -I",
    )
}

/// Advice on a name server that drops signatures.
pub(super) fn no_proof() -> Option<Advice> {
    advice(
        "dnssec_not_passed_on",
        "give --resolver a name server that passes signatures on (with --dnssec own) or validates them itself, such as Unbound on this host",
    )
}

/// Advice on signatures that do not hold.
pub(super) fn bogus() -> Option<Advice> {
    advice(
        "dnssec_bogus",
        "sign the zone again and compare its DS records at the parent (delv, dnsviz): servers that validate put mail off; is the clock right?",
    )
}

/// Advice on a domain that takes no mail.
pub fn null_mx() -> Option<Advice> {
    advice(
        "null_mx",
        "a domain that shall take mail needs another MX record than '0 .'; for one that shall not, leave this check out",
    )
}

/// Advice on records that DNSSEC does not vouch for.
pub fn dane_insecure() -> Option<Advice> {
    advice(
        "dane_insecure",
        "sign the zone and hand its DS record to the parent, and let the check ask a resolver that validates (--resolver with --dnssec resolver) or passes signatures on",
    )
}

/// Advice on TLSA records that are not there, or of no use.
pub fn dane_absent() -> Option<Advice> {
    advice(
        "dane_absent",
        "publish '3 1 1' and the SHA-256 of the server's public key (-vv shows it) at the name told above, or leave out --dane require",
    )
}

/// Advice on a certificate that no record vouches for.
pub fn dane_mismatch() -> Option<Advice> {
    advice(
        "dane_mismatch",
        "senders that use DANE put mail off: publish the right record (shown below) now; before the next change of keys publish the new record two TTLs ahead (RFC 7671 section 8.1)",
    )
}

/// Advice on the record that announces a policy.
pub fn mta_sts_record() -> Option<Advice> {
    advice(
        "mta_sts_record",
        "publish exactly one TXT record at _mta-sts of the domain: 'v=STSv1; id=...;', with a new id for each new policy (RFC 8461 section 3.1)",
    )
}

/// Advice on a policy that senders cannot use.
pub fn mta_sts_policy() -> Option<Advice> {
    advice(
        "mta_sts_policy",
        "serve https://mta-sts.DOMAIN/.well-known/mta-sts.txt with a valid certificate of a public CA, without redirects (RFC 8461 section 3.3)",
    )
}

/// Advice on a policy that does not protect.
pub fn mta_sts_not_enforced() -> Option<Advice> {
    advice(
        "mta_sts_not_enforced",
        "set 'mode: enforce' in the policy once the reports are clean, and a new id in the TXT record",
    )
}

/// Advice on a server that its domain's policy leaves out.
pub fn mta_sts_mx() -> Option<Advice> {
    advice(
        "mta_sts_mx",
        "add the host as an 'mx:' line to the policy, and a new id to the TXT record: senders that keep to the policy do not deliver there",
    )
}
