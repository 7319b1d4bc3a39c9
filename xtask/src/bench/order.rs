//! Which functions an ordinary run calls, for the linker of the packages' program (`packaging/lld`).

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs::File;
use std::os::unix::fs::symlink;
use std::process::Stdio;

use check_smtp_testbed::TempDir;

use super::account;
use super::cert::words;
use super::delivery::ENVELOPE;
use super::measure::started;
use super::server::{Roots, Server, build};
use crate::{Result, root};

/// Writes `packaging/order`: the functions of a plain run, then what each further run adds.
pub fn write() -> Result<()> {
    build("make", &["--silent", "release"])?;
    let server = Server::start()?;
    let directory = TempDir::new()?;
    let roots = Roots::collect(server.value("TESTBED_CA_FILE")?)?;
    let address = "-H localhost -I 127.0.0.1";
    let port = server.value("TESTBED_SMTP_PORT")?;
    let session = format!("{address} -p {port} --ca-dir {}", roots.hashed());
    let login = format!(
        "{address} -p {} --ca-dir {} {}",
        server.value("TESTBED_SUBMISSION_PORT")?,
        roots.hashed(),
        account(&server, &directory)?
    );
    let mut text = "# Made by 'cargo xtask order'; packaging/lld says what for.\n".to_owned();
    let mut seen = HashSet::new();
    for (program, arguments) in [
        ("check_smtp_conn", format!("-H 127.0.0.1 -p {port}")),
        ("check_smtp_conn", format!("{session} -S")),
        ("check_smtp_conn", format!("{address} -p {port} --ca-file {} -S", roots.bundle())),
        ("check_smtp_auth", format!("{login} -S")),
        ("check_smtp_delivery", format!("{login} -S {ENVELOPE}")),
        ("check_smtp_cert", session.clone()),
    ] {
        let mut functions = called(&directory, program, &words(&arguments))?;
        functions.retain(|name| seen.insert(name.clone()));
        functions.sort();
        println!("{} more: {program} {arguments}", functions.len());
        for name in functions {
            writeln!(text, "{name}")?;
        }
    }
    std::fs::write(root().join("packaging/order"), text)?;
    Ok(())
}

/// The names of all functions that a run calls, without hashes.
fn called(directory: &TempDir, program: &str, arguments: &[String]) -> Result<Vec<String>> {
    let link = directory.path().join(program);
    if !link.exists() {
        symlink(root().join("target/vendored/named"), &link)?;
    }
    let profile = directory.path().join("profile");
    let status = started("valgrind")
        .args(["--tool=callgrind", "--demangle=no", "--compress-strings=no", "--log-file=/dev/null"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(&link)
        .args(arguments)
        .stdout(Stdio::null())
        .status()?;
    if !status.success() {
        return Err(format!("{program} {} ended with {status}", arguments.join(" ")).into());
    }
    let profile = std::fs::read_to_string(profile)?;
    let names = profile.lines().filter_map(|line| line.strip_prefix("fn="));
    // A recursion is numbered behind the name; what has none is told by its address, or in brackets.
    let names = names
        .map(|name| name.split('\'').next().unwrap_or(name))
        .filter(|name| !name.starts_with("0x") && !name.starts_with('('));
    without_hashes(directory, &names.collect::<Vec<_>>().join("\n"))
}

fn without_hashes(directory: &TempDir, names: &str) -> Result<Vec<String>> {
    let file = directory.path().join("names");
    std::fs::write(&file, names)?;
    let output =
        started(root().join("packaging/lld")).arg("--without-hashes").stdin(File::open(file)?).output()?;
    let names: HashSet<String> = String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect();
    Ok(names.into_iter().collect())
}
