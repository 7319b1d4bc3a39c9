//! The tarball: the fully static program and the same files, for everything that is neither Debian's nor Fedora's kin.

use std::path::PathBuf;
use std::process::Command;

use super::list::Entry;
use super::{NAME, Release, output, stage};
use crate::Result;

/// Stages and packs, sorted, everything root's.
pub fn build(release: &Release, entries: &[Entry]) -> Result<PathBuf> {
    let work = release.work("tar")?;
    let name = format!("{NAME}-{}-x86_64-static", release.version);
    let top = work.join(&name);
    std::fs::create_dir(&top)?;
    stage::lay(entries, &top, release.epoch)?;
    let package = release.directory.join(format!("{name}.tar.gz"));
    let mut command = Command::new("tar");
    command.args([
        "--create",
        "--sort=name",
        "--format=gnu",
        "--owner=root:0",
        "--group=root:0",
        "--numeric-owner",
    ]);
    command.args(["--use-compress-program", "gzip -9 -n"]);
    command.arg("--directory").arg(&work).arg("--file").arg(&package).arg(&name);
    output(command.env("LC_ALL", "C"))?;
    Ok(package)
}
