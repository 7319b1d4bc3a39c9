//! Knot DNS: a root of the test's own and zones below it, signed as the test wants them.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use super::zone::{delegation_signer, trust_anchors, with_bad_signatures};
use super::{Signing, Zone, free_port_for_names, program, required, spawn, stop, wait_for_address};
use crate::{Error, Result, TempDir};

/// A running name server; it is stopped when dropped.
///
/// It is authoritative for the signed root "." and every zone, all on one address, so a resolver is to send it all questions.
#[derive(Debug)]
pub struct NameServer {
    directory: TempDir,
    server: Child,
    address: SocketAddr,
}

impl NameServer {
    /// Whether Knot and its signer are installed.
    pub fn is_installed() -> bool {
        program("knotd").is_some() && program("kzonesign").is_some()
    }

    /// Signs the zones with keys of their own (ECDSA P-256, one key a zone), delegates to them, and serves them.
    pub fn start(zones: &[Zone]) -> Result<Self> {
        let directory = TempDir::new()?;
        let root = directory.path();
        for name in ["keys", "zones"] {
            std::fs::create_dir(root.join(name))?;
        }
        let mut zones: Vec<Zone> = zones.iter().cloned().chain([Zone::root()]).collect();
        // Children first: their keys are named in their parents.
        zones.sort_by_key(|zone| std::cmp::Reverse(zone.depth()));
        let configuration = configuration(root, &zones);
        std::fs::write(root.join("knot.conf"), &configuration)?;
        write_zones(root, &zones)?;
        // Chosen last, so that nobody else takes the port while the zones are signed.
        let address = (Ipv4Addr::LOCALHOST, free_port_for_names()?).into();
        std::fs::write(root.join("knot.conf"), configuration + &service(root, address))?;
        let log = root.join("log");
        let mut command = Command::new(required("knotd")?);
        let server = spawn(command.arg("-c").arg(root.join("knot.conf")), &log)?;
        let mut server = Self { directory, server, address };
        wait_for_address(address, &mut server.server, &log)?;
        Ok(server)
    }

    /// Where it answers, over UDP and TCP.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A file with the root's key as a line of a master file (`. 300 IN DNSKEY 257 3 13 ...`): what a validator is to trust.
    pub fn trust_anchor(&self) -> PathBuf {
        self.directory.path().join("root.key")
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        stop(&mut self.server);
    }
}

/// Writes every zone file, deepest zone first and the root last, and the file with the root's key.
fn write_zones(root: &Path, zones: &[Zone]) -> Result<()> {
    let mut delegations: HashMap<String, String> = HashMap::new();
    for zone in zones {
        let file = root.join("zones").join(zone.file());
        let mut parents_record = None;
        if zone.signing() != Signing::Broken {
            let below = delegations.remove(&zone.name()).unwrap_or_default();
            std::fs::write(&file, zone.master_file(&below))?;
        }
        if matches!(zone.signing(), Signing::Signed | Signing::Bogus) {
            let signed = sign(root, zone, &file)?;
            parents_record = delegation_signer(&signed);
            if zone.signing() == Signing::Bogus {
                std::fs::write(&file, with_bad_signatures(&signed))?;
            }
            if zone.depth() == 0 {
                std::fs::write(root.join("root.key"), trust_anchors(&signed))?;
            }
        }
        // The deeper ones come first, so the first one above it is its parent.
        if let Some(parent) = zones.iter().find(|other| other.is_above(zone)) {
            let text = delegations.entry(parent.name()).or_default();
            text.push_str(&zone.servers());
            text.push_str(&parents_record.unwrap_or_default());
        }
    }
    Ok(())
}

/// Signs a zone file in its place, with a new key, and returns what stands in it then.
fn sign(root: &Path, zone: &Zone, file: &Path) -> Result<String> {
    let mut signer = Command::new(required("kzonesign")?);
    signer.arg("-c").arg(root.join("knot.conf")).arg("-o").arg(root.join("zones")).arg(zone.name());
    let output = signer.output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Error::Other(format!("kzonesign cannot sign {}: {said}", zone.name())));
    }
    Ok(std::fs::read_to_string(file)?)
}

/// For the signer and the server: zones name the policy they are signed with, but the server itself signs nothing, or it would put
/// bad signatures right.
fn configuration(root: &Path, zones: &[Zone]) -> String {
    let place = root.display();
    let policy =
        "    algorithm: ecdsap256sha256\n    single-type-signing: on\n    cds-cdnskey-publish: always\n";
    let mut text = format!(
        "log:\n  - target: stderr\n    any: info\ndatabase:\n    storage: {place}\n    kasp-db: keys\n\
         policy:\n  - id: nsec\n{policy}  - id: nsec3\n{policy}    nsec3: on\n\
         template:\n  - id: default\n    storage: {place}/zones\n    journal-content: none\n    zonefile-sync: -1\nzone:\n"
    );
    for zone in zones {
        let (name, file, policy) = (zone.name(), zone.file(), zone.policy());
        let _ = writeln!(text, "  - domain: {name}\n    file: {file}\n    dnssec-policy: {policy}");
    }
    text
}

/// For the server alone.
fn service(root: &Path, address: SocketAddr) -> String {
    let (place, host, port) = (root.display(), address.ip(), address.port());
    format!(
        "server:\n    rundir: {place}\n    listen: {host}@{port}\n    udp-workers: 1\n    tcp-workers: 1\n    \
         background-workers: 1\n"
    )
}
