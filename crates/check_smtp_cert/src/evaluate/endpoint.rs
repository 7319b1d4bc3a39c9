//! What one session showed of the server's TLS.

use check_smtp_core::advice;
use check_smtp_core::certificate::Fault;
use check_smtp_core::contact;
use check_smtp_core::contact::timing::Label;
use check_smtp_core::error::{Cause, Failure};
use check_smtp_core::net::tls::{Session, Version};
use check_smtp_core::plugin::{Finding, State};

use crate::args::Config;
use crate::facts::{Endpoint, Facts};

/// Its host where there are several or none was reached, its address, and the kind of certificate that was asked for.
pub fn name(facts: &Facts, endpoint: &Endpoint) -> String {
    let contact = &endpoint.contact;
    let address = contact.address.or(contact.attempts.first().map(|attempt| attempt.address));
    let address = address.map(|address| address.ip().to_string());
    let kind = endpoint.key_kind.map(|kind| kind.name().to_owned());
    let host = facts.hosts.get(endpoint.host).map(|host| host.name.clone());
    let host = host.filter(|_| facts.exchangers.is_some());
    host.into_iter().chain(address).chain(kind).collect::<Vec<_>>().join(" ")
}

/// The protocol versions seen, each once.
pub fn versions(facts: &Facts) -> Option<String> {
    let sessions = facts.endpoints.iter().filter_map(|endpoint| endpoint.contact.record.tls.as_ref());
    let mut versions: Vec<&str> = sessions.map(|session| session.version.as_str()).collect();
    versions.sort_unstable();
    versions.dedup();
    (!versions.is_empty()).then(|| versions.join(" and "))
}

/// Why the session could not go on, and what is wrong with its protocol.
pub fn faults(config: &Config, facts: &Facts, endpoint: &Endpoint, label: &Label) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(failure) = &endpoint.contact.failure {
        let is_put_off = matches!(&failure.cause, Cause::Refused(reply) if reply.code() == 421);
        if is_put_off && facts.endpoints.iter().any(|other| other.chain.is_some()) {
            findings.push(inconclusive(failure, label));
        } else {
            findings.extend(contact::findings::failure(failure, label));
        }
    }
    if let Some(session) = &endpoint.contact.record.tls {
        findings.push(protocol(config, session, label));
        findings.extend(forward_secrecy(session, label));
        // The trials say it of each address.
        findings.extend(master_secret(session, label).filter(|_| facts.versions.is_empty()));
    }
    findings.extend(
        contact::findings::introduction(&endpoint.contact, label).filter(|_| facts.endpoints.len() == 1),
    );
    findings
}

/// "Come back later", perhaps because we ask so many of its addresses at once: nothing is known of this one's certificate.
fn inconclusive(failure: &Failure, label: &Label) -> Finding {
    let text = format!("nothing learned, asked to come back later: {failure}");
    Finding::new("inconclusive", State::Warning, label.text(text)).advised(advice::for_failure(failure))
}

fn protocol(config: &Config, session: &Session, label: &Label) -> Finding {
    let least = config.expect.least;
    let is_old = Version::by_name(&session.version).is_none_or(|version| version < least);
    if is_old {
        let fault = Fault::OldProtocol { version: session.version.clone(), least: least.name() };
        return Finding::new(fault.id(), State::Critical, label.text(fault.to_string()))
            .advised(advice::for_fault(&fault));
    }
    let group = session.group.as_deref().map(|group| format!(", key exchange {group}")).unwrap_or_default();
    Finding::new("tls", State::Ok, label.text(format!("{} {}{group}", session.version, session.cipher)))
}

/// A recorded session of RSA key exchange can be read by whoever gets the key later.
fn forward_secrecy(session: &Session, label: &Label) -> Option<Finding> {
    let has_it = session.cipher.starts_with("TLS_") || session.cipher.contains("DHE");
    let text = format!("{} has no forward secrecy", session.cipher);
    (!has_it).then(|| {
        Finding::new("no_forward_secrecy", State::Warning, label.text(text))
            .advised(advice::no_forward_secrecy())
    })
}

/// Without it, sessions of a server in the middle may be taken for each other (the triple handshake).
fn master_secret(session: &Session, label: &Label) -> Option<Finding> {
    let text = format!("{} without extended master secret (RFC 7627)", session.version);
    (session.binds_master_secret == Some(false))
        .then(|| Finding::new("no_extended_master_secret", State::Ok, label.text(text)))
}
