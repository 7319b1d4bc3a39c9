//! Fetches a token, or takes the one an earlier run has kept.

use std::path::Path;

use crate::error::{Cause, Failure};
use crate::net::{Deadline, clock, https};
use crate::oauth2::{self, Grant, Request, TokenFault};
use crate::secret::{self, Secret, Source};
use crate::timeline::{Phase, Timeline};

/// Where a token came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenOrigin {
    /// An earlier run.
    Cache,
    /// The endpoint; and why it could not be kept, where that is so.
    Endpoint(Result<(), String>),
}

/// The token and where it came from; `state_dir`: where it is kept, when that was said.
pub fn get(
    request: &Request,
    state_dir: Option<&Path>,
    timeline: &mut Timeline,
    deadline: Deadline,
) -> Result<(Secret, TokenOrigin), Failure> {
    // The directory may lie on a dead file server, like any other.
    let (directory, asked) = (secret::state_directory(state_dir), request.clone());
    let kept = clock::within(deadline, move || oauth2::cached(&directory, &asked, clock::now()));
    if let Some(token) = kept.flatten() {
        return Ok((token.secret, TokenOrigin::Cache));
    }
    let began = deadline.elapsed();
    let fetched = fetch(request, deadline);
    let token = fetched.map_err(|cause| {
        timeline.ended(deadline.elapsed());
        Failure::new(Phase::Token, cause)
    })?;
    timeline.finished(Phase::Token, began, deadline.elapsed());
    let (directory, asked, fetched) = (secret::state_directory(state_dir), request.clone(), token.clone());
    let kept = clock::within(deadline, move || oauth2::keep(&directory, &asked, &fetched));
    let kept = kept.unwrap_or_else(|| Err("it took too long".to_owned()));
    Ok((token.secret, TokenOrigin::Endpoint(kept)))
}

/// Forgets the kept token after a server has refused it.
pub fn forget(request: &Request, state_dir: Option<&Path>, deadline: Deadline) {
    let (directory, request) = (secret::state_directory(state_dir), request.clone());
    let _ = clock::within(deadline, move || oauth2::forget(&directory, &request));
}

fn fetch(request: &Request, deadline: Deadline) -> Result<oauth2::Token, Cause> {
    let (secret, refresh) = match &request.grant {
        Grant::ClientCredentials { secret } => (Some(read("client secret", secret, deadline)?), None),
        Grant::RefreshToken { token, secret } => {
            let secret = secret.as_ref().map(|secret| read("client secret", secret, deadline)).transpose()?;
            (secret, Some(read("refresh token", token, deadline)?))
        }
    };
    let form = request.form(secret.as_ref(), refresh.as_ref());
    let ca_file = request.ca_file.as_deref().map(|path| https::CaFile { flag: "--oauth2-ca-file", path });
    let answer = https::post_form(&request.url, form, ca_file, deadline).map_err(cause)?;
    let token = oauth2::read_answer(answer.status, &answer.body, clock::now());
    token.map_err(|fault| Cause::Token(fault.without(&[secret, refresh])))
}

fn cause(fault: https::Fault) -> Cause {
    match fault {
        https::Fault::Timeout(budget) => Cause::Timeout(budget),
        https::Fault::Local(words) => Cause::Local(words),
        https::Fault::TooLarge => Cause::Token(TokenFault::TooLarge),
        // Of a handshake all that OpenSSL says, as this check has always shown it.
        https::Fault::Tls(words) | https::Fault::Unreachable(words) => {
            Cause::Token(TokenFault::Unreachable(words))
        }
        https::Fault::NameNotFound => Cause::Token(TokenFault::Unreachable(fault.to_string())),
    }
}

fn read(name: &str, source: &Source, deadline: Deadline) -> Result<Secret, Cause> {
    let secret =
        source.read(deadline).map_err(|words| Cause::Local(format!("the {name} cannot be read: {words}")))?;
    if secret.expose().is_empty() { Err(Cause::Local(format!("the {name} is empty"))) } else { Ok(secret) }
}
