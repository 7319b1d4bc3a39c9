//! Found by the next run, removed or kept, twice or in junk, and never counted again.

use std::time::Duration;

use crate::route::{Route, pass};
use crate::{Outcome, Scene, World};

pub const SCENES: [Scene; 9] = [
    Scene { name: "found_by_imap", users: &["async_imap"], play: by_imap },
    Scene { name: "found_by_pop3", users: &["async_pop"], play: by_pop3 },
    Scene { name: "found_in_a_maildir", users: &["async_maildir"], play: in_a_maildir },
    Scene { name: "kept_by_imap", users: &["kept_imap"], play: kept_by_imap },
    Scene { name: "kept_by_pop3", users: &["kept_pop"], play: kept_by_pop3 },
    Scene { name: "kept_in_a_maildir", users: &["kept_maildir"], play: kept_in_a_maildir },
    Scene { name: "two_hosts_and_one_mailbox", users: &["shared"], play: two_hosts },
    Scene { name: "twice_by_two_aliases", users: &["twice"], play: twice },
    Scene { name: "junk", users: &["junk", "junk_critical"], play: junk },
];

const IMAP: &str = "--receive imaps://{user}@mail.example.org:{imaps} {secure}";
const POP3: &str = "--receive pop3s://{user}@mail.example.org:{pop3s} {secure}";
const MAILDIR: &str = "--receive maildir:{mail}/{user}";

const FIRST: &str = "OK - 127.0.0.1:{any} no probe has arrived yet (a new state was begun), next one accepted for {any}@example.net as {any} (sent {t} s)";
const ARRIVED: &str = "OK - 127.0.0.1:{any} probe of {any} s ago arrived in INBOX of {any}@example.net after {t} s, next one accepted for {any}@example.net as {any} (sent {t} s)";

fn by_imap(world: &World) -> Outcome {
    found(&Route::into(world, "async_imap", "async_imap", IMAP)?)
}

fn by_pop3(world: &World) -> Outcome {
    found(&Route::into(world, "async_pop", "async_pop", POP3)?)
}

fn in_a_maildir(world: &World) -> Outcome {
    found(&Route::into(world, "async_maildir", "async_maildir", MAILDIR)?)
}

/// It arrived at once, whenever it is found: that it lay there until the next run is not the route's fault.
fn found(route: &Route<'_>) -> Outcome {
    let first = route.next("")?.says(0, FIRST)?.counts(0, 1, 0)?.took_nothing()?;
    // Some of others bear our name.
    let first = first.shows("OK: 20 in the mailbox under our name are not known, and left there")?;
    route.has(1)?;
    pass(Duration::from_millis(2500));
    let second = route.next("--late-after 2s")?.says(0, ARRIVED)?.counts(0, 1, 0)?.took(0.0..2.0)?;
    second.shows("OK: probes in the mailbox: 1 removed")?.shows("OK: 1 under way")?;
    route.has(1)?;
    let third = route.next("")?.says(0, ARRIVED)?.counts(0, 1, 0)?;
    let third = third.shows("OK: probes in the mailbox: 1 removed")?;
    route.has(1)?;
    route.history(
        "",
        &[
            ("/mode", "async".into()),
            ("/last/outcome", "received".into()),
            ("/last/token", third.token()?.into()),
            ("/last/copies", 1.into()),
            ("/last/folder", "INBOX".into()),
            ("/pending", 1.into()),
            ("/bounced", 0.into()),
        ],
    )?;
    assert_eq!(route.world.taken(&first.token()?), 1);
    Ok(())
}

fn kept_by_imap(world: &World) -> Outcome {
    kept(&Route::into(world, "kept_imap", "kept_imap", IMAP)?)
}

fn kept_by_pop3(world: &World) -> Outcome {
    kept(&Route::into(world, "kept_pop", "kept_pop", POP3)?)
}

fn kept_in_a_maildir(world: &World) -> Outcome {
    kept(&Route::into(world, "kept_maildir", "kept_maildir", MAILDIR)?)
}

/// What lies there still is neither a copy more nor a new one, nor after it was forgotten.
fn kept(route: &Route<'_>) -> Outcome {
    let first = route.next("--keep")?.says(0, FIRST)?;
    for number in 1..=2 {
        route.has(number)?;
        let run = route.next("--keep")?.says(0, ARRIVED)?.counts(0, 1, 0)?;
        run.hides("copies have arrived")?.hides("removed")?;
    }
    route.has(3)?;
    for probe in route.known()? {
        assert_eq!(probe.copies, usize::from(probe.state != "pending"), "{probe:?}");
    }
    pass(Duration::from_millis(1200));
    let fourth = route.next("--keep --window 1s --late-after 10s --lost-after 10s")?;
    fourth.says(0, ARRIVED)?.counts(0, 1, 0)?.hides("copies have arrived")?;
    route.has(4)?;
    let fifth = route.next("--keep --window 1s --late-after 10s --lost-after 10s")?;
    fifth.says(0, ARRIVED)?.counts(0, 1, 0)?.hides("copies have arrived")?;
    // The first is of no interest any more.
    assert!(!std::fs::read_to_string(route.file())?.contains(&first.token()?));
    route.has(5)
}

fn two_hosts(world: &World) -> Outcome {
    let one = Route::into(world, "host_one", "shared", IMAP)?;
    let two = Route::into(world, "host_two", "shared", MAILDIR)?;
    one.next("")?.says(0, FIRST)?;
    two.next("")?.says(0, FIRST)?;
    for _ in 0..2 {
        one.has(2)?;
        one.next("")?.says(0, ARRIVED)?.counts(0, 1, 0)?.shows("OK: probes in the mailbox: 1 removed")?;
        one.has(2)?;
        two.next("")?.says(0, ARRIVED)?.counts(0, 1, 0)?.shows("OK: probes in the mailbox: 1 removed")?;
    }
    one.has(2)?;
    let texts = one.messages()?;
    for name in ["host_one/", "host_two/"] {
        assert_eq!(texts.iter().filter(|text| text.contains(&format!("Probe: {name}"))).count(), 1);
    }
    Ok(())
}

fn twice(world: &World) -> Outcome {
    let route = Route::into(world, "twice", "twice", IMAP)?;
    route.next("")?.says(0, FIRST)?;
    route.has(2)?;
    let second = route.next("")?.says(
        1,
        "WARNING - 127.0.0.1:{any}: 2 copies have arrived where 1 was to, probe of {any} s ago arrived in INBOX of twice@example.net after {t} s, next one accepted for twice@example.net as {any} (sent {t} s)",
    )?;
    second
        .counts(0, 1, 0)?
        .shows("hint: {any} [duplicate]")?
        .shows("OK: probes in the mailbox: 2 removed")?;
    route.has(2)
}

fn junk(world: &World) -> Outcome {
    let route = Route::into(world, "junk", "junk", IMAP)?;
    route.next("")?.says(0, FIRST)?;
    route.has(1)?;
    let second = route.next("")?.says(
        1,
        "WARNING - 127.0.0.1:{any}: the message went to the junk folder Spam and more, probe of {any} s ago arrived in Spam and more of junk@example.net after {t} s, next one accepted for {any}",
    )?;
    second.shows("hint: {any} [in_junk]")?.shows("OK: probes in the mailbox: 1 removed")?;
    let receive = "--receive maildir:{mail}/{user} --junk-folder 'Spam and more' --junk-is critical";
    let critical = Route::into(world, "junk_critical", "junk_critical", receive)?;
    critical.next("")?.says(0, FIRST)?;
    critical.has(1)?;
    critical
        .next("")?
        .says(2, "CRITICAL - {any}: the message went to the junk folder Spam and more, {any}")?;
    critical.has(1)
}
