//! One HTTPS request within the deadline: a small form is posted, a small answer read. Redirects are not followed.

use std::path::Path;

use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::{Agent, Error};

use super::clock::{self, Deadline};
use crate::error::{Cause, system_words};
use crate::oauth2::TokenFault;

/// Bytes of an answer; a token answer has two thousand.
const ANSWER_LIMIT: u64 = 64 * 1024;

/// What the server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Posts a form (`application/x-www-form-urlencoded`). `ca_file`: trust these certificates instead of the system's roots.
pub fn post_form(
    url: &str,
    form: String,
    ca_file: Option<&Path>,
    deadline: Deadline,
) -> Result<Answer, Cause> {
    let (url, ca_file) = (url.to_owned(), ca_file.map(Path::to_owned));
    // ureq bounds every socket; the name lookup and the CA file are bounded by the thread.
    let answered = clock::within(deadline, move || {
        let roots = ca_file.as_deref().map_or(Ok(RootCerts::PlatformVerifier), read_roots)?;
        post(&agent(roots, deadline), &url, &form).map_err(|error| cause(&error, deadline))
    });
    answered.unwrap_or(Err(Cause::Timeout(deadline.budget())))
}

fn agent(roots: RootCerts, deadline: Deadline) -> Agent {
    let tls = TlsConfig::builder().provider(TlsProvider::NativeTls).root_certs(roots).build();
    let config = Agent::config_builder()
        .https_only(true)
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_global(Some(deadline.left()))
        .user_agent(concat!("smtp-monitoring-plugins/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls);
    config.build().new_agent()
}

fn post(agent: &Agent, url: &str, form: &str) -> Result<Answer, Error> {
    let request = agent
        .post(url)
        .header("Accept", "application/json")
        .header("Content-Type", "application/x-www-form-urlencoded");
    let mut answer = request.send(form)?;
    let status = answer.status().as_u16();
    let body = answer.body_mut().with_config().limit(ANSWER_LIMIT).read_to_vec()?;
    Ok(Answer { status, body })
}

fn read_roots(path: &Path) -> Result<RootCerts, Cause> {
    let local = |what: &str| Cause::Local(format!("--oauth2-ca-file '{}': {what}", path.display()));
    let pem = std::fs::read(path).map_err(|error| local(&system_words(&error)))?;
    let certificates: Vec<Certificate<'static>> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(local("no PEM certificate in it"));
    }
    Ok(RootCerts::Specific(std::sync::Arc::new(certificates)))
}

fn cause(error: &Error, deadline: Deadline) -> Cause {
    match error {
        Error::Timeout(_) => Cause::Timeout(deadline.budget()),
        Error::HostNotFound => Cause::Token(TokenFault::Unreachable("its name was not found".to_owned())),
        Error::BodyExceedsLimit(_) => Cause::Token(TokenFault::TooLarge),
        Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => Cause::Timeout(deadline.budget()),
        Error::Io(error) => Cause::Token(TokenFault::Unreachable(system_words(error))),
        other => Cause::Token(TokenFault::Unreachable(other.to_string())),
    }
}
