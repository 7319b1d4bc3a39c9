//! A real Postgrey on the way: before the server the check speaks to, and before the next one.

use std::time::Duration;

use crate::route::{Route, pass};
use crate::{Outcome, Scene, World};

pub const SCENES: [Scene; 2] = [
    Scene { name: "greylisted", users: &["grey"], play: greylisted },
    Scene { name: "greylisted_behind_a_relay", users: &["relayed"], play: relayed },
];

/// Its delay is a second, of which it counts whole ones.
const DELAY: Duration = Duration::from_millis(2100);

fn greylisted(world: &World) -> Outcome {
    let route = Route::new(world, "grey")?;
    let put_off = "-p {greylisting} --late-after 30s";
    let first = route.next(put_off)?.says(
        1,
        "WARNING - 127.0.0.1:{any}: grey@example.net greylisted at RCPT TO: 450 4.2.0 <grey@example.net>: Recipient address rejected: Greylisted, {any}, no probe has arrived yet (a new state was begun)",
    )?;
    first.counts(0, 0, 0)?.shows("hint: {any} [{any}]")?;
    // Nothing was sent: there is nothing to wait for.
    assert!(route.known()?.is_empty());
    pass(DELAY);
    route
        .next(put_off)?
        .says(0, "OK - {any} no probe has arrived yet, next one accepted for grey@example.net {any}")?
        .counts(0, 1, 0)?;
    route.has(1)?;
    let third = route
        .next(put_off)?
        .says(0, "OK - {any} probe of {any} s ago arrived in INBOX of grey@example.net {any}")?;
    third.counts(0, 1, 0).map(|_| ())
}

/// The check's server takes the message, is put off itself, and tries again.
fn relayed(world: &World) -> Outcome {
    let route = Route::new(world, "relayed")?;
    let by_relay = "--to relayed@example.com --late-after 2s --lost-after 20s";
    let first = route
        .next(by_relay)?
        .says(0, "OK - {any} no probe has arrived yet (a new state was begun), next one {any}")?
        .counts(0, 1, 0)?;
    let id = first.queue_id()?;
    world.logged(&[&id, "status=deferred", "Greylisted"])?;
    pass(DELAY);
    let second = route.next(by_relay)?.says(
        1,
        &format!("WARNING - {{any}}: the message of {{any}} s ago to relayed@example.com has not arrived yet (queue id {id}), no probe has {{any}}"),
    )?;
    second.counts(0, 2, 0)?;
    world.postfix.flush()?;
    world.logged(&[&id, "status=sent"])?;
    route.has(2)?;
    let third = route.next(by_relay)?.counts(0, 1, 0)?.shows("OK: probes in the mailbox: 2 removed")?;
    third.hides("has not arrived yet")?;
    assert_eq!(route.state_of(&first.token()?)?, "late");
    // Who is known is let through at once.
    route.has(1)?;
    let fourth = route
        .next(by_relay)?
        .says(0, "OK - {any} probe of {any} s ago arrived in INBOX of relayed@example.com {any}")?;
    fourth.counts(0, 1, 0).map(|_| ())
}
