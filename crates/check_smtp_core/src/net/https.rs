//! One HTTPS request within the deadline: a form is posted or a text fetched, a small answer read. Redirects are not followed, and a
//! proxy that the environment names is used.

pub mod api;

use std::io::Read as _;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use ureq::config::Config;
use ureq::http::{Response, Uri};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body, Error};

use super::clock::{self, Deadline};
use crate::error::{seconds, system_words};

/// Bytes of an answer; a token answer has two thousand, a policy of MTA-STS some hundred.
const ANSWER_LIMIT: u64 = 64 * 1024;
/// Bytes of a file of certificates.
const ROOTS_LIMIT: u64 = 32 * 1024 * 1024;
/// Addresses ureq has room for.
const ADDRESS_LIMIT: usize = 16;
/// The port of an address without one (RFC 9110 section 4.2.2).
const HTTPS_PORT: u16 = 443;

/// What the server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The Content-Type, if it is text.
    pub content_type: Option<String>,
    /// The body, 64 KiB at the most.
    pub body: Vec<u8>,
}

/// Certificates that are trusted instead of the system's roots: a PEM file, and the flag that named it, for errors.
#[derive(Clone, Copy, Debug)]
pub struct CaFile<'a> {
    /// The flag, as in `--ca-file`.
    pub flag: &'static str,
    /// The file.
    pub path: &'a Path,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The budget (`-t`) ran out; the whole of it is given.
    #[error("no answer within {}", seconds(*.0))]
    Timeout(Duration),
    /// The name does not exist.
    #[error("its name was not found")]
    NameNotFound,
    /// It was not reached, or what answered is no HTTP; in the system's words, or ureq's.
    #[error("{0}")]
    Unreachable(String),
    /// The handshake failed, or the certificate does not hold: everything OpenSSL says of it, of which only its reasons are shown.
    #[error("{}", reasons(.0))]
    Tls(String),
    /// More than is read; nothing of it is used.
    #[error("more than 64 KiB were answered")]
    TooLarge,
    /// The file of certificates could not be used: flag, name and reason.
    #[error("{0}")]
    Local(String),
}

/// Posts a form (`application/x-www-form-urlencoded`); the answer is wanted in JSON. The body is read whatever the status.
pub fn post_form(
    url: &str,
    form: String,
    ca_file: Option<CaFile<'_>>,
    deadline: Deadline,
) -> Result<Answer, Fault> {
    let owned = url.to_owned();
    ask(url, Vec::new(), ca_file, deadline, move |agent| {
        let request = agent
            .post(&owned)
            .header("Accept", "application/json")
            .header("Content-Type", "application/x-www-form-urlencoded");
        read(request.send(form)?, true)
    })
}

/// Fetches a text. The body is read only with the status 200: of a page that says no, however long, the status is all that counts.
///
/// `addresses`: where to connect, the first 16 of them in turn; none: the system looks the name up. Host header, SNI and the name in the
/// certificate are the URL's all the same. A proxy looks the name up by itself.
pub fn get(
    url: &str,
    addresses: Vec<IpAddr>,
    ca_file: Option<CaFile<'_>>,
    deadline: Deadline,
) -> Result<Answer, Fault> {
    let owned = url.to_owned();
    ask(url, addresses, ca_file, deadline, move |agent| {
        let answer = agent.get(&owned).header("Accept", "text/plain").call()?;
        let is_found = answer.status().as_u16() == 200;
        read(answer, is_found)
    })
}

fn ask(
    url: &str,
    addresses: Vec<IpAddr>,
    ca_file: Option<CaFile<'_>>,
    deadline: Deadline,
    exchange: impl FnOnce(&Agent) -> Result<Answer, Error> + Send + 'static,
) -> Result<Answer, Fault> {
    let resolver = Known::of(url, addresses);
    let ca_file = ca_file.map(|file| (file.flag, file.path.to_owned()));
    // ureq bounds every socket; the name lookup and the CA file are bounded by the thread.
    let answered = clock::within(deadline, move || {
        let roots =
            ca_file.map_or(Ok(RootCerts::PlatformVerifier), |(flag, path)| read_roots(flag, &path))?;
        exchange(&agent(roots, resolver, deadline)).map_err(|error| fault(&error, deadline))
    });
    answered.unwrap_or(Err(Fault::Timeout(deadline.budget())))
}

fn agent(roots: RootCerts, resolver: Known, deadline: Deadline) -> Agent {
    let tls = TlsConfig::builder().provider(TlsProvider::NativeTls).root_certs(roots).build();
    let config = Agent::config_builder()
        .https_only(true)
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_global(Some(deadline.left()))
        .user_agent(concat!("smtp-monitoring-plugins/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls);
    Agent::with_parts(config.build(), DefaultConnector::default(), resolver)
}

fn read(mut answer: Response<Body>, has_body: bool) -> Result<Answer, Error> {
    let status = answer.status().as_u16();
    let content_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
    let content_type = content_type.map(str::to_owned);
    let body = if has_body {
        answer.body_mut().with_config().limit(ANSWER_LIMIT).read_to_vec()?
    } else {
        Vec::new()
    };
    Ok(Answer { status, content_type, body })
}

/// The addresses of the one host that is asked, known beforehand; any other name (a proxy's), and this one where none are known, is looked
/// up by the system.
#[derive(Debug)]
struct Known {
    host: Option<String>,
    addresses: Vec<IpAddr>,
    system: DefaultResolver,
}

impl Known {
    /// An URL that cannot be read has no host, and ureq refuses it by itself.
    fn of(url: &str, addresses: Vec<IpAddr>) -> Self {
        let host = url.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned));
        Self { host, addresses, system: DefaultResolver::default() }
    }
}

impl Resolver for Known {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        if self.addresses.is_empty() || uri.host() != self.host.as_deref() {
            return self.system.resolve(uri, config, timeout);
        }
        let port = uri.port_u16().unwrap_or(HTTPS_PORT);
        let mut resolved = self.empty();
        // It has no more room, and panics beyond.
        for address in self.addresses.iter().take(ADDRESS_LIMIT) {
            resolved.push(SocketAddr::new(*address, port));
        }
        Ok(resolved)
    }
}

fn read_roots(flag: &str, path: &Path) -> Result<RootCerts, Fault> {
    let local = |what: &str| Fault::Local(format!("{flag} '{}': {what}", path.display()));
    let mut pem = Vec::new();
    let read =
        std::fs::File::open(path).and_then(|file| file.take(ROOTS_LIMIT).read_to_end(&mut pem).map(drop));
    read.map_err(|error| local(&system_words(&error)))?;
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

fn fault(error: &Error, deadline: Deadline) -> Fault {
    match error {
        Error::Timeout(_) => Fault::Timeout(deadline.budget()),
        Error::HostNotFound => Fault::NameNotFound,
        Error::BodyExceedsLimit(_) => Fault::TooLarge,
        Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => Fault::Timeout(deadline.budget()),
        Error::Io(error) => Fault::Unreachable(system_words(error)),
        Error::NativeTls(_) => Fault::Tls(error.to_string()),
        other => Fault::Unreachable(other.to_string()),
    }
}

/// OpenSSL's reason without its codes and places, and the verdict on the certificate where that is the reason:
/// `native-tls: error:0A000086:SSL routines:function:certificate verify failed:file:1889: (certificate has expired)`.
fn reasons(words: &str) -> String {
    let words = words.strip_prefix("native-tls: ").unwrap_or(words);
    let Some(reason) = words.strip_prefix("error:").and_then(|rest| rest.split(':').nth(3)) else {
        return words.to_owned();
    };
    match words.strip_suffix(')').and_then(|rest| rest.rsplit_once(" (")) {
        Some((_, verdict)) => format!("{reason}: {verdict}"),
        None => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, SocketAddr};
    use std::path::Path;
    use std::time::Duration;

    use ureq::unversioned::resolver::Resolver as _;
    use ureq::unversioned::transport::NextTimeout;
    use ureq::{Agent, Timeout};

    use super::{CaFile, Deadline, Fault, Known, get, reasons};

    /// What is resolved for `asked` where the addresses of `url` are known.
    fn resolved(url: &str, addresses: &[&str], asked: &str) -> Vec<String> {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        let timeout = NextTimeout {
            after: Duration::from_secs(10).into(),
            reason: Timeout::Resolve,
            ..NextTimeout::default()
        };
        let config = Agent::config_builder().build();
        let found = Known::of(url, addresses).resolve(&asked.parse().unwrap(), &config, timeout).unwrap();
        found.iter().map(SocketAddr::to_string).collect()
    }

    #[test]
    fn known_addresses_are_for_the_host_of_the_url_alone() {
        let url = "https://mta-sts.example.org/.well-known/mta-sts.txt";
        let known = ["192.0.2.1", "2001:db8::1"];
        assert_eq!(resolved(url, &known, url), ["192.0.2.1:443", "[2001:db8::1]:443"]);
        let url = "https://mta-sts.example.org:8443/";
        assert_eq!(resolved(url, &known, url), ["192.0.2.1:8443", "[2001:db8::1]:8443"]);
        assert_eq!(resolved(url, &known, "http://127.0.0.9:3128"), ["127.0.0.9:3128"]);
        assert_eq!(resolved("https://127.0.0.9/", &[], "https://127.0.0.9/"), ["127.0.0.9:443"]);
        assert_eq!(resolved(url, &["192.0.2.1"; 40], url).len(), 16);
    }

    #[test]
    fn of_what_openssl_says_the_reasons_are_shown() {
        let verify = "native-tls: error:0A000086:SSL routines:tls_post_process_server_certificate:certificate verify failed:../ssl/statem/statem_clnt.c:1889: ";
        for (words, told) in [
            (
                &*format!("{verify}(certificate has expired)"),
                "certificate verify failed: certificate has expired",
            ),
            (&format!("{verify}(hostname mismatch)"), "certificate verify failed: hostname mismatch"),
            (
                "native-tls: error:0A000410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure:../ssl/record/rec_layer_s3.c:1605:SSL alert number 40",
                "sslv3 alert handshake failure",
            ),
            ("native-tls: unexpected EOF", "unexpected EOF"),
            ("error:1", "error:1"),
            ("", ""),
        ] {
            assert_eq!(reasons(words), told);
            assert_eq!(Fault::Tls(words.to_owned()).to_string(), told);
        }
    }

    #[test]
    fn what_is_no_https_is_not_asked() {
        let deadline = Deadline::after(Duration::from_secs(10));
        for url in ["http://mta-sts.example.org/", "mta-sts.example.org", "https://", ""] {
            let fault = get(url, vec![IpAddr::from([192, 0, 2, 1])], None, deadline).unwrap_err();
            assert!(matches!(fault, Fault::Unreachable(_)), "{url}: {fault}");
        }
    }

    #[test]
    fn a_file_without_roots_is_told_by_its_flag() {
        let deadline = Deadline::after(Duration::from_secs(10));
        for (path, told) in [
            ("/nowhere/ca.pem", "--ca-file '/nowhere/ca.pem': no such file or directory"),
            ("/dev/null", "--ca-file '/dev/null': no PEM certificate in it"),
        ] {
            let file = CaFile { flag: "--ca-file", path: Path::new(path) };
            let fault = get("https://mta-sts.example.org/", Vec::new(), Some(file), deadline).unwrap_err();
            assert_eq!(fault, Fault::Local(told.to_owned()));
        }
    }
}
