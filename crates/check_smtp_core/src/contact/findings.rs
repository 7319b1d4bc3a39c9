//! What every check says of a contact. Pure.

use super::Contact;
use super::timing::Label;
use crate::certificate::date;
use crate::cli::Target;
use crate::error::Failure;
use crate::net::{Host, tls};
use crate::plugin::{Finding, State};
use crate::policy;

/// `mail.example.org:25 (192.0.2.5)`; the address is left out where it says nothing new.
pub fn subject(target: &Target, contact: &Contact) -> String {
    let endpoint = target.endpoint(contact.port);
    let only = match contact.attempts.as_slice() {
        [only] => Some(only.address),
        _ => None,
    };
    let address = contact.address.or(only).map(|address| address.ip());
    match (address, &target.name) {
        (Some(address), Host::Address(own)) if address == *own => endpoint,
        (Some(_), Host::Scoped(_)) | (None, _) => endpoint,
        (Some(address), _) => format!("{endpoint} ({address})"),
    }
}

/// The findings a failure earns.
pub fn failure(failure: &Failure, label: &Label) -> Vec<Finding> {
    let plain = policy::findings_of(failure).into_iter();
    plain
        .map(|finding| {
            Finding::new(finding.id(), finding.state(), label.text(finding.text().as_str()))
                .advised(finding.advice())
        })
        .collect()
}

/// HELO announces nothing: worth knowing, no fault of its own.
pub fn introduction(contact: &Contact, label: &Label) -> Option<Finding> {
    let fallback = contact.record.introductions.iter().any(|introduction| introduction.is_helo);
    fallback.then(|| Finding::new("helo_only", State::Ok, label.text("EHLO was refused, HELO was taken")))
}

/// The TLS session, where it stands.
pub fn tls(settings: &tls::Settings, contact: &Contact, label: &Label) -> Option<Finding> {
    let session = contact.record.tls.as_ref().filter(|session| session.verdicts.faults().is_empty())?;
    let certificate = session.certificates.first();
    let until = certificate
        .map(|c| format!(", certificate of {} valid until {}", c.label(), date(c.not_after)))
        .unwrap_or_default();
    let verified = if settings.is_verified { "verified" } else { "not verified (--insecure)" };
    let text = format!("{} {}, {verified}{until}", session.version, session.cipher);
    let id = if settings.is_verified { "tls" } else { "tls_not_verified" };
    Some(Finding::new(id, State::Ok, label.text(text)))
}

/// ` over TLSv1.3`, or nothing in the clear.
pub fn over_tls(contact: &Contact) -> String {
    contact.record.tls.as_ref().map(|session| format!(" over {}", session.version)).unwrap_or_default()
}

/// `, certificate not verified`, where that is so.
pub fn unverified(settings: &tls::Settings, contact: &Contact) -> &'static str {
    if contact.record.tls.is_some() && !settings.is_verified { ", certificate not verified" } else { "" }
}
