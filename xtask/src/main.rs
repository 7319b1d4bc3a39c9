//! Development tasks: `cargo xtask gen [--check]`, `bench [engines]`, `order`, `package`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a development tool speaks to its user")]

mod bench;
mod generate;
mod package;

use std::process::ExitCode;

use xtask::{Result, root};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["gen"] => generate::write(),
        ["gen", "--check"] => generate::check(),
        ["bench"] => bench::run(),
        ["bench", "engines"] => bench::engines::run(None),
        ["bench", "engines", plugins] => bench::engines::run(Some(plugins)),
        ["order"] => bench::order::write(),
        ["package", words @ ..] => package::run(words),
        _ => Err("usage: cargo xtask gen [--check] | bench [engines [DIRECTORY]] | order | package [--version VERSION] [--out DIRECTORY]".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
