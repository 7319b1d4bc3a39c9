//! What is wrong with a chain: trust, form, dates, names, strength, pins; each judged apart.

use check_smtp_core::advice;
use check_smtp_core::certificate::{Certificate, Fault, Identity, Key, span};
use check_smtp_core::contact::timing::Label;
use check_smtp_core::dane::Usage;
use check_smtp_core::plugin::{Finding, State};
use check_smtp_core::policy;

use super::views::{self, View, Voucher};
use super::{expiry, leaf_name};
use crate::args::Config;
use crate::expect::Expectations;
use crate::facts::{Chain, Element, Facts};
use crate::validity::as_f64;

/// All findings on a chain.
pub fn findings(config: &Config, facts: &Facts, view: &View<'_>) -> Vec<Finding> {
    let (expect, chain, label) = (&config.expect, view.chain.as_ref(), &view.label);
    let mut findings = match view.voucher {
        Voucher::Root => trust(expect, chain, label),
        // What the roots would say is not asked here, but that they cannot be read is told: a policy may need them.
        Voucher::Dane(_) => roots_failure(facts, view),
    };
    findings.extend(unreadable(chain, label));
    findings.extend(expiry::findings(config, view, facts.now));
    findings.extend(views::names(config, facts, view));
    if let Some(leaf) = chain.leaf() {
        findings.extend(pins(expect, leaf, label));
        findings.extend(lifetime(expect, leaf, label));
    }
    findings.extend(strength(expect, view));
    findings.extend(form(chain, label));
    findings
}

fn fault(fault: &Fault, state: State, label: &Label) -> Finding {
    let advice = if *fault == Fault::SelfSigned { advice::self_signed() } else { advice::for_fault(fault) };
    Finding::new(fault.id(), state, label.text(fault.to_string())).advised(advice)
}

fn trust(expect: &Expectations, chain: &Chain, label: &Label) -> Vec<Finding> {
    match &chain.fault {
        Err(failure) => policy::findings_of(failure),
        Ok(Some(Fault::SelfSigned)) if expect.allows_self_signed => {
            vec![Finding::new(
                "self_signed_allowed",
                State::Ok,
                label.text("certificate is self-signed, as allowed"),
            )]
        }
        Ok(Some(broken)) => vec![fault(broken, State::Critical, label)],
        Ok(None) => {
            let root = chain.path.last().map_or("a trusted root", |root| root.certificate.label());
            vec![Finding::new(
                "trusted",
                State::Ok,
                label.text(format!("certificate of {} is trusted by {root}", leaf_name(chain))),
            )]
        }
    }
}

fn roots_failure(facts: &Facts, view: &View<'_>) -> Vec<Finding> {
    let chain = facts.chains.get(view.number);
    let failure = chain.and_then(|chain| chain.fault.as_ref().err());
    failure.map(policy::findings_of).unwrap_or_default()
}

fn unreadable(chain: &Chain, label: &Label) -> Option<Finding> {
    let text = format!("{} certificates of the chain cannot be read", chain.unreadable);
    (chain.unreadable > 0).then(|| Finding::new("certificate_unreadable", State::Critical, label.text(text)))
}

/// Whether a certificate is for one that it must be for.
pub fn name(expect: &Expectations, leaf: &Certificate, identity: &Identity, label: &Label) -> Finding {
    match leaf.name_fault(identity) {
        None => Finding::new("name", State::Ok, label.text(format!("certificate is for {identity}"))),
        Some(Fault::NoAlternativeName { .. }) if leaf.is_named(identity) && expect.allows_cn => Finding::new(
            "common_name_allowed",
            State::Ok,
            label.text(format!("common name is {identity}, as allowed")),
        ),
        Some(broken @ Fault::NoAlternativeName { .. }) if leaf.is_named(identity) => {
            fault(&broken, State::Warning, label)
        }
        Some(broken) => fault(&broken, State::Critical, label),
    }
}

/// Keys of all that counts; signatures of all but the trusted root and the leaf of DANE-EE, which nobody checks.
fn strength(expect: &Expectations, view: &View<'_>) -> Vec<Finding> {
    let (chain, label) = (view.chain.as_ref(), &view.label);
    let is_leaf_alone = view.voucher == Voucher::Dane(Usage::EndEntity);
    let mut findings = Vec::new();
    for (index, element) in chain.judged().iter().enumerate() {
        let certificate = &element.certificate;
        let name = certificate.label().to_owned();
        let is_weak = match certificate.key {
            Key::Rsa(bits) => bits < expect.min_rsa,
            Key::Ec(bits) => bits < expect.min_ec,
            Key::Other => false,
        };
        if is_weak {
            let weak = Fault::WeakKey { element: name.clone(), key: certificate.key };
            findings.push(fault(&weak, State::Critical, label));
        }
        let is_root = expiry::place(chain, index) == "root" || certificate.is_self_issued;
        if certificate.has_weak_signature && !is_root && !is_leaf_alone {
            findings.push(fault(&Fault::WeakSignature { element: name }, State::Critical, label));
        }
    }
    findings
}

fn lifetime(expect: &Expectations, leaf: &Element, label: &Label) -> Option<Finding> {
    let certificate = &leaf.certificate;
    let allowed = expect.max_lifetime.of(certificate.not_before, leaf.details.is_public)?;
    let text = format!(
        "certificate of {} lives for {}, {} days at most were allowed when it was issued",
        certificate.label(),
        span(certificate.lifetime()),
        allowed / crate::validity::DAY
    );
    (as_f64(certificate.lifetime()) > allowed).then(|| {
        Finding::new("certificate_lifetime", State::Warning, label.text(text))
            .advised(advice::long_lifetime())
    })
}

fn pins(expect: &Expectations, leaf: &Element, label: &Label) -> Vec<Finding> {
    let certificate = &leaf.certificate;
    let pinned = [
        ("pin_spki", "public key", expect.spki.as_slice(), leaf.details.spki_sha256),
        ("pin_certificate", "certificate", expect.fingerprints.as_slice(), leaf.details.sha256),
    ];
    let mut findings: Vec<Finding> = pinned
        .into_iter()
        .filter(|(_, _, pins, _)| !pins.is_empty())
        .map(|(id, what, pins, found)| {
            let is_pinned = pins.contains(&found);
            let text = format!(
                "{what} of {} {} pinned (SHA-256 {})",
                certificate.label(),
                if is_pinned { "is" } else { "is not" },
                hex(&found)
            );
            pinned_finding(id, is_pinned, label.text(text))
        })
        .collect();
    if let Some(pattern) = &expect.issuer {
        let text = format!("issuer is {} (expected {pattern})", certificate.issuer);
        findings.push(pinned_finding("issuer", pattern.is_match(&certificate.issuer), label.text(text)));
    }
    if let Some(serial) = &expect.serial {
        let text = format!("serial number is {} (expected {serial})", leaf.details.serial);
        findings.push(pinned_finding("serial", leaf.details.serial == *serial, label.text(text)));
    }
    findings
}

fn pinned_finding(id: &'static str, is_met: bool, text: String) -> Finding {
    if is_met {
        return Finding::new(id, State::Ok, text);
    }
    Finding::new(id, State::Critical, text).advised(advice::pin_broken())
}

/// Hexadecimal without separators, as `--pin-cert` takes it.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// How the chain was put together: a wrong order breaks clients of TLS 1.2 (RFC 5246 section 7.4.2), the rest only costs bytes.
fn form(chain: &Chain, label: &Label) -> Vec<Finding> {
    let note = |id, certificate: &Certificate, what: &str| {
        Finding::new(id, State::Ok, label.text(format!("certificate of {} {what}", certificate.label())))
    };
    let (mut sent, mut findings): (Vec<&Element>, Vec<Finding>) = (Vec::new(), Vec::new());
    for element in &chain.sent {
        if sent.iter().any(|earlier| earlier.details.sha256 == element.details.sha256) {
            findings.push(note("chain_duplicate", &element.certificate, "is sent more than once"));
        } else {
            sent.push(element);
        }
    }
    let sent: Vec<&Certificate> = sent.into_iter().map(|element| &element.certificate).collect();
    if is_misordered(&sent) {
        let text = "certificates are sent in the wrong order, each must be followed by its issuer";
        findings.push(
            Finding::new("chain_order", State::Warning, label.text(text)).advised(advice::chain_order()),
        );
    }
    for (index, certificate) in sent.iter().enumerate().skip(1) {
        let is_issuer = sent
            .iter()
            .enumerate()
            .any(|(other, below)| other != index && below.issuer == certificate.subject);
        match (is_issuer, certificate.is_self_issued) {
            (false, _) => {
                findings.push(note(
                    "chain_extra",
                    certificate,
                    "is sent and belongs to no other of the chain",
                ));
            }
            (true, true) => {
                let what = "is a root: it is sent for nothing, clients have their own";
                findings.push(note("chain_root", certificate, what));
            }
            (true, false) => {}
        }
    }
    findings
}

/// Whether a certificate's issuer is sent, but not right behind it.
fn is_misordered(sent: &[&Certificate]) -> bool {
    sent.windows(2).any(|pair| {
        let [below, above] = pair else { return false };
        above.subject != below.issuer
            && !below.is_self_issued
            && sent.iter().skip(1).any(|other| other.subject == below.issuer)
    })
}
