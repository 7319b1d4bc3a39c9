//! The .deb, by dpkg-deb on the staged tree.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::list::{Entry, Source};
use super::{MAINTAINER, NAME, Release, SUMMARY, filled, output, stage};
use crate::{Result, root};

/// Stages, writes what dpkg reads, packs.
pub fn build(release: &Release, entries: &[Entry]) -> Result<PathBuf> {
    let top = release.work("deb")?;
    stage::lay(entries, &top, release.epoch)?;
    let control = top.join("DEBIAN");
    std::fs::create_dir(&control)?;
    let version = format!("{}-1", release.version);
    let size = installed_size(entries, &top)?.to_string();
    let values = [
        ("VERSION", version.as_str()),
        ("SIZE", &size),
        ("MAINTAINER", MAINTAINER),
        ("NAME", NAME),
        ("SUMMARY", SUMMARY),
        ("OWN", &owners(entries)),
    ];
    for (name, mode) in [("control", 0o644), ("postinst", 0o755), ("postrm", 0o755)] {
        let text = filled(&root().join("packaging/deb").join(name), &values)?;
        write(&control.join(name), &text, mode)?;
    }
    write(&control.join("conffiles"), &conffiles(entries), 0o644)?;
    write(&control.join("md5sums"), &sums(entries, &top)?, 0o644)?;
    let package = release.directory.join(format!("{NAME}_{version}_amd64.deb"));
    let mut command = Command::new("dpkg-deb");
    command.args(["--root-owner-group", "-Zxz", "--build"]).arg(&top).arg(&package);
    output(command.env("SOURCE_DATE_EPOCH", release.epoch.to_string()).env("LC_ALL", "C"))?;
    Ok(package)
}

fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    std::fs::write(path, text)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    Ok(())
}

/// KiB, each file rounded up, as dpkg counts them.
fn installed_size(entries: &[Entry], top: &Path) -> Result<u64> {
    let mut size = 0;
    for entry in entries.iter().filter(|entry| !matches!(entry.source, Source::Link(_))) {
        size += std::fs::metadata(stage::below(top, &entry.destination))?.len().div_ceil(1024);
    }
    Ok(size)
}

/// The lines of postinst that give a file to a user whose number is only known on the host.
fn owners(entries: &[Entry]) -> String {
    let mut text = String::new();
    for entry in entries.iter().filter(|entry| entry.user != "root" || entry.group != "root") {
        let _ = writeln!(text, "own {} {} {:04o} {}", entry.user, entry.group, entry.mode, entry.destination);
    }
    text.trim_end().to_owned()
}

fn conffiles(entries: &[Entry]) -> String {
    entries
        .iter()
        .filter(|entry| entry.is_conffile)
        .fold(String::new(), |text, entry| text + &entry.destination + "\n")
}

fn sums(entries: &[Entry], top: &Path) -> Result<String> {
    let mut command = Command::new("md5sum");
    command.current_dir(top);
    for entry in
        entries.iter().filter(|entry| !entry.is_conffile && !matches!(entry.source, Source::Directory))
    {
        command.arg(entry.destination.trim_start_matches('/'));
    }
    Ok(String::from_utf8(output(&mut command)?)?)
}
