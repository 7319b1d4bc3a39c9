//! A `.case` file as written.

use crate::script::Script;
use crate::{Error, Result};

/// A server section.
#[derive(Clone, Debug)]
pub struct ServerSection {
    pub name: String,
    pub options: Vec<String>,
    pub script: Script,
}

/// A file section.
#[derive(Clone, Debug)]
pub struct FileSection {
    pub name: String,
    pub mode: u32,
    pub text: String,
}

/// A whole case.
#[derive(Clone, Debug, Default)]
pub struct Case {
    pub servers: Vec<ServerSection>,
    pub files: Vec<FileSection>,
    pub environment: Vec<(String, String)>,
    /// Files that stand in the place of the system's while the program runs: `/etc/hosts`, `/etc/resolv.conf`.
    pub replaced: Vec<(&'static str, String)>,
    pub command: String,
    pub exit: i32,
    pub seconds: Option<(f64, f64)>,
    pub stdout: String,
}

impl Case {
    /// Reads a case; the error names the line.
    pub fn parse(text: &str) -> Result<Self> {
        let mut case = Self::default();
        let lines: Vec<&str> = text.lines().collect();
        let mut index = 0;
        while let Some(line) = lines.get(index) {
            index += 1;
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let header = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            let Some(header) = header else {
                return Err(Error::syntax(index, "give a [section] first"));
            };
            let start = index;
            while lines.get(index).is_some_and(|line| !is_header(line)) {
                index += 1;
            }
            let body = lines.get(start..index).unwrap_or_default().join("\n");
            case.section(header, &body, start)?;
        }
        if case.command.trim().is_empty() {
            return Err(Error::syntax(lines.len(), "there is no [command]"));
        }
        Ok(case)
    }

    /// `line`: the number of the header, so the body begins one below.
    fn section(&mut self, header: &str, body: &str, line: usize) -> Result<()> {
        let mut words = header.split_ascii_whitespace().map(str::to_owned);
        let kind = words.next().unwrap_or_default();
        match kind.as_str() {
            "server" => {
                let mut options: Vec<String> = words.collect();
                let is_option = |word: &String| {
                    word.contains('=')
                        || ["unix", "closed", "filtered", "udp-silent"].contains(&word.as_str())
                };
                let name = if options.first().is_some_and(|word| !is_option(word)) {
                    options.remove(0)
                } else {
                    String::new()
                };
                self.servers.push(ServerSection { name, options, script: Script::parse(body, line + 1)? });
            }
            "file" => {
                let name = words.next().ok_or_else(|| Error::syntax(line, "give [file NAME]"))?;
                let mode = words
                    .next()
                    .and_then(|word| u32::from_str_radix(word.strip_prefix("mode=")?, 8).ok())
                    .unwrap_or(0o600);
                self.files.push(FileSection { name, mode, text: format!("{}\n", body.trim_end()) });
            }
            "env" => {
                for pair in body.lines().filter_map(|line| line.split_once('=')) {
                    self.environment.push((pair.0.to_owned(), pair.1.to_owned()));
                }
            }
            "hosts" => self.replaced.push(("/etc/hosts", format!("{}\n", body.trim_end()))),
            "resolv.conf" => self.replaced.push(("/etc/resolv.conf", format!("{}\n", body.trim_end()))),
            "command" => self.command = body.replace("\\\n", " ").replace('\n', " "),
            "exit" => {
                self.exit = body.trim().parse().map_err(|_| Error::syntax(line + 1, "give an exit code"))?;
            }
            "time" => {
                let mut numbers = body.split_ascii_whitespace().filter_map(|word| word.parse().ok());
                self.seconds = numbers.next().zip(numbers.next());
            }
            "stdout" => self.stdout = format!("{}\n", body.trim_end()),
            other => return Err(Error::syntax(line, format!("no section [{other}]"))),
        }
        Ok(())
    }
}

const SECTIONS: [&str; 9] =
    ["server", "file", "env", "hosts", "resolv.conf", "command", "exit", "time", "stdout"];

/// Output lines never begin with one of these words in brackets.
fn is_header(line: &str) -> bool {
    let word = line.strip_prefix('[').and_then(|rest| rest.split([' ', ']']).next());
    line.ends_with(']') && word.is_some_and(|word| SECTIONS.contains(&word))
}

/// The case's text with other expectations.
pub fn blessed(text: &str, exit: i32, stdout: &str) -> String {
    let head: Vec<&str> = text.lines().take_while(|line| *line != "[exit]" && *line != "[stdout]").collect();
    let time: Vec<&str> = text.lines().skip_while(|line| *line != "[time]").take(2).collect();
    let is_time_lost = !time.is_empty() && !head.contains(&"[time]");
    let time = if is_time_lost { format!("{}\n", time.join("\n")) } else { String::new() };
    format!("{}\n[exit]\n{exit}\n{time}[stdout]\n{stdout}", head.join("\n").trim_end())
}

#[cfg(test)]
mod tests {
    use super::{Case, blessed};

    const TEXT: &str = "# why\n[server a ip=127.0.0.2]\nS: 220 x\n[env]\nA=b\n[command]\ncheck -H x\n[exit]\n2\n[stdout]\nline one\n[x]\n";

    #[test]
    fn sections_are_read() {
        let case = Case::parse(TEXT).unwrap();
        assert_eq!((case.servers[0].name.as_str(), case.exit, case.command.as_str()), ("a", 2, "check -H x"));
        assert_eq!(case.stdout, "line one\n[x]\n");
        assert_eq!(case.environment, [("A".to_owned(), "b".to_owned())]);
    }

    #[test]
    fn mistakes_are_named_by_line() {
        assert_eq!(Case::parse("x").unwrap_err().to_string(), "line 1: give a [section] first");
        assert_eq!(
            Case::parse("[server]\nS: a\nfoo\n").unwrap_err().to_string(),
            "line 3: no directive 'foo'"
        );
        assert!(Case::parse("[server]\nS: a\n").is_err());
    }

    #[test]
    fn blessing_keeps_what_was_asked() {
        let text = blessed(TEXT, 0, "new\n");
        assert!(
            text.starts_with("# why\n[server a ip=127.0.0.2]")
                && text.ends_with("[exit]\n0\n[stdout]\nnew\n")
        );
    }
}
