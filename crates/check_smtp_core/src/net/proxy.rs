//! The PROXY protocol's header (versions 1 and 2), for servers that stand behind a load balancer.
//!
//! It carries the real addresses of this connection; a Unix socket has none and says so (UNKNOWN, LOCAL).

use std::net::SocketAddr;

/// Which header is sent before anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyVersion {
    /// The line in text.
    V1,
    /// The binary header.
    V2,
}

/// The bytes that open the connection.
pub fn header(version: ProxyVersion, ends: Option<(SocketAddr, SocketAddr)>) -> Vec<u8> {
    match version {
        ProxyVersion::V1 => header_v1(ends).into_bytes(),
        ProxyVersion::V2 => header_v2(ends),
    }
}

fn header_v1(ends: Option<(SocketAddr, SocketAddr)>) -> String {
    match ends {
        Some((source, target)) => {
            let family = if source.is_ipv4() { "TCP4" } else { "TCP6" };
            format!("PROXY {family} {} {} {} {}\r\n", source.ip(), target.ip(), source.port(), target.port())
        }
        None => "PROXY UNKNOWN\r\n".to_owned(),
    }
}

fn header_v2(ends: Option<(SocketAddr, SocketAddr)>) -> Vec<u8> {
    const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
    let mut bytes = SIGNATURE.to_vec();
    match ends {
        Some((SocketAddr::V4(source), SocketAddr::V4(target))) => {
            bytes.extend([0x21, 0x11, 0, 12]);
            bytes.extend(source.ip().octets());
            bytes.extend(target.ip().octets());
            bytes.extend(source.port().to_be_bytes());
            bytes.extend(target.port().to_be_bytes());
        }
        Some((SocketAddr::V6(source), SocketAddr::V6(target))) => {
            bytes.extend([0x21, 0x21, 0, 36]);
            bytes.extend(source.ip().octets());
            bytes.extend(target.ip().octets());
            bytes.extend(source.port().to_be_bytes());
            bytes.extend(target.port().to_be_bytes());
        }
        _ => bytes.extend([0x20, 0, 0, 0]),
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::{ProxyVersion, header};

    #[test]
    fn both_versions_carry_the_real_addresses() {
        let ends = Some(("192.0.2.9:4711".parse().unwrap(), "192.0.2.5:25".parse().unwrap()));
        assert_eq!(header(ProxyVersion::V1, ends), b"PROXY TCP4 192.0.2.9 192.0.2.5 4711 25\r\n");
        let v2 = header(ProxyVersion::V2, ends);
        assert_eq!(&v2[12..], [0x21, 0x11, 0, 12, 192, 0, 2, 9, 192, 0, 2, 5, 0x12, 0x67, 0, 25]);
    }

    #[test]
    fn a_unix_socket_has_no_addresses() {
        assert_eq!(header(ProxyVersion::V1, None), b"PROXY UNKNOWN\r\n");
        assert_eq!(&header(ProxyVersion::V2, None)[12..], [0x20, 0, 0, 0]);
    }
}
