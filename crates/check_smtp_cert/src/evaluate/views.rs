//! The chains as they are judged: a chain once for each way it is vouched for.

use std::borrow::Cow;

use check_smtp_core::certificate::Identity;
use check_smtp_core::contact::timing::Label;
use check_smtp_core::dane::Usage;
use check_smtp_core::plugin::{Finding, State};

use super::{dane, endpoint};
use crate::args::{Config, Dane, Source};
use crate::facts::{Chain, Endpoint, Facts};

/// Who says that a certificate is the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voucher {
    /// A trusted root.
    Root,
    /// A TLSA record, in this way.
    Dane(Usage),
}

/// A chain, and the endpoints that are judged by it in the same way.
#[derive(Clone, Debug)]
pub struct View<'a> {
    /// The chain, with the path that counts.
    pub chain: Cow<'a, Chain>,
    /// Who vouches for it.
    pub voucher: Voucher,
    /// Its place among the chains.
    pub number: usize,
    /// The endpoints, by their place.
    pub endpoints: Vec<usize>,
    /// What tells it from the others in texts.
    pub label: Label,
}

impl View<'_> {
    /// Whether dates count: DANE-EE ignores them (RFC 7671 section 5.1), unless limits on them were asked for.
    pub fn has_dates(&self, config: &Config) -> bool {
        self.voucher != Voucher::Dane(Usage::EndEntity) || config.left != crate::validity::Limits::default()
    }
}

/// All views, in the order of the chains.
pub fn of<'a>(config: &Config, facts: &'a Facts) -> Vec<View<'a>> {
    let mut views: Vec<(usize, View<'a>)> = Vec::new();
    for (index, endpoint) in facts.endpoints.iter().enumerate() {
        let Some(number) = endpoint.chain else { continue };
        let Some(chain) = facts.chains.get(number) else { continue };
        let voucher = voucher(config, endpoint);
        // The path to a trust anchor is the host's own; the others are the same for every host.
        let path = if voucher == Voucher::Dane(Usage::TrustAnchor) { endpoint.host + 1 } else { 0 };
        let known = views
            .iter_mut()
            .find(|(known, view)| *known == path && view.number == number && view.voucher == voucher);
        if let Some((_, view)) = known {
            view.endpoints.push(index);
            continue;
        }
        let chain = vouched(chain, endpoint, voucher);
        views.push((path, View { chain, voucher, number, endpoints: vec![index], label: Label::default() }));
    }
    let mut views: Vec<View<'a>> = views.into_iter().map(|(_, view)| view).collect();
    views.sort_by_key(|view| view.number);
    if facts.endpoints.is_empty() {
        views = facts.chains.iter().enumerate().map(|(number, chain)| of_file(chain, number)).collect();
    }
    for view in &mut views {
        view.label = label(facts, &view.endpoints);
    }
    views
}

fn of_file(chain: &Chain, number: usize) -> View<'_> {
    let chain = Cow::Borrowed(chain);
    View { chain, voucher: Voucher::Root, number, endpoints: Vec::new(), label: Label::default() }
}

/// Who vouches for an endpoint's chain; where no record does, a root must.
fn voucher(config: &Config, endpoint: &Endpoint) -> Voucher {
    let is_on = match &config.source {
        Source::Server(server) => server.domain.dane != Dane::Off,
        Source::File { .. } => false,
    };
    endpoint
        .dane
        .as_ref()
        .filter(|_| is_on)
        .and_then(dane::authenticates)
        .map_or(Voucher::Root, Voucher::Dane)
}

/// The chain with the path that counts: of DANE-EE the leaf alone, of DANE-TA as far as the anchor.
fn vouched<'a>(chain: &'a Chain, endpoint: &'a Endpoint, voucher: Voucher) -> Cow<'a, Chain> {
    let anchored = endpoint.dane.as_ref().and_then(|seen| seen.anchored.as_ref());
    match (voucher, anchored) {
        (Voucher::Dane(Usage::EndEntity), _) => Cow::Owned(Chain {
            path: chain.leaf().cloned().into_iter().collect(),
            fault: Ok(None),
            ..chain.clone()
        }),
        (Voucher::Dane(Usage::TrustAnchor), Some(anchored)) => Cow::Borrowed(anchored),
        _ => Cow::Borrowed(chain),
    }
}

/// A chain is judged once and named by the endpoints that sent it.
fn label(facts: &Facts, endpoints: &[usize]) -> Label {
    if facts.endpoints.len() < 2 {
        return Label::default();
    }
    let senders: Vec<String> = endpoints
        .iter()
        .filter_map(|index| Some(endpoint::name(facts, facts.endpoints.get(*index)?)))
        .collect();
    let more = if senders.len() > 2 { format!(" and {} more", senders.len() - 2) } else { String::new() };
    let shown: Vec<&str> = senders.iter().take(2).map(String::as_str).collect();
    Label { prefix: format!("{}{more}: ", shown.join(", ")), suffix: String::new() }
}

/// Whether the certificate is for each host that sent it, and for every further name that was asked for.
pub fn names(config: &Config, facts: &Facts, view: &View<'_>) -> Vec<Finding> {
    let Some(leaf) = view.chain.leaf() else { return Vec::new() };
    let expect = &config.expect;
    let judged = |identity: &Identity| super::chain::name(expect, &leaf.certificate, identity, &view.label);
    let mut hosts: Vec<usize> = view
        .endpoints
        .iter()
        .filter_map(|index| facts.endpoints.get(*index))
        .map(|endpoint| endpoint.host)
        .collect();
    hosts.dedup();
    let mut findings: Vec<Finding> = hosts
        .into_iter()
        .filter_map(|host| facts.hosts.get(host))
        .map(|host| match view.voucher {
            Voucher::Root => judged(&host.identity),
            Voucher::Dane(Usage::EndEntity) => {
                let finding = judged(&host.identity);
                if finding.state() == State::Ok {
                    return finding;
                }
                let text = format!("{}, which DANE-EE ignores (RFC 7671 section 5.1)", finding.text());
                Finding::new("name_ignored", State::Ok, text)
            }
            Voucher::Dane(Usage::TrustAnchor) => {
                // One of them will do; the first is told where none does.
                let all: Vec<Finding> = dane::names(config, facts, host).iter().map(judged).collect();
                let fits = all.iter().find(|finding| finding.state() == State::Ok);
                fits.or(all.first()).cloned().unwrap_or_else(|| judged(&host.identity))
            }
        })
        .collect();
    findings.extend(expect.identities.iter().map(judged));
    findings
}
