//! The message: built of what was asked for, or taken from a file; marked as ours either way. Pure.

mod padding;
mod parts;

use std::time::{Duration, UNIX_EPOCH};

use check_smtp_core::smtp::Mailbox;
use lettre::address::Address;
use lettre::message::header::{HeaderName, HeaderValue, MessageId};
use lettre::message::{Mailbox as HeaderMailbox, MessageBuilder, MultiPart, SinglePart};

pub use self::parts::Material;
use crate::args::{Header, Parts};
use crate::mark::{self, Mark};

/// Whose probe it is, from whom, for whom, when and by way of which server.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// The sender of the envelope, without VERP.
    pub from: &'a Mailbox,
    /// The recipients.
    pub to: &'a [Mailbox],
    /// What marks it.
    pub mark: &'a Mark,
    /// This host's name.
    pub host: &'a str,
    /// The server, or the domain whose servers are asked.
    pub way: &'a str,
    /// Seconds since 1970.
    pub now: i64,
}

/// Builds a message; the error says what cannot be put into one.
pub fn build(letter: Letter<'_>, parts: &Parts, material: &Material) -> Result<Vec<u8>, String> {
    let bare = compose(letter, parts, material, "")?;
    let Some(size) = parts.size else { return Ok(bare) };
    match size.checked_sub(bare.len()) {
        Some(missing) => compose(letter, parts, material, &padding::of(missing)),
        None => Err(format!("--size {size}: the message has {} bytes without any padding", bare.len())),
    }
}

/// A message from a file with our mark before it, so that it stands first; the error says why it is none.
pub fn mark_up(mark: &Mark, eml: &[u8]) -> Result<Vec<u8>, String> {
    let first = eml.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    let name = first.split(|byte| *byte == b':').next().unwrap_or_default();
    let is_header = name.len() < first.len() && !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    if !is_header {
        return Err("is no message: it does not begin with a header".to_owned());
    }
    Ok([format!("{}: {}\r\n", mark::HEADER, mark).as_bytes(), eml].concat())
}

/// The Message-ID of a built message.
pub fn message_id(from: &Mailbox, to: &[Mailbox], mark: &Mark) -> String {
    mark.message_id(originator(from, to).domain())
}

/// Whether an address can stand in a header.
pub fn is_writable(mailbox: &Mailbox) -> bool {
    mailbox.address().is_empty() || address(mailbox).is_some()
}

fn compose(letter: Letter<'_>, parts: &Parts, material: &Material, padding: &str) -> Result<Vec<u8>, String> {
    let mut text = material.body.clone().unwrap_or_else(|| text(letter));
    // The padding has lines of its own, so that no encoding reads it together with what stands before.
    if !text.ends_with('\n') {
        text.push('\n');
    }
    let text = SinglePart::plain(parts::body(&(text + padding)));
    let text = match &material.html {
        None => Inner::Single(text),
        Some(html) => Inner::Multi(
            MultiPart::alternative().singlepart(text).singlepart(SinglePart::html(parts::body(html))),
        ),
    };
    let mut builder = headers(letter, parts)?;
    for Header { name, value } in &parts.headers {
        let name =
            HeaderName::new_from_ascii(name.clone()).map_err(|_| format!("--header '{name}': no name"))?;
        builder = builder.raw_header(HeaderValue::new(name, value.clone()));
    }
    let message = match (text, material.attachments.is_empty()) {
        (Inner::Single(text), true) => builder.singlepart(text),
        (Inner::Multi(text), true) => builder.multipart(text),
        (text, false) => builder.multipart(attached(text, material)),
    };
    message
        .map(|message| message.formatted())
        .map_err(|error| format!("the message cannot be built: {error}"))
}

enum Inner {
    Single(SinglePart),
    Multi(MultiPart),
}

fn attached(text: Inner, material: &Material) -> MultiPart {
    let mixed = MultiPart::mixed();
    let mut mixed = match text {
        Inner::Single(part) => mixed.singlepart(part),
        Inner::Multi(part) => mixed.multipart(part),
    };
    for (name, bytes) in &material.attachments {
        mixed = mixed.singlepart(parts::attachment(name, bytes));
    }
    mixed
}

/// Everything lettre does not add by itself: Date and Message-ID are ours, and nothing may answer a probe (RFC 3834).
fn headers(letter: Letter<'_>, parts: &Parts) -> Result<MessageBuilder, String> {
    let unwritable = |mailbox: &Mailbox| format!("{} cannot stand in a header", mailbox.address());
    let seconds = u64::try_from(letter.now).unwrap_or_default();
    let from = originator(letter.from, letter.to);
    let mut builder = MessageBuilder::new()
        .date(UNIX_EPOCH + Duration::from_secs(seconds))
        .from(HeaderMailbox::new(None, address(from).ok_or_else(|| unwritable(from))?));
    for to in letter.to {
        builder = builder.to(HeaderMailbox::new(None, address(to).ok_or_else(|| unwritable(to))?));
    }
    let token = letter.mark.token.as_str().get(..8).unwrap_or_default();
    let subject = parts
        .subject
        .clone()
        .unwrap_or_else(|| format!("Probe {token} of {} by check_smtp_delivery", letter.host));
    builder =
        builder.subject(subject).header(MessageId::from(message_id(letter.from, letter.to, letter.mark)));
    for (name, value) in [
        (HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()),
        (HeaderName::new_from_ascii_str("X-Auto-Response-Suppress"), "All".to_owned()),
        (HeaderName::new_from_ascii_str(mark::HEADER), letter.mark.to_string()),
    ] {
        builder = builder.raw_header(HeaderValue::new(name, value));
    }
    Ok(builder)
}

/// Who stands in From: a message from the null sender needs someone too, and its recipient is sure to exist.
fn originator<'a>(from: &'a Mailbox, to: &'a [Mailbox]) -> &'a Mailbox {
    to.first().filter(|_| from.address().is_empty()).unwrap_or(from)
}

fn address(mailbox: &Mailbox) -> Option<Address> {
    let (local, domain) = (mailbox.local(), mailbox.domain());
    // lettre does not know the IPv6: of an address literal (RFC 5321 section 4.1.3).
    let is_literal = domain.starts_with('[') && domain.ends_with(']');
    let checked = if is_literal { "example.org" } else { domain };
    Address::new(local, checked).ok().map(|_| Address::new_dangerous(local, domain))
}

fn text(letter: Letter<'_>) -> String {
    let to: Vec<&str> = letter.to.iter().map(Mailbox::address).collect();
    let from = Some(letter.from.address()).filter(|from| !from.is_empty()).unwrap_or("<>");
    format!(
        "This is a probe of check_smtp_delivery (smtp-monitoring-plugins). It tells\n\
         whether mail is delivered. Nobody needs to read or answer it, and it may be\n\
         deleted.\n\n\
         Host: {}\n\
         Time: {}\n\
         Way: {}\n\
         From: {from}\n\
         To: {}\n\
         Probe: {}\n",
        letter.host,
        date(letter.now),
        letter.way,
        to.join(", "),
        letter.mark
    )
}

fn date(now: i64) -> String {
    let time = chrono::DateTime::from_timestamp(now, 0).unwrap_or_default();
    time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests;
