//! Which server is asked, and how it is reached.

use std::net::IpAddr;

use super::{Given, TlsMode, non_empty, port};
use crate::net::proxy::ProxyVersion;
use crate::net::{Family, Host};
use crate::plugin::UsageError;
use crate::session::Protocol;

/// `-H`, `-I`, `-p`, `-4`, `-6`, `-F`, `-L`, `--source-address`, `--proxy-protocol`.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Target")]
pub struct TargetArgs {
    /// The server's name.
    #[arg(short = 'H', long, help = "Host name, address ([2001:db8::5] or bare) or absolute path of a Unix socket", value_name = "HOST", value_parser = host)]
    pub hostname: Option<Host>,
    /// Connect to this address or name instead; -H stays the name that is checked
    #[arg(short = 'I', long, value_name = "ADDRESS", value_parser = host)]
    pub address: Option<Host>,
    /// Port [default: 25 (for a login 587), 465 with -s, 24 with -L]
    #[arg(short, long, value_parser = port)]
    pub port: Option<u16>,
    /// Use IPv4 only
    #[arg(short = '4', long, num_args = 0, default_missing_value = "")]
    pub ipv4: Option<Given>,
    /// Use IPv6 only
    #[arg(short = '6', long, num_args = 0, default_missing_value = "", conflicts_with = "ipv4")]
    pub ipv6: Option<Given>,
    /// Connect from this address of the monitoring host
    #[arg(long, value_name = "ADDRESS", value_parser = source)]
    pub source_address: Option<IpAddr>,
    /// Name to introduce ourselves by [default: this host's full name, else its address]
    #[arg(short = 'F', long, value_name = "NAME", value_parser = helo_name)]
    pub fqdn: Option<String>,
    /// Speak LMTP (LHLO instead of EHLO)
    #[arg(short = 'L', long, num_args = 0, default_missing_value = "")]
    pub lmtp: Option<Given>,
    /// Open the connection with a PROXY header carrying its real addresses (v1 or v2)
    #[arg(long, value_name = "VERSION", value_parser = proxy)]
    pub proxy_protocol: Option<ProxyVersion>,
}

/// A target that is known to be sound.
#[derive(Clone, Debug)]
pub struct Target {
    /// What the admin calls it, as typed after -H.
    pub name: Host,
    /// What is connected to.
    pub connect: Host,
    /// The port; unused with a Unix socket.
    pub port: u16,
    /// Wanted addresses.
    pub family: Family,
    /// Our own address.
    pub source: Option<IpAddr>,
    /// The name in EHLO; `None` until the connection tells our address.
    pub helo: Option<String>,
    /// SMTP or LMTP.
    pub protocol: Protocol,
    /// The PROXY header to send.
    pub proxy: Option<ProxyVersion>,
}

impl TargetArgs {
    /// Checks what belongs together. `mode` decides the default port; without TLS from the first byte it is `usual`.
    pub fn target(self, mode: TlsMode, usual: u16) -> Result<Target, UsageError> {
        let name = self.hostname.ok_or_else(|| {
            UsageError::new(
                "-H/--hostname is missing: give the host name, address or socket path of the mail server",
            )
        })?;
        let connect = self.address.unwrap_or_else(|| name.clone());
        let protocol = if self.lmtp.is_some() { Protocol::Lmtp } else { Protocol::Smtp };
        let default = match (mode, protocol) {
            (TlsMode::Implicit, _) => 465,
            (_, Protocol::Lmtp) => 24,
            _ => usual,
        };
        if matches!(connect, Host::Socket(_)) {
            refuse_with_socket(self.port.map(|port| ("-p/--port", port.to_string())))?;
            refuse_with_socket(self.source_address.map(|address| ("--source-address", address.to_string())))?;
        }
        let family = family(self.ipv4.is_some(), self.ipv6.is_some(), self.source_address, &connect)?;
        Ok(Target {
            name,
            connect,
            port: self.port.unwrap_or(default),
            family,
            source: self.source_address,
            helo: self.fqdn,
            protocol,
            proxy: self.proxy_protocol,
        })
    }
}

fn refuse_with_socket(given: Option<(&str, String)>) -> Result<(), UsageError> {
    match given {
        Some((flag, value)) => {
            Err(UsageError::value(flag, &value, "has no meaning for a Unix socket, leave it out"))
        }
        None => Ok(()),
    }
}

/// The family that -4, -6 and --source-address leave; a contradiction is told here, not by a failed connect.
fn family(ipv4: bool, ipv6: bool, source: Option<IpAddr>, connect: &Host) -> Result<Family, UsageError> {
    let (flag, family) = match (ipv4, ipv6, source) {
        (true, ..) => ("-4/--ipv4", Family::V4),
        (_, true, _) => ("-6/--ipv6", Family::V6),
        (_, _, Some(IpAddr::V4(_))) => ("--source-address", Family::V4),
        (_, _, Some(IpAddr::V6(_))) => ("--source-address", Family::V6),
        _ => return Ok(Family::Any),
    };
    let wants_v4 = family == Family::V4;
    if let Some(source) = source.filter(|source| source.is_ipv4() != wants_v4) {
        return Err(UsageError::value(
            "--source-address",
            &source.to_string(),
            format!("is of the other family than {flag}"),
        ));
    }
    let is_v4 = match connect {
        Host::Address(address) => Some(address.is_ipv4()),
        Host::Scoped(_) => Some(false),
        Host::Name(_) | Host::Socket(_) => None,
    };
    if is_v4.is_some_and(|is_v4| is_v4 != wants_v4) {
        return Err(UsageError::new(format!(
            "the address to connect to is of the other family than {flag}: give one of the same family"
        )));
    }
    Ok(family)
}

impl Target {
    /// The target as the status line names it: `mail.example.org:25`, `[2001:db8::5]:25`, `/run/lmtp`.
    pub fn endpoint(&self, port: u16) -> String {
        match &self.name {
            Host::Socket(path) => path.display().to_string(),
            Host::Address(IpAddr::V6(address)) => format!("[{address}]:{port}"),
            Host::Scoped(address) => format!("[{address}]:{port}"),
            Host::Address(address) => format!("{address}:{port}"),
            Host::Name(name) => format!("{name}:{port}"),
        }
    }

    /// The name alone, for labels.
    pub fn host(&self) -> String {
        match &self.name {
            Host::Socket(path) => path.display().to_string(),
            Host::Address(address) => address.to_string(),
            Host::Scoped(name) | Host::Name(name) => name.clone(),
        }
    }
}

fn host(text: &str) -> Result<Host, String> {
    text.parse()
}

fn source(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| "give an address of this host, such as 192.0.2.9 or 2001:db8::9".to_owned())
}

fn proxy(text: &str) -> Result<ProxyVersion, String> {
    match text {
        "1" | "v1" => Ok(ProxyVersion::V1),
        "2" | "v2" => Ok(ProxyVersion::V2),
        _ => Err("give v1 or v2".to_owned()),
    }
}

/// A domain or an address literal, nothing that could end the line.
fn helo_name(text: &str) -> Result<String, String> {
    let name = non_empty(text)?;
    let sound = name.len() <= 255 && name.chars().all(|c| c.is_ascii_graphic());
    if sound {
        Ok(name)
    } else {
        Err("give a host name such as probe.example.org, or an address literal such as [192.0.2.9]"
            .to_owned())
    }
}
