//! The licences of what is linked into the programs: their texts ask to be passed on with a binary.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::output;
use crate::{Result, root};

/// The program of the packages, and the source of the OpenSSL in it.
const PROGRAM: &str = "check_smtp_all";
const OPENSSL: &str = "openssl-src";

/// What cargo does not know of.
const BESIDES: &str = "\
Also the Rust standard library (MIT OR Apache-2.0, Copyright the Rust Project Developers), LLVM's unwinder (Apache-2.0 WITH
LLVM-exception) and musl libc (MIT, Copyright 2005-2020 Rich Felker, et al.).
";

/// Every crate with its licence, then each text once with the crates it is for.
pub fn collect() -> Result<Vec<u8>> {
    let linked = linked()?;
    let mut list =
        String::from("What is linked into the programs of this package, and under which licences.\n\n");
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in packages()? {
        let text = |key: &str| package.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let name = format!("{} {}", text("name"), text("version"));
        // A source is only missing where the crate is ours.
        if package.get("source").is_none_or(Value::is_null) || !linked.contains(&name) {
            continue;
        }
        let _ = writeln!(list, "{name}: {}", text("license"));
        let manifest = PathBuf::from(text("manifest_path"));
        for file in licences(manifest.parent().ok_or("a manifest without a directory")?)? {
            let text = String::from_utf8_lossy(&std::fs::read(file)?).trim().to_owned();
            texts.entry(text).or_default().insert(name.clone());
        }
    }
    let _ = write!(list, "\n{BESIDES}");
    // By what each is for, so that a changed text does not move the others.
    let mut sorted: Vec<(String, String)> =
        texts.into_iter().map(|(text, names)| (Vec::from_iter(names).join(", "), text)).collect();
    sorted.sort();
    for (names, text) in sorted {
        let _ = writeln!(list, "\n{}\n{names}\n\n{text}", "=".repeat(78));
    }
    Ok(list.into_bytes())
}

/// `name version` of every crate the program links, and of OpenSSL's source, which a build script compiles.
fn linked() -> Result<BTreeSet<String>> {
    let mut command = Command::new("cargo");
    command.args(["tree", "--locked", "--package", PROGRAM, "--features", "vendored-openssl"]);
    command.args([
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--format",
        "{p}",
        "--target",
        "x86_64-unknown-linux-musl",
    ]);
    let all = String::from_utf8(output(command.current_dir(root()))?)?;
    command = Command::new("cargo");
    command.args(["tree", "--locked", "--package", PROGRAM, "--features", "vendored-openssl"]);
    command.args(["--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}"]);
    command.args(["--target", "x86_64-unknown-linux-musl"]);
    let normal = String::from_utf8(output(command.current_dir(root()))?)?;
    let name = |line: &str| {
        let mut words = line.split(' ');
        let (name, version) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        format!("{name} {}", version.trim_start_matches('v'))
    };
    let openssl = all.lines().filter(|line| line.starts_with(OPENSSL));
    Ok(normal.lines().chain(openssl).map(name).collect())
}

fn packages() -> Result<Vec<Value>> {
    let mut command = Command::new("cargo");
    command.args(["metadata", "--locked", "--format-version", "1", "--features", "vendored-openssl"]);
    let metadata: Value = serde_json::from_slice(&output(command.current_dir(root()))?)?;
    let mut packages = metadata
        .get("packages")
        .and_then(Value::as_array)
        .cloned()
        .ok_or("cargo metadata tells no packages")?;
    packages.sort_by_key(|package| package.get("id").map(Value::to_string));
    Ok(packages)
}

/// The licence files of a crate, and of the C source it brings (OpenSSL, mimalloc).
fn licences(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for place in ["", "openssl", "c_src/mimalloc/v3"].map(|place| directory.join(place)) {
        if !place.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(place)? {
            let file = file?;
            let name = file.file_name().to_string_lossy().to_uppercase();
            let is_licence = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE"]
                .iter()
                .any(|word| name.starts_with(word));
            if is_licence && file.path().is_file() {
                found.push(file.path());
            }
        }
    }
    found.sort();
    Ok(found)
}
