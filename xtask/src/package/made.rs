//! What no file of the tree is: the programs, Debian's changelog, the licences of what is linked in.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::list::Source;
use super::{MAINTAINER, NAME, Release, notices};
use crate::{Result, root};
use xtask::registry::CHECKS;

/// What `make release` built.
const PROGRAM: &str = "target/vendored/x86_64-unknown-linux-musl/release/check_smtp_all";

/// The programs of all checks: one file under as many names, since it is the same program that looks at its name.
pub fn programs(directory: &str) -> Result<Vec<(String, Source)>> {
    let program = root().join(PROGRAM);
    if !program.is_file() {
        return Err(format!("{} is not there: run 'make release'", program.display()).into());
    }
    let mut names: Vec<&str> = CHECKS.iter().map(|check| check.program).collect();
    // A link comes after what it links to, and the entries are sorted.
    names.sort_unstable();
    let first = names.first().copied().unwrap_or_default();
    let entry = |name: &&str| {
        let source = if *name == first {
            Source::File(program.clone())
        } else {
            Source::Link(format!("{directory}/{first}"))
        };
        ((*name).to_owned(), source)
    };
    Ok(names.iter().map(entry).collect())
}

/// A text by the name it has in the list.
pub fn text(name: &str, release: &Release) -> Result<Vec<u8>> {
    match name {
        "changelog.Debian" => debian_changelog(release),
        "third-party-licences" => notices::collect(),
        _ => Err(format!("nobody makes '@{name}'").into()),
    }
}

/// Debian's tools read the version, the date and whom to ask out of this; what is new stands in the changelog beside it.
fn debian_changelog(release: &Release) -> Result<Vec<u8>> {
    let date =
        chrono::DateTime::from_timestamp(release.epoch, 0).ok_or("SOURCE_DATE_EPOCH is out of range")?;
    let version = &release.version;
    Ok(format!(
        "{NAME} ({version}-1) unstable; urgency=medium\n\n  * Release {version}, see changelog.gz.\n\n -- {MAINTAINER}  {}\n",
        date.format("%a, %d %b %Y %H:%M:%S +0000")
    )
    .into_bytes())
}

/// Compressed as the distributions want it: best, without name and time.
pub fn compressed(source: Source) -> Result<Source> {
    let text = match source {
        Source::File(path) => std::fs::read(path)?,
        Source::Text(text) => text,
        Source::Directory | Source::Link(_) => return Err("only a file can be compressed".into()),
    };
    let mut child =
        Command::new("gzip").args(["-9", "-n"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().ok_or("gzip has no input")?;
    let written = std::thread::spawn(move || stdin.write_all(&text));
    let output = child.wait_with_output()?;
    written.join().map_err(|_| "gzip was not fed")??;
    if output.status.success() { Ok(Source::Text(output.stdout)) } else { Err("gzip failed".into()) }
}
