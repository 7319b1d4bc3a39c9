//! What never answers: a listener whose queue is full, and a name server that listens and says nothing.

use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType};

use crate::{Error, Result};

/// Held open as long as it is to stay silent.
#[derive(Debug)]
pub struct Silent {
    address: SocketAddr,
    _udp: Option<UdpSocket>,
    _listener: Option<OwnedFd>,
    _queue: Vec<TcpStream>,
}

impl Silent {
    /// A listener that takes no connection: its queue is filled, so that the kernel drops every further SYN.
    pub fn full_listener(address: SocketAddr) -> Result<Self> {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let listener = rustix::net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        rustix::net::bind(&listener, &address)?;
        rustix::net::listen(&listener, 0)?;
        let bound = rustix::net::getsockname(&listener)?;
        let address = SocketAddr::try_from(bound).map_err(|_| Error::Other("no internet address".into()))?;
        let mut queue = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
            queue.push(stream);
        }
        Ok(Self { address, _udp: None, _listener: Some(listener), _queue: queue })
    }

    /// A name server on port 53 of that address. Needs the right to bind it.
    pub fn name_server(ip: IpAddr) -> Result<Self> {
        let address = SocketAddr::new(ip, 53);
        Ok(Self { address, _udp: Some(UdpSocket::bind(address)?), _listener: None, _queue: Vec::new() })
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }
}
