//! Runs `.case` files: a server's script, a command line, the whole expected output and the exit code. Adding a case adds no code.
//!
//! ```text
//! # Why this case exists.
//! [server]                      any number; options: NAME, ip=127.0.0.2, port=of:NAME, unix, closed,
//!                               filtered (takes no connection), udp-silent (a name server that never answers)
//! S: 220 mail.example.org ESMTP      (the directives of crate::script)
//! [file NAME mode=0600]         a file in {dir}
//! [hosts]                       in the place of /etc/hosts; [resolv.conf] of /etc/resolv.conf (needs root, and unshare)
//! [env]                         NAME=value lines; nothing else but PATH is set
//! [command]                     words as a shell splits them; no shell runs
//! check_smtp_conn -H 127.0.0.1 -p {port}
//! [exit]
//! 0
//! [time]                        optional: the least and the most seconds it may take
//! 1.9 4
//! [stdout]
//! SMTP CONN OK - 127.0.0.1:{port} ready in {t} s | time={s}
//! ```
//! Placeholders: `{port}` `{port.NAME}` `{socket}` `{socket.NAME}` `{ca}` `{cadir}` `{cert.KIND}` `{key.KIND}` `{dir}`. In the expected
//! output also the masks of [`mask()`], `{any}` for any text, and a line `...` for any number of lines.
//! `BLESS=1` writes what was seen into the file.

mod file;
mod mask;
mod run;
mod words;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

pub use self::mask::{fits, mask};
pub(crate) use self::run::can_have_mounts_of_its_own;
pub use self::words::split;

/// Runs every `.case` file below `directory` as a named test, with the arguments of a test binary. `CHECK_PROGRAMS` names a
/// directory whose programs are tried in the place of those just built: the packages' own are.
pub fn run(directory: &Path, programs: &[(&str, &Path)]) -> ExitCode {
    let arguments = Arguments::from_args();
    let elsewhere = std::env::var_os("CHECK_PROGRAMS").map(PathBuf::from);
    let program = |name: &str, path: &Path| {
        elsewhere.as_ref().map_or_else(|| path.to_path_buf(), |directory| directory.join(name))
    };
    let programs: HashMap<String, PathBuf> =
        programs.iter().map(|(name, path)| ((*name).to_owned(), program(name, path))).collect();
    let may_replace = crate::is_ci() || crate::is_root() && can_have_mounts_of_its_own();
    let mut paths = Vec::new();
    collect(directory, &mut paths);
    paths.sort();
    let trials = paths
        .into_iter()
        .map(|path| {
            let replaces = std::fs::read_to_string(&path)
                .is_ok_and(|text| text.contains("\n[hosts]\n") || text.contains("\n[resolv.conf]\n"));
            let is_skipped = replaces && !may_replace;
            let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            let programs = programs.clone();
            let name =
                if is_skipped { format!("{name} (skipped: needs root and mounts of its own)") } else { name };
            Trial::test(name, move || {
                run::run(&path, &programs).map_err(|error| format!("{}\n{error}", path.display()).into())
            })
            .with_ignored_flag(is_skipped)
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "case") {
            paths.push(path);
        }
    }
}
