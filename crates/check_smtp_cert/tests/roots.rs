//! The verdict on a chain of each kind is the same whichever way the roots are given: hashed directory, a bundle of hundreds, one file.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;

use check_smtp_testbed::cases::mask;
use check_smtp_testbed::factory::{Factory, Kind};
use check_smtp_testbed::{Error, TempDir};
use libtest_mimic::{Arguments, Failed, Trial};

/// Roots on either side of ours in the bundle.
const OTHERS: usize = 150;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // Dropped, and so removed, before the exit code is given back.
    let ways = Ways::prepare().map(Arc::new).map_err(|error| error.to_string());
    let of_kind = |kind: &Kind| {
        let (kind, ways) = (*kind, ways.clone());
        Trial::test(format!("by_each_way_{}", kind.word()), move || is_the_same(kind, ways?.as_ref()))
    };
    let conclusion = libtest_mimic::run(&arguments, Kind::ALL.iter().map(of_kind).collect());
    drop(ways);
    conclusion.exit_code()
}

/// The ways to the same root, and a bundle without it.
struct Ways {
    directory: TempDir,
}

impl Ways {
    fn prepare() -> Result<Self, Error> {
        let (factory, ways) = (Factory::shared()?, Self { directory: TempDir::new()? });
        let own = factory.ca_pem()?;
        let (before, after) = (factory.other_roots(OTHERS)?, factory.other_roots(OTHERS)?);
        std::fs::create_dir(ways.path("hashed"))?;
        std::fs::write(ways.path("hashed").join(factory.ca_hash_name()), &own)?;
        std::fs::write(ways.path("bundle.pem"), format!("{before}\nour own\n{own}{after}"))?;
        std::fs::write(ways.path("others.pem"), before + &after)?;
        std::fs::write(ways.path("own.pem"), own)?;
        Ok(ways)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

fn is_the_same(kind: Kind, ways: &Ways) -> Result<(), Failed> {
    let chain = ways.path(&format!("{}.crt", kind.word()));
    std::fs::write(&chain, Factory::shared()?.identity(kind)?.chain_pem)?;
    let by = |flag, name| verdict(&chain, flag, &ways.path(name));
    let hashed = by("--ca-dir", "hashed")?;
    for (way, other) in
        [("a bundle", by("--ca-file", "bundle.pem")?), ("a file", by("--ca-file", "own.pem")?)]
    {
        if other != hashed {
            return Err(format!("by a hashed directory:\n{hashed:?}\nby {way}:\n{other:?}").into());
        }
    }
    // Without these two all of them could be wrong in the same way.
    let has_no_path = matches!(
        kind,
        Kind::SelfSigned | Kind::SelfSignedExpiredWrongHost | Kind::UnknownCa | Kind::MissingIntermediate
    );
    if hashed.is_trusted() == has_no_path {
        return Err(format!("expected the path to be found: {}\n{hashed:?}", !has_no_path).into());
    }
    let without = by("--ca-file", "others.pem")?;
    if without.is_trusted() { Err(format!("trusted by others:\n{without:?}").into()) } else { Ok(()) }
}

#[derive(Debug, PartialEq, Eq)]
struct Verdict {
    code: Option<i32>,
    /// All findings, the chain and the path.
    json: String,
}

impl Verdict {
    fn is_trusted(&self) -> bool {
        self.json.contains(r#""trusted":true"#)
    }
}

fn verdict(chain: &Path, flag: &str, roots: &Path) -> Result<Verdict, Failed> {
    let output = Command::new(env!("CARGO_BIN_EXE_check_smtp_cert"))
        .arg("-f")
        .arg(chain)
        .args(["-H", "mail.example.org", "--output", "json", flag])
        .arg(roots)
        .output()?;
    Ok(Verdict { code: output.status.code(), json: mask(&String::from_utf8(output.stdout)?) })
}
