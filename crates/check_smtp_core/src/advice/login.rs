//! What a refused login means. Wrong credentials and a back end that is down are never the same.

use super::advice;
use crate::oauth2::TokenFault;
use crate::plugin::Advice;
use crate::smtp::Reply;
use crate::smtp::sasl::SaslFault;

/// Advice on a reply that refuses a login.
pub fn for_refusal(reply: &Reply, text: &str) -> Option<Advice> {
    if text.contains("too many") || text.contains("rate limit") || text.contains("throttl") {
        return advice(
            "too_many_attempts",
            "the server counts logins and has had enough of this client or account: ask less often, look for others that try",
        );
    }
    for_provider(reply, text).or_else(|| by_code(reply.code(), text))
}

/// The words of the large providers, by their enhanced codes.
fn for_provider(reply: &Reply, text: &str) -> Option<Advice> {
    match (reply.code(), reply.enhanced_code()?) {
        (535, "5.7.139") if text.contains("disabled for the tenant") => advice(
            "smtp_auth_disabled_for_tenant",
            "SMTP AUTH is switched off for the whole Microsoft 365 tenant: use OAuth2, or Set-TransportConfig -SmtpClientAuthenticationDisabled $false",
        ),
        (535, "5.7.139") if text.contains("disabled for the mailbox") => advice(
            "smtp_auth_disabled_for_mailbox",
            "SMTP AUTH is switched off for this mailbox: Set-CASMailbox -SmtpClientAuthenticationDisabled $false",
        ),
        (535, "5.7.139") if text.contains("security defaults") || text.contains("polic") => advice(
            "login_blocked_by_policy",
            "security defaults or a conditional access policy of Microsoft 365 block this login: except the account, or use OAuth2",
        ),
        (535, "5.7.139") => advice(
            "basic_authentication_refused",
            "Microsoft 365 did not take the password: look into the sign-in log of the account, or use OAuth2",
        ),
        (550, "5.7.30") => advice(
            "basic_authentication_off",
            "Microsoft 365 takes no passwords for SMTP any more: use OAuth2 (--oauth2-token-url or --token-command)",
        ),
        (534, "5.7.9") => advice(
            "application_password_required",
            "the account has two-factor login: create an application password for the probe, or use OAuth2",
        ),
        (534, "5.7.14") => advice(
            "web_login_required",
            "the provider wants a login by browser first: log in there as the probe, or use OAuth2",
        ),
        (535, "5.7.3") => advice(
            "credentials_refused",
            "Exchange refused the login: user and password, or SMTP AUTH is not enabled for this mailbox or connector",
        ),
        _ => None,
    }
}

fn by_code(code: u16, text: &str) -> Option<Advice> {
    match code {
        530 if !text.contains("starttls") => advice(
            "authentication_not_taken",
            "the server wants a login and did not take this one: check that this connector offers it (Exchange: 530 5.7.57)",
        ),
        530 | 538 => advice(
            "tls_required_for_login",
            "the server takes logins inside TLS only: use -S/--starttls or -s/--tls",
        ),
        525 => advice("account_disabled", "the account is disabled: enable it, or give the probe another"),
        534 => advice(
            "mechanism_too_weak",
            "the server wants a stronger mechanism for this account: choose one with -A/--mechanism",
        ),
        504 => advice(
            "mechanism_not_supported",
            "the server does not take this mechanism (Exchange: 504 5.7.4): choose another with -A/--mechanism",
        ),
        500..=503 => advice(
            "login_not_understood",
            "the server did not understand the login: look at the dialogue with -vvv, try another mechanism with -A",
        ),
        454 | 451 | 432 => advice(
            "login_backend_down",
            "not the password: the server cannot reach its user database, look at its authentication service and log",
        ),
        421 => advice(
            "service_not_available",
            "the server asks to come back later (shutting down, or too many connections): look at its load and connection limits",
        ),
        450 | 452 => {
            advice("login_put_off", "the server puts logins off: rate limit or load, ask again later")
        }
        535 => advice(
            "credentials_refused",
            "user or password is wrong, or the account may not use SMTP: try them by hand, look into the server's log",
        ),
        _ => advice("login_refused", "the server refuses the login: look into its log for this time"),
    }
}

/// Advice on a token that was not to be had.
pub fn for_token(fault: &TokenFault) -> Option<Advice> {
    match fault {
        TokenFault::Refused(error, _) => match error.as_str() {
            "invalid_client" | "unauthorized_client" => advice(
                "oauth2_client_refused",
                "the provider does not take this client: its id, its secret (they expire), and that this grant is allowed for it",
            ),
            "invalid_grant" => advice(
                "oauth2_grant_refused",
                "the refresh token is expired or revoked: authorise the client anew",
            ),
            "invalid_scope" => advice(
                "oauth2_scope_refused",
                "check --oauth2-scope (Microsoft with client credentials: https://outlook.office365.com/.default)",
            ),
            _ => advice("token_request_refused", "look the error up in the provider's documentation"),
        },
        TokenFault::Unreachable(_) => advice(
            "token_endpoint_unreachable",
            "check --oauth2-token-url, the certificate behind it (--oauth2-ca-file), and whether the monitoring host reaches it (HTTPS_PROXY)",
        ),
        TokenFault::Status(_) | TokenFault::NoToken | TokenFault::TooLarge => advice(
            "token_endpoint_broken",
            "what answers is no token endpoint, or it is down: check --oauth2-token-url and the provider's status page",
        ),
    }
}

/// Advice on an exchange that was broken off.
pub fn for_fault(fault: &SaslFault) -> Option<Advice> {
    match fault {
        SaslFault::WrongSignature | SaslFault::Unproven | SaslFault::ForeignNonce => advice(
            "server_not_proven",
            "who answers does not hold this account's password data: look for a proxy or a wrong host, change the password if it is not yours",
        ),
        SaslFault::NothingAsked => advice(
            "login_without_password",
            "the server lets anybody in: look at its user database and the mechanisms it offers",
        ),
        SaslFault::Iterations(_) => advice(
            "scram_iterations",
            "set the server's SCRAM iteration count to a sane value (4096 to 600000)",
        ),
        SaslFault::Prohibited(_) => {
            advice("secret_not_usable", "change it, or choose another mechanism with -A/--mechanism")
        }
        _ => advice(
            "login_broken",
            "the server does not speak this mechanism as its RFC has it: look at the dialogue with -vvv, try another with -A",
        ),
    }
}
