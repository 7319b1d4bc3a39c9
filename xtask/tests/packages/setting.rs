//! Where the packages are, and commands that tell what went wrong.

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Failed;

pub type Outcome<T = ()> = Result<T, Failed>;

/// The packages' name.
pub const NAME: &str = "smtp-monitoring-plugins";
/// Their version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The checks in them.
pub const CHECKS: [&str; 4] =
    ["check_smtp_auth", "check_smtp_cert", "check_smtp_conn", "check_smtp_delivery"];

/// The top of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// One package of each kind.
pub struct Packages {
    pub deb: PathBuf,
    pub rpm: PathBuf,
    pub tar: PathBuf,
}

impl Packages {
    /// Those of a version in a directory.
    pub fn of(directory: &Path, version: &str) -> Outcome<Self> {
        let packages = Self {
            deb: directory.join(format!("{NAME}_{version}-1_amd64.deb")),
            rpm: directory.join(format!("{NAME}-{version}-1.x86_64.rpm")),
            tar: directory.join(format!("{NAME}-{version}-x86_64-static.tar.gz")),
        };
        for path in [&packages.deb, &packages.rpm, &packages.tar] {
            hold(path.is_file(), || format!("{} is not there", path.display()))?;
        }
        Ok(packages)
    }
}

/// What `make packages` made.
pub fn packages() -> Outcome<Packages> {
    Packages::of(&root().join("target/packages"), VERSION)
}

/// Packs the same programs as another version, or elsewhere.
pub fn pack(version: &str, directory: &Path) -> Outcome<Packages> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["package", "--version", version, "--out"]).arg(directory).current_dir(root());
    run(&mut command)?;
    Packages::of(directory, version)
}

/// Whether a command is installed, in the places of root's PATH too.
pub fn has(program: &str) -> bool {
    let directories = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin", "/sbin", "/bin"];
    directories.iter().any(|directory| Path::new(directory).join(program).is_file())
}

/// What a command printed; anything but success is a failure with all it said.
pub fn run(command: &mut Command) -> Outcome<String> {
    let (told, code) = ask(command)?;
    if code == Some(0) { Ok(told) } else { Err(format!("{command:?} ended with {code:?}:\n{told}").into()) }
}

/// What a command printed on both streams, and its exit code.
pub fn ask(command: &mut Command) -> Outcome<(String, Option<i32>)> {
    let output =
        command.env("LC_ALL", "C.UTF-8").output().map_err(|error| format!("{command:?}: {error}"))?;
    let told =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Ok((told, output.status.code()))
}

/// A command of words.
pub fn command(words: &[&str]) -> Command {
    let (program, arguments) = words.split_first().unwrap_or((&"false", &[]));
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// Fails with what was seen.
pub fn hold(is_so: bool, otherwise: impl FnOnce() -> String) -> Outcome {
    if is_so { Ok(()) } else { Err(otherwise().into()) }
}
