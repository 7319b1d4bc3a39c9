//! What to do about it: stable ids and remedies for the faults mail admins meet.

pub mod delivery;
pub mod domain;
mod login;

use crate::certificate::Fault;
use crate::error::{Cause, Failure};
use crate::plugin::Advice;
use crate::smtp::{Foreign, Reply};
use crate::timeline::Phase;

#[expect(clippy::unnecessary_wraps, reason = "an arm of every table below")]
const fn advice(id: &'static str, remedy: &'static str) -> Option<Advice> {
    Some(Advice { id, remedy })
}

/// Advice on a failure, where we know any.
pub fn for_failure(failure: &Failure) -> Option<Advice> {
    match &failure.cause {
        Cause::Timeout(_) => for_timeout(failure.phase),
        Cause::NameNotFound(_) => {
            advice("name_not_found", "check the spelling of the name, and its A and AAAA records")
        }
        Cause::LookupFailed(words) => domain::for_lookup(words),
        Cause::NoProof(_) => domain::no_proof(),
        Cause::Bogus(_) => domain::bogus(),
        Cause::NoAddress(_) => {
            advice("no_address_of_family", "leave out -4/-6, or publish an address of this family")
        }
        Cause::NotConnected(words) => for_connect(words),
        Cause::Closed | Cause::Reset => for_closed(failure.phase),
        Cause::Refused(reply) => for_refusal(failure.phase, reply),
        Cause::NotOffered(_) => delivery::not_offered(),
        Cause::OutOfStep(_) => delivery::out_of_step(),
        Cause::Malformed(_) => advice(
            "not_smtp",
            "the server breaks RFC 5321 section 4.2: look at the dialogue with -vvv, and whether this is a mail port",
        ),
        Cause::Foreign(Foreign::Tls) => advice(
            "port_speaks_tls",
            "this port expects TLS from the first byte: use -s/--tls (port 465), not -S or plain",
        ),
        Cause::Foreign(_) => {
            advice("wrong_service", "another service listens here: check -p and the server's port assignment")
        }
        Cause::StartTlsNotOffered(None) => advice(
            "starttls_not_offered",
            "enable TLS in the mail server (Postfix: smtpd_tls_security_level and a certificate), or use -s/--tls on an implicit TLS port",
        ),
        Cause::StartTlsNotOffered(Some(_)) => advice(
            "starttls_stripped",
            "a firewall on the path inspects SMTP and writes over STARTTLS (Cisco 'fixup smtp', 'inspect esmtp'): switch that off",
        ),
        Cause::BytesBehindStartTls(_) => advice(
            "starttls_injection",
            "look for a device on the path that injects SMTP replies, and update the server (CVE-2011-0411 class, RFC 3207 section 6)",
        ),
        Cause::PlaintextSmtp => advice(
            "port_speaks_plain_smtp",
            "a port that greets in the clear wants -S/--starttls, not -s/--tls; after STARTTLS the server or the path is broken",
        ),
        Cause::Handshake(words) => for_handshake(words),
        Cause::AuthNotOffered => advice(
            "auth_not_offered",
            "switch logins on for this port (Postfix: smtpd_sasl_auth_enable), or ask a submission port: -p 587, or -p 465 with TLS from the first byte",
        ),
        Cause::NoMechanism(_) => advice(
            "no_usable_mechanism",
            "let the server offer one of PLAIN, LOGIN, SCRAM, CRAM-MD5 for passwords, OAUTHBEARER or XOAUTH2 for tokens; GSSAPI and NTLM are not spoken here",
        ),
        Cause::Token(fault) => login::for_token(fault),
        Cause::Sasl(fault) => login::for_fault(fault),
        Cause::Local(_) => for_local(failure.phase),
        Cause::Unverified(_) | Cause::Network(_) => None,
    }
}

/// Advice on a login that is offered before TLS.
pub fn auth_before_tls() -> Option<Advice> {
    advice("auth_before_tls", "offer logins inside TLS only (Postfix: smtpd_tls_auth_only = yes)")
}

/// Advice on a test of the other side of the door that told nothing.
pub fn for_unclear_door(is_about_mail: bool) -> Option<Advice> {
    if is_about_mail {
        advice(
            "test_unclear",
            "the answer is about the addresses, or puts us off: give a sender and a recipient of other domains with --mail-from and --then-rcpt",
        )
    } else {
        advice("test_unclear", "ask again later, and look at the dialogue with -vvv")
    }
}

/// Advice on credentials that were refused by a mechanism that does not send the password itself.
pub fn proof_refused() -> Option<Advice> {
    advice(
        "credentials_refused",
        "user or password is wrong, or the server keeps this account's password in a form that SCRAM and CRAM-MD5 cannot use: try -A PLAIN",
    )
}

/// Advice on a token that was refused.
pub fn token_refused() -> Option<Advice> {
    advice(
        "token_refused",
        "the token is expired or for something else: check its scope (Microsoft: https://outlook.office.com/SMTP.Send, Google: https://mail.google.com/) and that the account may use SMTP",
    )
}

/// Advice on a test of the other side of the door that found it open, by the id of its finding.
pub fn for_open_door(id: &str) -> Option<Advice> {
    match id {
        "mail_without_login" => advice(
            "mail_without_login",
            "an open relay: let only logins and own networks send to other domains (Postfix: smtpd_relay_restrictions); is the monitoring host in mynetworks?",
        ),
        "login_without_tls" => {
            advice("login_without_tls", "take logins inside TLS only (Postfix: smtpd_tls_auth_only = yes)")
        }
        "wrong_password_accepted" => advice(
            "wrong_password_accepted",
            "the server lets anybody in: look at its user database (Dovecot: a passdb with nopassword)",
        ),
        _ => None,
    }
}

/// Advice on a fault of the TLS session.
pub fn for_fault(fault: &Fault) -> Option<Advice> {
    match fault {
        Fault::NoCertificate => advice("no_certificate", "give the server a certificate"),
        Fault::SelfSigned => advice(
            "certificate_self_signed",
            "install a certificate of a CA, give the certificate itself as --ca-file, or use --insecure",
        ),
        Fault::Untrusted { .. } => advice(
            "certificate_untrusted",
            "let the server send its whole chain (leaf, then intermediates), or give a private CA with --ca-file",
        ),
        Fault::Expired { .. } => advice(
            "certificate_expired",
            "renew the certificate and reload the mail server: a renewed file alone changes nothing",
        ),
        Fault::NotYetValid { .. } => {
            advice("certificate_not_yet_valid", "check the clocks of server, CA and monitoring host")
        }
        Fault::InvertedDates { .. } => {
            advice("certificate_dates_inverted", "have the certificate issued again")
        }
        Fault::WrongName { .. } => advice(
            "certificate_wrong_name",
            "ask for the server by a name in the certificate (-H or --sni), or have this name added to it",
        ),
        Fault::NoAlternativeName { .. } => advice(
            "certificate_without_alternative_name",
            "have it issued again with a subject alternative name: clients ignore the common name (RFC 9525)",
        ),
        Fault::WeakKey { .. } => {
            advice("certificate_weak_key", "have it issued again with RSA 2048 bit or EC 256 bit at least")
        }
        Fault::WeakSignature { .. } => {
            advice("certificate_weak_signature", "have it issued again with SHA-256")
        }
        Fault::OldProtocol { .. } => advice(
            "tls_version_too_old",
            "enable TLS 1.2 and 1.3 on the server (RFC 8996), or allow the version with --min-tls",
        ),
    }
}

/// Advice on a self-signed certificate where certificates are judged for their own sake.
pub fn self_signed() -> Option<Advice> {
    advice(
        "certificate_self_signed",
        "install a certificate of a CA, give the certificate itself as --ca-file, or allow it with --allow-self-signed",
    )
}

/// Advice on a certificate that ends soon.
pub fn expires_soon() -> Option<Advice> {
    advice(
        "certificate_expires_soon",
        "renew the certificate and reload the mail server; with ACME: see why the timer has not renewed it",
    )
}

/// Advice on a certificate that lives longer than the Baseline Requirements allow.
pub fn long_lifetime() -> Option<Advice> {
    advice(
        "certificate_lifetime",
        "have it issued again with a shorter life, clients may refuse it; --max-lifetime off if that is as it should be",
    )
}

/// Advice on a server that takes commands over from before TLS.
pub fn injection() -> Option<Advice> {
    advice(
        "starttls_command_injection",
        "update the mail server: it must forget what it read before TLS (CVE-2011-0411 class, RFC 3207 section 6)",
    )
}

/// Advice on an old protocol version that a server accepts.
pub fn old_version_accepted() -> Option<Advice> {
    advice(
        "tls_version_accepted",
        "switch it off (Postfix: smtpd_tls_protocols and smtpd_tls_mandatory_protocols = >=TLSv1.2), RFC 8996 and 7568",
    )
}

/// Advice on an OCSP response that is missing or worth nothing.
pub fn staple() -> Option<Advice> {
    advice(
        "ocsp_staple",
        "let the server staple a fresh OCSP response, or have the certificate issued without must-staple: most mail servers cannot staple",
    )
}

/// Advice on a certificate that its CA has revoked.
pub fn revoked() -> Option<Advice> {
    advice(
        "certificate_revoked",
        "have a new certificate issued with a new key, and find out why this one was revoked",
    )
}

/// Advice on a chain in the wrong order.
pub fn chain_order() -> Option<Advice> {
    advice("chain_order", "put the file together anew: leaf, then the intermediate that signed it, and so on")
}

/// Advice on a pin, issuer or serial number that is another.
pub fn pin_broken() -> Option<Advice> {
    advice(
        "pin_broken",
        "if the certificate was replaced on purpose, give its new value; otherwise find out who answers here",
    )
}

/// Advice on a cipher suite without forward secrecy.
pub fn no_forward_secrecy() -> Option<Advice> {
    advice(
        "no_forward_secrecy",
        "offer ECDHE cipher suites first (Postfix: tls_preempt_cipherlist = yes, smtpd_tls_ciphers = medium)",
    )
}

/// Advice on a reply that says no, by code, enhanced code and phase.
pub fn for_refusal(phase: Phase, reply: &Reply) -> Option<Advice> {
    let text = reply.text().to_ascii_lowercase();
    match (reply.code(), reply.enhanced_code(), phase) {
        (_, _, Phase::Auth) => login::for_refusal(reply, &text),
        (421, _, _) => advice(
            "service_not_available",
            "the server asks to come back later (shutting down, or too many connections): look at its load and connection limits",
        ),
        (454, _, Phase::StartTls) => advice(
            "tls_not_available",
            "the server offers STARTTLS but cannot do it: check its certificate and key files and its log",
        ),
        (530, _, _) if text.contains("starttls") => {
            advice("starttls_required", "the server wants TLS first: use -S/--starttls")
        }
        (530, _, _) => advice(
            "authentication_required",
            "the server wants a login before this command: use check_smtp_auth, or a port for incoming mail",
        ),
        (554 | 550 | 521, _, Phase::Banner) => advice(
            "client_refused",
            "the server refuses this client: check its access lists, DNS block lists and reverse DNS for the monitoring host",
        ),
        (450..=452, _, Phase::Banner) => {
            advice("put_off", "the server puts us off: check its queue, disk and load")
        }
        (504 | 501 | 550 | 554, _, Phase::Ehlo) => advice(
            "helo_refused",
            "the server does not like our name: give a fully qualified one with -F/--fqdn",
        ),
        (450 | 451, _, Phase::Mail) => {
            advice("sender_put_off", "the sender is put off: greylisting, or its domain cannot be looked up")
        }
        (550 | 553 | 554, _, Phase::Mail) => advice(
            "sender_refused",
            "the sender (-f, --mail-from) is refused: check its domain, whether the account owns it, and the server's sender restrictions",
        ),
        (500 | 502, _, Phase::Commands) => advice("command_unknown", "the server does not know this command"),
        _ => None,
    }
}

fn for_local(phase: Phase) -> Option<Advice> {
    match phase {
        Phase::Token => advice(
            "token_credentials_missing",
            "give the client secret with --oauth2-client-secret-env, -file or -command, a refresh token with --oauth2-refresh-token-env, -file or -command",
        ),
        Phase::Auth => advice(
            "credentials_missing",
            "give the user with -U and the password with --password-env, --password-file, --password-command or --password-credential",
        ),
        Phase::Body => delivery::not_built(),
        _ => advice("local_file", "check the path and that the plugin's user may read it"),
    }
}

fn for_timeout(phase: Phase) -> Option<Advice> {
    match phase {
        Phase::Dns => advice(
            "resolver_silent",
            "the name server does not answer: check /etc/resolv.conf of the monitoring host, or give an address with -I",
        ),
        Phase::Token => advice(
            "token_endpoint_silent",
            "the token endpoint does not answer: check --oauth2-token-url, and whether the monitoring host reaches it (HTTPS_PROXY)",
        ),
        Phase::Connect => advice(
            "connect_filtered",
            "packets are dropped on the way: check firewalls, routes and that the host is up",
        ),
        Phase::Banner => advice(
            "silent_server",
            "the port is open but nothing greets: the server is overloaded, or waits for TLS (-s/--tls) or a PROXY header (--proxy-protocol)",
        ),
        Phase::Tls => advice(
            "tls_silent",
            "the handshake hangs: the server is overloaded, or a firewall drops large packets (path MTU)",
        ),
        _ => advice(
            "server_stalls",
            "the server stopped answering in mid-session: look at its load, DNS and policy services",
        ),
    }
}

fn for_connect(words: &str) -> Option<Advice> {
    if words.contains("refused") {
        advice(
            "connect_refused",
            "nothing listens there, or a firewall rejects: is the mail server running, and on this port?",
        )
    } else if words.contains("no such file") {
        advice("socket_missing", "the Unix socket does not exist: is the server running?")
    } else if words.contains("permission denied") {
        advice("socket_permission", "the plugin's user may not use this socket")
    } else {
        advice("connect_failed", "check routes and addresses of the monitoring host")
    }
}

fn for_closed(phase: Phase) -> Option<Advice> {
    match phase {
        Phase::Banner => advice(
            "closed_at_greeting",
            "the server accepts and hangs up: access lists (TCP wrappers), connection limits, or a balancer without a back end",
        ),
        Phase::Tls => advice(
            "closed_in_handshake",
            "the server hangs up in the handshake: no common version or cipher, or its certificate cannot be loaded",
        ),
        _ => {
            advice("closed_in_session", "the server hung up in mid-session: look into its log for this time")
        }
    }
}

fn for_handshake(words: &str) -> Option<Advice> {
    if words.contains("wrong version number") || words.contains("packet length") {
        advice("not_tls", "what answers is not TLS: check the port, and -S against -s")
    } else if words.contains("protocol version")
        || words.contains("unsupported protocol")
        || words.contains("no protocols")
    {
        advice("tls_no_common_version", "client and server share no TLS version")
    } else if words.contains("handshake failure") {
        advice(
            "tls_no_common_cipher",
            "client and server share no cipher, or the server wants a client certificate (--client-cert)",
        )
    } else if words.contains("certificate required") {
        advice(
            "client_certificate_required",
            "the server wants a client certificate: give --client-cert and --client-key",
        )
    } else {
        None
    }
}
