//! Host names to addresses: getaddrinfo, because the hosts file and NSS are part of what a mail client sees.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use dns_lookup::{AddrInfoHints, LookupErrorKind, SockType};

use super::clock::{self, Deadline};
use crate::error::Cause;

/// Addresses tried at the most; a name with more is a mistake or an attack.
const ADDRESS_LIMIT: usize = 32;

/// Where to connect, as named by the admin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A host name in A-labels.
    Name(String),
    /// An address literal.
    Address(IpAddr),
    /// An IPv6 literal with a zone (`fe80::1%eth0`).
    Scoped(String),
    /// The path of a Unix socket.
    Socket(PathBuf),
}

/// Reads a name, `192.0.2.5`, `2001:db8::5`, `[2001:db8::5]`, `fe80::1%eth0` or an absolute path.
impl FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const WANTED: &str = "give a host name, an address or the absolute path of a Unix socket";
        if text.starts_with('/') {
            return if text.len() < 108 {
                Ok(Self::Socket(text.into()))
            } else {
                Err("path is longer than a Unix socket can have (107)".into())
            };
        }
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse() {
            return Ok(Self::Address(address));
        }
        if let Some((address, zone)) = bare.split_once('%') {
            let sound = address.parse::<std::net::Ipv6Addr>().is_ok() && !zone.is_empty() && zone.len() < 32;
            return if sound { Ok(Self::Scoped(bare.to_owned())) } else { Err(WANTED.into()) };
        }
        let name = if text.is_ascii() {
            text.to_owned()
        } else {
            idna::domain_to_ascii(text).map_err(|_| WANTED)?
        };
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        let all_numeric = name.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let sound = name.len() <= 253
            && !all_numeric
            && name.strip_suffix('.').unwrap_or(&name).split('.').all(label);
        if sound { Ok(Self::Name(name)) } else { Err(WANTED.into()) }
    }
}

/// Which addresses are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// Both, interleaved.
    #[default]
    Any,
    /// IPv4 only (`-4`).
    V4,
    /// IPv6 only (`-6`).
    V6,
}

impl Family {
    fn takes(self, address: &SocketAddr) -> bool {
        match self {
            Self::Any => true,
            Self::V4 => address.is_ipv4(),
            Self::V6 => address.is_ipv6(),
        }
    }

    /// What addresses of it are called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "usable",
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }

    /// The `AF_` constant getaddrinfo takes.
    fn hint(self) -> i32 {
        use rustix::net::AddressFamily;
        i32::from(
            match self {
                Self::Any => AddressFamily::UNSPEC,
                Self::V4 => AddressFamily::INET,
                Self::V6 => AddressFamily::INET6,
            }
            .as_raw(),
        )
    }
}

/// The addresses of a host, families interleaved in the system's order (RFC 8305 section 4), each once.
///
/// A literal needs no lookup. A name is looked up on a worker thread, bounded by the deadline.
pub fn resolve(host: &Host, port: u16, family: Family, deadline: Deadline) -> Result<Vec<SocketAddr>, Cause> {
    let found = match host {
        Host::Address(address) => vec![SocketAddr::new(*address, port)],
        Host::Name(name) | Host::Scoped(name) => {
            let asked = name.clone();
            let answer = clock::within(deadline, move || lookup(&asked, family));
            answer.unwrap_or(Err(Cause::Timeout(deadline.budget())))?
        }
        Host::Socket(_) => Vec::new(),
    };
    usable(found, port, family)
}

/// Addresses found elsewhere, put in the same order.
pub fn ordered(found: Vec<IpAddr>, port: u16, family: Family) -> Result<Vec<SocketAddr>, Cause> {
    usable(found.into_iter().map(|address| SocketAddr::new(address, port)).collect(), port, family)
}

fn usable(found: Vec<SocketAddr>, port: u16, family: Family) -> Result<Vec<SocketAddr>, Cause> {
    let mut addresses = interleave(found, family);
    addresses.truncate(ADDRESS_LIMIT);
    for address in &mut addresses {
        address.set_port(port);
    }
    if addresses.is_empty() { Err(Cause::NoAddress(family.name())) } else { Ok(addresses) }
}

fn lookup(name: &str, family: Family) -> Result<Vec<SocketAddr>, Cause> {
    let hints = AddrInfoHints {
        socktype: SockType::Stream.into(),
        address: family.hint(),
        ..AddrInfoHints::default()
    };
    match dns_lookup::getaddrinfo(Some(name), None, Some(hints)) {
        Ok(entries) => Ok(entries.filter_map(Result::ok).map(|entry| entry.sockaddr).collect()),
        Err(error) => Err(match error.kind() {
            LookupErrorKind::NoName | LookupErrorKind::NoData => Cause::NameNotFound(name.to_owned()),
            LookupErrorKind::Again => {
                Cause::LookupFailed("temporary failure, the name server gave no usable answer".to_owned())
            }
            _ => Cause::LookupFailed(std::io::Error::from(error).to_string()),
        }),
    }
}

fn interleave(found: Vec<SocketAddr>, family: Family) -> Vec<SocketAddr> {
    let mut wanted: Vec<SocketAddr> = Vec::new();
    for address in found.into_iter().filter(|address| family.takes(address)) {
        if !wanted.contains(&address) {
            wanted.push(address);
        }
    }
    let first_is_v6 = wanted.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        wanted.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut second = second.into_iter();
    let mut mixed: Vec<_> =
        first.into_iter().flat_map(|address| [Some(address), second.next()]).flatten().collect();
    mixed.extend(second);
    mixed
}

#[cfg(test)]
mod tests {
    use super::{Family, Host, interleave};

    #[test]
    fn hosts_of_every_kind() {
        let name = |text: &str| Ok(Host::Name(text.to_owned()));
        let address = |text: &str| Ok(Host::Address(text.parse().unwrap()));
        assert_eq!("mail.example.org".parse(), name("mail.example.org"));
        assert_eq!("mail.example.org.".parse(), name("mail.example.org."));
        assert_eq!("bücher.example".parse(), name("xn--bcher-kva.example"));
        assert_eq!("192.0.2.5".parse(), address("192.0.2.5"));
        assert_eq!("[2001:db8::5]".parse(), address("2001:db8::5"));
        assert_eq!("fe80::1%eth0".parse(), Ok(Host::Scoped("fe80::1%eth0".to_owned())));
        assert_eq!("/run/lmtp".parse(), Ok(Host::Socket("/run/lmtp".into())));
        for bad in ["", "a b", "host:25", "300.1.2.3", "a..b", "-w 1", "x\ny", "1%", "::1%"] {
            assert!(bad.parse::<Host>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn families_are_interleaved_and_doubles_dropped() {
        let all = [
            "[2001:db8::1]:25",
            "[2001:db8::2]:25",
            "192.0.2.1:25",
            "192.0.2.1:25",
            "192.0.2.2:25",
            "192.0.2.3:25",
        ];
        let all: Vec<_> = all.iter().map(|a| a.parse().unwrap()).collect();
        let order: Vec<_> = interleave(all.clone(), Family::Any).iter().map(ToString::to_string).collect();
        assert_eq!(
            order,
            ["[2001:db8::1]:25", "192.0.2.1:25", "[2001:db8::2]:25", "192.0.2.2:25", "192.0.2.3:25"]
        );
        assert_eq!(interleave(all, Family::V6).len(), 2);
    }
}
