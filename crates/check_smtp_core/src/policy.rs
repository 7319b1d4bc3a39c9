//! Failure to state: one table for all checks.

use crate::error::{Cause, Failure};
use crate::oauth2::TokenFault;
use crate::plugin::{Finding, State};
use crate::smtp::sasl::SaslFault;
use crate::timeline::Phase;
use crate::{advice, certificate::Fault};

/// CRITICAL whenever the service fails, whatever the reason; UNKNOWN only where we could not ask.
pub fn state_of(failure: &Failure) -> State {
    match failure.cause {
        Cause::Local(_) | Cause::NoProof(_) | Cause::Sasl(SaslFault::Prohibited(_)) => State::Unknown,
        _ => State::Critical,
    }
}

/// A stable identifier for each kind of failure.
pub fn id_of(failure: &Failure) -> &'static str {
    match &failure.cause {
        Cause::Timeout(_) => "timeout",
        Cause::NameNotFound(_) => "name_not_found",
        Cause::LookupFailed(_) => "name_lookup_failed",
        Cause::NoProof(_) => "dnssec_not_passed_on",
        Cause::Bogus(_) => "dnssec_bogus",
        Cause::NoAddress(_) => "no_address_of_family",
        Cause::NotConnected(_) => "connect_failed",
        Cause::Closed => "connection_closed",
        Cause::Reset => "connection_reset",
        Cause::Network(_) => "connection_failed",
        Cause::Refused(_) if failure.phase == Phase::Auth => {
            advice::for_failure(failure).map_or("login_refused", |advice| advice.id)
        }
        Cause::Refused(_) => "refused",
        Cause::Malformed(_) => "malformed_reply",
        Cause::Foreign(_) => "wrong_protocol",
        Cause::StartTlsNotOffered(None) => "starttls_not_offered",
        Cause::StartTlsNotOffered(Some(_)) => "starttls_stripped",
        Cause::BytesBehindStartTls(_) => "starttls_injection",
        Cause::Handshake(_) => "tls_handshake_failed",
        Cause::PlaintextSmtp => "plaintext_where_tls",
        Cause::Unverified(faults) => faults.first().map_or("certificate_untrusted", Fault::id),
        Cause::AuthNotOffered => "auth_not_offered",
        Cause::NoMechanism(_) => "no_usable_mechanism",
        Cause::Token(fault) => token(fault),
        Cause::Sasl(fault) => sasl(fault),
        Cause::Local(_) if failure.phase == Phase::Auth => "credentials_missing",
        Cause::Local(_) if failure.phase == Phase::Token => "token_credentials_missing",
        Cause::Local(_) => "local_file",
    }
}

fn token(fault: &TokenFault) -> &'static str {
    match fault {
        TokenFault::Refused(..) => "token_request_refused",
        TokenFault::Unreachable(_) => "token_endpoint_unreachable",
        TokenFault::Status(_) | TokenFault::NoToken | TokenFault::TooLarge => "token_endpoint_broken",
    }
}

fn sasl(fault: &SaslFault) -> &'static str {
    match fault {
        SaslFault::WrongSignature | SaslFault::Unproven | SaslFault::ForeignNonce => "server_not_proven",
        SaslFault::NothingAsked => "login_without_password",
        SaslFault::Iterations(_) => "scram_iterations",
        SaslFault::TooManyChallenges => "endless_challenges",
        SaslFault::Prohibited(_) => "secret_not_usable",
        SaslFault::NotBase64
        | SaslFault::UnexpectedChallenge(_)
        | SaslFault::Malformed(_)
        | SaslFault::ScramError(_) => "login_broken",
    }
}

/// The findings a failure earns: one, or one for each fault of a TLS session.
pub fn findings_of(failure: &Failure) -> Vec<Finding> {
    if let Cause::Unverified(faults) = &failure.cause {
        return faults
            .iter()
            .map(|fault| {
                Finding::new(fault.id(), State::Critical, fault.to_string()).advised(advice::for_fault(fault))
            })
            .collect();
    }
    vec![
        Finding::new(id_of(failure), state_of(failure), failure.to_string())
            .advised(advice::for_failure(failure)),
    ]
}
