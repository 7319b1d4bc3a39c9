//! The .deb, the .rpm and the tarball, staged from `packaging/files.list` with the programs `make release` built.
//!
//! Nothing in a package depends on when, where or by whom it was made: times are those of the last commit, owners are named,
//! files are sorted. So the same programs give the same packages, byte for byte.

mod deb;
mod list;
mod made;
mod notices;
mod rpm;
mod stage;
mod tarball;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Result, root};

/// The packages' name, and that of the directories they own.
const NAME: &str = "smtp-monitoring-plugins";
/// Who a user of the package writes to.
const MAINTAINER: &str = "The smtp-monitoring-plugins authors <smtp-monitoring-plugins@example.org>";
/// One line, as the package managers show it.
const SUMMARY: &str = "monitoring plugins for mail servers";

/// What is made of the same list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Deb,
    Rpm,
    Tar,
}

impl Format {
    const ALL: [Self; 3] = [Self::Deb, Self::Rpm, Self::Tar];

    fn name(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Rpm => "rpm",
            Self::Tar => "tar",
        }
    }
}

/// What is packed, and where to.
struct Release {
    version: String,
    /// Seconds; the time of everything in the packages.
    epoch: i64,
    directory: PathBuf,
}

impl Release {
    /// An empty directory for what leads to a package.
    fn work(&self, name: &str) -> Result<PathBuf> {
        let path = self.directory.join("work").join(name);
        if path.exists() {
            std::fs::remove_dir_all(&path)?;
        }
        std::fs::create_dir_all(&path)?;
        Ok(path)
    }
}

/// Makes all packages: `[--version VERSION] [--out DIRECTORY]`, this version and `target/packages` without.
pub fn run(words: &[&str]) -> Result<()> {
    let mut release = Release {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        epoch: epoch()?,
        directory: root().canonicalize()?.join("target/packages"),
    };
    for pair in words.chunks(2) {
        match pair {
            ["--version", version] => (*version).clone_into(&mut release.version),
            ["--out", directory] => release.directory = std::path::absolute(directory)?,
            _ => return Err("usage: cargo xtask package [--version VERSION] [--out DIRECTORY]".into()),
        }
    }
    std::fs::create_dir_all(&release.directory)?;
    for format in Format::ALL {
        let entries = list::entries(format, &release)?;
        let package = match format {
            Format::Deb => deb::build(&release, &entries)?,
            Format::Rpm => rpm::build(&release, &entries)?,
            Format::Tar => tarball::build(&release, &entries)?,
        };
        println!("{} ({} bytes)", package.display(), std::fs::metadata(&package)?.len());
    }
    std::fs::remove_dir_all(release.directory.join("work"))?;
    Ok(())
}

/// `SOURCE_DATE_EPOCH`, or the time of the last commit.
#[expect(
    clippy::disallowed_methods,
    reason = "where every build tool looks for the time it is to write down"
)]
fn epoch() -> Result<i64> {
    if let Ok(given) = std::env::var("SOURCE_DATE_EPOCH") {
        return Ok(given.parse()?);
    }
    let told = output(Command::new("git").args(["log", "-1", "--format=%ct"]).current_dir(root()))
        .map_err(|error| format!("{error}; outside a git tree set SOURCE_DATE_EPOCH"))?;
    Ok(String::from_utf8(told)?.trim().parse()?)
}

/// What a command prints, or its complaint.
fn output(command: &mut Command) -> Result<Vec<u8>> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let (told, complaint) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(format!("{program} ended with {}: {told}{complaint}", output.status).into())
}

/// A text of the tree with its placeholders (`@NAME@`) filled in.
fn filled(path: &Path, values: &[(&str, &str)]) -> Result<String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(values.iter().fold(text, |text, (name, value)| text.replace(&format!("@{name}@"), value)))
}
