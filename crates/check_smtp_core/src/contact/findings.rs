//! What every check says of a contact. Pure.

use super::Contact;
use super::timing::Label;
#[cfg(feature = "https")]
use super::token::TokenOrigin;
use crate::certificate::date;
use crate::cli::{Account, Target};
use crate::error::{Cause, Failure};
use crate::net::{Host, tls};
use crate::plugin::{Finding, State};
use crate::session::Login;
use crate::smtp::sasl::Needs;
use crate::timeline::Phase;
use crate::{advice, policy};

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

/// The same where a login may be what failed: a refused one in the words of what was shown to the server, a token, a proof or a password.
pub fn login_failure(failure: &Failure, login: Option<&Login>) -> Vec<Finding> {
    let (Some(login), Cause::Refused(reply)) =
        (login.filter(|_| failure.phase == Phase::Auth), &failure.cause)
    else {
        return self::failure(failure, &Label::default());
    };
    let is_token = login.mechanism.needs() == Needs::Token;
    if is_token && (reply.code() == 535 || login.provider_error.is_some()) {
        let said = login.provider_error.as_ref().map(|words| format!(" ({words})")).unwrap_or_default();
        let text = format!("refused the token: {reply}{said}");
        return vec![Finding::new("token_refused", State::Critical, text).advised(advice::token_refused())];
    }
    let of_proof = |finding: Finding| {
        let is_credentials = login.mechanism.is_proof() && finding.id() == "credentials_refused";
        if is_credentials { finding.advised(advice::proof_refused()) } else { finding }
    };
    self::failure(failure, &Label::default()).into_iter().map(of_proof).collect()
}

/// Where a fetched token came from; that it could not be kept costs time and is no fault of the mail server.
#[cfg(feature = "https")]
pub fn token(origin: &TokenOrigin) -> Finding {
    let (id, text) = match origin {
        TokenOrigin::Cache => ("token_cached", "the token of an earlier run was used".to_owned()),
        TokenOrigin::Endpoint(Ok(())) => ("token_fetched", "a token was fetched and is kept".to_owned()),
        TokenOrigin::Endpoint(Err(why)) => {
            ("token_not_kept", format!("a token was fetched and cannot be kept: {why}"))
        }
    };
    Finding::new(id, State::Ok, text)
}

/// A secret that was typed, where that is so.
pub fn typed_secret(account: &Account) -> Option<Finding> {
    account.secret.is_typed().then(|| {
        Finding::new(
            "password_on_command_line",
            State::Ok,
            "the password was given with -P: everybody sees it in the process list, unless it stands in an options file",
        )
    })
}

/// HELO announces nothing: worth knowing, no fault of its own.
pub fn introduction(contact: &Contact, label: &Label) -> Option<Finding> {
    let fallback = contact.record.introductions.iter().any(|introduction| introduction.is_helo);
    fallback.then(|| Finding::new("helo_only", State::Ok, label.text("EHLO was refused, HELO was taken")))
}

/// The TLS session, where it stands.
pub fn tls(settings: &tls::Settings, contact: &Contact, label: &Label) -> Option<Finding> {
    let verified = if settings.is_verified { "verified" } else { "not verified (--insecure)" };
    let id = if settings.is_verified { "tls" } else { "tls_not_verified" };
    let text = session(contact, verified)?;
    Some(Finding::new(id, State::Ok, label.text(text)))
}

/// Opportunistic TLS: a session that nobody vouches for, or why there is none where it was offered. Mail arrives all the same, and can be
/// read on the way.
pub fn opportunistic_tls(contact: &Contact, label: &Label) -> Option<Finding> {
    if let Some(failure) = &contact.tls_failure {
        let text = format!("STARTTLS is offered and fails, so mail goes in the clear: {failure}");
        let finding = Finding::new("tls_fallback", State::Warning, label.text(text));
        return Some(finding.advised(advice::for_failure(failure)));
    }
    let text = session(contact, "not verified (opportunistic)")?;
    Some(Finding::new("tls_not_verified", State::Ok, label.text(text)))
}

fn session(contact: &Contact, verified: &str) -> Option<String> {
    let session = contact.record.tls.as_ref().filter(|session| session.verdicts.faults().is_empty())?;
    let certificate = session.certificates.first();
    let until = certificate
        .map(|c| format!(", certificate of {} valid until {}", c.label(), date(c.not_after)))
        .unwrap_or_default();
    Some(format!("{} {}, {verified}{until}", session.version, session.cipher))
}

/// ` over TLSv1.3`, or nothing in the clear.
pub fn over_tls(contact: &Contact) -> String {
    contact.record.tls.as_ref().map(|session| format!(" over {}", session.version)).unwrap_or_default()
}

/// `, certificate not verified`, where that is so.
pub fn unverified(settings: &tls::Settings, contact: &Contact) -> &'static str {
    if contact.record.tls.is_some() && !settings.is_verified { ", certificate not verified" } else { "" }
}
