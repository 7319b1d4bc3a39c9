//! `packaging/files.list`: every file of the packages, once.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::{Format, Release, made};
use crate::{Result, root};

/// What stands at a place of an installation.
pub enum Source {
    File(PathBuf),
    Text(Vec<u8>),
    Directory,
    /// Another name of an earlier entry.
    Link(String),
}

/// A line of the list, as one format has it.
pub struct Entry {
    pub source: Source,
    /// From the root of the installation; the tarball's have no leading `/`.
    pub destination: String,
    pub mode: u32,
    pub user: String,
    pub group: String,
    /// The admin's own once it is installed.
    pub is_conffile: bool,
}

/// The entries of a format, sorted by destination.
pub fn entries(format: Format, release: &Release) -> Result<Vec<Entry>> {
    let path = root().join("packaging/files.list");
    let text = std::fs::read_to_string(&path)?;
    let mut list = List { format, directories: HashMap::new(), taken: HashSet::new(), entries: Vec::new() };
    for (index, line) in text.lines().enumerate() {
        list.take(line, release).map_err(|error| format!("{}:{}: {error}", path.display(), index + 1))?;
    }
    list.entries.sort_by(|a, b| a.destination.cmp(&b.destination));
    let mut pairs = list.entries.iter().zip(list.entries.iter().skip(1));
    if let Some((one, _)) = pairs.find(|(one, next)| one.destination == next.destination) {
        return Err(format!("{}: {} is there twice", path.display(), one.destination).into());
    }
    Ok(list.entries)
}

struct List {
    format: Format,
    directories: HashMap<String, String>,
    /// Sources an earlier line took: a `*` after it means the rest.
    taken: HashSet<PathBuf>,
    entries: Vec<Entry>,
}

impl List {
    fn take(&mut self, line: &str, release: &Release) -> Result<()> {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        match words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with('#') => Ok(()),
            ["dir", name, deb, rpm, tar] => {
                let here = match self.format {
                    Format::Deb => deb,
                    Format::Rpm => rpm,
                    Format::Tar => tar,
                };
                self.directories.insert(format!("{{{name}}}"), (*here).to_owned());
                Ok(())
            }
            ["file", formats, source, destination, mode, owner, flag] => {
                let is_ours = *formats == "all" || formats.split(',').any(|one| one == self.format.name());
                if is_ours { self.file(source, destination, (mode, owner, flag), release) } else { Ok(()) }
            }
            _ => {
                Err("neither 'dir NAME DEB RPM TAR' nor 'file FORMATS SOURCE DESTINATION MODE OWNER FLAG'"
                    .into())
            }
        }
    }

    fn file(
        &mut self,
        source: &str,
        destination: &str,
        (mode, owner, flag): (&str, &str, &str),
        release: &Release,
    ) -> Result<()> {
        let mode = u32::from_str_radix(mode, 8)?;
        let (user, group) = owner.split_once(':').ok_or("the owner is no USER:GROUP")?;
        let destination = self
            .directories
            .iter()
            .fold(destination.to_owned(), |place, (name, path)| place.replace(name, path));
        if destination.contains('{') || !matches!(flag, "-" | "gz" | "conffile") {
            return Err(format!("'{destination}' or '{flag}' is not known").into());
        }
        let suffix = if flag == "gz" { ".gz" } else { "" };
        for (name, source) in self.sources(source, release)? {
            let place =
                if destination.ends_with('/') { format!("{destination}{name}") } else { destination.clone() };
            let source = if flag == "gz" { made::compressed(source)? } else { source };
            self.entries.push(Entry {
                source,
                destination: format!("{place}{suffix}"),
                mode,
                user: user.to_owned(),
                group: group.to_owned(),
                // Only what lies in /etc is the admin's to change.
                is_conffile: flag == "conffile" && destination.starts_with("/etc/"),
            });
        }
        Ok(())
    }

    /// What a source stands for: names and contents.
    fn sources(&mut self, source: &str, release: &Release) -> Result<Vec<(String, Source)>> {
        if source == "-" {
            return Ok(vec![(String::new(), Source::Directory)]);
        }
        if source == "@programs" {
            let first = self.directories.get("{plugins}").ok_or("'dir plugins' comes first")?;
            return made::programs(first);
        }
        if let Some(name) = source.strip_prefix('@') {
            return Ok(vec![(name.to_owned(), Source::Text(made::text(name, release)?))]);
        }
        let found: Vec<PathBuf> = matching(source.trim_start_matches('?'))?
            .into_iter()
            .filter(|path| self.taken.insert(path.clone()))
            .collect();
        if found.is_empty() && !source.starts_with('?') {
            return Err(format!("{source} is not there").into());
        }
        let named = |path: PathBuf| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            (name.unwrap_or_default(), Source::File(path))
        };
        Ok(found.into_iter().map(named).collect())
    }
}

/// The files a pattern stands for: `*` is any part of the last name.
fn matching(pattern: &str) -> Result<Vec<PathBuf>> {
    let pattern = root().join(pattern);
    let directory = pattern.parent().unwrap_or(Path::new("."));
    let name = pattern.file_name().unwrap_or_default().to_string_lossy();
    let Some((before, after)) = name.split_once('*') else {
        return Ok(if pattern.is_file() { vec![pattern] } else { Vec::new() });
    };
    let mut found = Vec::new();
    if directory.is_dir() {
        for file in std::fs::read_dir(directory)? {
            let file = file?;
            let name = file.file_name();
            let name = name.to_string_lossy();
            if file.path().is_file() && name.starts_with(before) && name.ends_with(after) {
                found.push(file.path());
            }
        }
    }
    found.sort();
    Ok(found)
}
