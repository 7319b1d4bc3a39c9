//! What is shown to those who ask for more: sections for `-v` to `-vvv`, facts for JSON.

use check_smtp_core::certificate::date;
use check_smtp_core::contact::show;
use check_smtp_core::plugin::{Format, Report, Section};
use serde_json::{Map, Value, json};

use super::chain::hex;
use super::trials::{self, Verdict};
use super::{endpoint, names};
use crate::args::{Config, Server};
use crate::facts::{Chain, Element, Endpoint, Facts, Offered};

/// Sections and facts of the sessions.
pub fn endpoints(report: &mut Report, config: &Config, server: &Server, facts: &Facts) {
    if config.style.format == Format::Json && !facts.versions.is_empty() {
        report.fact("versions", facts.versions.iter().map(offered).collect::<Vec<_>>());
    }
    if config.style.format == Format::Json {
        names::facts(report, server, facts);
    }
    report.section(Section::new(0, "records that would be right", super::dane::right_records(facts)));
    match facts.endpoints.as_slice() {
        [only] => show::add(report, config.style, &only.contact, || one(server, facts, only)),
        several => {
            let lines = several.iter().enumerate().map(|(index, endpoint)| line(index, endpoint, facts));
            report.section(Section::new(0, "endpoints", lines));
            if config.style.format == Format::Json {
                let all: Vec<Value> =
                    several.iter().map(|endpoint| one(server, facts, endpoint).into()).collect();
                report.fact("endpoints", all);
            }
        }
    }
}

fn offered(offered: &Offered) -> Value {
    let accepted = match trials::verdict(offered) {
        Verdict::Accepted => Some(true),
        Verdict::Refused => Some(false),
        Verdict::Unclear => None,
    };
    json!({ "address": offered.place, "version": offered.offer.name(), "accepted": accepted })
}

fn line(index: usize, endpoint: &Endpoint, facts: &Facts) -> String {
    let contact = &endpoint.contact;
    let told = match (&contact.failure, &contact.record.tls) {
        (Some(failure), _) => failure.to_string(),
        (None, Some(session)) => {
            let leaf = session.certificates.first();
            let until = leaf.map(|leaf| {
                let word = if leaf.not_after < facts.now { "expired on" } else { "valid until" };
                format!(", {} {word} {}", leaf.label(), date(leaf.not_after))
            });
            format!("{}{}", session.version, until.unwrap_or_default())
        }
        (None, None) => "no TLS".to_owned(),
    };
    format!("{} {}: {told}", index + 1, endpoint::name(facts, endpoint))
}

fn one(server: &Server, facts: &Facts, endpoint: &Endpoint) -> Map<String, Value> {
    let mut own = Map::new();
    let session = endpoint.contact.record.tls.as_ref().map(|session| {
        json!({
            "version": session.version,
            "cipher": session.cipher,
            "group": session.group,
            "key_type": endpoint.key_kind.map(check_smtp_core::net::tls::KeyKind::name),
            "chain": endpoint.chain,
        })
    });
    own.insert("tls".to_owned(), session.into());
    if facts.exchangers.is_some() {
        own.insert("host".to_owned(), facts.hosts.get(endpoint.host).map(|host| host.name.as_str()).into());
    }
    if let Some(seen) = &endpoint.dane {
        let voucher = super::dane::authenticates(seen).map(|usage| usage.to_string());
        own.insert("dane".to_owned(), voucher.into());
    }
    show::facts(&server.tls, &endpoint.contact, own)
}

/// Sections and facts of the chains.
pub fn chains(report: &mut Report, config: &Config, facts: &Facts) {
    if config.style.verbosity >= 2 {
        for chain in &facts.chains {
            report.section(Section::new(
                2,
                "chain as sent",
                chain.sent.iter().enumerate().flat_map(|(index, element)| lines(index + 1, element)),
            ));
            report.section(Section::new(
                2,
                "path",
                chain.path.iter().map(|element| element.certificate.label()),
            ));
        }
    }
    if config.style.format == Format::Json {
        report.fact("chains", facts.chains.iter().map(chain_json).collect::<Vec<_>>());
    }
}

fn lines(number: usize, element: &Element) -> Vec<String> {
    let (certificate, details) = (&element.certificate, &element.details);
    let names: Vec<String> = certificate
        .dns_names
        .iter()
        .cloned()
        .chain(certificate.addresses.iter().map(ToString::to_string))
        .collect();
    let mut lines = vec![
        format!("{number}. {}", certificate.subject),
        format!("issuer {}", certificate.issuer),
        format!(
            "  {} to {}, {}, {}",
            date(certificate.not_before),
            date(certificate.not_after),
            certificate.key,
            details.signature
        ),
        format!("serial {}", details.serial),
        format!("SHA-256 {}", hex(&details.sha256)),
        format!("SHA-256 of the public key {}", hex(&details.spki_sha256)),
    ];
    if !names.is_empty() {
        lines.insert(2, format!("names {}", names.join(", ")));
    }
    lines
}

fn chain_json(chain: &Chain) -> Value {
    json!({
        "trusted": chain.is_trusted(),
        "sent": chain.sent.iter().map(element_json).collect::<Vec<_>>(),
        "path": chain.path.iter().map(|element| element.certificate.subject.as_str()).collect::<Vec<_>>(),
    })
}

fn element_json(element: &Element) -> Value {
    let (certificate, details) = (&element.certificate, &element.details);
    json!({
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "names": certificate.dns_names,
        "addresses": certificate.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "not_before": certificate.not_before,
        "not_after": certificate.not_after,
        "key": certificate.key.to_string(),
        "signature": details.signature,
        "serial": details.serial,
        "sha256": hex(&details.sha256),
        "spki_sha256": hex(&details.spki_sha256),
        "must_staple": details.must_staple,
    })
}
