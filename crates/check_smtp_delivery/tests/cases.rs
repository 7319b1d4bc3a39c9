//! Every dialogue below `cases/` is a test: see `check_smtp_testbed::cases` for the form of the files.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    check_smtp_testbed::cases::run(
        &directory,
        &[("check_smtp_delivery", Path::new(env!("CARGO_BIN_EXE_check_smtp_delivery")))],
    )
}
