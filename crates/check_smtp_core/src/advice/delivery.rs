//! What to do about a message that was not taken.

use super::{advice, for_refusal};
use crate::plugin::Advice;
use crate::smtp::{Reply, is_greylisting};
use crate::timeline::Phase;

/// Advice on a message that needs what the server does not offer.
pub(super) fn not_offered() -> Option<Advice> {
    advice(
        "extension_not_offered",
        "the server cannot take such a message: use addresses and headers in ASCII, or a server that offers the extension",
    )
}

/// Advice on replies that do not belong to the commands.
pub(super) fn out_of_step() -> Option<Advice> {
    advice(
        "replies_out_of_step",
        "the server answers a command twice or skips one (often a proxy that cannot do the PIPELINING it offers): look at the dialogue with -vvv",
    )
}

/// Advice on a message that cannot be built.
pub(super) fn not_built() -> Option<Advice> {
    advice(
        "message_not_built",
        "nobody was asked: correct the file or the size that is named, and let the plugin's user read the file",
    )
}

/// Advice on a message whose fate nobody knows.
pub fn uncertain() -> Option<Advice> {
    advice(
        "uncertain",
        "the message may have been taken and is not sent again: look for its Message-ID (shown with -v) in the server's log, and why the server fell silent",
    )
}

/// Advice on a refusal or a delay of a message, by code, enhanced code and phase.
pub fn for_reply(phase: Phase, reply: &Reply) -> Option<Advice> {
    if is_greylisting(reply) {
        return advice(
            "greylisted",
            "the first try of an unknown sender is put off on purpose: the same sender and recipient pass after the waiting time, or exempt the monitoring host",
        );
    }
    let words = reply.text().to_ascii_lowercase();
    let has = |any: &[&str]| any.iter().any(|part| words.contains(part));
    let subject = reply.enhanced_code().and_then(|code| code.split_once('.')).map_or("", |(_, rest)| rest);
    match (reply.code(), phase) {
        (530, _) if !has(&["starttls"]) => advice(
            "authentication_required",
            "the server wants a login before it takes mail: give -U/--user and where its password is, or ask the domain's own servers (--mx)",
        ),
        (421 | 530, _) => for_refusal(phase, reply),
        (452, _) if subject == "5.3" || has(&["too many recipients"]) => {
            advice("too_many_recipients", "give fewer recipients in one run, or raise the server's limit")
        }
        _ if subject == "2.2"
            || has(&["over quota", "quota exceeded", "mailbox full", "mailbox is full"]) =>
        {
            advice(
                "mailbox_full",
                "the recipient's mailbox is full: clear the probes out of it, or raise its quota",
            )
        }
        _ if subject == "3.4" || has(&["too large", "too big", "size limit", "exceeds"]) => advice(
            "message_too_large",
            "the message is above the server's limit: give a smaller --size, or raise it (Postfix: message_size_limit)",
        ),
        (452, _) => advice("storage_full", "the server has no room: look at its disk and its queue"),
        _ if has(&["relay"]) && phase == Phase::Rcpt => advice(
            "relay_denied",
            "the server takes no mail for this domain from us: log in (-U), or ask the domain's own servers (--mx)",
        ),
        _ => by_phase(phase, reply),
    }
}

fn by_phase(phase: Phase, reply: &Reply) -> Option<Advice> {
    // Postfix says at RCPT TO what it thinks of the sender.
    let is_about_sender =
        phase == Phase::Mail || reply.text().to_ascii_lowercase().contains("sender address rejected");
    match (phase, reply.is_permanent()) {
        (Phase::Mail | Phase::Rcpt, true) if is_about_sender => advice(
            "sender_refused",
            "the server does not take this sender: check -f/--from, its domain, and whether the account owns it",
        ),
        (Phase::Rcpt, true) => advice(
            "recipient_refused",
            "the server does not take mail for this recipient: does the mailbox exist, and may this sender and this host write to it?",
        ),
        (Phase::Data | Phase::Body, true) => advice(
            "message_refused",
            "the server refuses the message itself: look into its log for the filter or policy that does (spam, viruses, DKIM, DMARC)",
        ),
        (_, true) => for_refusal(phase, reply),
        (Phase::Mail, false) if matches!(reply.code(), 450 | 451) => for_refusal(phase, reply),
        (_, false) => advice(
            "put_off",
            "the server puts the message off: look into its log, at its queue, disk, lookups and rate limits; this check does not try again in the same run",
        ),
    }
}
