//! No answer to a whole message: it is never sent again, found where it arrives, and forgotten where it does not.

use std::time::Duration;

use crate::route::{Route, pass};
use crate::{Outcome, Scene, World};

pub const SCENES: [Scene; 2] = [
    Scene { name: "uncertain_and_arrived", users: &["uncertain"], play: arrived },
    Scene { name: "uncertain_and_never_seen", users: &["unseen"], play: never_seen },
];

fn arrived(world: &World) -> Outcome {
    let route = Route::new(world, "uncertain")?;
    let first = route.next("-p {cutting}")?.says(
        2,
        "CRITICAL - 127.0.0.1:{any}: the message to uncertain@example.net may arrive or not: server closed the connection after the whole message, no probe has arrived yet (a new state was begun)",
    )?;
    let first = first.counts(0, 0, 1)?.shows("hint: {any} [uncertain]")?;
    route.has(1)?;
    let second = route
        .next("")?
        .says(0, "OK - {any} probe of {any} s ago arrived in INBOX of uncertain@example.net {any}")?;
    second.counts(0, 1, 0)?.shows("OK: probes in the mailbox: 1 removed")?;
    route.has(1)?;
    assert_eq!(world.taken(&first.token()?), 1);
    assert_eq!(world.taken(".uncertain@"), 2);
    Ok(())
}

/// Postfix throws the mail of example.org away.
fn never_seen(world: &World) -> Outcome {
    let route = Route::new(world, "unseen")?;
    let limits = "--late-after 1s --lost-after 1s --window 2s";
    let first = route.next(&format!("-p {{cutting}} --to nobody@example.org {limits}"))?;
    let first = first
        .says(2, "CRITICAL - {any}: the message to nobody@example.org may arrive or not: {any}")?
        .counts(0, 0, 1)?;
    pass(Duration::from_millis(1500));
    let second = route.next(limits)?.says(0, "OK - {any} no probe has arrived yet, next one {any}")?;
    second.counts(0, 1, 1)?.hides("is lost")?;
    route.has(1)?;
    let third = route
        .next(limits)?
        .says(0, "OK - {any} probe of {any} s ago arrived in INBOX of unseen@example.net {any}")?;
    third.counts(0, 1, 1)?.hides("is lost")?;
    route.has(1)?;
    pass(Duration::from_millis(1700));
    let fourth = route
        .next(limits)?
        .says(0, "OK - {any} probe of {any} s ago arrived in INBOX of unseen@example.net {any}")?;
    fourth.counts(0, 1, 0)?.hides("is lost")?;
    assert_eq!(world.taken(&first.token()?), 1);
    Ok(())
}
