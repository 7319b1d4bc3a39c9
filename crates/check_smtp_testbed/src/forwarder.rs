//! A resolver of the old kind: it passes questions on and knows nothing of DNSSEC, as routers and some stub resolvers do.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::Result;

/// The type of the pseudo-record that asks for signatures (RFC 6891), behind the root's name.
const OPT: [u8; 3] = [0, 0, 41];
/// Where its flags stand, counted from there.
const FLAGS: usize = 7;
/// How often it looks whether it is over.
const TURN: Duration = Duration::from_millis(100);

/// Passes questions on to a name server, without the wish for signatures; it ends when dropped.
#[derive(Debug)]
pub struct Forwarder {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Forwarder {
    /// Starts it in front of `server`, over UDP.
    pub fn start(server: SocketAddr) -> Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_read_timeout(Some(TURN))?;
        let (address, is_over) = (socket.local_addr()?, Arc::new(AtomicBool::new(false)));
        let thread = std::thread::spawn({
            let is_over = is_over.clone();
            move || {
                while !is_over.load(Ordering::Relaxed) {
                    let _ = pass_on(&socket, server);
                }
            }
        });
        Ok(Self { address, is_over, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn pass_on(socket: &UdpSocket, server: SocketAddr) -> Result<()> {
    let mut message = vec![0; 4096];
    let (length, client) = socket.recv_from(&mut message)?;
    message.truncate(length);
    // The pseudo-record is the last of a question.
    let place = message.windows(OPT.len()).rposition(|bytes| bytes == OPT);
    if let Some(flags) = place.and_then(|place| message.get_mut(place + FLAGS..place + FLAGS + 2)) {
        flags.fill(0);
    }
    let onward = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    onward.set_read_timeout(Some(Duration::from_secs(1)))?;
    onward.send_to(&message, server)?;
    let mut answer = vec![0; 4096];
    let length = onward.recv(&mut answer)?;
    answer.truncate(length);
    socket.send_to(&answer, client)?;
    Ok(())
}
