//! Real servers for mail, for what mail depends on (names, policies) and for what watches it (monitoring engines), each a copy of its
//! own: configuration, data and log below a temporary directory, loopback only, stopped by the process numbers that were started.

mod cyrus;
mod dovecot;
mod icinga;
mod introspection;
mod knot;
mod maildev;
mod nagios;
mod nginx;
mod nrpe;
mod postfix;
mod postgres;
mod postgrey;
mod recorder;
mod unbound;
mod web;
mod zabbix;
mod zone;

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub use self::cyrus::Cyrus;
pub use self::dovecot::{Dovecot, MailboxPorts, Users};
pub use self::icinga::Icinga;
pub use self::introspection::Introspection;
pub use self::knot::NameServer;
pub use self::maildev::MailDev;
pub use self::nagios::{Nagios, Status};
pub use self::nginx::{HttpsServer, Site, SiteAnswer};
pub use self::nrpe::Nrpe;
pub use self::postfix::{Postfix, Service};
pub use self::postgrey::Postgrey;
pub use self::recorder::{Recorder, Run};
pub use self::unbound::Validator;
pub use self::zabbix::Zabbix;
pub use self::zone::{Signing, Zone};
use crate::{Error, Result};

/// How long a server may take to listen.
const PATIENCE: Duration = Duration::from_secs(30);

/// So many ports that are free now, all different: each is held until the last is found.
fn free_ports(count: usize) -> Result<Vec<u16>> {
    let held: std::io::Result<Vec<TcpListener>> =
        (0..count).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect();
    held?.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
}

/// A port that is free now.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// A port that is free now for both TCP and UDP, as DNS needs it.
fn free_port_for_names() -> Result<u16> {
    for _ in 0..100 {
        let port = free_port()?;
        if UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(Error::Other("no port is free for both TCP and UDP".into()))
}

/// Where a program is. A user's PATH has no place for daemons on some distributions.
fn program(name: &str) -> Option<PathBuf> {
    let directories = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];
    directories.iter().map(|directory| Path::new(directory).join(name)).find(|path| path.is_file())
}

/// The same where it must be there.
fn required(name: &str) -> Result<PathBuf> {
    program(name).ok_or_else(|| Error::Other(format!("{name} is not installed")))
}

/// Starts a server in the foreground; what it says goes to its log.
fn spawn(command: &mut Command, log: &Path) -> Result<Child> {
    let output = std::fs::File::create(log)?;
    Ok(command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).spawn()?)
}

/// Waits until every port takes connections; fails when the server ends first, or after half a minute.
fn wait_for(ports: &[u16], server: &mut Child, log: &Path) -> Result<()> {
    ports.iter().try_for_each(|port| wait_for_address((Ipv4Addr::LOCALHOST, *port).into(), server, log))
}

/// The same for one address.
fn wait_for_address(address: SocketAddr, server: &mut Child, log: &Path) -> Result<()> {
    let began = Instant::now();
    while TcpStream::connect(address).is_err() {
        pause(server)?;
        let is_over = server.try_wait()?.is_some() || began.elapsed() > PATIENCE;
        if is_over {
            let log = std::fs::read_to_string(log).unwrap_or_default();
            return Err(Error::Other(format!("the server does not listen on {address}; its log:\n{log}")));
        }
    }
    Ok(())
}

/// A tenth of a second, or less if the server ends.
fn pause(server: &Child) -> Result<()> {
    let pid = rustix::process::Pid::from_child(server);
    let Ok(descriptor) = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) else {
        return Ok(());
    };
    let mut descriptors = [rustix::event::PollFd::new(&descriptor, rustix::event::PollFlags::IN)];
    rustix::event::poll(
        &mut descriptors,
        Some(&rustix::event::Timespec { tv_sec: 0, tv_nsec: 100_000_000 }),
    )?;
    Ok(())
}

/// Asks a server we started to end, and waits for it.
fn stop(server: &mut Child) {
    let _ = rustix::process::kill_process(
        rustix::process::Pid::from_child(server),
        rustix::process::Signal::TERM,
    );
    let _ = server.wait();
}

/// A hold on a process that a server of ours has started: its number may be another's once it has ended.
fn hold(pid: rustix::process::Pid) -> Option<OwnedFd> {
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok()
}

/// Asks such a process to end, and waits for it.
fn end(process: &OwnedFd) {
    let _ = rustix::process::pidfd_send_signal(process, rustix::process::Signal::TERM);
    let timeout = rustix::event::Timespec { tv_sec: 10, tv_nsec: 0 };
    let mut descriptors = [rustix::event::PollFd::new(process, rustix::event::PollFlags::IN)];
    let _ = rustix::event::poll(&mut descriptors, Some(&timeout));
}

/// Copies of files as they are, where the server's unprivileged users can read them: the tree they come from may be root's alone.
fn copied(files: &[PathBuf], into: &Path) -> Result<Vec<PathBuf>> {
    let copy = |file: &PathBuf| -> Result<PathBuf> {
        let copy = into.join(file.file_name().unwrap_or_default());
        std::fs::write(&copy, std::fs::read(file)?)?;
        std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o644))?;
        Ok(copy)
    };
    files.iter().map(copy).collect()
}

/// Lets the server's unprivileged users pass through.
fn open_to_all(path: &Path) -> Result<()> {
    Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?)
}

/// Makes a file or directory a user's own.
pub fn give_to(user: &str, path: &Path) -> Result<()> {
    let status = Command::new("chown").arg(user).arg(path).status()?;
    if status.success() { Ok(()) } else { Err(Error::Other(format!("there is no user {user}"))) }
}
