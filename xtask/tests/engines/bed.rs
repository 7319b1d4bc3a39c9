//! What all engines share: the embedded server, the plugins, and the scenes from the registry.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use check_smtp_testbed::TempDir;
use check_smtp_testbed::real::{Recorder, Run, give_to};
use check_smtp_testbed::serve::Testbed;
use xtask::Result;
use xtask::registry::{CHECKS, Check, Value};

/// A mail server and plugins to ask it with.
pub struct Bed {
    directory: TempDir,
    testbed: Testbed,
    plugins: PathBuf,
}

/// A check with options, and the exit code it ends with.
#[derive(Clone)]
pub struct Scene {
    /// Letters, digits and `_`.
    pub name: String,
    pub check: &'static Check,
    pub options: Vec<(&'static str, Option<String>)>,
    pub code: i32,
}

impl Scene {
    /// As words, for an engine without a shell.
    pub fn words(&self) -> Vec<String> {
        let words = self.options.iter().flat_map(|(name, value)| [Some(format!("--{name}")), value.clone()]);
        words.flatten().collect()
    }
}

impl Bed {
    pub fn start() -> Result<Self> {
        let directory = TempDir::new()?;
        // Engines run plugins as users of their own, who read the CA file and their password files here.
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755))?;
        let testbed = Testbed::start(Duration::from_millis(400), 1, Some(directory.path().to_owned()))?;
        Ok(Self { directory, testbed, plugins: plugins()? })
    }

    /// Plugins that write down what they print.
    pub fn recorder(&self) -> Result<Recorder> {
        Ok(Recorder::new(&self.plugins, &CHECKS.map(|check| check.program))?)
    }

    /// Every check in every state, and with a server that answers strangely. The password files are of that user.
    pub fn scenes(&self, user: &str) -> Result<Vec<Scene>> {
        let mut scenes = Vec::new();
        for check in &CHECKS {
            for (code, (state, options)) in
                (0..).zip(["ok", "warning", "critical", "unknown"].iter().zip(check.scenes))
            {
                scenes.push(self.scene(check, state, options, code, user)?);
            }
            let [healthy, ..] = check.scenes;
            let mut odd = self.scene(check, "odd", healthy, 2, user)?;
            for (name, value) in &mut odd.options {
                if *name == "port" {
                    *value = Some(self.testbed.port("ODD")?.to_string());
                }
            }
            scenes.push(odd);
        }
        Ok(scenes)
    }

    fn scene(
        &self,
        check: &'static Check,
        state: &str,
        options: &[(&'static str, Value)],
        code: i32,
        user: &str,
    ) -> Result<Scene> {
        let options = options.iter().map(|(name, value)| {
            let value = match value {
                Value::Given => None,
                Value::HostName => Some("localhost".to_owned()),
                Value::Text(text) => Some(self.filled_in(text, user)?),
            };
            Ok((*name, value))
        });
        let options = options.collect::<Result<_>>()?;
        Ok(Scene { name: format!("{}_{state}", check.object()), check, options, code })
    }

    /// The text of a placeholder of the registry.
    fn filled_in(&self, text: &str, user: &str) -> Result<String> {
        let Some(name) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) else {
            return Ok(text.to_owned());
        };
        let (account, password) = self.testbed.account();
        Ok(match name {
            "CA" => self.ca_file().display().to_string(),
            "USER" => account.to_owned(),
            "PASSWORD" => self.secret(user, "password", password)?,
            "WRONG" => self.secret(user, "wrong", "not the password")?,
            port => self.testbed.port(port)?.to_string(),
        })
    }

    pub fn port(&self, name: &str) -> Result<u16> {
        Ok(self.testbed.port(name)?)
    }

    pub fn ca_file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// A file with a secret that only that user reads.
    fn secret(&self, user: &str, name: &str, secret: &str) -> Result<String> {
        let path = self.directory.path().join(format!("{user}.{name}"));
        std::fs::write(&path, secret)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        give_to(user, &path)?;
        Ok(path.display().to_string())
    }

    /// An empty Maildir of that user, with room for a state in it.
    fn mailbox(&self, user: &str) -> Result<String> {
        let path = self.directory.path().join(format!("{user}.mailbox"));
        for name in ["", "new", "cur", "tmp", "state"] {
            let directory = path.join(name);
            std::fs::create_dir_all(&directory)?;
            std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o700))?;
            give_to(user, &directory)?;
        }
        Ok(path.display().to_string())
    }

    /// A file of options for `--extra-opts` that only that user reads, with a section for each sample service.
    pub fn options_file(&self, user: &str) -> Result<PathBuf> {
        let (ca, password) = (self.ca_file(), self.filled_in("{PASSWORD}", user)?);
        let (submission, smtps) = (self.testbed.port("SUBMISSION")?, self.testbed.port("SMTPS")?);
        let (ca, mailbox) = (ca.display(), self.mailbox(user)?);
        let (account, _) = self.testbed.account();
        let text = format!(
            "[submission]\nhostname = localhost\nport = {submission}\nstarttls\nca-file = {ca}\n\
             [smtps]\nhostname = localhost\nport = {smtps}\ntls\nca-file = {ca}\n\
             [smtp_certificate]\nhostname = localhost\nport = {submission}\nca-file = {ca}\n\
             [smtp_login]\nhostname = localhost\nport = {submission}\nca-file = {ca}\nuser = {account}\npassword-file = {password}\n\
             [smtp_delivery]\nhostname = localhost\nport = {submission}\nca-file = {ca}\nfrom = {account}\nto = sink@example.org\n\
             user = {account}\npassword-file = {password}\n\
             [smtp_arrival]\nhostname = localhost\nport = {submission}\nca-file = {ca}\nfrom = {account}\nto = sink@example.org\n\
             user = {account}\npassword-file = {password}\nreceive = maildir:{mailbox}\nasync\nstate-dir = {mailbox}/state\n"
        );
        Ok(PathBuf::from(self.secret(user, "ini", &text)?))
    }
}

/// A file of definitions as it is shipped.
pub fn shipped(path: &str) -> PathBuf {
    xtask::root().join("packaging").join(path)
}

/// The plugins to try.
fn plugins() -> Result<PathBuf> {
    if let Some(directory) = std::env::var_os("SMTP_PLUGIN_DIR") {
        return Ok(directory.into());
    }
    let mut build = Command::new(env!("CARGO"));
    build.current_dir(xtask::root()).args(["build", "--quiet"]);
    for check in &CHECKS {
        build.args(["--package", check.program]);
    }
    if !build.status()?.success() {
        return Err("the plugins cannot be built".into());
    }
    // Beside the directory of this very program: target/debug/deps/engines-0123.
    let own = std::env::current_exe()?;
    Ok(own.parent().and_then(Path::parent).ok_or("no directory of programs")?.to_owned())
}

/// The runs of a scene: those with all its options and no other, in whatever order an engine puts them.
pub fn runs_of(runs: &[Run], scene: &Scene) -> Vec<Run> {
    let mut words = scene.words();
    words.sort();
    let is_of = |run: &&Run| {
        let mut arguments = run.arguments.clone();
        if let Some(place) = arguments.iter().position(|word| word == "--hostname") {
            arguments.drain(place..arguments.len().min(place + 2));
        }
        arguments.sort();
        run.program == scene.check.program && arguments == words
    };
    runs.iter().filter(is_of).cloned().collect()
}

/// A plugin's output taken apart as the guidelines say: first line before its pipe, performance data, the lines below.
pub fn parts(output: &str) -> (&str, &str, &str) {
    let (first, rest) = output.split_once('\n').unwrap_or((output, ""));
    let (text, perfdata) = first.split_once('|').unwrap_or((first, ""));
    (text.trim(), perfdata.trim(), rest.trim_end())
}
