//! Installed for real: in a fresh Debian root, and in an rpm root of the same files. Nothing is mounted, so nothing stays mounted;
//! the checks reach the embedded server because a chroot shares the machine's loopback.

use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use check_smtp_testbed::TempDir;
use check_smtp_testbed::serve::Testbed;

use super::setting::{CHECKS, NAME, Outcome, Packages, ask, command, hold, pack, packages, root, run};

/// The version that is there before this one.
const OLD: &str = "0.0.9";
const INI: &str = "/etc/smtp-monitoring-plugins/mail.ini";
const STATE: &str = "/var/lib/smtp-monitoring-plugins";

/// A system below a directory, removed when it is dropped.
struct System {
    directory: TempDir,
    /// Where the engine looks for plugins.
    plugins: &'static str,
}

impl System {
    /// A copy of a fresh Debian.
    fn new(plugins: &'static str) -> Outcome<Self> {
        let directory = TempDir::new()?;
        run(command(&["cp", "--archive", "--reflink=auto", "--no-target-directory"])
            .arg(fresh_debian()?)
            .arg(directory.path()))?;
        // Made for this user alone; the users inside have to get in.
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755))?;
        // Written by an installer; debootstrap is none.
        std::fs::write(directory.path().join("etc/hosts"), "127.0.0.1 localhost\n")?;
        Ok(Self { directory, plugins })
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.directory.path().join(inside.trim_start_matches('/'))
    }

    /// A command inside, as a user.
    fn command(&self, user: &str, words: &[&str]) -> Command {
        let mut command = Command::new("chroot");
        command.arg(format!("--userspec={user}")).arg(self.directory.path()).args(words);
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("DEBIAN_FRONTEND", "noninteractive");
        command
    }

    fn run(&self, words: &[&str]) -> Outcome<String> {
        run(&mut self.command("root", words))
    }

    /// Every file inside but what the package managers and the users' list keep for themselves, and what no restart survives.
    fn files(&self) -> Outcome<BTreeSet<String>> {
        let told = run(Command::new("find").arg(self.directory.path()).args(["-xdev", "-printf", "/%P\n"]))?;
        let books = [
            "/run",
            "/var/lib/dpkg",
            "/var/log",
            "/var/cache",
            "/var/lib/rpm",
            "/usr/lib/sysimage/rpm",
            "/incoming",
        ];
        let is_book = |path: &str| {
            let name = path.trim_end_matches('-').rsplit('/').next().unwrap_or_default().to_owned();
            let users = ["passwd", "shadow", "group", "gshadow", "subuid", "subgid", ".pwd.lock"];
            books.iter().any(|book| path.starts_with(book))
                || path.starts_with("/etc/") && users.contains(&name.as_str())
        };
        Ok(told.lines().filter(|path| !is_book(path)).map(str::to_owned).collect())
    }

    /// Lets a package in.
    fn take(&self, package: &Path) -> Outcome<String> {
        std::fs::create_dir_all(self.path("/incoming"))?;
        let name = package.file_name().unwrap_or_default().to_string_lossy().into_owned();
        std::fs::copy(package, self.path("/incoming").join(&name))?;
        Ok(format!("/incoming/{name}"))
    }

    fn install(&self, package: &Path) -> Outcome<String> {
        let package = self.take(package)?;
        self.run(&["dpkg", "--install", &package])
    }

    /// Each check against the embedded server, as the user the engines run them as; and that this user alone reads what is its own.
    fn use_checks(&self, server: &Testbed) -> Outcome {
        let (smtp, submission) = (server.port("SMTP")?.to_string(), server.port("SUBMISSION")?.to_string());
        std::fs::copy(server.directory().join("ca.pem"), self.path("/incoming/ca.pem"))?;
        let tls = ["-H", "localhost", "-p", &submission, "--ca-file", "/incoming/ca.pem"];
        for (check, words) in [
            ("check_smtp_conn", ["-H", "localhost", "-p", &smtp].as_slice()),
            ("check_smtp_cert", &[tls.as_slice(), &["-c", "1", "-w", "2"]].concat()),
            ("check_smtp_auth", &[tls.as_slice(), &["--no-login", "--require-tls-for-auth"]].concat()),
        ] {
            let program = format!("{}/{check}", self.plugins);
            let (told, code) =
                ask(&mut self.command("nagios:nagios", &[&[program.as_str()], words].concat()))?;
            hold(code == Some(0) && told.contains(" OK - "), || {
                format!("{check} ended with {code:?}: {told}")
            })?;
        }
        let section = format!("--extra-opts=production@{INI}");
        let program = format!("{}/check_smtp_conn", self.plugins);
        let words = [
            program.as_str(),
            &section,
            "-H",
            "localhost",
            "-p",
            &submission,
            "--ca-file",
            "/incoming/ca.pem",
        ];
        let (told, code) = ask(&mut self.command("nagios:nagios", &words))?;
        hold(code == Some(0) && told.contains(";1;"), || format!("with {section}: {told}"))?;
        let (told, code) = ask(&mut self.command("nobody:nogroup", &words))?;
        hold(code == Some(3) && told.contains(INI), || format!("{INI} as nobody: {told}"))?;
        run(&mut self.command("nagios:nagios", &["sh", "-c", &format!("echo kept >{STATE}/token")]))?;
        let (_, code) = ask(&mut self.command("nobody:nogroup", &["ls", STATE]))?;
        hold(code != Some(0), || format!("{STATE} is open to others"))
    }

    /// The owner and mode something has, by the numbers inside.
    fn owned(&self, inside: &str, user: &str, mode: u32) -> Outcome {
        let metadata = std::fs::metadata(self.path(inside))?;
        let number = |kind: &str, name: &str| -> Outcome<u32> {
            Ok(self.run(&["getent", kind, name])?.split(':').nth(2).unwrap_or_default().parse()?)
        };
        let (uid, gid) = (number("passwd", user)?, number("group", "nagios")?);
        let seen = (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777);
        hold(seen == (uid, gid, mode), || format!("{inside}: {seen:?}, not {:?}", (uid, gid, mode)))
    }

    /// What an admin and a plugin leave behind.
    fn live_in(&self) -> Outcome {
        let ini = std::fs::read_to_string(self.path(INI))?;
        std::fs::write(self.path(INI), ini.replace("critical = 3", "critical = 4"))?;
        std::fs::write(
            self.path("/etc/smtp-monitoring-plugins/own.ini"),
            "[mine]\nhostname = mail.example.net\n",
        )?;
        Ok(())
    }

    /// After an upgrade: the admin's words, the plugins' state.
    fn is_still_lived_in(&self) -> Outcome {
        let ini = std::fs::read_to_string(self.path(INI))?;
        hold(ini.contains("critical = 4"), || format!("{INI} was overwritten:\n{ini}"))?;
        hold(self.path("/etc/smtp-monitoring-plugins/own.ini").is_file(), || {
            "the admin's file is gone".to_owned()
        })?;
        hold(std::fs::read_to_string(self.path(&format!("{STATE}/token")))? == "kept\n", || {
            "the state is gone".to_owned()
        })
    }
}

/// A Debian of the machine's own release from the machine's own mirror, made once and kept below target/.
fn fresh_debian() -> Outcome<PathBuf> {
    static MADE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    MADE.get_or_init(|| debootstrap().map_err(|failed| failed.message().unwrap_or_default().to_owned()))
        .clone()
        .map_err(Into::into)
}

fn debootstrap() -> Outcome<PathBuf> {
    let sources = run(&mut command(&[
        "apt-get",
        "indextargets",
        "--format",
        "$(LABEL) $(REPO_URI) $(CODENAME)",
        "Created-By: Packages",
    ]))?;
    let mut words = sources
        .lines()
        .find_map(|line| line.strip_prefix("Debian "))
        .ok_or("no Debian among apt's sources")?
        .split(' ');
    let (mirror, suite) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let place = root().join("target/roots").join(suite);
    if place.join("made").is_file() {
        return Ok(place.join("root"));
    }
    let _ = std::fs::remove_dir_all(&place);
    std::fs::create_dir_all(&place)?;
    let mut bootstrap = command(&["debootstrap", "--variant=minbase", "--include=adduser", suite]);
    run(bootstrap.arg(place.join("root")).arg(mirror))?;
    std::fs::write(place.join("made"), "")?;
    Ok(place.join("root"))
}

fn old(directory: &TempDir) -> Outcome<Packages> {
    pack(OLD, directory.path())
}

fn server() -> Outcome<Testbed> {
    Ok(Testbed::start(Duration::from_millis(100), 1, None)?)
}

pub fn debian() -> Outcome {
    let (server, directory) = (server()?, TempDir::new()?);
    let old = old(&directory)?;
    let system = System::new("/usr/lib/nagios/plugins")?;
    let before = system.files()?;
    let began = Instant::now();
    system.install(&old.deb)?;
    system.use_checks(&server)?;
    let seconds = began.elapsed().as_secs();
    hold(seconds < 60, || format!("{seconds} s from dpkg to a check that ran"))?;
    system.live_in()?;
    system.install(&packages()?.deb)?;
    let status = system.run(&["dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", NAME])?;
    hold(status == format!("installed {}-1", super::setting::VERSION), || status.clone())?;
    system.is_still_lived_in()?;
    system.owned(STATE, "nagios", 0o750)?;
    system.owned(INI, "root", 0o640)?;
    system.use_checks(&server)?;
    zabbix_links(&system)?;
    let verified = system.run(&["dpkg", "--verify", NAME])?;
    hold(verified.lines().all(|line| line.ends_with(INI)), || format!("dpkg --verify:\n{verified}"))?;
    system.run(&["dpkg", "--remove", NAME])?;
    for check in CHECKS {
        hold(!system.path(&format!("/usr/lib/nagios/plugins/{check}")).exists(), || {
            format!("{check} is still there")
        })?;
    }
    system.is_still_lived_in()?;
    system.run(&["dpkg", "--purge", NAME])?;
    let left: Vec<String> = system.files()?.difference(&before).cloned().collect();
    let written = ["/etc/smtp-monitoring-plugins", "/etc/smtp-monitoring-plugins/own.ini"];
    hold(left == written, || format!("left after purge: {left:?}"))?;
    system.run(&["getent", "passwd", "nagios"]).map(drop)
}

/// README's command for Zabbix, and a check called by its link.
fn zabbix_links(system: &System) -> Outcome {
    let readme = std::fs::read_to_string(root().join("README.md"))?;
    let line = readme
        .lines()
        .find(|line| line.starts_with("ln -s") && line.contains("zabbix"))
        .ok_or("README links nothing for Zabbix")?;
    let place = "/usr/lib/zabbix/externalscripts";
    std::fs::create_dir_all(system.path(place))?;
    system.run(&["sh", "-c", line])?;
    for check in CHECKS {
        let (told, code) = ask(&mut system.command("nagios:nagios", &[&format!("{place}/{check}"), "-V"]))?;
        hold(code == Some(3) && told.starts_with(check), || format!("{place}/{check}: {told}"))?;
    }
    Ok(std::fs::remove_dir_all(system.path("/usr/lib/zabbix"))?)
}

/// An engine was there first: its user stays as it is, and what the admin decided of a file's owner counts.
pub fn debian_with_engine() -> Outcome {
    let system = System::new("/usr/lib/nagios/plugins")?;
    system.run(&[
        "adduser",
        "--system",
        "--group",
        "--quiet",
        "--uid",
        "777",
        "--home",
        "/srv/nagios",
        "--no-create-home",
        "nagios",
    ])?;
    system.run(&["dpkg-statoverride", "--add", "root", "root", "0600", INI])?;
    system.install(&packages()?.deb)?;
    let user = system.run(&["getent", "passwd", "nagios"])?;
    hold(user.contains(":777:") && user.contains("/srv/nagios"), || user.clone())?;
    system.owned(STATE, "nagios", 0o750)?;
    let metadata = std::fs::metadata(system.path(INI))?;
    let seen = (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777);
    hold(seen == (0, 0, 0o600), || format!("{INI}: {seen:?}"))?;
    system.run(&["dpkg", "--purge", NAME])?;
    let after = system.run(&["getent", "passwd", "nagios"])?;
    hold(user == after, || after.clone())
}

pub fn rpm() -> Outcome {
    let (server, directory) = (server()?, TempDir::new()?);
    let old = old(&directory)?;
    let system = System::new("/usr/lib64/nagios/plugins")?;
    let rpm = |words: &[&str], package: Option<&Path>| {
        let mut command = Command::new("rpm");
        command.arg("--root").arg(system.directory.path()).args(words).args(package);
        run(&mut command)
    };
    rpm(&["--initdb"], None)?;
    std::fs::create_dir_all(system.path("/incoming"))?;
    // What Fedora's packages would bring (glibc, shadow-utils) is Debian's here, and unknown to rpm.
    rpm(&["--install", "--nodeps"], Some(&old.rpm))?;
    system.use_checks(&server)?;
    system.live_in()?;
    rpm(&["--upgrade", "--nodeps"], Some(&packages()?.rpm))?;
    let version = rpm(&["--query", "--queryformat", "%{VERSION}", NAME], None)?;
    hold(version == super::setting::VERSION, || version.clone())?;
    system.is_still_lived_in()?;
    system.owned(STATE, "nagios", 0o750)?;
    system.owned(INI, "root", 0o640)?;
    system.use_checks(&server)?;
    let (verified, _) = ask(Command::new("rpm")
        .arg("--root")
        .arg(system.directory.path())
        .args(["--verify", "--nodeps", NAME]))?;
    hold(verified.lines().all(|line| line.ends_with(INI)), || format!("rpm --verify:\n{verified}"))?;
    rpm(&["--erase", NAME], None)?;
    let left: Vec<String> = system
        .files()?
        .into_iter()
        .filter(|path| path.contains(NAME) || path.contains("check_smtp"))
        .collect();
    // rpm knows no purge: it keeps what was changed or made later.
    let kept = [
        "/etc/smtp-monitoring-plugins".to_owned(),
        format!("{INI}.rpmsave"),
        "/etc/smtp-monitoring-plugins/own.ini".to_owned(),
        STATE.to_owned(),
        format!("{STATE}/token"),
    ];
    hold(left == kept, || format!("left: {left:?}"))?;
    system.run(&["getent", "passwd", "nagios"]).map(drop)
}
