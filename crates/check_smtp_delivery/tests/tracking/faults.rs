//! A state that is missing, closed, full, broken, linked, open to all, held by another run, or newer than the check.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;

use crate::route::{Route, Run, pass};
use crate::{Outcome, Scene, World};

pub const SCENES: [Scene; 10] = [
    Scene { name: "state_directory_missing", users: &["missing"], play: missing },
    Scene { name: "state_read_only", users: &["read_only"], play: read_only },
    Scene { name: "state_full", users: &["full"], play: full },
    Scene { name: "state_broken", users: &["broken"], play: broken },
    Scene { name: "state_linked", users: &["linked"], play: linked },
    Scene { name: "state_open_to_all", users: &["open"], play: open_to_all },
    Scene { name: "state_held_by_another_run", users: &["locked"], play: locked },
    Scene { name: "four_runs_at_once", users: &["at_once"], play: at_once },
    Scene { name: "state_of_a_newer_version", users: &["newer"], play: newer },
    Scene { name: "no_state_where_none_is_asked_for", users: &["without"], play: without },
];

/// What a run says that does not send: the next one would not know of its message.
const NOT_SENT: &str = "UNKNOWN: no message was sent: the next run would not know of it";

/// Such a run, and one that waits, which sends all the same.
fn unusable(route: &Route<'_>, script: &str, words: &str) -> Outcome {
    let run = route.run_behind(script, "--async")?;
    run.says(3, &format!("UNKNOWN - {{any}}: {words}"))?
        .shows(NOT_SENT)?
        .shows("hint: {any} [state_unusable]")?;
    let run = route.run_behind(script, "--wait 5")?;
    let run = run.says(3, &format!("UNKNOWN - {{any}}: {words}, probe arrived in INBOX of {{any}}"))?;
    run.hides("no message was sent")?.shows("hint: {any} [state_unusable]")?;
    sent_by_one(route, 1)
}

/// How many messages the server has taken of all runs: one that came later was logged after them.
fn sent_by_one(route: &Route<'_>, count: usize) -> Outcome {
    let last = route.run("--wait 5 --instance later --state-dir /nonexistent")?;
    route.world.logged(&["message-id=<", &last.token()?])?;
    assert_eq!(route.world.taken(&format!(".{}@", route.name)), count);
    Ok(())
}

fn missing(world: &World) -> Outcome {
    let route = Route::new(world, "missing")?;
    std::fs::remove_dir(route.state())?;
    unusable(&route, "", "--state-dir '{any}': is not there: make it for the user that runs the checks {any}")
}

/// Whether this machine lets us mount; in CI it must.
fn may_mount() -> bool {
    let words = ["--mount", "--propagation", "private", "true"];
    let may = Command::new("unshare").args(words).output().is_ok_and(|output| output.status.success());
    assert!(may || !check_smtp_testbed::is_ci(), "no mounts of our own");
    may
}

fn read_only(world: &World) -> Outcome {
    if !may_mount() {
        return Ok(());
    }
    let route = Route::new(world, "read_only")?;
    let words = "state file '{any}' (--state-dir): the file system is read-only: {any}";
    unusable(&route, "mount -t tmpfs -o ro,mode=700 none {state}", words)?;
    // The lock can be taken there, and the state be read.
    route.run("--async")?.says(0, "OK - {any}")?.counts(0, 1, 0)?;
    route.has(1)?;
    let script = "mount --bind {state} {state}\nmount -o remount,ro,bind {state}";
    let run = route.run_behind(script, "--async")?;
    run.says(3, "UNKNOWN - {any}: {any}the file system is read-only{any}")?.shows(NOT_SENT)?;
    Ok(())
}

fn full(world: &World) -> Outcome {
    if !may_mount() {
        return Ok(());
    }
    let route = Route::new(world, "full")?;
    let script = "mount -t tmpfs -o size=8k,mode=700 none {state}\nhead -c 100000 /dev/zero >{state}/filler 2>/dev/null || true";
    unusable(&route, script, "state file '{any}' (--state-dir): no space left: {any}")
}

fn broken(world: &World) -> Outcome {
    let route = Route::new(world, "broken")?;
    route.run("--async")?.says(0, "OK - {any}")?;
    let whole = std::fs::read(route.file())?;
    let half = whole.get(..whole.len() / 2).unwrap_or_default();
    std::fs::write(route.file(), half)?;
    let run = route.run("--async")?.says(
        1,
        "WARNING - {any}: the state file was broken ({any}), it is kept as '{any}.json.corrupt-1', no probe has arrived yet, next one {any}",
    )?;
    run.counts(0, 1, 0)?.shows("hint: {any} [state_broken]")?;
    assert_eq!(std::fs::read(route.file().with_extension("json.corrupt-1"))?, half);
    route.has(2)?;
    // The one that was forgotten stays where it is.
    let run = route.run("--async")?.says(0, "OK - {any} probe of {any} s ago arrived in INBOX of {any}")?;
    run.counts(0, 1, 0)?.shows("OK: probes in the mailbox: 1 removed")?;
    route.has(2)
}

fn linked(world: &World) -> Outcome {
    let route = Route::new(world, "linked")?;
    let outside = route.state().join("outside");
    std::fs::write(&outside, "precious")?;
    symlink(&outside, route.file())?;
    unusable(&route, "", "state file '{any}' (--state-dir): is a symbolic link: remove it{any}")?;
    assert_eq!(std::fs::read_to_string(outside)?, "precious");
    Ok(())
}

fn open_to_all(world: &World) -> Outcome {
    let route = Route::new(world, "open")?;
    std::fs::set_permissions(route.state(), std::fs::Permissions::from_mode(0o1777))?;
    unusable(&route, "", "--state-dir '{any}': can be written by others: {any}")
}

fn newer(world: &World) -> Outcome {
    let route = Route::new(world, "newer")?;
    let text = "{\"schema\":2,\"instance\":\"newer\"}";
    std::fs::write(route.file(), text)?;
    unusable(
        &route,
        "",
        "state file '{any}' (--state-dir): was written by a newer version (schema 2): {any}",
    )?;
    assert_eq!(std::fs::read_to_string(route.file())?, text);
    Ok(())
}

/// The usual directory need not be there where a run waits; one that does not wait needs a state.
fn without(world: &World) -> Outcome {
    if !may_mount() {
        return Ok(());
    }
    let route = Route::new(world, "without")?;
    let missing = "export STATE_DIRECTORY={state}/none";
    let run = route.run_behind(missing, "--state-dir - --wait 5")?;
    let run = run.says(0, "OK - {any} probe arrived in INBOX of without@example.net {any}")?;
    run.shows("OK: no state is kept: '{any}/none' is not there, give --state-dir")?;
    let run = route.run_behind(missing, "--state-dir - --async")?;
    run.says(3, "UNKNOWN - {any}: --state-dir '{any}/none': is not there: {any}")?.shows(NOT_SENT)?;
    sent_by_one(&route, 1)
}

fn locked(world: &World) -> Outcome {
    let route = Route::new(world, "locked")?;
    route.run("--async")?.says(0, "OK - {any}")?;
    let path = route.file().with_extension("lock");
    let lock = || -> Result<std::fs::File, std::io::Error> {
        let file = std::fs::File::open(&path)?;
        rustix::fs::flock(&file, FlockOperation::LockExclusive)?;
        Ok(file)
    };
    // For the whole time: said so in time.
    let locked = lock()?;
    let began = Instant::now();
    let words = "another run with the same state is at work ('{any}' is locked): {any}";
    route.run("--async -t 4")?.says(3, &format!("UNKNOWN - {{any}}: {words}"))?.shows(NOT_SENT)?;
    assert!(began.elapsed() < Duration::from_secs(4));
    drop(locked);
    // Let go, it is waited for.
    let locked = lock()?;
    let waits = |run: std::thread::ScopedJoinHandle<'_, Result<Run, String>>| {
        run.join().unwrap_or_else(|_| Err("panicked".to_owned()))
    };
    let run = std::thread::scope(|scope| {
        let run = scope.spawn(|| {
            route.run("--async -t 20").map_err(|failed| failed.message().unwrap_or_default().to_owned())
        });
        pass(Duration::from_secs(1));
        drop(locked);
        waits(run)
    })?;
    run.says(0, "OK - {any} probe of {any} s ago arrived in INBOX of {any}")?.counts(0, 1, 0).map(|_| ())
}

/// Each waits for the one before it, and finds what that one has sent; none forgets another's.
fn at_once(world: &World) -> Outcome {
    let route = Route::new(world, "at_once")?;
    let run = || -> Result<String, String> {
        let run = route.run("--async -t 60").and_then(|run| run.says(0, "OK - {any}")?.token());
        run.map_err(|failed| failed.message().unwrap_or_default().to_owned())
    };
    let tokens: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
        runs.into_iter().map(|run| run.join().unwrap_or_else(|_| Err("panicked".to_owned()))).collect()
    });
    let tokens: Vec<String> = tokens.into_iter().collect::<Result<_, _>>()?;
    let last = route.run("--async")?.says(0, "OK - {any}")?.token()?;
    for token in tokens.iter().chain([&last]) {
        let state = route.state_of(token)?;
        assert!(["pending", "received"].contains(&state.as_str()), "{token} is {state}");
        world.logged(&["message-id=<", token])?;
        assert_eq!(world.taken(token), 1);
    }
    Ok(())
}
