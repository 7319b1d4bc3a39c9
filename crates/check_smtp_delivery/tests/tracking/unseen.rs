//! A mailbox that cannot be looked into for a while: what lies in it is neither late nor lost.

use std::time::Duration;

use crate::route::{Route, pass};
use crate::{Outcome, Scene, World};

pub const SCENES: [Scene; 1] =
    [Scene { name: "mailbox_down_for_a_while", users: &["down"], play: down_for_a_while }];

const IMAP: &str = "--receive imaps://{user}@mail.example.org:{imaps} {secure}";
/// Nothing listens there (tcpmux).
const DOWN: &str = "--receive imaps://{user}@mail.example.org:1 {secure}";

fn down_for_a_while(world: &World) -> Outcome {
    let mut route = Route::into(world, "down", "down", IMAP)?;
    let limits = "--late-after 1s --lost-after 1s";
    route
        .next(limits)?
        .says(0, "OK - {any} no probe has arrived yet (a new state was begun), next one {any}")?;
    route.has(1)?;
    pass(Duration::from_millis(1200));
    // The message is sent all the same.
    route.look_by(DOWN);
    let run = route.next(limits)?.says(
        3,
        "UNKNOWN - {any}: mailbox: connect failed: connection refused, no probe has arrived yet, next one accepted for {any}",
    )?;
    run.counts(0, 2, 0)?.hides("has not arrived yet (")?.hides("is lost")?;
    let run = route.next(&format!("{limits} --receiver-down warning"))?;
    run.counts(0, 3, 0)?
        .hides("has not arrived yet (")?
        .hides("is lost")?
        .says(1, "WARNING - {any}: mailbox: {any}")?;
    route.has(3)?;
    route.look_by(IMAP);
    let run = route.next(limits)?;
    let run = run
        .says(0, "OK - {any} probe of {any} s ago arrived in INBOX of down@example.net after {t} s, {any}")?;
    run.counts(0, 1, 0)?.shows("OK: probes in the mailbox: 3 removed")?;
    route.has(1)
}
