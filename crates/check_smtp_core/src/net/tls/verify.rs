//! The verdict on a chain: OpenSSL builds and checks the path, dates, name and strength are judged beside it.

use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509, X509PurposeId, X509Ref, X509StoreContext};

use openssl::pkey::PKey;

use super::{Roots, Settings, Verdicts, Version};
use crate::certificate::{Certificate, Fault};
use crate::dane::Tlsa;
use crate::error::Cause;
use crate::net::clock::{self, Deadline};

/// `X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT` of OpenSSL's verify codes.
const SELF_SIGNED_LEAF: i32 = 18;

/// Certificates of a chain whose signatures are held against bare keys.
const SIGNED_LIMIT: usize = 8;

/// What building a path to a trusted root came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path {
    /// The path as built, leaf first, in DER; as far as it could be built where it does not end in a trusted root.
    pub elements: Vec<Vec<u8>>,
    /// Why it is not trusted. Dates do not count here: they are judged element by element.
    pub fault: Option<Fault>,
}

/// Builds the path for a chain in DER, leaf first. Fails only when a local file cannot be used.
pub fn path(chain: &[Vec<u8>], roots: &Roots, deadline: Deadline) -> Result<Path, Cause> {
    let chain: Vec<X509> = chain.iter().filter_map(|der| X509::from_der(der).ok()).collect();
    let Some(leaf) = chain.first() else {
        return Ok(Path { elements: Vec::new(), fault: Some(Fault::NoCertificate) });
    };
    build_best(leaf, &chain, &roots.candidates(&chain, deadline)?, Ends::InRoot)
}

/// Builds the path to a trust anchor that one of these DANE-TA records names (RFC 7671 section 5.2), leaf first. `named`: the certificates
/// of the chain that a record stands for. The leaf itself is nobody's anchor.
pub fn anchored_path(
    chain: &[Vec<u8>],
    named: &[usize],
    records: &[&Tlsa],
    deadline: Deadline,
) -> Result<Path, Cause> {
    let sent: Vec<X509> = chain.iter().filter_map(|der| X509::from_der(der).ok()).collect();
    let (Some(leaf), Some(leaf_der)) = (sent.first(), chain.first()) else {
        return Ok(Path { elements: Vec::new(), fault: Some(Fault::NoCertificate) });
    };
    let above = named.iter().filter_map(|index| chain.get(*index));
    // Data that is no hash holds the anchor itself, which then need not be sent.
    let whole = records.iter().filter(|record| (record.selector, record.matching) == (0, 0));
    let anchors = above.chain(whole.map(|record| &record.data)).filter(|der| *der != leaf_der);
    let mut anchors: Vec<X509> = anchors.filter_map(|der| X509::from_der(der).ok()).collect();
    let keys = records.iter().filter(|record| (record.selector, record.matching) == (1, 0));
    let keys: Vec<_> = keys.filter_map(|record| PKey::public_key_from_der(&record.data).ok()).collect();
    // Below a bare key, what it has signed is as good as the anchor. Each look at a signature costs: a hostile chain gets no more time.
    let looked_at = sent.iter().take(SIGNED_LIMIT).take_while(|_| !deadline.left().is_zero());
    let signed = looked_at.filter(|one| keys.iter().any(|key| one.verify(key).unwrap_or(false)));
    anchors.extend(signed.cloned());
    build_best(leaf, &sent, &anchors, Ends::Anywhere)
}

/// Where a path may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// In a trusted certificate that signs itself.
    InRoot,
    /// In any trusted certificate.
    Anywhere,
}

/// Only the dates may be at fault: the path is built again without them then, so that trust and time are told apart.
fn build_best(leaf: &X509Ref, chain: &[X509], roots: &[X509], ends: Ends) -> Result<Path, Cause> {
    let path = match build(leaf, chain, roots, ends, Some(clock::now())) {
        Ok(path) if path.fault.is_some() => build(leaf, chain, roots, ends, None),
        other => other,
    };
    path.map_err(|error| Cause::Handshake(super::openssl_words(&error)))
}

/// Judges a chain as sent. Fails only when a local file cannot be used.
pub fn verdicts(
    chain: &[X509],
    settings: &Settings,
    version: Option<Version>,
    deadline: Deadline,
) -> Result<Verdicts, Cause> {
    let strength = old_protocol(settings, version);
    let Some(leaf) = chain.first() else {
        return Ok(Verdicts { trust: Some(Fault::NoCertificate), strength, ..Verdicts::default() });
    };
    if !settings.is_verified {
        return Ok(Verdicts { strength, ..Verdicts::default() });
    }
    let roots = settings.roots.candidates(chain, deadline)?;
    let now = clock::now();
    let path = build_best(leaf, chain, &roots, Ends::InRoot)?;
    let elements: Vec<Certificate> =
        path.elements.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
    let leaf = leaf.to_der().ok().and_then(|der| Certificate::from_der(&der).ok());
    let Some(leaf) = leaf else {
        let reason = "it cannot be read".to_owned();
        return Ok(Verdicts {
            trust: Some(Fault::Untrusted { reason, element: "leaf".to_owned() }),
            strength,
            ..Verdicts::default()
        });
    };
    // A trusted root's own dates do not count for OpenSSL's callers of today, its path is judged as built.
    Ok(Verdicts {
        time: leaf.time_fault(now).or_else(|| elements.iter().find_map(|element| element.time_fault(now))),
        name: leaf.name_fault(&settings.identity),
        strength: strength
            .or_else(|| leaf.strength_fault())
            .or_else(|| elements.iter().find_map(Certificate::strength_fault)),
        trust: path.fault,
    })
}

fn old_protocol(settings: &Settings, version: Option<Version>) -> Option<Fault> {
    let name = version.map_or("an unknown version", Version::name);
    let is_old = version.is_none_or(|version| version < settings.least);
    is_old.then(|| Fault::OldProtocol { version: name.to_owned(), least: settings.least.name() })
}

fn build(
    leaf: &X509Ref,
    chain: &[X509],
    roots: &[X509],
    ends: Ends,
    now: Option<i64>,
) -> Result<Path, openssl::error::ErrorStack> {
    let mut parameters = X509VerifyParam::new()?;
    parameters.set_purpose(X509PurposeId::SSL_SERVER)?;
    if ends == Ends::Anywhere {
        parameters.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
    }
    match now {
        Some(now) => parameters.set_time(now),
        None => parameters.set_flags(X509VerifyFlags::NO_CHECK_TIME)?,
    }
    let mut store = X509StoreBuilder::new()?;
    store.set_param(&parameters)?;
    for root in roots {
        store.add_cert(root.clone())?;
    }
    let mut untrusted = Stack::new()?;
    for certificate in chain.iter().skip(1) {
        untrusted.push(certificate.clone())?;
    }
    let mut context = X509StoreContext::new()?;
    context.init(&store.build(), leaf, &untrusted, |context| {
        let good = context.verify_cert()?;
        let elements =
            context.chain().map(|built| built.iter().filter_map(|element| element.to_der().ok()).collect());
        let fault = (!good)
            .then(|| fault(context.error().as_raw(), context.error().error_string(), context.current_cert()));
        Ok(Path { elements: elements.unwrap_or_default(), fault })
    })
}

fn fault(code: i32, reason: &str, element: Option<&X509Ref>) -> Fault {
    if code == SELF_SIGNED_LEAF {
        return Fault::SelfSigned;
    }
    let der = element.and_then(|element| element.to_der().ok()).unwrap_or_default();
    let label = Certificate::from_der(&der)
        .map_or_else(|_| "unnamed".to_owned(), |element| element.label().to_owned());
    Fault::Untrusted { reason: reason.to_owned(), element: label }
}
