//! The .rpm, by rpmbuild on the staged tree: the programs are there already, so the .spec only says what belongs to whom.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::list::{Entry, Source};
use super::{MAINTAINER, NAME, Release, output, stage};
use crate::{Result, root};

/// Stages, lists the files with their owners, packs.
pub fn build(release: &Release, entries: &[Entry]) -> Result<PathBuf> {
    let work = release.work("rpm")?;
    let top = work.join("staged");
    std::fs::create_dir(&top)?;
    stage::lay(entries, &top, release.epoch)?;
    let list = work.join("files");
    std::fs::write(&list, files(entries))?;
    let date =
        chrono::DateTime::from_timestamp(release.epoch, 0).ok_or("SOURCE_DATE_EPOCH is out of range")?;
    let mut command = Command::new("rpmbuild");
    command.arg("-bb");
    for (name, value) in [
        ("_topdir", work.display().to_string().as_str()),
        ("_rpmdir", &work.display().to_string()),
        ("_rpmfilename", "built.rpm"),
        ("staged", &top.display().to_string()),
        ("filelist", &list.display().to_string()),
        ("name", NAME),
        ("version", &release.version),
        ("packager", MAINTAINER),
        ("changed", &format!("{} {MAINTAINER}", date.format("%a %b %d %Y"))),
    ] {
        command.arg("--define").arg(format!("{name} {value}"));
    }
    command.arg(root().join("packaging/rpm/smtp-monitoring-plugins.spec"));
    output(command.env("SOURCE_DATE_EPOCH", release.epoch.to_string()).env("LC_ALL", "C"))?;
    let package = release.directory.join(format!("{NAME}-{}-1.x86_64.rpm", release.version));
    std::fs::rename(work.join("built.rpm"), &package)?;
    Ok(package)
}

/// The %files section. The directories are those that no other package is sure to own.
fn files(entries: &[Entry]) -> String {
    let mut text = String::new();
    for directory in ["/usr/lib64/nagios", "/usr/lib64/nagios/plugins"] {
        let _ = writeln!(text, "%dir %attr(0755, root, root) {directory}");
    }
    let mut own: Vec<&Path> = entries
        .iter()
        .flat_map(|entry| Path::new(&entry.destination).ancestors().skip(1))
        .filter(|directory| directory.components().any(|part| part.as_os_str() == NAME))
        .collect();
    own.sort_unstable();
    own.dedup();
    for directory in own {
        let _ = writeln!(text, "%dir %attr(0755, root, root) {}", directory.display());
    }
    for entry in entries {
        let kind = match entry.source {
            Source::Directory => "%dir ",
            _ if entry.is_conffile => "%config(noreplace) ",
            _ if entry.destination.contains("/licenses/") => "%license ",
            _ if entry.destination.contains("/doc/") || entry.destination.contains("/man/") => "%doc ",
            _ => "",
        };
        let Entry { mode, user, group, destination, .. } = entry;
        let _ = writeln!(text, "{kind}%attr({mode:04o}, {user}, {group}) {destination}");
    }
    text
}
