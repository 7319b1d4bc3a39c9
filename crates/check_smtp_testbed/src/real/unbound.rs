//! Unbound: a validating resolver whose root is the test's name server.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command};

use super::{NameServer, free_port_for_names, program, required, spawn, stop, wait_for_address};
use crate::{Result, TempDir};

/// A running resolver; it is stopped when dropped.
#[derive(Debug)]
pub struct Validator {
    directory: TempDir,
    server: Child,
    address: SocketAddr,
}

impl Validator {
    /// Whether Unbound is installed.
    pub fn is_installed() -> bool {
        program("unbound").is_some()
    }

    /// Starts it; it trusts the root key of that name server and asks nobody else.
    pub fn start(names: &NameServer) -> Result<Self> {
        let directory = TempDir::new()?;
        let root = directory.path();
        let address = (Ipv4Addr::LOCALHOST, free_port_for_names()?).into();
        std::fs::write(root.join("unbound.conf"), configuration(root, address, names))?;
        // Debian's AppArmor profile keeps /usr/sbin/unbound to its own directories; it does not know a copy.
        let program = root.join("unbound");
        std::fs::copy(required("unbound")?, &program)?;
        let log = root.join("log");
        let mut command = Command::new(program);
        let server = spawn(command.args(["-d", "-p", "-c"]).arg(root.join("unbound.conf")), &log)?;
        let mut server = Self { directory, server, address };
        wait_for_address(address, &mut server.server, &log)?;
        Ok(server)
    }

    /// Where it answers, over UDP and TCP.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has logged: also why an answer was bogus.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Validator {
    fn drop(&mut self) {
        stop(&mut self.server);
    }
}

/// No user of its own, no chroot, no remote control, no root hints. The root is forwarded, not a stub: behind a stub it would go
/// on to the name servers it has learned, whose addresses name no port. `test.` and `invalid.`, which it would answer by itself (RFC
/// 6761), are asked as well.
fn configuration(root: &Path, address: SocketAddr, names: &NameServer) -> String {
    let (root, host, port) = (root.display(), address.ip(), address.port());
    let (anchor, server) = (names.trust_anchor(), names.address());
    format!(
        "server:\n  directory: \"{root}\"\n  chroot: \"\"\n  username: \"\"\n  pidfile: \"\"\n  use-syslog: no\n  logfile: \"\"\n  \
         verbosity: 1\n  val-log-level: 2\n  num-threads: 1\n  interface: {host}@{port}\n  do-ip6: no\n  \
         do-not-query-localhost: no\n  module-config: \"validator iterator\"\n  trust-anchor-file: \"{}\"\n  \
         local-zone: \"test.\" nodefault\n  local-zone: \"invalid.\" nodefault\n\
         remote-control:\n  control-enable: no\nforward-zone:\n  name: \".\"\n  forward-addr: {}@{}\n",
        anchor.display(),
        server.ip(),
        server.port()
    )
}
