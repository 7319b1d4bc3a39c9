//! What is in the packages, and what the distributions' own tools say of it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use check_smtp_testbed::TempDir;

use super::setting::{CHECKS, NAME, Outcome, VERSION, ask, command, hold, pack, packages, root, run};

/// Packages of the distribution that hold plugins, or files beside them.
const OTHERS: [&str; 7] = [
    "monitoring-plugins-basic",
    "monitoring-plugins-standard",
    "monitoring-plugins-common",
    "monitoring-plugins-contrib",
    "nagios-snmp-plugins",
    "nagios4-common",
    "icinga2-common",
];

/// A file as `ls -l` shows it, owners by name.
struct Listed {
    mode: String,
    owner: String,
    path: String,
}

fn deb() -> Outcome<Vec<Listed>> {
    listed(&run(Command::new("dpkg-deb").arg("--contents").arg(packages()?.deb))?, 1, 5)
}

fn rpm() -> Outcome<Vec<Listed>> {
    listed(&run(Command::new("rpm").args(["-qlvp"]).arg(packages()?.rpm))?, 2, 8)
}

fn tar() -> Outcome<Vec<Listed>> {
    listed(&run(Command::new("tar").args(["--list", "--verbose", "--file"]).arg(packages()?.tar))?, 1, 5)
}

/// `MODE [LINKS] OWNER... PATH`: the owner in one word (`root/root`) or two.
fn listed(told: &str, owner: usize, path: usize) -> Outcome<Vec<Listed>> {
    let listed = |line: &str| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let word = |index: usize| words.get(index).copied().unwrap_or_default();
        let owner = if word(owner).contains('/') {
            word(owner).to_owned()
        } else {
            format!("{}/{}", word(owner), word(owner + 1))
        };
        Listed { mode: word(0).to_owned(), owner, path: word(path).trim_start_matches('.').to_owned() }
    };
    let files: Vec<Listed> = told.lines().map(listed).collect();
    hold(files.len() > 20, || format!("hardly anything is in it:\n{told}"))?;
    Ok(files)
}

/// The last names of all files, less those that only one of the systems knows.
fn names(files: &[Listed]) -> BTreeSet<String> {
    let foreign = [
        "changelog.Debian.gz",
        "copyright",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        NAME,
        "smtp-monitoring-plugins.conf",
    ];
    files
        .iter()
        .filter(|file| !file.mode.starts_with('d'))
        .filter_map(|file| Some(Path::new(&file.path).file_name()?.to_string_lossy().into_owned()))
        .filter(|name| !foreign.contains(&name.as_str()))
        .collect()
}

pub fn are_the_same() -> Outcome {
    let (deb, rpm, tar) = (names(&deb()?), names(&rpm()?), names(&tar()?));
    hold(deb == rpm, || format!("in one alone: {:?}", deb.symmetric_difference(&rpm)))?;
    hold(deb == tar, || format!("in one alone: {:?}", deb.symmetric_difference(&tar)))?;
    hold(CHECKS.iter().all(|name| deb.contains(*name)), || format!("{deb:?}"))
}

pub fn have_modes_and_owners() -> Outcome {
    // dpkg's owners are set by postinst: the tests in a root look at those.
    for (files, special) in [(deb()?, false), (rpm()?, true)] {
        for file in &files {
            let owner = match file.path.trim_end_matches('/') {
                "/var/lib/smtp-monitoring-plugins" if special => "nagios/nagios",
                "/etc/smtp-monitoring-plugins/mail.ini" if special => "root/nagios",
                _ => "root/root",
            };
            let mode = match file.path.trim_end_matches('/') {
                "/var/lib/smtp-monitoring-plugins" => "drwxr-x---",
                "/etc/smtp-monitoring-plugins/mail.ini" => "-rw-r-----",
                path if path.contains("/nagios/plugins/") => "?rwxr-xr-x",
                _ if file.mode.starts_with('d') => "drwxr-xr-x",
                _ => "-rw-r--r--",
            };
            // A hard link is shown as 'h' by tar.
            let is_right = file.mode == mode || mode.starts_with('?') && file.mode.get(1..) == mode.get(1..);
            hold(is_right && file.owner == owner, || format!("{} {} {}", file.mode, file.owner, file.path))?;
        }
    }
    Ok(())
}

pub fn say_what_is_needed() -> Outcome {
    let packages = packages()?;
    let field = |name: &str| run(Command::new("dpkg-deb").arg("--field").arg(&packages.deb).arg(name));
    hold(field("Version")?.trim() == format!("{VERSION}-1"), || format!("{:?}", field("Version")))?;
    hold(field("Depends")?.trim() == "adduser", || format!("{:?}", field("Depends")))?;
    let conffiles = run(Command::new("dpkg-deb").arg("--info").arg(&packages.deb).arg("conffiles"))?;
    let in_etc = |files: Vec<Listed>| -> BTreeSet<String> {
        files
            .into_iter()
            .filter(|file| file.mode.starts_with('-') && file.path.starts_with("/etc/"))
            .map(|file| file.path)
            .collect()
    };
    let told: BTreeSet<String> = conffiles.lines().map(str::to_owned).collect();
    hold(told == in_etc(deb()?), || format!("conffiles: {told:?}"))?;
    let configured = run(Command::new("rpm").args(["-qcp"]).arg(&packages.rpm))?;
    let told: BTreeSet<String> = configured.lines().map(str::to_owned).collect();
    hold(told == in_etc(rpm()?), || format!("%config: {told:?}"))?;
    let requires = run(Command::new("rpm").args(["-qp", "--requires"]).arg(&packages.rpm))?;
    let is_known = |line: &str| {
        let starts = ["/bin/sh", "config(", "rpmlib(", "shadow-utils"];
        starts.iter().any(|start| line.starts_with(start))
    };
    let foreign: Vec<&str> = requires.lines().filter(|line| !is_known(line)).collect();
    hold(foreign.is_empty() && requires.contains("shadow-utils"), || format!("requires {foreign:?}"))
}

pub fn miss_no_check() -> Outcome {
    let files = deb()?;
    for check in CHECKS {
        for place in [
            format!("/usr/lib/nagios/plugins/{check}"),
            format!("/usr/share/man/man8/{check}.8.gz"),
            format!("/usr/share/bash-completion/completions/{check}"),
            format!("/usr/share/zsh/vendor-completions/_{check}"),
            format!("/usr/share/fish/vendor_completions.d/{check}.fish"),
        ] {
            hold(files.iter().any(|file| file.path == place), || format!("{place} is missing"))?;
        }
    }
    // The list of this test is that of the crates.
    let crates = std::fs::read_dir(root().join("crates"))?
        .filter_map(Result::ok)
        .filter(|entry| entry.path().join("src/args.rs").is_file() || entry.path().join("src/args").is_dir());
    let crates: BTreeSet<String> =
        crates.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    hold(crates.iter().eq(CHECKS.iter()), || format!("{crates:?}"))
}

pub fn please_lintian() -> Outcome {
    let (told, code) =
        ask(command(&["lintian", "--pedantic", "--allow-root", "--fail-on", "error,warning,pedantic"])
            .arg(packages()?.deb))?;
    let complaints: Vec<&str> = told.lines().filter(|line| !line.starts_with("N:")).collect();
    hold(code == Some(0) && complaints.is_empty(), || told.clone())
}

pub fn please_rpmlint() -> Outcome {
    let filter = root().join("packaging/rpm/rpmlintrc");
    let (told, code) = ask(Command::new("rpmlint").arg("--rpmlintrc").arg(filter).arg(packages()?.rpm))?;
    hold(code == Some(0) && told.contains("; 0 errors, 0 warnings"), || told.clone())
}

pub fn read_well() -> Outcome {
    for check in CHECKS {
        let man = root().join(format!("man/{check}.8"));
        let told = run(command(&["mandoc", "-T", "lint"]).arg(man))?;
        hold(told.is_empty(), || told.clone())?;
        let completions = root().join("packaging/completions");
        run(command(&["bash", "-n"]).arg(completions.join("bash").join(check)))?;
        run(command(&["zsh", "-n"]).arg(completions.join("zsh").join(format!("_{check}"))))?;
        run(command(&["fish", "--no-execute"]).arg(completions.join("fish").join(format!("{check}.fish"))))?;
    }
    Ok(())
}

pub fn collide_with_nobody() -> Outcome {
    let directory = TempDir::new()?;
    let ours: BTreeSet<String> =
        deb()?.into_iter().filter(|file| !file.mode.starts_with('d')).map(|file| file.path).collect();
    let mut count = 0;
    let download = || {
        let mut command = command(&["apt-get", "download", "--quiet", "--quiet"]);
        run(command.args(OTHERS).current_dir(directory.path()))
    };
    // A machine may have no lists of packages yet.
    download().or_else(|_| {
        run(&mut command(&["apt-get", "update", "--quiet", "--quiet"])).and_then(|_| download())
    })?;
    for package in std::fs::read_dir(directory.path())? {
        let package = package?.path();
        let told = run(Command::new("dpkg-deb").arg("--contents").arg(&package))?;
        let theirs: BTreeSet<String> = listed(&told, 1, 5)?.into_iter().map(|file| file.path).collect();
        let shared: Vec<&String> = ours.intersection(&theirs).collect();
        hold(shared.is_empty(), || format!("{}: {shared:?}", package.display()))?;
        count += 1;
    }
    hold(count == OTHERS.len(), || format!("{count} packages were looked at"))
}

pub fn can_be_repeated() -> Outcome {
    let directory = TempDir::new()?;
    let (ours, again) = (packages()?, pack(VERSION, directory.path())?);
    for (one, other) in [(ours.deb, again.deb), (ours.rpm, again.rpm), (ours.tar, again.tar)] {
        hold(std::fs::read(&one)? == std::fs::read(&other)?, || format!("{} differs", one.display()))?;
    }
    Ok(())
}
