//! Plugins that write down what they print, so that it can be held against what an engine made of it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::open_to_all;
use crate::{Error, Result, TempDir};

/// A directory of plugins for an engine: each runs the real one, and keeps its command line, output and exit code.
#[derive(Debug)]
pub struct Recorder {
    directory: TempDir,
}

/// One run of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The program.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its exit code.
    pub code: i32,
    /// What it printed.
    pub output: String,
}

impl Recorder {
    /// Wraps the programs of that directory.
    pub fn new(plugins: &Path, programs: &[&str]) -> Result<Self> {
        let directory = TempDir::new()?;
        let runs = directory.path().join("runs");
        open_to_all(directory.path())?;
        std::fs::create_dir(&runs)?;
        std::fs::create_dir(directory.path().join("plugins"))?;
        // Engines run plugins as users of their own.
        std::fs::set_permissions(&runs, std::fs::Permissions::from_mode(0o1777))?;
        for program in programs {
            let real = plugins.join(program);
            if !real.is_file() {
                return Err(Error::Other(format!("{} is not there", real.display())));
            }
            // A copy: a test may mount the wrappers over the directory of the real ones.
            let copy = directory.path().join(program);
            std::fs::copy(&real, &copy)?;
            let path = directory.path().join("plugins").join(program);
            std::fs::write(&path, script(&copy, &runs, program))?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
        }
        Ok(Self { directory })
    }

    /// Where the plugins are.
    pub fn plugins(&self) -> PathBuf {
        self.directory.path().join("plugins")
    }

    /// The runs that have ended.
    pub fn runs(&self) -> Result<Vec<Run>> {
        let mut runs = Vec::new();
        for entry in std::fs::read_dir(self.directory.path().join("runs"))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "code") {
                runs.push(run(&path)?);
            }
        }
        Ok(runs)
    }
}

/// The exit code is written last, before the engine is given anything: what has one is complete.
fn script(real: &Path, runs: &Path, program: &str) -> String {
    format!(
        "#!/bin/sh\nrun=$(mktemp '{}/{program}.XXXXXXXX')\nprintf '%s\\0' \"$@\" >\"$run.arguments\"\n\
         '{}' \"$@\" >\"$run.output\"\ncode=$?\necho $code >\"$run.writing\"\nmv \"$run.writing\" \"$run.code\"\n\
         cat \"$run.output\"\nexit $code\n",
        runs.display(),
        real.display()
    )
}

fn run(path: &Path) -> Result<Run> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let arguments = std::fs::read_to_string(path.with_extension("arguments"))?;
    let code = std::fs::read_to_string(path)?;
    Ok(Run {
        program: name.split('.').next().unwrap_or_default().to_owned(),
        arguments: arguments.split_terminator('\0').map(str::to_owned).collect(),
        code: code.trim().parse().map_err(|_| Error::Other(format!("{name} holds no exit code")))?,
        output: std::fs::read_to_string(path.with_extension("output"))?,
    })
}
