//! Development tasks: `cargo xtask gen [--check]`, `bench`, `package`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a development tool speaks to its user")]

mod bench;
mod generate;
mod package;
mod registry;

use std::process::ExitCode;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["gen"] => generate::write(),
        ["gen", "--check"] => generate::check(),
        ["bench"] => bench::run(),
        ["package", words @ ..] => package::run(words),
        _ => {
            Err("usage: cargo xtask gen [--check] | bench | package [--version VERSION] [--out DIRECTORY]"
                .into())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The top of the repository.
fn root() -> &'static std::path::Path {
    std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
