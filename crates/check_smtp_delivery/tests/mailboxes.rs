//! Against a real Dovecot: IMAP and POP3, with STARTTLS and inside TLS, among 2000 messages of others.
//!
//! Where it is missing, or without root, the tests are skipped and say so; in CI that is a failure.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test looks at the clock, and ends where anything is wrong"
)]

#[path = "mailboxes/counts.rs"]
mod counts;
#[path = "mailboxes/logins.rs"]
mod logins;
mod stand;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use check_smtp_delivery::mailbox::{Dialogue, Kind, Mailbox, Removed, Since};
use check_smtp_testbed::real::Dovecot;
use libtest_mimic::{Arguments, Failed, Trial};

use stand::{Stand, deadline, token, tokens, wait_for};

/// Every way in, by the scheme.
const WAYS: [&str; 4] = ["imap", "imaps", "pop3", "pop3s"];

type Scene = fn(&Stand);

fn scenes() -> Vec<(&'static str, Scene)> {
    vec![
        ("ours_are_found_and_removed_among_two_thousand", among_two_thousand),
        ("the_junk_folder_is_found_by_special_use", junk),
        ("a_message_ends_the_wait", idle),
        ("a_mailbox_of_one_and_one_of_two_thousand_take_as_many_commands", cost),
        ("the_next_run_goes_on_where_the_last_has_stopped", marks),
        ("without_a_mark_the_backlog_is_found", backlog),
        ("another_folder_and_its_name_beyond_ascii", folders),
        ("new_numbers_are_noticed", validity),
        ("without_uidplus_probes_are_flagged_and_nothing_removed", without_uidplus),
        ("every_mechanism", logins::mechanisms),
        ("refusals", logins::refusals),
        ("certificates_that_do_not_hold", logins::certificates),
        ("a_report_is_told_and_stays", reports),
        ("fifty_at_a_time", fifty),
        ("two_instances_in_one_mailbox", instances),
        ("a_copy_twice_is_two", duplicates),
        ("ours_are_counted_among_two_thousand", counts::among_two_thousand),
        ("flagged_ones_are_counted", counts::flagged),
    ]
}

fn among_two_thousand(stand: &Stand) {
    for scheme in WAYS {
        let user = format!("{scheme}-many");
        stand.fill(&user, 2000);
        let before = stand.content(&user);
        let mut mailbox = stand.open(scheme, &user, &Since::Now);
        assert_eq!(mailbox.look().unwrap(), [], "{scheme}");
        let expected: Vec<String> = (0..3).map(|number| stand.deliver(&user, "INBOX", number)).collect();
        let found = wait_for(&mut mailbox, 3);
        assert_eq!(tokens(&found), expected, "{scheme}");
        assert!(
            found.iter().all(|found| found.folder == "INBOX" && !found.is_junk && found.kind == Kind::Probe)
        );
        assert!(found.iter().all(|found| !String::from_utf8_lossy(&found.message).contains("body of")));
        if scheme.starts_with("imap") {
            let taken = found[0].arrived.unwrap().abs_diff(stand::now());
            assert!(taken < Duration::from_secs(60), "{taken:?}");
        }
        assert_eq!(mailbox.remove(&found).unwrap(), Removed { gone: 3, flagged: 0, left: 0 }, "{scheme}");
        assert_eq!(mailbox.look().unwrap(), [], "{scheme}");
        mailbox.leave();
        let after = stand.content(&user);
        // Byte for byte, the ones that others have flagged \Deleted too.
        assert_eq!(after.len(), 2000, "{scheme}");
        assert!(after == before, "{scheme}: messages of others have changed");
    }
}

fn junk(stand: &Stand) {
    for scheme in ["imap", "imaps"] {
        let user = format!("{scheme}-junk");
        let mut mailbox = stand.open(scheme, &user, &Since::Now);
        stand.deliver(&user, "Spam and more", 1);
        let found = wait_for(&mut mailbox, 1);
        assert_eq!((found[0].folder.as_str(), found[0].is_junk), ("Spam and more", true));
        assert_eq!(mailbox.remove(&found).unwrap().gone, 1);
        stand.deliver(&user, "INBOX", 2);
        assert!(!wait_for(&mut mailbox, 1)[0].is_junk);
    }
}

fn idle(stand: &Stand) {
    for scheme in ["imap", "imaps"] {
        let user = format!("{scheme}-idle");
        let receiver = stand.receiver(scheme, &user);
        let mut mailbox = Mailbox::open(&receiver, &Since::Now, deadline()).unwrap();
        assert_eq!(mailbox.look().unwrap(), []);
        // Nothing comes: the whole time.
        let began = Instant::now();
        mailbox.pause(Duration::from_millis(300)).unwrap();
        assert!(began.elapsed() >= Duration::from_millis(300));
        let began = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(|| stand.deliver(&user, "INBOX", 1));
            mailbox.pause(Duration::from_secs(20)).unwrap();
        });
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
        assert_eq!(mailbox.look().unwrap().len(), 1);
        assert!(receiver.way.dialogue.lines().iter().any(|line| line.ends_with("IDLE")));
    }
}

/// Server round trips are what counts; the best of some runs, since others use this machine too.
/// The way there and back is what costs. An empty mailbox is asked once less: there is nothing to fetch.
fn cost(stand: &Stand) {
    stand.fill("cost-one", 1);
    stand.fill("cost-many", 2000);
    let commands = |scheme: &str, user: &str| {
        let mut receiver = stand.receiver(scheme, user);
        receiver.way.dialogue = Dialogue::kept();
        let mut mailbox = Mailbox::open(&receiver, &Since::Now, deadline()).unwrap();
        mailbox.look().unwrap();
        mailbox.look().unwrap();
        mailbox.leave();
        let lines = receiver.way.dialogue.lines();
        // Behind the tag, which counts them, and without numbers of messages.
        let said = lines.iter().filter_map(|line| line.strip_prefix("C: "));
        said.map(|line| line.replace(|c: char| c.is_ascii_digit(), "")).collect::<Vec<_>>()
    };
    for scheme in ["imaps", "pop3s"] {
        let (one, many) = (commands(scheme, "cost-one"), commands(scheme, "cost-many"));
        assert!(one.len() > 3, "{one:?}");
        assert_eq!(one, many, "{scheme}");
    }
}

fn marks(stand: &Stand) {
    for scheme in WAYS {
        let user = format!("{scheme}-marks");
        stand.fill(&user, 20);
        let mut first = stand.open(scheme, &user, &Since::Now);
        first.look().unwrap();
        let mark = first.mark();
        first.leave();
        let one = stand.deliver(&user, "INBOX", 1);
        let mut second = stand.open(scheme, &user, &Since::Mark(mark));
        assert_eq!(tokens(&wait_for(&mut second, 1)), [one], "{scheme}");
        let mark = second.mark();
        second.leave();
        let two = stand.deliver(&user, "INBOX", 2);
        let mut third = stand.open(scheme, &user, &Since::Mark(mark.clone()));
        assert_eq!(tokens(&wait_for(&mut third, 1)), [two], "{scheme}");
        // A mark that was not moved on tells the same again, and loses nothing.
        let mut again = stand.open(scheme, &user, &Since::Mark(mark));
        assert_eq!(again.look().unwrap().len(), 1, "{scheme}");
    }
}

fn backlog(stand: &Stand) {
    for scheme in WAYS {
        let user = format!("{scheme}-backlog");
        let old = stand.deliver(&user, "INBOX", 1);
        stand.fill(&user, 150);
        let mut mailbox = stand.open(scheme, &user, &Since::Beginning);
        assert_eq!(tokens(&mailbox.look().unwrap()), [old], "{scheme}");
        assert_eq!(mailbox.look().unwrap(), [], "{scheme}");
    }
    // Beyond the last 200 the server's search finds it, and its header is compared here all the same.
    let old = stand.deliver("deep-backlog", "INBOX", 1);
    stand.fill("deep-backlog", 600);
    let mut mailbox = stand.open("imaps", "deep-backlog", &Since::Beginning);
    assert_eq!(tokens(&mailbox.look().unwrap()), [old]);
    let mut mailbox = stand.open("imaps", "nothing-at-all", &Since::Beginning);
    assert_eq!(mailbox.look().unwrap(), []);
    stand.deliver("nothing-at-all", "INBOX", 1);
    assert_eq!(wait_for(&mut mailbox, 1).len(), 1);
}

fn folders(stand: &Stand) {
    let user = "folders";
    stand.deliver(user, "Übung & Tests", 0);
    let mut receiver = stand.receiver("imaps", user);
    receiver.way.folders = vec!["Übung & Tests".to_owned()];
    let mut mailbox = Mailbox::open(&receiver, &Since::Now, deadline()).unwrap();
    let token = stand.deliver(user, "Übung & Tests", 1);
    let found = wait_for(&mut mailbox, 1);
    assert_eq!((tokens(&found), found[0].folder.as_str()), (vec![token], "Übung & Tests"));
    assert_eq!(mailbox.remove(&found).unwrap().gone, 1);
    // The junk folder may be the admin's word, and one that is not there is told.
    receiver.way.folders.clear();
    receiver.way.junk_folder = Some("Übung & Tests".to_owned());
    let mut mailbox = Mailbox::open(&receiver, &Since::Now, deadline()).unwrap();
    stand.deliver(user, "Übung & Tests", 2);
    assert!(wait_for(&mut mailbox, 1)[0].is_junk);
    receiver.way.junk_folder = Some("None".to_owned());
    let failure = Mailbox::open(&receiver, &Since::Now, deadline()).unwrap_err();
    assert!(failure.to_string().starts_with("mailbox refused us at the choice of a folder: "), "{failure}");
}

fn validity(stand: &Stand) {
    let user = "validity";
    let one = stand.deliver(user, "INBOX", 1);
    let mut mark = stand.open("imaps", user, &Since::Now).mark();
    mark["folders"]["\"INBOX\""][0] = serde_json::json!(1);
    mark["folders"]["\"INBOX\""][1] = serde_json::json!(5000);
    let mut mailbox = stand.open("imaps", user, &Since::Mark(mark));
    assert_eq!(tokens(&mailbox.look().unwrap()), std::slice::from_ref(&one));
    // The numbers of a mailbox that was put back from a copy begin again where they were.
    let mut ahead = mailbox.mark();
    ahead["folders"]["\"INBOX\""][1] = serde_json::json!(5000);
    let mut mailbox = stand.open("imaps", user, &Since::Mark(ahead));
    assert_eq!(tokens(&mailbox.look().unwrap()), [one]);
    // Numbers of another age are not used to remove anything.
    let mut found = stand.open("imaps", user, &Since::Beginning).look().unwrap();
    found[0].uid = String::from("1:1");
    assert_eq!(mailbox.remove(&found).unwrap(), Removed { gone: 0, flagged: 0, left: 1 });
    assert_eq!(stand.content(user).len(), 1);
}

fn without_uidplus(stand: &Stand) {
    let user = "uidplus";
    stand.fill(user, 40);
    let (mut mailbox, dialogue) = stand.open_old("imaps", user);
    stand.deliver_old(user, 1);
    let found = wait_for(&mut mailbox, 1);
    assert_eq!(mailbox.remove(&found).unwrap(), Removed { gone: 0, flagged: 1, left: 0 });
    let said: Vec<String> = dialogue.lines().into_iter().filter(|line| line.starts_with("C:")).collect();
    let dialogue = said.join("\n");
    assert!(!dialogue.contains("EXPUNGE") && !dialogue.contains("CLOSE"), "{dialogue}");
    // An old server without IDLE is waited for all the same.
    let began = Instant::now();
    mailbox.pause(Duration::from_millis(100)).unwrap();
    assert!(began.elapsed() >= Duration::from_millis(100) && !dialogue.contains("IDLE"));
}

fn reports(stand: &Stand) {
    for scheme in WAYS {
        let user = format!("{scheme}-report");
        let mut mailbox = stand.open(scheme, &user, &Since::Now);
        let filler = "filler\r\n".repeat(100);
        let report = format!(
            "From: MAILER-DAEMON@example.org\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n{filler}--x\r\nContent-Type: message/delivery-status\r\n\r\nStatus: 5.1.1\r\n--x\r\nContent-Type: text/rfc822-headers\r\n\r\n{}--x--\r\n",
            stand::probe("mx1", &token(1))
        );
        stand.put(&user, "INBOX", &report);
        let other = report.replace("mx1/", "mx2/");
        stand.put(&user, "INBOX", &other);
        let found = wait_for(&mut mailbox, 1);
        assert_eq!(
            (found.len(), found[0].kind, found[0].token.as_str()),
            (1, Kind::Report, token(1).as_str()),
            "{scheme}"
        );
        assert!(String::from_utf8_lossy(&found[0].message).contains("Status: 5.1.1"));
        assert_eq!(mailbox.remove(&found).unwrap(), Removed { gone: 0, flagged: 0, left: 1 });
        assert_eq!(mailbox.look().unwrap(), [], "{scheme}");
    }
}

fn fifty(stand: &Stand) {
    for scheme in ["imap", "pop3s"] {
        let user = format!("{scheme}-fifty");
        let mut mailbox = stand.open(scheme, &user, &Since::Now);
        mailbox.pause(Duration::from_millis(1)).unwrap();
        for number in 0..120 {
            stand.deliver(&user, "INBOX", number);
        }
        let mut all = Vec::new();
        for expected in [50, 50, 20, 0] {
            let found = mailbox.look().unwrap();
            assert_eq!(found.len(), expected, "{scheme}");
            if expected > 0 {
                assert_eq!(mailbox.remove(&found).unwrap().gone, expected, "{scheme}");
            }
            all.extend(tokens(&found));
        }
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 120);
        mailbox.leave();
        assert_eq!(stand.content(&user).len(), 0, "{scheme}");
    }
}

fn instances(stand: &Stand) {
    for scheme in WAYS {
        let user = format!("{scheme}-two");
        let mut mailbox = stand.open(scheme, &user, &Since::Now);
        stand.put(&user, "INBOX", &stand::probe("mx2", &token(7)));
        stand.deliver(&user, "INBOX", 1);
        let mut found = wait_for(&mut mailbox, 1);
        assert_eq!(tokens(&found), [token(1)]);
        // Not even where it is asked for.
        found[0].instance = "mx2".parse().unwrap();
        assert_eq!(mailbox.remove(&found).unwrap(), Removed { gone: 0, flagged: 0, left: 1 });
        assert_eq!(stand.content(&user).len(), 2, "{scheme}");
    }
}

fn duplicates(stand: &Stand) {
    for scheme in WAYS {
        let user = format!("{scheme}-twice");
        let mut mailbox = stand.open(scheme, &user, &Since::Now);
        stand.deliver(&user, "INBOX", 1);
        stand.deliver(&user, "INBOX", 1);
        let found = wait_for(&mut mailbox, 2);
        assert_eq!(tokens(&found), [token(1), token(1)]);
        assert_ne!(found[0].copy(), found[1].copy());
        assert_eq!(mailbox.remove(&found).unwrap().gone, 2);
    }
}

fn missing() -> Option<&'static str> {
    if !check_smtp_testbed::is_root() {
        Some("needs root")
    } else if !(Dovecot::is_installed() && Dovecot::has_mailboxes()) {
        Some("Dovecot's IMAP and POP3 servers are not installed")
    } else {
        None
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if let Some(reason) = missing().filter(|_| !check_smtp_testbed::is_ci()) {
        let skipped = scenes().into_iter().map(|(name, _)| {
            Trial::test(format!("{name} (skipped: {reason})"), || Ok(())).with_ignored_flag(true)
        });
        return libtest_mimic::run(&arguments, skipped.collect()).exit_code();
    }
    let stand = match Stand::start() {
        Ok(stand) => Arc::new(stand),
        Err(error) => {
            let failed = Trial::test("dovecot_starts", move || Err(Failed::from(error.to_string())));
            return libtest_mimic::run(&arguments, vec![failed]).exit_code();
        }
    };
    let trials = scenes().into_iter().map(|(name, scene)| {
        let stand = Arc::clone(&stand);
        Trial::test(name, move || {
            let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| scene(&stand)));
            played.map_err(|_| Failed::from(format!("see above; the servers say: {}", stand.complaints())))
        })
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    conclusion.exit_code()
}
