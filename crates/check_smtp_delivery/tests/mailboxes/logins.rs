//! How it is logged in, and what is said where that fails.

use check_smtp_delivery::mailbox::{Mailbox, Since};
use check_smtp_testbed::real::MailboxPorts;

use crate::WAYS;
use crate::stand::{self, PASSWORD, Stand, USER, deadline};

pub fn mechanisms(stand: &Stand) {
    for scheme in WAYS {
        for mechanism in ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"] {
            let mut receiver = stand.receiver(scheme, USER);
            receiver.login.as_mut().unwrap().mechanisms = vec![mechanism.parse().unwrap()];
            Mailbox::open(&receiver, &Since::Now, deadline()).unwrap();
            let dialogue = receiver.way.dialogue.lines().join("\n");
            assert!(
                dialogue.contains(&format!("AUTHENTICATE {mechanism}"))
                    || dialogue.contains(&format!("AUTH {mechanism}")),
                "{dialogue}"
            );
            assert!(!dialogue.contains(PASSWORD), "{dialogue}");
        }
        // Without a mechanism: the commands of old.
        let dialogue = stand.open_old(scheme, "old").1.lines().join("\n");
        assert!(dialogue.contains("LOGIN ***") || dialogue.contains("PASS ***"), "{dialogue}");
        assert!(!dialogue.contains(PASSWORD), "{dialogue}");
    }
    for (scheme, mechanism) in [("imap", "XOAUTH2"), ("pop3s", "OAUTHBEARER")] {
        let dialogue = stand.open_with_token(scheme, mechanism, stand::TOKEN).unwrap();
        assert!(!dialogue.lines().join("\n").contains(stand::TOKEN));
    }
}

pub fn refusals(stand: &Stand) {
    for scheme in WAYS {
        let mut receiver = stand.receiver(scheme, USER);
        receiver.login.as_mut().unwrap().secret = check_smtp_core::secret::Secret::new("wrong".to_owned());
        let failure = Mailbox::open(&receiver, &Since::Now, deadline()).unwrap_err();
        assert!(failure.to_string().starts_with("mailbox refused the login: "), "{failure}");
        assert_eq!(failure.advice().id, "receiver_login_refused");
        receiver.login = None;
        let failure = Mailbox::open(&receiver, &Since::Now, deadline()).unwrap_err();
        assert_eq!(failure.to_string(), "mailbox: no user and secret to log in with");
    }
    for (scheme, mechanism) in [("imaps", "XOAUTH2"), ("pop3", "XOAUTH2")] {
        let failure = stand.open_with_token(scheme, mechanism, "token-of-yesterday").unwrap_err();
        assert!(failure.to_string().starts_with("mailbox refused the login: "), "{failure}");
        assert!(!failure.to_string().contains("token-of-yesterday"));
    }
    // The ports taken one for the other.
    let ports = stand.ports();
    let swapped =
        |imap, pop3| MailboxPorts { imap, imaps: imap, pop3, pop3s: pop3, ..MailboxPorts::default() };
    for (scheme, ports, told) in [
        ("imap", swapped(ports.pop3, 0), "mailbox speaks POP3, not IMAP"),
        ("pop3", swapped(0, ports.imap), "mailbox speaks IMAP, not POP3"),
        ("imaps", swapped(ports.imap, 0), "mailbox speaks IMAP, not TLS"),
    ] {
        let failure =
            Mailbox::open(&stand.receiver_at(ports, scheme, USER), &Since::Now, deadline()).unwrap_err();
        assert_eq!(failure.to_string(), told);
    }
}

pub fn certificates(stand: &Stand) {
    for scheme in WAYS {
        let mut receiver = stand.receiver(scheme, USER);
        receiver.way.tls.identity =
            check_smtp_core::certificate::Identity::Name("other.example.net".to_owned());
        let failure = Mailbox::open(&receiver, &Since::Now, deadline()).unwrap_err();
        assert!(failure.to_string().contains("other.example.net"), "{failure}");
        assert_eq!(failure.advice().id, "receiver_tls");
        receiver.way.tls.is_verified = false;
        Mailbox::open(&receiver, &Since::Now, deadline()).unwrap();
    }
}
