//! A message that comes back after the run that has sent it.

use std::time::Duration;

use crate::route::{Route, pass};
use crate::{Outcome, Scene, World};

pub const SCENES: [Scene; 3] = [
    Scene { name: "bounced_by_imap", users: &["back_imap"], play: by_imap },
    Scene { name: "bounced_by_pop3", users: &["back_pop"], play: by_pop3 },
    Scene { name: "bounced_into_a_maildir", users: &["back"], play: into_a_maildir },
];

fn by_imap(world: &World) -> Outcome {
    let receive = "--receive imaps://{user}@mail.example.org:{imaps} {secure}";
    bounced(&Route::into(world, "back_imap", "back_imap", receive)?)
}

fn by_pop3(world: &World) -> Outcome {
    let receive = "--receive pop3s://{user}@mail.example.org:{pop3s} {secure}";
    bounced(&Route::into(world, "back_pop", "back_pop", receive)?)
}

fn into_a_maildir(world: &World) -> Outcome {
    bounced(&Route::new(world, "back")?)
}

/// A real bounce of a user nobody knows: CRITICAL, until a newer message has arrived; told until the window is over.
fn bounced(route: &Route<'_>) -> Outcome {
    let limits = format!("-f {}@example.net --window 4s", route.name);
    route.next(&format!("{limits} --to ghost@example.net"))?.says(0, "OK - {any}")?;
    route.has(1)?;
    let words = "the message to ghost@example.net came back {any} s ago: unknown user: \"ghost@example.net\"";
    let second = route
        .next(&limits)?
        .says(2, &format!("CRITICAL - {{any}}: {words}, next one accepted for {{any}}"))?;
    second.counts(0, 1, 0)?.shows("hint: {any} [bounced]")?;
    // The report itself is left to people.
    route.has(2)?;
    let third = route.next(&limits)?;
    let third = third.says(
        1,
        &format!("WARNING - {{any}}: {words}, probe of {{any}} s ago arrived in INBOX of {{any}}"),
    )?;
    third.counts(0, 1, 0)?.shows("hint: {any} [bounced]")?.shows("OK: probes in the mailbox: 1 removed")?;
    route.has(2)?;
    route.history(&limits, &[("/bounced", 1.into()), ("/last/outcome", "received".into())])?;
    pass(Duration::from_millis(4100));
    let over = route.next(&limits)?.says(0, "OK - {any} probe of {any} s ago arrived in INBOX of {any}")?;
    over.counts(0, 1, 0)?.hides("came back").map(|_| ())
}
