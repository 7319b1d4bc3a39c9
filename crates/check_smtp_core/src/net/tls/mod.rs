//! TLS by OpenSSL. Handshake first, verdict after: what the server showed survives whatever is wrong with it.
//!
//! Nothing of OpenSSL is touched before a handshake is asked for, and nothing of it leaves this module but values.

mod context;
mod file;
mod key_kind;
mod names;
mod roots;
mod staple;
mod verify;

use std::str::FromStr;

use openssl::pkey::Id;
use openssl::ssl::{Ssl, SslContext, SslRef, SslStream, SslVersion, StatusType};
use openssl::x509::X509;

use super::clock::{self, Deadline};
use super::stream::Wire;
use crate::certificate::{Certificate, Fault, Identity};
use crate::error::Cause;
use crate::smtp::Foreign;

pub use context::{ClientCertificate, Context};
pub use file::{key_fits, read_chain};
pub use key_kind::KeyKind;
pub use roots::Roots;
pub use staple::{Staple, StapleFault, StapleStatus, read_staple};
pub use verify::{Path, anchored_path, path};

/// A protocol version, in the order of their age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// TLS 1.0 (RFC 2246).
    Tls10,
    /// TLS 1.1 (RFC 4346).
    Tls11,
    /// TLS 1.2 (RFC 5246).
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

impl Version {
    /// Its name as OpenSSL and the status line write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tls10 => "TLSv1",
            Self::Tls11 => "TLSv1.1",
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        }
    }

    /// The version of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        [Self::Tls10, Self::Tls11, Self::Tls12, Self::Tls13]
            .into_iter()
            .find(|version| version.name() == name)
    }

    fn to_openssl(self) -> SslVersion {
        match self {
            Self::Tls10 => SslVersion::TLS1,
            Self::Tls11 => SslVersion::TLS1_1,
            Self::Tls12 => SslVersion::TLS1_2,
            Self::Tls13 => SslVersion::TLS1_3,
        }
    }

    fn from_openssl(version: Option<SslVersion>) -> Option<Self> {
        [Self::Tls10, Self::Tls11, Self::Tls12, Self::Tls13]
            .into_iter()
            .find(|v| Some(v.to_openssl()) == version)
    }
}

impl FromStr for Version {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "1.0" => Ok(Self::Tls10),
            "1.1" => Ok(Self::Tls11),
            "1.2" => Ok(Self::Tls12),
            "1.3" => Ok(Self::Tls13),
            _ => Err("give 1.0, 1.1, 1.2 or 1.3"),
        }
    }
}

/// How TLS is to be spoken, and what is asked of it. Settings for another server (`Settings { sni, identity, ..settings.clone() }`) share
/// the context.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What is the same for every server.
    pub context: Context,
    /// The name sent as SNI; `None` sends none.
    pub sni: Option<String>,
    /// Who the certificate must be for.
    pub identity: Identity,
    /// The least version allowed; judged after the handshake, so that the version the server does speak is told.
    pub least: Version,
    /// The only kind of certificate asked for, of a server that may have several.
    pub key_kind: Option<KeyKind>,
    /// Whether an OCSP response is asked for.
    pub wants_staple: bool,
    /// The trusted roots.
    pub roots: Roots,
    /// Whether the verdicts end the session (`false`: `--insecure`).
    pub is_verified: bool,
}

/// What a handshake showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Negotiated version as OpenSSL names it.
    pub version: String,
    /// Negotiated cipher suite.
    pub cipher: String,
    /// Group of the key exchange, where OpenSSL tells it.
    pub group: Option<String>,
    /// Whether the master secret is bound to the handshake (RFC 7627); TLS 1.3 needs no such extension.
    pub binds_master_secret: Option<bool>,
    /// Application protocol chosen by the server.
    pub alpn: Option<String>,
    /// The chain as sent, in DER.
    pub chain: Vec<Vec<u8>>,
    /// The same, read. Certificates that cannot be read are left out.
    pub certificates: Vec<Certificate>,
    /// The OCSP response that came with it, in DER.
    pub staple: Option<Vec<u8>>,
    /// The four verdicts.
    pub verdicts: Verdicts,
}

/// Four independent verdicts: `None` is good.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    /// A path to a trusted root.
    pub trust: Option<Fault>,
    /// All of the path valid now.
    pub time: Option<Fault>,
    /// The certificate is for this server.
    pub name: Option<Fault>,
    /// Keys, signatures and protocol version.
    pub strength: Option<Fault>,
}

impl Verdicts {
    /// All faults, trust first.
    pub fn faults(&self) -> Vec<Fault> {
        [&self.trust, &self.time, &self.name, &self.strength].into_iter().flatten().cloned().collect()
    }
}

/// Speaks TLS over a connection and judges what came. A session with faults is a success here; who asked decides.
pub fn handshake(
    mut wire: Wire,
    settings: &Settings,
    deadline: Deadline,
) -> Result<(SslStream<Wire>, Session), Cause> {
    wire.forget_first_bytes();
    let context = settings.context.of(settings.key_kind, deadline)?;
    let ssl = prepare(context, settings).map_err(|error| Cause::Handshake(openssl_words(&error)))?;
    let mut stream = SslStream::new(ssl, wire).map_err(|error| Cause::Handshake(openssl_words(&error)))?;
    if let Err(error) = stream.connect() {
        return Err(handshake_failure(&error, &stream, deadline));
    }
    let chain: Vec<X509> = stream
        .ssl()
        .peer_cert_chain()
        .map(|chain| chain.iter().map(ToOwned::to_owned).collect())
        .unwrap_or_default();
    let verdicts =
        verify::verdicts(&chain, settings, Version::from_openssl(stream.ssl().version2()), deadline)?;
    let session = describe(&stream, &chain, verdicts);
    Ok((stream, session))
}

/// What is this connection's own.
fn prepare(context: &SslContext, settings: &Settings) -> Result<Ssl, openssl::error::ErrorStack> {
    let mut ssl = Ssl::new(context)?;
    if let Some(name) = &settings.sni {
        ssl.set_hostname(name)?;
    }
    if settings.wants_staple {
        ssl.set_status_type(StatusType::OCSP)?;
    }
    Ok(ssl)
}

/// Reads a small local file within the deadline: it may lie on a dead file server.
fn read_local(flag: &str, path: &std::path::Path, deadline: Deadline) -> Result<Vec<u8>, Cause> {
    let owned = path.to_owned();
    match clock::within(deadline, move || std::fs::read(owned)) {
        Some(Ok(bytes)) => Ok(bytes),
        Some(Err(error)) => Err(local(flag, path, &crate::error::system_words(&error))),
        None => Err(local(flag, path, "could not be read in time")),
    }
}

fn local(flag: &str, path: &std::path::Path, what: &str) -> Cause {
    Cause::Local(format!("{flag} '{}': {what}", path.display()))
}

fn handshake_failure(error: &openssl::ssl::Error, stream: &SslStream<Wire>, deadline: Deadline) -> Cause {
    let first = stream.get_ref().first_bytes();
    if let Some(io) = error.io_error() {
        return Cause::from_io(io, deadline.budget());
    }
    if matches!(first, [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9', b' ' | b'-', ..]) {
        return Cause::PlaintextSmtp;
    }
    if let Some(foreign) = Foreign::recognise(first).filter(|foreign| *foreign != Foreign::Tls) {
        return Cause::Foreign(foreign);
    }
    match error.ssl_error() {
        Some(stack) if is_unexpected_end(stack) => Cause::Closed,
        Some(stack) => Cause::Handshake(openssl_words(stack)),
        None => Cause::Closed,
    }
}

/// A fault inside an established session: the end without a `close_notify` is an end, an alert is told in its own words (a client
/// certificate that is missing shows only here in TLS 1.3).
pub(super) fn named(error: std::io::Error) -> std::io::Error {
    let stack = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<openssl::ssl::Error>())
        .and_then(|e| e.ssl_error());
    match stack {
        Some(stack) if is_unexpected_end(stack) => std::io::ErrorKind::UnexpectedEof.into(),
        Some(stack) => std::io::Error::other(SessionFault(openssl_words(stack))),
        None => error,
    }
}

/// TLS broke in mid-session, in OpenSSL's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SessionFault(String);

fn is_unexpected_end(stack: &openssl::error::ErrorStack) -> bool {
    stack.errors().iter().any(|error| error.reason().is_some_and(|reason| reason.contains("unexpected eof")))
}

/// OpenSSL's reason without its codes and function names.
fn openssl_words(stack: &openssl::error::ErrorStack) -> String {
    let reason = stack.errors().first().and_then(openssl::error::Error::reason).unwrap_or("unknown reason");
    let alert = ["sslv3 alert ", "ssl/tls alert ", "tlsv1 alert ", "tlsv13 alert "]
        .iter()
        .find_map(|prefix| reason.strip_prefix(prefix));
    match alert {
        Some(alert) => format!("the server answered with the alert '{alert}'"),
        None => reason.to_owned(),
    }
}

fn describe(stream: &SslStream<Wire>, chain: &[X509], verdicts: Verdicts) -> Session {
    let ssl = stream.ssl();
    let chain: Vec<Vec<u8>> = chain.iter().filter_map(|certificate| certificate.to_der().ok()).collect();
    let certificates = chain.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
    Session {
        version: ssl.version_str().to_owned(),
        cipher: ssl.current_cipher().map(|cipher| cipher.name().to_owned()).unwrap_or_default(),
        group: ssl.peer_tmp_key().ok().map(|key| match key.id() {
            Id::X25519 => "x25519".to_owned(),
            Id::X448 => "x448".to_owned(),
            Id::EC => key
                .ec_key()
                .ok()
                .and_then(|ec| ec.group().curve_name()?.short_name().ok())
                .unwrap_or("ec")
                .to_owned(),
            _ => format!("ffdhe {} bit", key.bits()),
        }),
        binds_master_secret: ssl.extms_support().filter(|_| ssl.version2() != Some(SslVersion::TLS1_3)),
        alpn: ssl.selected_alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
        chain,
        staple: ssl.ocsp_status().filter(|staple| !staple.is_empty()).map(<[u8]>::to_vec),
        certificates,
        verdicts,
    }
}

/// Channel binding: `tls-exporter` with TLS 1.3 (RFC 9266), `tls-unique` before (RFC 5929 section 3).
pub(super) fn binding(ssl: &SslRef) -> Option<(&'static str, Vec<u8>)> {
    if ssl.version2() == Some(SslVersion::TLS1_3) {
        let mut bytes = vec![0; 32];
        ssl.export_keying_material(&mut bytes, "EXPORTER-Channel-Binding", Some(b"")).ok()?;
        return Some(("tls-exporter", bytes));
    }
    let mut bytes = vec![0; 64];
    // A session that is not resumed: the first Finished message is the client's.
    let length = ssl.finished(&mut bytes);
    bytes.truncate(length);
    (length > 0).then_some(("tls-unique", bytes))
}

/// OpenSSL's version and how it is linked, for `--version`.
pub fn library() -> String {
    let linked = if cfg!(feature = "vendored-openssl") { "linked in" } else { "shared library" };
    format!("{} ({linked})", openssl::version::version())
}
