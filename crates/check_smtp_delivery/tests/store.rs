//! The state file against what happens to files: broken, linked, closed, full, written by two, and its writer killed at any moment.
//!
//! A child is this test program itself, told by the environment what to do.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test starts programs, tells them by the environment what to do, and ends where anything is wrong"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use check_smtp_core::net::Deadline;
use check_smtp_core::secret;
use check_smtp_delivery::tracker::{Found, Instance, Store, StoreFault, Token, Tracker};
use check_smtp_testbed::TempDir;

const DIRECTORY: &str = "STORE_TEST_DIRECTORY";
const ROLE: &str = "STORE_TEST_ROLE";
/// Its mounts are its own: nothing of it is seen outside, and all of it is gone with its last process.
const OWN_MOUNTS: [&str; 3] = ["--mount", "--propagation", "private"];

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(30))
}

fn instance() -> Instance {
    "route-1".parse().unwrap()
}

fn open(directory: &Path) -> Result<(Store, Tracker, Found), StoreFault> {
    Store::open(directory, &instance(), soon())
}

fn fault(directory: &Path) -> String {
    let words = open(directory).map(|_| ()).unwrap_err().to_string();
    words.replace(&directory.display().to_string(), "DIR")
}

fn file(directory: &Path) -> PathBuf {
    directory.join("delivery-route-1.json")
}

fn add(store: &Store, tracker: &mut Tracker) -> Result<Token, StoreFault> {
    let token = Token::from_bytes(secret::random().unwrap());
    tracker.plan(token.clone(), &["sink@example.org"], Duration::from_secs(1_800_000_000)).unwrap();
    store.save(tracker, soon()).map(|()| token)
}

/// What a child does, if this is one. Not a test by itself.
#[test]
#[ignore = "the other half of the tests here"]
fn child() {
    let directory = PathBuf::from(std::env::var_os(DIRECTORY).unwrap());
    let say = |words: &str| {
        let mut out = std::io::stdout();
        writeln!(out, "said {words}").unwrap();
        out.flush().unwrap();
    };
    match std::env::var(ROLE).unwrap().as_str() {
        // Says each token once it was told that it is on the disk.
        "write" => {
            for _ in 0..200 {
                let (store, mut tracker, _) = open(&directory).unwrap();
                say(add(&store, &mut tracker).unwrap().as_str());
            }
        }
        "hold" => {
            let _held = open(&directory).unwrap();
            say("held");
            let _ = std::io::stdin().read_line(&mut String::new());
        }
        "try" => match open(&directory).and_then(|(store, mut tracker, _)| add(&store, &mut tracker)) {
            Ok(_) => say("written"),
            Err(fault) => say(&fault.to_string()),
        },
        "fill" => loop {
            let (store, mut tracker, found) = open(&directory).unwrap();
            assert!(!matches!(found, Found::MovedAside { .. }));
            let before = tracker.clone();
            if let Err(fault) = add(&store, &mut tracker) {
                drop(store);
                // What was there is there still, and nothing else is.
                assert_eq!(open(&directory).unwrap().1, before);
                assert!(!directory.join("delivery-route-1.json.new").exists());
                say(&fault.to_string());
                return;
            }
        },
        other => panic!("no role {other}"),
    }
}

fn role(mut command: Command, role: &str, directory: &Path) -> Child {
    command.args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(DIRECTORY, directory).env(ROLE, role);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn own() -> Command {
    Command::new(std::env::current_exe().unwrap())
}

/// What a child said.
fn said(child: Child) -> Vec<String> {
    let output = child.wait_with_output().unwrap();
    let (text, errors) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    let said: Vec<String> = text.lines().filter_map(word).collect();
    assert!(!said.is_empty(), "{text}{errors}");
    said
}

/// Its words; the test harness writes the name of the test before the first.
fn word(line: &str) -> Option<String> {
    line.split_once("said ").map(|(_, word)| word.to_owned())
}

#[test]
fn what_was_kept_is_there_and_for_nobody_else() {
    let directory = TempDir::new().unwrap();
    let (store, mut tracker, found) = open(directory.path()).unwrap();
    assert_eq!((tracker.probes().len(), found), (0, Found::Nothing));
    let token = add(&store, &mut tracker).unwrap();
    let path = store.path();
    assert_eq!(path, file(directory.path()));
    drop(store);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    let (_, again, found) = open(directory.path()).unwrap();
    assert_eq!((again.probe(&token).is_some(), again, found), (true, tracker, Found::State));
}

#[test]
fn each_instance_has_its_own() {
    let directory = TempDir::new().unwrap();
    let (store, mut tracker, _) = open(directory.path()).unwrap();
    add(&store, &mut tracker).unwrap();
    let other = "route-2".parse().unwrap();
    // The first is still locked.
    let (second, mut second_tracker, found) = Store::open(directory.path(), &other, soon()).unwrap();
    assert_eq!(found, Found::Nothing);
    add(&second, &mut second_tracker).unwrap();
    drop(store);
    assert_eq!(open(directory.path()).unwrap().1, tracker);
}

#[test]
fn a_broken_file_is_moved_aside_and_told() {
    let directory = TempDir::new().unwrap();
    let (store, mut tracker, _) = open(directory.path()).unwrap();
    add(&store, &mut tracker).unwrap();
    drop(store);
    let good = std::fs::read(file(directory.path())).unwrap();
    let broken =
        [good[..good.len() / 2].to_vec(), b"\0\xff".to_vec(), Vec::new(), vec![b' '; 1024 * 1024 + 1]];
    for (index, text) in broken.iter().enumerate() {
        std::fs::write(file(directory.path()), text).unwrap();
        let (_, tracker, found) = open(directory.path()).unwrap();
        let Found::MovedAside { to, why } = found else { panic!("{index}: {found:?}") };
        assert_eq!(tracker, Tracker::default());
        assert!(!why.is_empty());
        assert_eq!(to, directory.path().join(format!("delivery-route-1.json.corrupt-{}", index + 1)));
        assert_eq!(std::fs::read(to).unwrap(), *text);
        assert!(!file(directory.path()).exists());
        // It is told once; the next run begins anew.
        assert_eq!(open(directory.path()).unwrap().2, Found::Nothing);
        std::fs::write(file(directory.path()), text).unwrap();
        std::fs::set_permissions(file(directory.path()), std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[test]
fn a_disk_is_not_filled_with_broken_files() {
    let directory = TempDir::new().unwrap();
    for number in 1..=100 {
        std::fs::write(directory.path().join(format!("delivery-route-1.json.corrupt-{number}")), "").unwrap();
    }
    std::fs::write(file(directory.path()), "{").unwrap();
    assert!(fault(directory.path()).contains("100 broken ones lie beside it"));
    assert!(file(directory.path()).exists());
}

#[test]
fn a_file_of_a_newer_version_is_left_alone() {
    let directory = TempDir::new().unwrap();
    std::fs::write(file(directory.path()), "{\"schema\":2}").unwrap();
    assert_eq!(
        fault(directory.path()),
        "state file 'DIR/delivery-route-1.json' (--state-dir): was written by a newer version (schema 2): bring this check up to date, or move the file away"
    );
    assert!(file(directory.path()).exists());
}

#[test]
fn links_and_what_is_no_file_are_not_followed() {
    let directory = TempDir::new().unwrap();
    let outside = directory.path().join("outside");
    std::fs::write(&outside, "precious").unwrap();
    for name in ["delivery-route-1.json", "delivery-route-1.lock"] {
        let _ = std::fs::remove_file(directory.path().join("delivery-route-1.lock"));
        symlink(&outside, directory.path().join(name)).unwrap();
        assert_eq!(
            fault(directory.path()),
            format!("state file 'DIR/{name}' (--state-dir): is a symbolic link: remove it")
        );
        std::fs::remove_file(directory.path().join(name)).unwrap();
    }
    // One in the place of the file that is written beside is replaced, never written through.
    symlink(&outside, directory.path().join("delivery-route-1.json.new")).unwrap();
    let (store, mut tracker, _) = open(directory.path()).unwrap();
    add(&store, &mut tracker).unwrap();
    drop(store);
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), "precious");
    std::fs::remove_file(file(directory.path())).unwrap();
    std::fs::create_dir(file(directory.path())).unwrap();
    assert!(fault(directory.path()).contains("is no regular file"));
    std::fs::remove_dir(file(directory.path())).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, file(directory.path()), rustix::fs::Mode::from_raw_mode(0o600))
        .unwrap();
    assert!(fault(directory.path()).contains("is no regular file"));
}

#[test]
fn directories_that_will_not_do() {
    let directory = TempDir::new().unwrap();
    let missing = directory.path().join("none");
    assert_eq!(
        fault(&missing),
        "--state-dir 'DIR': is not there: make it for the user that runs the checks (install -d -m 700 -o USER DIR)"
    );
    std::fs::write(&missing, "").unwrap();
    assert_eq!(fault(&missing), "--state-dir 'DIR': is no directory: give one");
    for mode in [0o777, 0o1777, 0o770, 0o702] {
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        assert!(fault(directory.path()).contains("can be written by others"), "{mode:o}");
    }
    assert!(fault(Path::new("/tmp")).contains("can be written by others"));
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::write(file(directory.path()), "{}").unwrap();
    std::fs::set_permissions(file(directory.path()), std::fs::Permissions::from_mode(0o622)).unwrap();
    assert!(fault(directory.path()).contains("chmod 600"));
}

#[test]
fn a_second_run_waits_and_says_so_when_it_is_in_vain() {
    let directory = TempDir::new().unwrap();
    let mut holder = role(own(), "hold", directory.path());
    let mut output = BufReader::new(holder.stdout.take().unwrap());
    let mut line = String::new();
    while word(&line).is_none() {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0);
    }
    let began = Instant::now();
    let refused = Store::open(directory.path(), &instance(), Deadline::after(Duration::from_millis(200)));
    assert_eq!(refused.map(|_| ()), Err(StoreFault::Locked(directory.path().join("delivery-route-1.lock"))));
    assert!(began.elapsed() < Duration::from_secs(2));
    // Let go by a kill, it is there for the one that waits.
    let waiting = std::thread::spawn({
        let path = directory.path().to_owned();
        move || open(&path).map(|_| ())
    });
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(waiting.join().unwrap(), Ok(()));
}

#[test]
fn two_writers_lose_nothing_of_each_other() {
    let directory = TempDir::new().unwrap();
    let children: Vec<Child> = (0..2).map(|_| role(own(), "write", directory.path())).collect();
    let tokens: Vec<String> = children.into_iter().flat_map(said).collect();
    assert_eq!(tokens.len(), 400);
    let (_, tracker, _) = open(directory.path()).unwrap();
    for token in tokens {
        assert!(tracker.probe(&token.parse().unwrap()).is_some(), "{token} is forgotten");
    }
}

#[test]
fn killed_at_60_random_moments_nothing_is_forgotten_and_nothing_broken() {
    let directory = TempDir::new().unwrap();
    let mut told = 0;
    for _ in 0..60 {
        let mut child = role(own(), "write", directory.path());
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let [first, second, third] = secret::random::<3>().unwrap();
        let (lines, micros) = (usize::from(first % 16), u64::from(second) * u64::from(third) / 8);
        let mut text = String::new();
        while text.lines().filter_map(word).count() <= lines && output.read_line(&mut text).unwrap() > 0 {}
        std::thread::sleep(Duration::from_micros(micros));
        child.kill().unwrap();
        while output.read_line(&mut text).is_ok_and(|count| count > 0) {}
        child.wait().unwrap();
        let (store, tracker, found) = open(directory.path()).unwrap();
        assert_eq!(found, Found::State);
        for line in text.lines().filter(|line| line.len() >= 32) {
            let Some(token) = word(line).and_then(|word| word.parse().ok()) else { continue };
            assert!(tracker.probe(&token).is_some(), "{token} is forgotten");
            told += 1;
        }
        // Room for the next: these are none of its business.
        store.save(&Tracker::default(), soon()).unwrap();
    }
    assert!(told >= 60, "{told}");
}

/// What a child says that runs `script` before it, with mounts of its own. `None`: this machine does not let us.
fn behind(script: &str, as_role: &str, directory: &Path) -> Option<Vec<String>> {
    let may = Command::new("unshare")
        .args(OWN_MOUNTS)
        .arg("true")
        .output()
        .is_ok_and(|output| output.status.success());
    if !may {
        assert!(!check_smtp_testbed::is_ci(), "no mounts of our own");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(OWN_MOUNTS).args(["sh", "-c", &format!("set -e\n{script}\nexec \"$@\""), "sh"]);
    command.arg(std::env::current_exe().unwrap());
    let said = said(role(command, as_role, directory));
    Some(said.iter().map(|words| words.replace(&directory.display().to_string(), "DIR")).collect())
}

#[test]
fn a_full_disk_is_told_and_keeps_what_was_there() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().display();
    let mount = format!("mount -t tmpfs -o size=32k,mode=700 none {path}");
    let Some(said) = behind(&mount, "fill", directory.path()) else { return };
    assert_eq!(
        said,
        [
            "state file 'DIR/delivery-route-1.json' (--state-dir): no space left: make room, or give another directory"
        ]
    );
}

#[test]
fn a_read_only_directory_is_told() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().display();
    drop(open(directory.path()).unwrap());
    let mount = format!("mount --bind {path} {path}\nmount -o remount,ro,bind {path}");
    let Some(said) = behind(&mount, "try", directory.path()) else { return };
    let [words] = said.as_slice() else { panic!("{said:?}") };
    assert!(
        words.ends_with("the file system is read-only: mount it writable, or give another directory"),
        "{words}"
    );
}

#[test]
fn what_another_user_has_left_is_told() {
    if !check_smtp_testbed::is_root() {
        return;
    }
    let directory = TempDir::new().unwrap();
    let (store, mut tracker, _) = open(directory.path()).unwrap();
    add(&store, &mut tracker).unwrap();
    drop(store);
    let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"];
    // The program of this test may lie where nobody else gets to.
    let own_copy = TempDir::new().unwrap();
    let program = own_copy.path().join("store");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    std::fs::set_permissions(own_copy.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let try_it = |mode: u32, owner: u32| {
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        std::os::unix::fs::chown(directory.path(), Some(owner), None).unwrap();
        let mut command = Command::new(nobody[0]);
        command.args(&nobody[1..]).arg(&program);
        let said = said(role(command, "try", directory.path())).concat();
        said.replace(&directory.path().display().to_string(), "DIR")
    };
    let denied = "permission denied: chown it and its directory to the user that runs the checks";
    assert_eq!(
        try_it(0o700, 0),
        "--state-dir 'DIR': permission denied: chown it to the user that runs the checks"
    );
    assert!(try_it(0o755, 1).contains("belongs to the user with the number 1"));
    assert!(try_it(0o755, 0).ends_with(denied));
    assert!(try_it(0o755, 65534).ends_with(denied));
    std::fs::remove_file(directory.path().join("delivery-route-1.lock")).unwrap();
    assert!(try_it(0o755, 65534).ends_with(denied));
    std::fs::remove_file(file(directory.path())).unwrap();
    assert_eq!(try_it(0o700, 65534), "written");
}
