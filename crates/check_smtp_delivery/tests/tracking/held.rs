//! A message that Postfix holds for a while: under way, late, arrived late, and lost but there after all.

use std::time::Duration;

use crate::route::{Route, pass};
use crate::{Outcome, Scene, World};

pub const SCENES: [Scene; 4] = [
    Scene {
        name: "held_then_late_then_in_time",
        users: &["held"],
        play: |world| late(world, MAILDIR, "held"),
    },
    Scene { name: "held_by_imap", users: &["held_imap"], play: |world| late(world, IMAP, "held_imap") },
    Scene { name: "held_by_pop3", users: &["held_pop"], play: |world| late(world, POP3, "held_pop") },
    Scene { name: "lost_but_there_after_all", users: &["returned"], play: after_all },
];

const IMAP: &str = "--receive imaps://{user}@mail.example.org:{imaps} {secure}";
const POP3: &str = "--receive pop3s://{user}@mail.example.org:{pop3s} {secure}";
const MAILDIR: &str = "--receive maildir:{mail}/{user}";

fn late(world: &World, receive: &str, name: &'static str) -> Outcome {
    let route = Route::into(world, name, name, receive)?;
    let first = route
        .next("-p {holding} --late-after 3s")?
        .says(0, "OK - {any} no probe has arrived yet (a new state was begun), next one {any}")?;
    let id = first.queue_id()?;
    let second = route
        .next("-p {holding} --late-after 3s")?
        .says(0, "OK - {any} no probe has arrived yet, next one {any}")?;
    let second = second.counts(0, 2, 0)?;
    pass(Duration::from_millis(3100));
    let third = route.next("--late-after 3s")?.says(
        1,
        "WARNING - 127.0.0.1:{any}: the message of {any} s ago to {any}@example.net has not arrived yet (queue id {any}), no probe has arrived yet, next one accepted for {any}",
    )?;
    third.counts(0, 3, 0)?.shows("hint: {any} [late]")?.shows("OK: 3 under way")?;
    // The one of the third run was not held. A mailbox may tell whole seconds alone.
    route.has(1)?;
    pass(Duration::from_millis(1100));
    world.postfix.release(&id)?;
    route.has(2)?;
    let fourth = route.next("--late-after 3s")?;
    // The second is held still, and the first was late.
    let fourth = fourth.says(1, "WARNING - {any}: {any}")?.counts(0, 2, 0)?;
    let fourth = fourth
        .shows("WARNING: the message to {any} arrived late, after {t} s (in time: 3 s) (queue id {any})")?;
    fourth.shows("WARNING: the message of {any} s ago to {any} has not arrived yet (queue id {any})")?;
    world.postfix.release(&second.queue_id()?)?;
    route.has(2)?;
    let fifth = route.next("--late-after 3s")?.counts(0, 1, 0)?;
    fifth.hides("has not arrived yet")?;
    // In time again.
    route.has(1)?;
    let sixth = route.next("--late-after 3s")?.says(
        0,
        "OK - {any} probe of {any} s ago arrived in INBOX of {any}@example.net after {t} s, next one accepted for {any}",
    )?;
    sixth.counts(0, 1, 0)?.took(0.0..3.0).map(|_| ())
}

fn after_all(world: &World) -> Outcome {
    let route = Route::new(world, "returned")?;
    let limits = "--late-after 1s --lost-after 1s --window 10m";
    let first = route.next(&format!("-p {{holding}} {limits}"))?.counts(0, 1, 0)?;
    pass(Duration::from_millis(1200));
    let second = route.next(&format!("-p {{holding}} {limits}"))?.says(
        2,
        "CRITICAL - {any}: the message of 1 s ago to returned@example.net is lost (queue id {any}), next one accepted for {any}",
    )?;
    let second = second.counts(1, 1, 0)?.shows("WARNING: 1 message was lost within {span}")?;
    world.postfix.release(&first.queue_id()?)?;
    world.postfix.release(&second.queue_id()?)?;
    route.has(2)?;
    let third = route.next(limits)?.counts(0, 1, 0)?.hides("is lost")?;
    third.shows("OK: probes in the mailbox: 2 removed")?;
    assert_eq!(route.state_of(&first.token()?)?, "late");
    route.has(1)?;
    let fourth = route.next(limits)?.says(0, "OK - {any} probe of {any} s ago arrived in INBOX of {any}")?;
    fourth.counts(0, 1, 0).map(|_| ())
}
