//! Everything that follows from the clap definitions: man pages, completions, definitions for engines, the option tables of the README.
//!
//! The files are committed; `--check` says which of them differ.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Arg, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use xtask::definitions;
use xtask::registry::{CHECKS, Check};

use crate::{Result, root};

/// The date in the man pages: that of the release, so that two builds are the same.
const DATE: &str = "2026-11-24";

/// Writes every generated file.
pub fn write() -> Result<()> {
    for (path, text) in files()? {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        std::fs::write(&path, text)?;
        println!("{}", shown(&path));
    }
    Ok(())
}

/// Fails with the names of the files that are not as they would be generated.
pub fn check() -> Result<()> {
    let stale: Vec<String> = files()?
        .into_iter()
        .filter(|(path, text)| std::fs::read(path).ok().as_deref() != Some(text.as_bytes()))
        .map(|(path, _)| shown(&path))
        .collect();
    if stale.is_empty() {
        println!("generated files are up to date");
        return Ok(());
    }
    Err(format!("not up to date, run 'cargo xtask gen': {}", stale.join(", ")).into())
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn files() -> Result<Vec<(PathBuf, String)>> {
    let mut files = Vec::new();
    for check in &CHECKS {
        files.push((root().join(format!("man/{}.8", check.program)), man_page(check)?));
        for (shell, name) in [
            (Shell::Bash, format!("bash/{}", check.program)),
            (Shell::Zsh, format!("zsh/_{}", check.program)),
            (Shell::Fish, format!("fish/{}.fish", check.program)),
        ] {
            files.push((root().join("packaging/completions").join(name), completion(check, shell)?));
        }
    }
    let of_engines = definitions::files()?.into_iter();
    files.extend(of_engines.map(|(path, text)| (root().join("packaging").join(path), text)));
    files.push((root().join("README.md"), readme()?));
    Ok(files)
}

/// Name, synopsis and options from the definitions; the rest is written by hand in `man/src`.
fn man_page(check: &Check) -> Result<String> {
    let man = Man::new((check.command)().disable_help_subcommand(true))
        .title(check.program.to_uppercase())
        .section("8")
        .date(DATE)
        .source(format!("smtp-monitoring-plugins {}", env!("CARGO_PKG_VERSION")))
        .manual("Monitoring plugins");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    let mut page = String::from_utf8(page)?;
    page.push_str(&std::fs::read_to_string(root().join(format!("man/src/{}.roff", check.program)))?);
    Ok(tidied(&page))
}

/// A page as `mandoc -T lint` wants it: short lines, no blank around a break. The text is the same.
fn tidied(page: &str) -> String {
    let mut tidy = String::new();
    let mut lines = page.lines().map(str::trim_end).peekable();
    while let Some(line) = lines.next() {
        // clap_mangen writes a break, an empty line, a break.
        if line.is_empty() || line == ".br" && lines.peek().is_some_and(|next| next.is_empty()) {
            if lines.peek().is_some_and(|next| *next == ".br") {
                lines.next();
            }
            tidy.push_str(if tidy.ends_with(".sp\n") { "" } else { ".sp\n" });
        } else if line.starts_with(['.', '\'']) {
            let _ = writeln!(tidy, "{line}");
        } else {
            wrap(line, &mut tidy);
        }
    }
    tidy
}

/// Breaks a line of text at blanks; what would begin with a control character stays where it is.
fn wrap(line: &str, into: &mut String) {
    let mut width = 0;
    for word in line.split(' ') {
        let fits = width == 0 || width + 1 + word.len() <= 80;
        let gap = match (width, fits || word.starts_with(['.', '\'']) || word.is_empty()) {
            (0, _) => "",
            (_, true) => " ",
            (_, false) => "\n",
        };
        width = if gap == "\n" { word.len() } else { width + gap.len() + word.len() };
        into.push_str(gap);
        into.push_str(word);
    }
    into.push('\n');
}

fn completion(check: &Check, shell: Shell) -> Result<String> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut (check.command)(), check.program, &mut text);
    Ok(String::from_utf8(text)?)
}

/// The README with its option tables made anew between their markers.
fn readme() -> Result<String> {
    let mut text = std::fs::read_to_string(root().join("README.md"))?;
    for check in &CHECKS {
        let (begin, end) =
            (format!("<!-- options {} -->\n", check.program), "<!-- end options -->".to_owned());
        let (head, rest) =
            text.split_once(&begin).ok_or_else(|| format!("README.md has no marker {begin}"))?;
        let (_, tail) = rest.split_once(&end).ok_or_else(|| format!("README.md has no marker {end}"))?;
        text = format!("{head}{begin}{}{end}{tail}", table(&(check.command)()));
    }
    Ok(text)
}

fn table(command: &Command) -> String {
    let mut text = String::from("| option | meaning |\n|---|---|\n");
    for arg in command.get_arguments() {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let default = arg.get_default_values().first().filter(|_| !arg.is_hide_default_value_set());
        let default =
            default.map(|value| format!(" [default: {}]", value.to_string_lossy())).unwrap_or_default();
        let _ = writeln!(text, "| `{}` | {}{default} |", flag(arg), escaped(&help));
    }
    text
}

fn flag(arg: &Arg) -> String {
    let names: Vec<String> = arg
        .get_short()
        .map(|short| format!("-{short}"))
        .into_iter()
        .chain(arg.get_long().map(|long| format!("--{long}")))
        .collect();
    let takes_value =
        arg.get_action().takes_values() && arg.get_num_args().is_none_or(|count| count.takes_values());
    let value = arg.get_value_names().filter(|_| takes_value).and_then(|names| names.first());
    value.map_or_else(|| names.join(", "), |value| escaped(&format!("{} {value}", names.join(", "))))
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace('>', "&gt;")
}
