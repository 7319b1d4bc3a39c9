//! A way to a server that is cut when the server has taken a message.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};

use check_smtp_testbed::Result;

/// Passes on what is said to and by Postfix, up to its reply to a whole message. Gives back its port.
pub fn cutting(postfix: u16) -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, mut server) = (client?, TcpStream::connect((Ipv4Addr::LOCALHOST, postfix))?);
            let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
            std::thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
            let mut said = [0; 4096];
            loop {
                let count = server.read(&mut said)?;
                let said = said.get(..count).unwrap_or_default();
                if count == 0 || String::from_utf8_lossy(said).contains("queued as") {
                    break;
                }
                client.write_all(said)?;
            }
            client.shutdown(Shutdown::Both)?;
        }
        Ok::<(), std::io::Error>(())
    });
    Ok(port)
}
