//! Whether and how TLS is spoken.

use std::path::PathBuf;

use super::{Given, Target, non_empty, path};
use crate::certificate::Identity;
use crate::net::Host;
use crate::net::tls::{ClientCertificate, Context, Roots, Settings, Version};
use crate::plugin::UsageError;
use crate::secret::Stored;

/// `-s`, `-S`, `--insecure`, `--sni`, `--min-tls`, `--max-tls`, `--ca-file`, `--ca-dir`, `--client-cert` and its key.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "TLS")]
pub struct TlsArgs {
    /// TLS from the first byte (implicit TLS; the default for port 465)
    #[arg(short = 's', long, num_args = 0, default_missing_value = "")]
    pub tls: Option<Given>,
    /// TLS by STARTTLS; not offered or refused is CRITICAL
    #[arg(short = 'S', long, num_args = 0, default_missing_value = "", conflicts_with = "tls")]
    pub starttls: Option<Given>,
    /// Do not verify the certificate; the status line says so
    #[arg(long, num_args = 0, default_missing_value = "")]
    pub insecure: Option<Given>,
    /// Server name to ask for and to verify [default: the name after -H]; 'none' sends none
    #[arg(long, value_name = "NAME", value_parser = non_empty)]
    pub sni: Option<String>,
    /// Least TLS version allowed: 1.0, 1.1, 1.2 or 1.3 [default: 1.2]
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub min_tls: Option<Version>,
    /// Greatest TLS version offered
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub max_tls: Option<Version>,
    /// Trust the certificates in this PEM file instead of the system's roots
    #[arg(long, value_name = "FILE", value_parser = path)]
    pub ca_file: Option<PathBuf>,
    /// Trust the certificates in this hashed directory instead of the system's roots
    #[arg(long, value_name = "DIR", value_parser = path, conflicts_with = "ca_file")]
    pub ca_dir: Option<PathBuf>,
    /// Client certificate (PEM, leaf first)
    #[arg(long, value_name = "FILE", value_parser = path)]
    pub client_cert: Option<PathBuf>,
    /// Key of the client certificate (PEM) [default: the file of --client-cert]
    #[arg(long, value_name = "FILE", value_parser = path)]
    pub client_key: Option<PathBuf>,
    /// Environment variable that holds the passphrase of the client key
    #[arg(long, value_name = "NAME", value_parser = non_empty)]
    pub client_key_passphrase_env: Option<String>,
    /// File that holds the passphrase of the client key; refused when others can read it
    #[arg(long, value_name = "FILE", value_parser = path, conflicts_with = "client_key_passphrase_env")]
    pub client_key_passphrase_file: Option<PathBuf>,
}

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// Never.
    None,
    /// After STARTTLS where it is offered and works, else never: what servers do with each other (RFC 7435). Nothing is verified.
    Opportunistic,
    /// After STARTTLS.
    StartTls,
    /// At once.
    Implicit,
}

impl TlsMode {
    /// The mode a port has when nothing is said: implicit TLS on 465 (RFC 8314), none elsewhere.
    pub fn of_port(port: u16) -> Self {
        if port == 465 { Self::Implicit } else { Self::None }
    }
}

impl TlsArgs {
    /// The mode asked for, whatever the order of the flags.
    pub fn mode(&self, port: Option<u16>) -> TlsMode {
        match (self.tls.is_some(), self.starttls.is_some()) {
            (true, _) => TlsMode::Implicit,
            (_, true) => TlsMode::StartTls,
            _ => port.map_or(TlsMode::None, TlsMode::of_port),
        }
    }

    /// The trusted roots.
    pub fn roots(&self) -> Roots {
        match (&self.ca_file, &self.ca_dir) {
            (Some(file), _) => Roots::File(file.clone()),
            (_, Some(directory)) => Roots::Directory(directory.clone()),
            _ => Roots::System,
        }
    }

    /// Whether any flag that only matters inside TLS was given, by name.
    pub fn needless_without_tls(&self) -> Option<&'static str> {
        let given = [
            (self.insecure.is_some(), "--insecure"),
            (self.sni.is_some(), "--sni"),
            (self.max_tls.is_some(), "--max-tls"),
            (self.ca_file.is_some(), "--ca-file"),
            (self.ca_dir.is_some(), "--ca-dir"),
            (self.client_cert.is_some(), "--client-cert"),
        ];
        given.into_iter().find(|(given, _)| *given).map(|(_, flag)| flag)
    }

    /// The settings of a handshake with `target`.
    pub fn settings(self, target: &Target) -> Result<Settings, UsageError> {
        let roots = self.roots();
        let least = self.min_tls.unwrap_or(Version::Tls12);
        if let Some(greatest) = self.max_tls.filter(|greatest| *greatest < least) {
            return Err(UsageError::value(
                "--max-tls",
                greatest.name(),
                format!("is below --min-tls {}, give the same or a greater version", least.name()),
            ));
        }
        if self.client_cert.is_none() && self.client_key.is_some() {
            return Err(UsageError::new("--client-key without --client-cert: give both"));
        }
        let passphrase = self
            .client_key_passphrase_env
            .map(Stored::Environment)
            .or(self.client_key_passphrase_file.map(Stored::File));
        if self.client_cert.is_none() && passphrase.is_some() {
            return Err(UsageError::new("a passphrase without --client-cert: give both"));
        }
        let (sni, identity) = names(self.sni.as_deref(), target)?;
        let client = self.client_cert.map(|certificate| {
            let key = self.client_key.unwrap_or_else(|| certificate.clone());
            ClientCertificate { certificate, key, passphrase }
        });
        Ok(Settings {
            context: Context::new(self.max_tls, client),
            sni,
            identity,
            least,
            key_kind: None,
            wants_staple: false,
            roots,
            is_verified: self.insecure.is_none(),
        })
    }
}

/// The SNI to send and the identity to verify: those of `--sni NAME`, else of -H. An address is never sent as SNI (RFC 6066 section 3).
fn names(sni: Option<&str>, target: &Target) -> Result<(Option<String>, Identity), UsageError> {
    let (own_name, own_identity) = match &target.name {
        Host::Name(name) => {
            let name = name.strip_suffix('.').unwrap_or(name).to_owned();
            (Some(name.clone()), Identity::Name(name))
        }
        Host::Address(address) => (None, Identity::Address(*address)),
        Host::Scoped(text) => {
            let bare = text.split('%').next().unwrap_or_default();
            (None, bare.parse().map_or_else(|_| Identity::Name(text.clone()), Identity::Address))
        }
        Host::Socket(_) => (None, Identity::Name("localhost".to_owned())),
    };
    match sni {
        None => Ok((own_name, own_identity)),
        Some("none") => Ok((None, own_identity)),
        Some(text) => match text.parse() {
            Ok(Host::Name(name)) => Ok((Some(name.clone()), Identity::Name(name))),
            _ => Err(UsageError::value("--sni", text, "give a host name, or none")),
        },
    }
}

fn version(text: &str) -> Result<Version, &'static str> {
    text.parse()
}
