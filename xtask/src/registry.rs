//! The checks of the suite. A new check is a row here and a folder under `crates/`.

use clap::Command;

/// A check as the generated files need it.
pub struct Check {
    /// Its binary, which is its crate's name.
    pub program: &'static str,
    /// Its command line.
    pub command: fn() -> Command,
}

/// All checks.
pub const CHECKS: [Check; 4] = [
    Check { program: "check_smtp_conn", command: check_smtp_conn::command },
    Check { program: "check_smtp_cert", command: check_smtp_cert::command },
    Check { program: "check_smtp_auth", command: check_smtp_auth::command },
    Check { program: "check_smtp_delivery", command: check_smtp_delivery::command },
];
