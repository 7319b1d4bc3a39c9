//! Calls of a small HTTP API, several over one connection, in the clear too: sandbox servers have nothing else.

use std::io::Read as _;
use std::net::IpAddr;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ureq::Agent;
use ureq::http::Response;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use ureq::unversioned::transport::DefaultConnector;

use super::{Answer, Fault, Known, fault, read_roots};
use crate::net::clock::{self, Deadline};
use crate::secret::Secret;

/// How an API is reached.
#[derive(Clone, Default)]
pub struct Reach {
    /// Where to connect; none: the system looks the name up.
    pub addresses: Vec<IpAddr>,
    /// Certificates that are trusted instead of the system's roots, and the flag that named them.
    pub ca_file: Option<(&'static str, PathBuf)>,
    /// Whether the certificate is not verified (`--insecure`).
    pub is_insecure: bool,
    /// User and password (RFC 7617).
    pub account: Option<(String, Secret)>,
}

/// An API within reach.
pub struct Api {
    agent: Agent,
    authorization: Option<String>,
    deadline: Deadline,
}

/// How much of an answer is read.
#[derive(Clone, Copy, Debug)]
pub enum Limit {
    /// All of it; more than so many bytes is [`Fault::TooLarge`].
    Whole(u64),
    /// So many bytes; the rest does not matter.
    Beginning(u64),
}

/// Works with the API that `url` names, on a thread that is waited for until the deadline.
pub fn with<T: Send + 'static>(
    url: &str,
    reach: &Reach,
    deadline: Deadline,
    work: impl FnOnce(&Api) -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let (resolver, reach) = (Known::of(url, reach.addresses.clone()), reach.clone());
    let worked = clock::within(deadline, move || {
        let roots = reach.ca_file.map(|(flag, path)| read_roots(flag, &path)).transpose()?;
        let tls = TlsConfig::builder()
            .provider(TlsProvider::NativeTls)
            .root_certs(roots.unwrap_or(RootCerts::PlatformVerifier))
            .disable_verification(reach.is_insecure)
            .build();
        let config = Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(deadline.left()))
            .user_agent(concat!("smtp-monitoring-plugins/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls);
        let agent = Agent::with_parts(config.build(), DefaultConnector::default(), resolver);
        let authorization = reach
            .account
            .map(|(user, secret)| format!("Basic {}", BASE64.encode(format!("{user}:{}", secret.expose()))));
        work(&Api { agent, authorization, deadline })
    });
    worked.unwrap_or(Err(Fault::Timeout(deadline.budget())))
}

impl Api {
    /// Fetches something. The body is read only with the status 200.
    pub fn get(&self, url: &str, limit: Limit) -> Result<Answer, Fault> {
        let mut request = self.agent.get(url);
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        let mut answer = request.call().map_err(|error| fault(&error, self.deadline))?;
        let status = answer.status().as_u16();
        let mut body = Vec::new();
        if status == 200 {
            let most = match limit {
                Limit::Whole(most) => most.saturating_add(1),
                Limit::Beginning(most) => most,
            };
            let read = answer.body_mut().as_reader().take(most).read_to_end(&mut body);
            read.map_err(|error| fault(&ureq::Error::Io(error), self.deadline))?;
            if matches!(limit, Limit::Whole(most) if body.len() as u64 > most) {
                return Err(Fault::TooLarge);
            }
        }
        Ok(Answer { status, content_type: content_type(&answer), body })
    }

    /// Deletes something, named by the URL or by a document; the status.
    pub fn delete(&self, url: &str, document: Option<&str>) -> Result<u16, Fault> {
        let mut request = self.agent.delete(url);
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        let answer = match document {
            None => request.call(),
            Some(text) => request.header("Content-Type", "application/json").force_send_body().send(text),
        };
        answer.map(|answer| answer.status().as_u16()).map_err(|error| fault(&error, self.deadline))
    }
}

fn content_type(answer: &Response<ureq::Body>) -> Option<String> {
    let value = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
    value.map(str::to_owned)
}
