//! What this machine calls itself.

/// The machine's fully qualified name: its node name if that has a dot, else the full name the hosts file gives it.
pub fn full_name() -> Option<String> {
    let system = rustix::system::uname();
    let node = system.nodename().to_str().ok()?;
    if is_full(node) {
        return Some(node.to_owned());
    }
    let hosts = std::fs::read_to_string("/etc/hosts").ok()?;
    in_hosts(&hosts, node)
}

/// What this machine is called: its full name, else its node name.
pub fn name() -> String {
    full_name().unwrap_or_else(|| rustix::system::uname().nodename().to_string_lossy().into_owned())
}

fn in_hosts(hosts: &str, node: &str) -> Option<String> {
    let lines = hosts.lines().map(|line| line.split('#').next().unwrap_or_default());
    let mut entries = lines.map(|line| line.split_ascii_whitespace().skip(1).collect::<Vec<_>>());
    let names = entries.find(|names| names.contains(&node))?;
    names.iter().find(|name| is_full(name)).map(|name| (*name).to_owned())
}

fn is_full(name: &str) -> bool {
    let label =
        |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    name.contains('.') && !name.starts_with("localhost") && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::in_hosts;

    #[test]
    fn the_hosts_file_knows_the_full_name() {
        let hosts = "127.0.0.1 localhost\n127.0.1.1 probe.example.org probe # me\n::1 localhost";
        assert_eq!(in_hosts(hosts, "probe").as_deref(), Some("probe.example.org"));
        assert_eq!(in_hosts(hosts, "other"), None);
        assert_eq!(in_hosts("127.0.1.1 probe", "probe"), None);
    }
}
