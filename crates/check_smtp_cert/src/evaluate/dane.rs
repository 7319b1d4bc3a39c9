//! DANE (RFC 7672): whether the TLSA records of each host vouch for what its endpoints sent.

use check_smtp_core::advice::domain as advice;
use check_smtp_core::certificate::Identity;
use check_smtp_core::contact::timing::Label;
use check_smtp_core::dane::{RECORDS_LIMIT, Tlsa, Usage};
use check_smtp_core::error::Failure;
use check_smtp_core::net::dns::{TlsaLookup, Tlsas};
use check_smtp_core::plugin::{Finding, State};
use check_smtp_core::policy;
use check_smtp_core::timeline::Phase;

use super::chain::hex;
use super::views::{View, Voucher};
use crate::args::{Config, Dane, Hosts, Server, Source};
use crate::facts::{Chain, DaneSeen, Endpoint, Facts, HostSeen};

/// All findings on the records of each host and on what they say of its endpoints.
pub fn findings(server: &Server, facts: &Facts) -> Vec<Finding> {
    let mode = server.domain.dane;
    if mode == Dane::Off {
        return Vec::new();
    }
    let mut findings: Vec<Finding> = insecure_exchangers(mode, server, facts).into_iter().collect();
    for (index, host) in facts.hosts.iter().enumerate() {
        // Where the addresses fail, the endpoint says so already.
        let Some(lookup) = host.records.as_ref().and_then(|records| records.tlsa.as_ref()) else { continue };
        if host.addresses.is_err() {
            continue;
        }
        findings.extend(records(mode, facts, host, lookup));
        let TlsaLookup::Secure(tlsas) = lookup else { continue };
        let (owner, records) = (tlsas.owner.as_str(), tlsas.records.as_slice());
        findings.extend(left_over(index, owner, records, facts));
        let endpoints = facts.endpoints.iter().enumerate().filter(|(_, endpoint)| endpoint.host == index);
        for (number, endpoint) in endpoints {
            let label = super::label(facts, number);
            findings.extend(matched(owner, records, facts, endpoint, &label));
        }
    }
    findings
}

/// How a chain is authenticated, if it is: DANE-EE where a record is the leaf's, which asks for the least.
pub fn authenticates(seen: &DaneSeen) -> Option<Usage> {
    if seen.hits.iter().any(|hit| hit.element == 0) {
        return Some(Usage::EndEntity);
    }
    let is_anchored = seen.anchored.as_ref().is_some_and(Chain::is_trusted);
    is_anchored.then_some(Usage::TrustAnchor)
}

/// `by DANE`, where records vouch for what was sent; how many of how many, where not for all of it.
pub fn summary(views: &[View<'_>]) -> Option<String> {
    let count = |is_wanted: fn(&Voucher) -> bool| -> usize {
        views.iter().filter(|view| is_wanted(&view.voucher)).map(|view| view.endpoints.len()).sum()
    };
    match (count(|voucher| matches!(voucher, Voucher::Dane(_))), count(|_| true)) {
        (0, _) => None,
        (some, all) if some == all => Some("by DANE".to_owned()),
        (some, all) => Some(format!("{some} of {all} by DANE")),
    }
}

/// The names that a certificate below a trust anchor may be for: the host's name in the records, and the domain where its MX records are
/// secure, by either of its names (RFC 7672 section 3.2.2).
pub fn names(config: &Config, facts: &Facts, host: &HostSeen) -> Vec<Identity> {
    let lookup = host.records.as_ref().and_then(|records| records.tlsa.as_ref());
    let base = match lookup {
        Some(TlsaLookup::Secure(tlsas)) => Some(tlsas.base.clone()),
        _ => None,
    };
    let domain = match &config.source {
        Source::Server(server) => match &server.domain.hosts {
            Hosts::OfDomain(domain) => Some(domain.clone()),
            Hosts::One => None,
        },
        Source::File { .. } => None,
    };
    let exchangers = facts.exchangers.as_ref().filter(|exchangers| exchangers.is_secure);
    let next_hop = exchangers.and_then(|exchangers| exchangers.alias_of.clone());
    let domain = domain.filter(|_| exchangers.is_some());
    base.into_iter().chain(domain).chain(next_hop).map(Identity::Name).collect()
}

/// CRITICAL where DANE is required, otherwise the state given.
fn state(mode: Dane, otherwise: State) -> State {
    if mode == Dane::Require { State::Critical } else { otherwise }
}

/// Without a proof of the MX records a sender cannot know that these are the right hosts (RFC 7672 section 2.2.1).
fn insecure_exchangers(mode: Dane, server: &Server, facts: &Facts) -> Option<Finding> {
    let Hosts::OfDomain(domain) = &server.domain.hosts else { return None };
    let exchangers = facts.exchangers.as_ref()?;
    let is_insecure = !exchangers.is_implicit && !exchangers.is_secure && !exchangers.hosts.is_empty();
    let text = format!("DNSSEC does not vouch for the MX records of {domain}: senders need not use DANE");
    is_insecure.then(|| {
        Finding::new("dane_insecure_mx", state(mode, State::Ok), text).advised(advice::dane_insecure())
    })
}

fn records(mode: Dane, facts: &Facts, host: &HostSeen, lookup: &TlsaLookup) -> Vec<Finding> {
    let finding = |id, otherwise, text: String| Finding::new(id, state(mode, otherwise), text);
    match lookup {
        TlsaLookup::Secure(tlsas) => of_owner(mode, tlsas),
        TlsaLookup::Insecure(owner, count) => {
            let text =
                format!("DNSSEC does not vouch for the TLSA records of {owner} ({count}): nobody uses them");
            vec![finding("dane_insecure", State::Warning, text).advised(advice::dane_insecure())]
        }
        TlsaLookup::Absent(owner) => {
            let text = format!("no TLSA record at {owner}");
            vec![finding("dane_absent", State::Ok, text).advised(advice::dane_absent())]
        }
        TlsaLookup::NotAsked => {
            let text =
                format!("DNSSEC does not vouch for the addresses of {}: DANE does not apply", host.name);
            vec![finding("dane_not_applicable", State::Ok, text).advised(advice::dane_insecure())]
        }
        TlsaLookup::Failed(cause) => {
            let failure = Failure::new(Phase::Dns, cause.clone());
            let prefix = if facts.hosts.len() > 1 { format!("{}: ", host.name) } else { String::new() };
            let label = Label { prefix, suffix: String::new() };
            let told = policy::findings_of(&failure).into_iter();
            told.map(|finding| {
                let text = format!("{}; senders that use DANE put mail off", finding.text());
                Finding::new(finding.id(), finding.state(), label.text(text)).advised(finding.advice())
            })
            .collect()
        }
    }
}

/// The records themselves: those of no use, and whether a change of keys is prepared.
fn of_owner(mode: Dane, tlsas: &Tlsas) -> Vec<Finding> {
    let Tlsas { owner, records, left_out, .. } = tlsas;
    let mut findings: Vec<Finding> = records
        .iter()
        .filter_map(|record| {
            let unusable = record.usability().err()?;
            let text = format!("TLSA record {record} of {owner} is of no use: {unusable}");
            Some(Finding::new("dane_record_unusable", State::Warning, text))
        })
        .collect();
    let usable = records.len() - findings.len();
    if *left_out > 0 {
        let text =
            format!("{left_out} TLSA records of {owner} are left out, beyond the limit of {RECORDS_LIMIT}");
        findings.push(Finding::new("dane_left_out", State::Warning, text));
    }
    match usable {
        0 => {
            let text = format!("no TLSA record of {owner} can be used: senders encrypt and verify nothing");
            let finding = Finding::new("dane_unusable", state(mode, State::Warning), text);
            findings.push(finding.advised(advice::dane_absent()));
        }
        1 => {
            let text = format!(
                "{owner} has one TLSA record: publish that of the next key beside it, two TTLs before the key is changed"
            );
            findings.push(Finding::new("dane_single_record", State::Ok, text));
        }
        _ => {}
    }
    findings
}

/// What the usable records say of one endpoint's chain.
fn matched(
    owner: &str,
    records: &[Tlsa],
    facts: &Facts,
    endpoint: &Endpoint,
    label: &Label,
) -> Option<Finding> {
    let seen = endpoint.dane.as_ref()?;
    let chain = endpoint.chain.and_then(|number| facts.chains.get(number))?;
    let usable = usable(records);
    let Some(usage) = authenticates(seen) else { return Some(mismatch(owner, &usable, seen, chain, label)) };
    let of_usage = |record: &&&Tlsa| record.usability() == Ok(usage);
    let mut hit: Vec<usize> = seen.hits.iter().map(|hit| hit.record).collect();
    hit.dedup();
    let hit: Vec<&Tlsa> =
        hit.iter().filter_map(|index| usable.get(*index)).filter(of_usage).copied().collect();
    // An anchor that was not sent is in its record in full, and no hit.
    let hit = if hit.is_empty() { usable.iter().filter(of_usage).copied().collect() } else { hit };
    let which: Vec<String> = hit.into_iter().map(ToString::to_string).collect();
    let text =
        format!("TLSA {} of {owner} vouches for {} by {usage}", which.join(" and "), super::leaf_name(chain));
    Some(Finding::new("dane", State::Ok, label.text(text)))
}

fn usable(records: &[Tlsa]) -> Vec<&Tlsa> {
    records.iter().filter(|record| record.usability().is_ok()).collect()
}

/// Senders that use DANE will not deliver.
fn mismatch(owner: &str, usable: &[&Tlsa], seen: &DaneSeen, chain: &Chain, label: &Label) -> Finding {
    let reason = match seen.anchored.as_ref().map(|anchored| &anchored.fault) {
        Some(Ok(Some(fault))) if !seen.hits.is_empty() => format!(" ({fault})"),
        _ => String::new(),
    };
    let name = super::leaf_name(chain);
    let text = match usable {
        [only] => format!("TLSA {only} of {owner} does not fit the certificate of {name}{reason}"),
        all => {
            format!("none of {} TLSA records of {owner} fits the certificate of {name}{reason}", all.len())
        }
    };
    Finding::new("dane_mismatch", State::Critical, label.text(text)).advised(advice::dane_mismatch())
}

/// Records that match nothing of what a host's endpoints sent.
fn left_over(host: usize, owner: &str, records: &[Tlsa], facts: &Facts) -> Option<Finding> {
    let endpoints = facts.endpoints.iter().filter(|endpoint| endpoint.host == host);
    let seen: Vec<&DaneSeen> = endpoints.filter_map(|endpoint| endpoint.dane.as_ref()).collect();
    let hits = |index: usize| seen.iter().any(|seen| seen.hits.iter().any(|hit| hit.record == index));
    let usable = usable(records);
    let unmatched: Vec<String> = usable
        .iter()
        .enumerate()
        .filter(|(index, _)| !hits(*index))
        .map(|(_, record)| record.to_string())
        .collect();
    let is_some = !unmatched.is_empty() && unmatched.len() < usable.len();
    let text = format!(
        "TLSA {} of {owner} fits nothing that was seen: a change of keys is prepared or not cleared up, or it is for another kind of key (--key-types both)",
        unmatched.join(" and ")
    );
    is_some.then(|| Finding::new("dane_left_over", State::Ok, text))
}

/// For each endpoint whose certificate no record fits: the record that would, as a zone file has it.
pub fn right_records(facts: &Facts) -> Vec<String> {
    let mut lines: Vec<String> = facts
        .endpoints
        .iter()
        .filter_map(|endpoint| {
            endpoint.dane.as_ref().filter(|seen| authenticates(seen).is_none())?;
            let records = facts.hosts.get(endpoint.host)?.records.as_ref()?;
            let TlsaLookup::Secure(Tlsas { owner, .. }) = records.tlsa.as_ref()? else { return None };
            let leaf = endpoint.chain.and_then(|number| facts.chains.get(number))?.leaf()?;
            Some(format!("{owner}. IN TLSA 3 1 1 {}", hex(&leaf.details.spki_sha256)))
        })
        .collect();
    lines.dedup();
    lines
}
