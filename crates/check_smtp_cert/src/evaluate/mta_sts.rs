//! MTA-STS (RFC 8461): whether the domain's policy can be had, and whether its servers hold to it.

use check_smtp_core::advice::{self, domain};
use check_smtp_core::certificate::{Fault, span};
use check_smtp_core::contact::timing::Label;
use check_smtp_core::mta_sts::{Mode, Pattern, Policy, is_plain_text};
use check_smtp_core::net::https;
use check_smtp_core::plugin::{Advice, Finding, State};

use super::views::{View, Voucher};
use crate::args::{Config, Hosts, MtaSts, Server};
use crate::facts::{Endpoint, Facts, MtaStsSeen, NoPolicy};

/// All findings on the policy and on who must hold to it.
pub fn findings(config: &Config, server: &Server, facts: &Facts, views: &[View<'_>]) -> Vec<Finding> {
    let (Hosts::OfDomain(of), Some(seen)) = (&server.domain.hosts, &facts.mta_sts) else {
        return Vec::new();
    };
    let policy = match published(server.domain.mta_sts, of, seen) {
        Ok(policy) => policy,
        Err(finding) => return vec![finding],
    };
    let mut findings = vec![in_force(server.domain.mta_sts, of, policy)];
    findings.extend(media_type(of, seen));
    // Senders hold to a policy in mode enforce, report on one in mode testing, and forget one in mode none.
    let state = match policy.mode {
        Mode::Enforce => State::Critical,
        Mode::Testing => State::Warning,
        Mode::None => return findings,
    };
    for (index, host) in facts.hosts.iter().enumerate() {
        findings.push(covered(policy, of, &host.name, state));
        findings.extend(certificates(config, facts, views, index, state));
    }
    findings
}

/// `MTA-STS enforce`, where there is a policy.
pub fn summary(facts: &Facts) -> Option<String> {
    let policy = facts.mta_sts.as_ref()?.policy.as_ref()?.as_ref().ok()?;
    Some(format!("MTA-STS {}", policy.mode.name()))
}

fn finding(id: &'static str, state: State, text: String, advice: Option<Advice>) -> Finding {
    Finding::new(id, state, text).advised(advice.filter(|_| state != State::Ok))
}

/// The policy, or why there is none: senders then go on without.
fn published<'a>(mode: MtaSts, of: &str, seen: &'a MtaStsSeen) -> Result<&'a Policy, Finding> {
    let broken = if mode == MtaSts::Require { State::Critical } else { State::Warning };
    let record = |text: String| {
        Err(finding("mta_sts_record", broken, format!("MTA-STS of {of}: {text}"), domain::mta_sts_record()))
    };
    let policy = match (&seen.record, &seen.policy) {
        (Err(failure), _) => return record(format!("TXT record at _mta-sts.{of}: {failure}")),
        (Ok(Err(fault)), _) => return record(format!("TXT record at _mta-sts.{of}: {fault}")),
        (Ok(Ok(None)), _) => {
            let state = if mode == MtaSts::Require { State::Critical } else { State::Ok };
            let text = format!("{of} has no MTA-STS policy (no TXT record at _mta-sts.{of})");
            return Err(finding("mta_sts_absent", state, text, domain::mta_sts_record()));
        }
        (Ok(Ok(Some(_))), None) => return record("the policy was not asked for".to_owned()),
        (Ok(Ok(Some(_))), Some(policy)) => policy,
    };
    policy.as_ref().map_err(|reason| {
        let words = match reason {
            NoPolicy::NotFound(failure) => format!("cannot be fetched: {failure}"),
            NoPolicy::Unreachable(https::Fault::Local(words)) => {
                return Finding::new("local_file", State::Unknown, words);
            }
            NoPolicy::Unreachable(fault) => format!("cannot be fetched: {fault}"),
            NoPolicy::Status(status @ 300..=399) => {
                format!("is answered with the redirect {status}, which senders do not follow")
            }
            NoPolicy::Status(status) => format!("is answered with HTTP status {status}"),
            NoPolicy::Malformed(fault) => format!("is not sound: {fault}"),
        };
        finding("mta_sts_policy", broken, format!("MTA-STS policy of {of} {words}"), domain::mta_sts_policy())
    })
}

fn in_force(mode: MtaSts, of: &str, policy: &Policy) -> Finding {
    let seconds = i64::try_from(policy.max_age).unwrap_or(i64::MAX);
    let text = format!("MTA-STS policy of {of}: mode {}, kept for {}", policy.mode.name(), span(seconds));
    let state = match (mode, policy.mode) {
        (MtaSts::Require, Mode::None) => State::Critical,
        (MtaSts::Require, Mode::Testing) => State::Warning,
        _ => State::Ok,
    };
    let id = if state == State::Ok { "mta_sts" } else { "mta_sts_not_enforced" };
    finding(id, state, text, domain::mta_sts_not_enforced())
}

/// Senders should look at it (RFC 8461 section 3.3).
fn media_type(of: &str, seen: &MtaStsSeen) -> Option<Finding> {
    let told = seen.content_type.as_deref().unwrap_or("none");
    let text =
        format!("MTA-STS policy of {of} is served as {told}, not as text/plain: senders may refuse it");
    (!is_plain_text(told))
        .then(|| finding("mta_sts_media_type", State::Warning, text, domain::mta_sts_policy()))
}

fn covered(policy: &Policy, of: &str, host: &str, state: State) -> Finding {
    if policy.covers(host) {
        return Finding::new("mta_sts_covers", State::Ok, format!("MTA-STS policy of {of} names {host}"));
    }
    let patterns: Vec<&str> = policy.mx.iter().take(5).map(Pattern::as_str).collect();
    let text = format!("MTA-STS policy of {of} does not name {host} but {}", patterns.join(", "));
    finding("mta_sts_mx", state, text, domain::mta_sts_mx())
}

/// A policy wants what public roots vouch for (RFC 8461 section 4.2), also where the rest of this report goes by DANE or by what is allowed.
fn certificates(
    config: &Config,
    facts: &Facts,
    views: &[View<'_>],
    host: usize,
    state: State,
) -> Vec<Finding> {
    let of_host = facts.endpoints.iter().enumerate().filter(|(_, endpoint)| endpoint.host == host);
    let mut findings = Vec::new();
    for (index, endpoint) in of_host {
        let is_told =
            views.iter().any(|view| view.voucher == Voucher::Root && view.endpoints.contains(&index));
        let label = super::label(facts, index);
        findings
            .extend(first_fault(config, facts, endpoint, is_told).map(|fault| unfit(&fault, state, &label)));
    }
    findings
}

fn unfit(fault: &Fault, state: State, label: &Label) -> Finding {
    let text = label.text(format!("MTA-STS does not take its certificate: {fault}"));
    finding("mta_sts_certificate", state, text, advice::for_fault(fault))
}

/// What is wrong by the public roots and is not told as that already.
fn first_fault(config: &Config, facts: &Facts, endpoint: &Endpoint, is_told: bool) -> Option<Fault> {
    let chain = endpoint.chain.and_then(|chain| facts.chains.get(chain))?;
    let identity = &facts.hosts.get(endpoint.host)?.identity;
    let leaf = &chain.leaf()?.certificate;
    let trust = chain.fault.as_ref().ok().cloned().flatten();
    let name = leaf.name_fault(identity);
    if is_told {
        // What is allowed here, or judged more mildly, senders do not take.
        let trust = trust.filter(|fault| *fault == Fault::SelfSigned && config.expect.allows_self_signed);
        return trust.or(name.filter(|fault| matches!(fault, Fault::NoAlternativeName { .. })));
    }
    let time = || chain.judged().iter().find_map(|element| element.certificate.time_fault(facts.now));
    trust.or_else(time).or(name)
}
