//! Runs that are killed at any moment: no state is broken, no message forgotten, and none sent twice.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use check_smtp_testbed::cases::split;
use libtest_mimic::Failed;

use crate::route::{Route, pass, wait_until};
use crate::{Outcome, PASSWORD, Scene, World};

pub const SCENES: [Scene; 2] = [
    Scene {
        name: "killed_50_times",
        users: &["killed"],
        play: |world| killed(world, "killed", "--async --keep --mailbox-limit 500"),
    },
    Scene {
        name: "killed_50_times_while_waiting",
        users: &["killed_waiting"],
        play: |world| killed(world, "killed_waiting", "--wait 3 --keep --mailbox-limit 500"),
    },
];

const TIMES: u32 = 50;
/// So long a run that waits looks out for a second copy in the end: nothing can be lost then any more.
const SETTLE: Duration = Duration::from_millis(250);

fn killed(world: &World, name: &'static str, more: &str) -> Outcome {
    let receive = "--receive imaps://{user}@mail.example.org:{imaps} {secure}";
    let route = Route::into(world, name, name, receive)?;
    // The first run looks through the whole mailbox.
    route.run(more)?.says(0, "OK - {any}")?;
    let began = Instant::now();
    route.run(more)?.says(0, "OK - {any}")?;
    let settle = if more.contains("--wait") { SETTLE } else { Duration::ZERO };
    let mut whole = began.elapsed().saturating_sub(settle);
    let mut killed = 0;
    for time in 0..TIMES {
        let moment = whole * time / TIMES;
        if kill_after(&route, more, moment)? {
            killed += 1;
        } else {
            // Another run is quicker than the one that was measured.
            whole = moment;
        }
    }
    assert!(killed > TIMES / 2, "{killed} runs were killed, the others had ended before");
    let last = route.run(more)?.says(0, "OK - {any}")?.hides("was broken")?;
    let tokens = settled(&route, &last.token()?)?;
    assert!(tokens.len() > 5, "only {} messages were sent: the runs were killed too early", tokens.len());
    assert!(tokens.values().all(|count| *count == 1), "sent twice: {tokens:?}");
    route.has(tokens.len())?;
    let run = route.run(more)?.says(0, "OK - {any}")?.hides("was broken")?.hides("is lost")?;
    // Those of others that bear our name, which were counted once, are none of it.
    let run = run.hides("under our name")?;
    let next = run.token()?;
    for token in tokens.keys().filter(|token| **token != next) {
        let state = route.state_of(token)?;
        assert!(["received", "late"].contains(&state.as_str()), "{token} is {state}");
    }
    let names: Vec<_> =
        std::fs::read_dir(route.state())?.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains("corrupt")), "{names:?}");
    Ok(())
}

/// Starts a run and kills it after that time; whether it had not ended before.
fn kill_after(route: &Route<'_>, more: &str, time: Duration) -> Result<bool, Failed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_check_smtp_delivery"));
    command.args(split(&route.words(more)?)?).env("SECRET", PASSWORD);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    pass(time);
    let has_ended = child.try_wait()?.is_some();
    child.kill()?;
    child.wait()?;
    Ok(!has_ended)
}

/// How often Postfix has taken each message of the route, once that of the last run is logged.
fn settled(route: &Route<'_>, last: &str) -> Result<BTreeMap<String, usize>, Failed> {
    let name = format!(".{}@", route.name);
    wait_until("the last message in the log of Postfix", || Ok(route.world.taken(last) == 1))?;
    let mut tokens = BTreeMap::new();
    for line in route.world.postfix.log().lines().filter(|line| line.contains("/cleanup")) {
        let id = line.split_once("message-id=<").map(|(_, id)| id).unwrap_or_default();
        if let Some((token, _)) = id.split_once(&name) {
            *tokens.entry(token.to_owned()).or_default() += 1;
        }
    }
    Ok(tokens)
}
