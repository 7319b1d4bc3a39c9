//! Lost: the alarm, how long it stands, and the run that waits for its own message.

use std::time::Duration;

use crate::route::{Route, pass};
use crate::{Outcome, Scene, World};

pub const SCENES: [Scene; 4] = [
    Scene { name: "lost", users: &["lost"], play: lost },
    Scene { name: "lost_too_often", users: &["lost_often"], play: too_often },
    Scene { name: "lost_while_waiting", users: &["awaited"], play: while_waiting },
    Scene { name: "late_for_one_that_waits", users: &["awaited_late"], play: late_for_one_that_waits },
];

const LIMITS: &str = "--late-after 1s --lost-after 1s --window 3s";
const LOST: Duration = Duration::from_millis(1100);
const WINDOW: Duration = Duration::from_millis(3100);

/// Postfix throws the mail of example.org away.
fn lost(world: &World) -> Outcome {
    let route = Route::new(world, "lost")?;
    let bad = format!("--to nobody@example.org {LIMITS}");
    route
        .next(&bad)?
        .says(0, "OK - {any} no probe has arrived yet (a new state was begun), next one {any}")?
        .counts(0, 1, 0)?;
    pass(LOST);
    let second = route.next(LIMITS)?.says(
        2,
        "CRITICAL - 127.0.0.1:{any}: the message of 1 s ago to nobody@example.org is lost (queue id {any}), next one accepted for lost@example.net as {any} (sent {t} s)",
    )?;
    let second = second.counts(1, 1, 0)?.took_nothing()?.shows("hint: {any} [lost]")?;
    second.shows("WARNING: 1 message was lost within 3 s")?;
    // A newer one has arrived: the count alone stays.
    route.has(1)?;
    let third = route.next(LIMITS)?.says(
        1,
        "WARNING - 127.0.0.1:{any}: 1 message was lost within 3 s, probe of {any} s ago arrived in INBOX of lost@example.net after {t} s, next one {any}",
    )?;
    third.counts(1, 1, 0)?.took(0.0..1.0)?;
    route.has(1)?;
    route.history(LIMITS, &[("/lost", 1.into()), ("/last/outcome", "received".into())])?;
    // Limits of one's own.
    route.has(1)?;
    route
        .next(&format!("{LIMITS} --lost-critical 0"))?
        .says(2, "CRITICAL - {any}: 1 message was lost within 3 s, {any}")?;
    route.has(1)?;
    route
        .next(&format!("{LIMITS} --lost-warning 1"))?
        .says(0, "OK - {any} probe of {any} s ago arrived {any}")?
        .counts(1, 1, 0)?;
    pass(WINDOW);
    // The last message was in time.
    let over = route.next(&LIMITS.replace("--lost-after 1s", "--lost-after 20s"))?;
    over.says(0, "OK - {any} probe of {any} s ago arrived in INBOX of lost@example.net {any}")?
        .counts(0, 1, 0)
        .map(|_| ())
}

fn too_often(world: &World) -> Outcome {
    let route = Route::new(world, "lost_often")?;
    let limits = "--late-after 1s --lost-after 1s --window 1m";
    for _ in 0..3 {
        route.next(&format!("--to nobody@example.org {limits}"))?;
    }
    pass(LOST);
    let run = route.next(limits)?.counts(3, 1, 0)?;
    run.shows("CRITICAL: 3 messages were lost within 60 s")?;
    route.has(1)?;
    let run =
        route.next(limits)?.says(2, "CRITICAL - {any}: 3 messages were lost within 60 s, probe of {any}")?;
    run.counts(3, 1, 0)?.hides("is lost (").map(|_| ())
}

/// The run says it now, the next one that it is lost, and others until the window is over.
fn while_waiting(world: &World) -> Outcome {
    let route = Route::new(world, "awaited")?;
    let limits = "--wait 1 -t 3 --window 4s";
    route
        .run(limits)?
        .says(0, "OK - {any} probe arrived in INBOX of awaited@example.net after {t} s (sent {t} s)")?
        .counts(0, 0, 0)?;
    let run = route.run(&format!("{limits} --to nobody@example.org"))?.says(
        2,
        "CRITICAL - {any}: the message has not arrived within {t} s, accepted for nobody@example.org as {any}, sent in {t} s",
    )?;
    run.counts(0, 1, 0)?.shows("hint: {any} [not_arrived]")?;
    pass(Duration::from_secs(2));
    let run = route.run(limits)?;
    let run = run.says(
        1,
        "WARNING - {any}: 1 message was lost within 4 s, probe arrived in INBOX of awaited@example.net {any}",
    )?;
    run.counts(1, 0, 0)?;
    let run = route.run(limits)?.says(1, "WARNING - {any}: 1 message was lost within 4 s, {any}")?;
    run.counts(1, 0, 0)?;
    pass(Duration::from_millis(4100));
    let run = route.run(limits)?.says(0, "OK - {any} probe arrived in INBOX of awaited@example.net {any}")?;
    run.counts(0, 0, 0).map(|_| ())
}

/// What came too late for the run that had sent it is found by the next.
fn late_for_one_that_waits(world: &World) -> Outcome {
    let route = Route::new(world, "awaited_late")?;
    let run = route.run("--wait 1 -t 4 -p {holding}")?;
    let run =
        run.says(2, "CRITICAL - {any}: the message has not arrived within {t} s, {any}")?.counts(0, 1, 0)?;
    world.postfix.release(&run.queue_id()?)?;
    route.has(1)?;
    let next = route.run("--wait 1 -t 4")?;
    let next = next
        .says(0, "OK - {any} probe arrived in INBOX of awaited_late@example.net {any}")?
        .counts(0, 0, 0)?;
    let next = next.shows("OK: probes in the mailbox: 2 removed")?;
    next.shows("OK: found: probe of {any} ago arrived in INBOX of awaited_late@example.net after {any}")?;
    route.has(0)
}
