//! `--extra-opts[=section][@file]`: options from an ini file, in the monitoring-plugins convention.
//!
//! The file's options come before those of the command line, which win. A flag that may be repeated is not mixed: when the
//! command line names it, the file's values for it are left out.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Arg, Command};

use super::{Clean, UsageError, arguments};

/// The file is small by nature; anything larger is not one.
const FILE_LIMIT: u64 = 256 * 1024;

/// Files looked for when none is named, in this order, after the environment's.
const WELL_KNOWN: [&str; 9] = [
    "/etc/monitoring-plugins/monitoring-plugins.ini",
    "/usr/local/etc/monitoring-plugins/monitoring-plugins.ini",
    "/etc/monitoring-plugins.ini",
    "/usr/local/etc/monitoring-plugins.ini",
    "/etc/nagios-plugins/nagios-plugins.ini",
    "/usr/local/etc/nagios-plugins/nagios-plugins.ini",
    "/etc/nagios/plugins.ini",
    "/usr/local/nagios/etc/plugins.ini",
    "/usr/local/etc/nagios/plugins.ini",
];
/// Names looked for in the directories of `$NAGIOS_CONFIG_PATH`.
const NAMES: [&str; 3] = ["monitoring-plugins.ini", "plugins.ini", "nagios-plugins.ini"];

/// What the environment says about where the file is.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// `$MP_CONFIG_FILE`.
    pub config_file: Option<OsString>,
    /// `$NAGIOS_CONFIG_PATH`, directories separated by `:`.
    pub config_path: Option<OsString>,
}

/// One `key = value` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The option's name without dashes.
    pub key: String,
    /// Its value; `None` when there is none, or an empty one.
    pub value: Option<String>,
    /// Its line in the file, from 1.
    pub line: usize,
}

/// Replaces every `--extra-opts` among `words` by what the file says, in front of all other words.
pub fn expand(command: &Command, words: Vec<OsString>, places: &Places) -> Result<Vec<OsString>, UsageError> {
    let (requests, rest): (Vec<_>, Vec<_>) = words.into_iter().partition(|word| {
        word.to_str().is_some_and(|w| w == "--extra-opts" || w.starts_with("--extra-opts="))
    });
    let named = arguments::named_flags(command, &rest);
    let mut expanded = Vec::new();
    for request in requests {
        let request = request.to_string_lossy().into_owned();
        let spec = request.strip_prefix("--extra-opts").unwrap_or_default().trim_start_matches('=');
        let (section, file) =
            spec.split_once('@').map_or((spec, None), |(section, file)| (section, Some(file)));
        let section = if section.is_empty() { command.get_name() } else { section };
        let path = locate(file, section, places)?;
        for entry in section_of(&read(&path)?, section, &path)? {
            expanded.extend(option_words(command, &entry, &named, &path)?);
        }
    }
    expanded.extend(rest);
    Ok(expanded)
}

fn locate(file: Option<&str>, section: &str, places: &Places) -> Result<PathBuf, UsageError> {
    let candidates = candidates(file, places);
    if let Some(found) = candidates.iter().find(|path| path.is_file()) {
        return Ok(found.clone());
    }
    let looked: Vec<_> = candidates.iter().map(|path| path.display().to_string()).collect();
    Err(UsageError::value("--extra-opts", section, format!("no such file, looked for {}", looked.join(", "))))
}

fn candidates(file: Option<&str>, places: &Places) -> Vec<PathBuf> {
    if let Some(file) = file {
        return vec![PathBuf::from(file)];
    }
    let mut all: Vec<PathBuf> = places.config_file.iter().map(PathBuf::from).collect();
    for directory in places.config_path.iter().flat_map(|path| std::env::split_paths(path)) {
        all.extend(NAMES.map(|name| directory.join(name)));
    }
    all.extend(WELL_KNOWN.map(PathBuf::from));
    all
}

fn read(path: &Path) -> Result<String, UsageError> {
    let wrong = |what: String| UsageError::value("--extra-opts", &path.display().to_string(), what);
    let about = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?;
    if about.len() > FILE_LIMIT {
        return Err(wrong(format!("larger than {FILE_LIMIT} bytes, not an ini file")));
    }
    std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))
}

fn section_of(text: &str, section: &str, path: &Path) -> Result<Vec<Entry>, UsageError> {
    let wrong = |what: String| UsageError::value("--extra-opts", &path.display().to_string(), what);
    let sections = parse(text).map_err(&wrong)?;
    let mut found = sections.into_iter().filter(|(name, _)| name == section).peekable();
    if found.peek().is_none() {
        return Err(wrong(format!("has no section [{section}]")));
    }
    Ok(found.flat_map(|(_, entries)| entries).collect())
}

/// Reads an ini text into its sections, in order; a section may come more than once.
pub fn parse(text: &str) -> Result<Vec<(String, Vec<Entry>)>, String> {
    let mut sections: Vec<(String, Vec<Entry>)> = Vec::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line_number = index + 1;
        let line = line.trim();
        if line.is_empty() || line.starts_with([';', '#']) {
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            let name =
                header.strip_suffix(']').ok_or_else(|| format!("line {line_number}: '[' without ']'"))?;
            sections.push((name.trim().to_owned(), Vec::new()));
            continue;
        }
        let Some((_, entries)) = sections.last_mut() else {
            return Err(format!("line {line_number}: an option before the first [section]"));
        };
        let (key, value) = line.split_once('=').map_or((line, ""), |(key, value)| (key.trim(), value.trim()));
        if key.is_empty() || key.contains(char::is_whitespace) {
            return Err(format!("line {line_number}: give 'option = value' or 'option'"));
        }
        let value = Some(value).filter(|value| !value.is_empty()).map(str::to_owned);
        entries.push(Entry { key: key.trim_start_matches('-').to_owned(), value, line: line_number });
    }
    Ok(sections)
}

fn option_words(
    command: &Command,
    entry: &Entry,
    named: &[String],
    path: &Path,
) -> Result<Vec<OsString>, UsageError> {
    let wrong = |what: String| {
        UsageError::value("--extra-opts", &path.display().to_string(), format!("line {}: {what}", entry.line))
    };
    let Some(arg) = find(command, &entry.key).filter(|arg| arg.get_id() != "extra_opts") else {
        return Err(wrong(format!(
            "'{}' is no option of {}",
            Clean::with_limit(&entry.key, 40),
            command.get_name()
        )));
    };
    if arguments::is_secret(arg) {
        refuse_readable_by_others(path).map_err(&wrong)?;
    }
    if named.iter().any(|id| arg.get_id() == id.as_str()) {
        return Ok(Vec::new());
    }
    let flag = arg
        .get_long()
        .map(|long| format!("--{long}"))
        .or_else(|| arg.get_short().map(|short| format!("-{short}")));
    let flag = flag.unwrap_or_default();
    match (&entry.value, arguments::takes_value(arg)) {
        (Some(value), true) => Ok(vec![format!("{flag}={value}").into()]),
        (None, false) => Ok(vec![flag.into()]),
        (None, true) => Err(wrong(format!("'{}' needs a value", entry.key))),
        (Some(_), false) => Err(wrong(format!("'{}' takes no value, write it alone", entry.key))),
    }
}

fn find<'c>(command: &'c Command, key: &str) -> Option<&'c Arg> {
    let mut letters = key.chars();
    let short = letters.next().filter(|_| letters.next().is_none());
    command.get_arguments().find(|arg| match short {
        Some(letter) => arg.get_short() == Some(letter),
        None => arg.get_long() == Some(key),
    })
}

fn refuse_readable_by_others(path: &Path) -> Result<(), String> {
    let mode = std::fs::metadata(path).map_err(|error| error.to_string())?.permissions().mode();
    if mode & 0o004 == 0 {
        Ok(())
    } else {
        Err("holds a secret and is readable by others, chmod o-r it".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, parse};

    #[test]
    fn sections_comments_and_flags() {
        let text =
            "; c\n# c\n[a]\nhostname = mail.example.org\nstarttls\ninsecure=\n[b]\np=25\n[a]\nw = 1 # kept\n";
        let sections = parse(text).unwrap();
        assert_eq!(sections.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a", "b", "a"]);
        let entry = |key: &str, value: Option<&str>, line| Entry {
            key: key.into(),
            value: value.map(Into::into),
            line,
        };
        assert_eq!(
            sections[0].1,
            [
                entry("hostname", Some("mail.example.org"), 4),
                entry("starttls", None, 5),
                entry("insecure", None, 6)
            ]
        );
        assert_eq!(sections[2].1, [entry("w", Some("1 # kept"), 10)]);
    }

    #[test]
    fn a_secret_in_a_file_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let path = std::env::temp_dir().join(format!("extra_opts-{}.ini", std::process::id()));
        std::fs::write(&path, "[x]\npassword = hidden\n").unwrap();
        let password = clap::Arg::new("password").long("password").value_name("SECRET");
        let command = clap::Command::new("x").arg(password.action(clap::ArgAction::Set));
        let read = |mode: u32| {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            super::expand(
                &command,
                vec![format!("--extra-opts=@{}", path.display()).into()],
                &super::Places::default(),
            )
        };
        let refused = read(0o644).unwrap_err().to_string();
        assert!(refused.contains("readable by others") && !refused.contains("hidden"), "{refused}");
        assert_eq!(read(0o640).unwrap(), ["--password=hidden"]);
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn bad_lines_are_named_by_number() {
        assert_eq!(parse("x=1").unwrap_err(), "line 1: an option before the first [section]");
        assert_eq!(parse("[a]\n[b").unwrap_err(), "line 2: '[' without ']'");
        assert_eq!(parse("[a]\n= 5").unwrap_err(), "line 2: give 'option = value' or 'option'");
    }
}
