//! How many of ours lie there.

use check_smtp_delivery::mailbox::{Mailbox, Since};

use crate::WAYS;
use crate::stand::{Stand, deadline, probe, token, wait_for};

/// Counted in every folder; the open one and what is looked for stay what they were.
pub fn among_two_thousand(stand: &Stand) {
    for scheme in WAYS {
        let user = format!("{scheme}-count");
        stand.fill(&user, 2000);
        let mut receiver = stand.receiver(scheme, &user);
        receiver.instance = "mx9".parse().unwrap();
        let mut mailbox = Mailbox::open(&receiver, &Since::Now, deadline()).unwrap();
        let is_imap = scheme.starts_with("imap");
        assert_eq!(mailbox.probes().unwrap(), is_imap.then_some(0), "{scheme}");
        for (number, folder) in [(1, "INBOX"), (2, "INBOX"), (3, "Spam and more")] {
            stand.put(&user, folder, &probe("mx9", &token(number)));
        }
        assert_eq!(mailbox.probes().unwrap(), is_imap.then_some(3), "{scheme}");
        let found = wait_for(&mut mailbox, if is_imap { 3 } else { 2 });
        mailbox.remove(&found[..1]).unwrap();
        assert_eq!(mailbox.probes().unwrap(), is_imap.then_some(2), "{scheme}");
        // What comes after it is found as ever.
        stand.put(&user, "INBOX", &probe("mx9", &token(4)));
        assert_eq!(wait_for(&mut mailbox, 1)[0].token.as_str(), token(4));
    }
}

/// What could only be flagged still lies there.
pub fn flagged(stand: &Stand) {
    let (mut mailbox, _) = stand.open_old("imaps", "flagged");
    stand.deliver_old("flagged", 1);
    let found = wait_for(&mut mailbox, 1);
    assert_eq!(mailbox.remove(&found).unwrap().flagged, 1);
    assert_eq!(mailbox.probes().unwrap(), Some(1));
}
