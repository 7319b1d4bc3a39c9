//! The programs in the packages: what they need, how they are linked, whether they know their names.

use std::path::PathBuf;
use std::process::Command;

use check_smtp_testbed::TempDir;

use super::setting::{CHECKS, Outcome, VERSION, ask, hold, root, run};

/// The program under one of its names.
fn program() -> PathBuf {
    root().join("target/vendored/release/check_smtp_conn")
}

fn readelf(what: &str) -> Outcome<String> {
    run(Command::new("readelf").args([what, "--wide"]).arg(program()))
}

/// So it runs whatever glibc and OpenSSL a host has.
pub fn need_no_library() -> Outcome {
    let (segments, dynamic) = (readelf("--program-headers")?, readelf("--dynamic")?);
    hold(!segments.contains("INTERP"), || format!("asks for a loader:\n{segments}"))?;
    hold(!dynamic.contains("(NEEDED)"), || dynamic.clone())
}

pub fn are_hardened() -> Outcome {
    let (header, segments, flags) =
        (readelf("--file-header")?, readelf("--program-headers")?, readelf("--dynamic")?);
    let shown = || format!("{header}{segments}{flags}");
    hold(header.contains("Position-Independent Executable") && flags.contains("PIE"), shown)?;
    hold(flags.contains("NOW"), shown)?;
    hold(segments.contains("GNU_RELRO"), shown)?;
    let stack = segments.lines().find(|line| line.contains("GNU_STACK")).unwrap_or_default();
    hold(stack.contains(" RW ") && !segments.contains(" RWE "), shown)
}

pub fn know_no_machine() -> Outcome {
    let home = std::env::var("HOME").unwrap_or_else(|_| "/root".to_owned());
    let cargo = std::env::var("CARGO_HOME").unwrap_or_else(|_| format!("{home}/.cargo"));
    let bytes = std::fs::read(program())?;
    for trace in [root().display().to_string(), cargo] {
        let is_found = bytes.windows(trace.len()).any(|window| window == trace.as_bytes());
        hold(!is_found, || format!("the program holds '{trace}'"))?;
    }
    Ok(())
}

pub fn answer_to_their_names() -> Outcome {
    let definitions = [
        check_smtp_auth::command,
        check_smtp_cert::command,
        check_smtp_conn::command,
        check_smtp_delivery::command,
    ];
    for (name, definition) in CHECKS.into_iter().zip(definitions) {
        let told = |word: &str| ask(Command::new(program().with_file_name(name)).arg(word));
        let help = definition().render_long_help().to_string();
        let seen = told("--help")?;
        hold(seen == (help.clone(), Some(3)), || format!("{name} --help:\n{}\nand not\n{help}", seen.0))?;
        let (version, _) = told("-V")?;
        let is_right = version.starts_with(&format!("{name} {VERSION} ")) && version.contains("(linked in)");
        hold(is_right, || format!("{name} -V: {version}"))?;
    }
    let directory = TempDir::new()?;
    let stranger = directory.path().join("check_smtp_stranger");
    std::os::unix::fs::symlink(program(), &stranger)?;
    let (told, code) = ask(&mut Command::new(&stranger))?;
    let is_refused = code == Some(3) && told.starts_with("SMTP UNKNOWN - called as 'check_smtp_stranger'");
    hold(is_refused, || told.clone())
}
