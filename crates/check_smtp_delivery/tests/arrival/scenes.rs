//! What is asked, and what must come of it. The instance is the scene's name, and so is the user whose mailbox is looked into.

/// A run of the check.
pub struct Scene {
    /// Its name, the instance of its probe, and the user of the mailbox.
    pub name: &'static str,
    /// Behind `-H ... -f ... --to NAME@example.net`, or instead of it where it begins with `-H`.
    pub arguments: &'static str,
    pub exit: i32,
    /// Up to the perfdata.
    pub first_line: &'static str,
    /// Lines that stand in the output.
    pub shown: &'static [&'static str],
    /// Messages of this run in the mailbox after it.
    pub left: usize,
}

const fn scene(
    name: &'static str,
    arguments: &'static str,
    (exit, left): (i32, usize),
    first_line: &'static str,
    shown: &'static [&'static str],
) -> Scene {
    Scene { name, arguments, exit, first_line, shown, left }
}

/// All of them.
pub const SCENES: [Scene; 38] = [
    scene(
        "starttls",
        "--receive imap://starttls@mail.example.org:{imap} {secure}",
        (0, 0),
        "SMTP DELIVERY OK - 127.0.0.1:{smtp} probe arrived in INBOX of starttls@example.net after {t} s (sent {t} s)",
        &["OK: probes in the mailbox: 1 removed", "OK: arrival took {t} s"],
    ),
    scene(
        "imaps",
        "--receive imaps://mail.example.org:{imaps} --receive-user imaps {secure}",
        (0, 0),
        "SMTP DELIVERY OK - 127.0.0.1:{smtp} probe arrived in INBOX of imaps@example.net after {t} s (sent {t} s)",
        &[],
    ),
    scene(
        "pop",
        "--receive pop3://pop@mail.example.org:{pop3} {secure}",
        (0, 0),
        "SMTP DELIVERY OK - 127.0.0.1:{smtp} probe arrived in INBOX of pop@example.net after {t} s (sent {t} s)",
        &["OK: probes in the mailbox: 1 removed"],
    ),
    scene(
        "pops",
        "--receive pop3s://pops@mail.example.org:{pop3s} {secure}",
        (0, 0),
        "SMTP DELIVERY OK - 127.0.0.1:{smtp} probe arrived in INBOX of pops@example.net after {t} s (sent {t} s)",
        &[],
    ),
    scene(
        "plain",
        "--receive imap://plain@127.0.0.1:{imap} --receive-plaintext --receive-password-env SECRET",
        (0, 0),
        "SMTP DELIVERY OK - 127.0.0.1:{smtp} probe arrived in INBOX of plain@example.net after {t} s (sent {t} s), with a login to the mailbox in the clear",
        &["OK: probes in the mailbox: 1 removed"],
    ),
    scene(
        "plain_pop",
        "--receive pop3://plain_pop@127.0.0.1:{pop3} --receive-plaintext --receive-password-env SECRET",
        (0, 0),
        "SMTP DELIVERY OK - 127.0.0.1:{smtp} probe arrived in INBOX of plain_pop@example.net after {t} s (sent {t} s), with a login to the mailbox in the clear",
        &["OK: probes in the mailbox: 1 removed"],
    ),
    scene(
        "maildir",
        "--receive maildir:{mail}/maildir",
        (0, 0),
        "SMTP DELIVERY OK - 127.0.0.1:{smtp} probe arrived in INBOX of maildir@example.net after {t} s (sent {t} s)",
        &["OK: probes in the mailbox: 1 removed"],
    ),
    // The user and the secret of the sender.
    scene(
        "sender",
        "-H mail.example.org -I 127.0.0.1 -p {submission} --ca-file {ca} -f sender@example.net --to sender@example.net -U sender --password-env SECRET --receive imaps://mail.example.org:{imaps} --receive-address 127.0.0.1 --receive-ca-file {ca}",
        (0, 0),
        "SMTP DELIVERY OK - mail.example.org:{submission} (127.0.0.1) probe arrived in INBOX of sender@example.net after {t} s (sent {t} s over TLSv1.3)",
        &[],
    ),
    scene(
        "kept",
        "--receive imaps://kept@mail.example.org:{imaps} {secure} --keep",
        (0, 1),
        "SMTP DELIVERY OK - 127.0.0.1:{smtp} probe arrived in INBOX of kept@example.net after {t} s (sent {t} s)",
        &[],
    ),
    scene(
        "spared",
        "--receive imaps://spared@mail.example.org:{imaps} {secure} --dry-run",
        (0, 1),
        "SMTP DELIVERY OK - 127.0.0.1:{smtp} probe arrived in INBOX of spared@example.net after {t} s (sent {t} s)",
        &["OK: probes in the mailbox: 1 would be removed"],
    ),
    // With those of earlier runs.
    scene(
        "crowded",
        "--receive imap://crowded@mail.example.org:{imap} {secure} --keep --mailbox-limit 20",
        (1, 1),
        "SMTP DELIVERY WARNING - 127.0.0.1:{smtp}: 21 probes of this instance lie in the mailbox (over 20), probe arrived in INBOX of crowded@example.net after {t} s (sent {t} s)",
        &["hint: {any} [too_many_probes]"],
    ),
    scene(
        "crowded_maildir",
        "--receive maildir:{mail}/crowded_maildir --dry-run --mailbox-limit 21",
        (0, 1),
        "SMTP DELIVERY OK - 127.0.0.1:{smtp} probe arrived in INBOX of crowded_maildir@example.net after {t} s (sent {t} s)",
        &["OK: probes in the mailbox: 1 would be removed"],
    ),
    // The mechanism by name; a token is read where a password would be.
    scene(
        "by_name",
        "--receive pop3s://by_name@mail.example.org:{pop3s} {secure} --receive-mechanism LOGIN -vv",
        (0, 0),
        "SMTP DELIVERY OK - 127.0.0.1:{smtp} probe arrived in INBOX of by_name@example.net after {t} s (sent {t} s)",
        &["C: AUTH LOGIN", "OK: probes in the mailbox: 1 removed"],
    ),
    scene(
        "token",
        "--receive imaps://token@mail.example.org:{tokens} --receive-address 127.0.0.1 --receive-ca-file {ca} --receive-password-env TOKEN --receive-mechanism XOAUTH2 -vv",
        (0, 0),
        "SMTP DELIVERY OK - 127.0.0.1:{smtp} probe arrived in INBOX of token@example.net after {t} s (sent {t} s)",
        &["C: a1 AUTHENTICATE XOAUTH2 ***", "OK: probes in the mailbox: 1 removed"],
    ),
    scene(
        "token_of_yesterday",
        "--receive imaps://token@mail.example.org:{tokens} --receive-address 127.0.0.1 --receive-ca-file {ca} --receive-password-env WRONG --receive-mechanism OAUTHBEARER",
        (3, 1),
        "SMTP DELIVERY UNKNOWN - 127.0.0.1:{smtp}: mailbox refused the login: {any}, accepted for token_of_yesterday@example.net as {any}, arrival not known, sent in {t} s",
        &["hint: {any} [receiver_login_refused]"],
    ),
    scene(
        "slow",
        "--receive imaps://slow@mail.example.org:{imaps} {secure} -w arrived=0.000001 -c arrived=60",
        (1, 0),
        "SMTP DELIVERY WARNING - 127.0.0.1:{smtp}: arrival took {t} s (over 0.000001 s), probe arrived in INBOX of slow@example.net after {t} s (sent {t} s)",
        &[],
    ),
    scene(
        "junk",
        "--receive imap://junk@mail.example.org:{imap} {secure}",
        (1, 0),
        "SMTP DELIVERY WARNING - 127.0.0.1:{smtp}: the message went to the junk folder Spam and more, probe arrived in Spam and more of junk@example.net after {t} s (sent {t} s)",
        &["hint: {any} [in_junk]", "OK: probes in the mailbox: 1 removed"],
    ),
    scene(
        "junk_critical",
        "--receive maildir:{mail}/junk_critical --junk-folder 'Spam and more' --junk-is critical",
        (2, 0),
        "SMTP DELIVERY CRITICAL - 127.0.0.1:{smtp}: the message went to the junk folder Spam and more, probe arrived in {any}",
        &["hint: {any} [in_junk]"],
    ),
    // Our field is gone on the way: the Message-ID tells.
    scene(
        "stripped",
        "--receive imap://stripped@mail.example.org:{imap} {secure}",
        (0, 0),
        "SMTP DELIVERY OK - 127.0.0.1:{smtp} probe arrived in INBOX of stripped@example.net after {t} s (sent {t} s)",
        &["OK: probes in the mailbox: 1 removed"],
    ),
    // By Postfix, by LMTP to Dovecot, and by the user's own Sieve script.
    scene(
        "sieved",
        "--receive imap://sieved@mail.example.org:{imap} {secure}",
        (1, 0),
        "SMTP DELIVERY WARNING - 127.0.0.1:{smtp}: the message went to the junk folder Spam and more, probe arrived in Spam and more of sieved@example.net after {t} s (sent {t} s)",
        &["hint: {any} [in_junk]", "OK: probes in the mailbox: 1 removed"],
    ),
    scene(
        "lmtp",
        "-H 127.0.0.1 -L -p {lmtp} -f probe@example.org --to lmtp@example.net --receive imaps://lmtp@mail.example.org:{imaps} {secure}",
        (0, 0),
        "SMTP DELIVERY OK - 127.0.0.1:{lmtp} probe arrived in INBOX of lmtp@example.net after {t} s (sent {t} s)",
        &[
            "OK: the message to lmtp@example.net was accepted: 250 2.0.0 {any} Saved",
            "OK: probes in the mailbox: 1 removed",
        ],
    ),
    scene(
        "lmtp_socket",
        "-H {lmtp_socket} -L -f probe@example.org --to lmtp_socket@example.net --receive pop3s://lmtp_socket@mail.example.org:{pop3s} {secure}",
        (0, 0),
        "SMTP DELIVERY OK - {lmtp_socket} probe arrived in INBOX of lmtp_socket@example.net after {t} s (sent {t} s)",
        &["OK: probes in the mailbox: 1 removed"],
    ),
    // Two users, each with a reply of its own; only one of the mailboxes is looked into.
    scene(
        "lmtp_two",
        "-H 127.0.0.1 -L -p {lmtp} -f probe@example.org --to lmtp_two@example.net --to elsewhere@example.net --receive maildir:{mail}/lmtp_two --wait 2",
        (2, 0),
        "SMTP DELIVERY CRITICAL - 127.0.0.1:{lmtp}: only 1 of 2 copies have arrived within {t} s, accepted for 2 recipients as {any}, sent in {t} s",
        &["hint: {any} [not_arrived]", "OK: probes in the mailbox: 1 removed"],
    ),
    // No answer to the whole message: not sent again, looked for, and found.
    scene(
        "uncertain",
        "-H 127.0.0.1 -p {cutting} -f probe@example.org --to uncertain@example.net --receive imaps://uncertain@mail.example.org:{imaps} {secure} --keep",
        (1, 1),
        "SMTP DELIVERY WARNING - 127.0.0.1:{cutting}: the message to uncertain@example.net arrived, but: server closed the connection after the whole message, probe arrived in INBOX of uncertain@example.net after {t} s (sent {t} s)",
        &["hint: {any} [uncertain]"],
    ),
    // Postfix throws the mail of example.org away.
    scene(
        "lost",
        "-H 127.0.0.1 -p {smtp} -f probe@example.org --to lost@example.org --receive imaps://lost@mail.example.org:{imaps} {secure} --wait 1.5",
        (2, 0),
        "SMTP DELIVERY CRITICAL - 127.0.0.1:{smtp}: the message has not arrived within {t} s, accepted for lost@example.org as {any}, sent in {t} s",
        &["hint: {any} [not_arrived]"],
    ),
    scene(
        "twice",
        "--receive imaps://twice@mail.example.org:{imaps} {secure}",
        (1, 0),
        "SMTP DELIVERY WARNING - 127.0.0.1:{smtp}: 2 copies have arrived where 1 was to, probe arrived in INBOX of twice@example.net after {t} s (sent {t} s)",
        &["hint: {any} [duplicate]", "OK: probes in the mailbox: 2 removed"],
    ),
    scene(
        "both",
        "-H 127.0.0.1 -p {smtp} -f probe@example.org --to both@example.net --to other@example.net --receive imaps://both@mail.example.org:{imaps} {secure}",
        (0, 0),
        "SMTP DELIVERY OK - 127.0.0.1:{smtp} probe arrived in INBOX of 2 recipients after {t} s (sent {t} s)",
        &["OK: probes in the mailbox: 2 removed"],
    ),
    // A real bounce of a user nobody knows.
    scene(
        "bounced",
        "-H 127.0.0.1 -p {smtp} -f bounced@example.net --to ghost@example.net --receive imaps://bounced@mail.example.org:{imaps} {secure}",
        (2, 1),
        "SMTP DELIVERY CRITICAL - 127.0.0.1:{smtp}: the message to ghost@example.net bounced: unknown user: \"ghost@example.net\", accepted for ghost@example.net as {any}, sent in {t} s",
        &["hint: {any} [bounced]"],
    ),
    // The message is sent all the same.
    scene(
        "down",
        "--receive imaps://down@mail.example.org:{closed} {secure}",
        (3, 1),
        "SMTP DELIVERY UNKNOWN - 127.0.0.1:{smtp}: mailbox: connect failed: connection refused, accepted for down@example.net as {any}, arrival not known, sent in {t} s",
        &["hint: {any} [receiver_unreachable]"],
    ),
    scene(
        "wrong_password",
        "--receive imaps://wrong_password@mail.example.org:{imaps} --receive-address 127.0.0.1 --receive-ca-file {ca} --receive-password-env WRONG --receiver-down critical",
        (2, 1),
        "SMTP DELIVERY CRITICAL - 127.0.0.1:{smtp}: mailbox refused the login: {any}, accepted for wrong_password@example.net as {any}, arrival not known, sent in {t} s",
        &["hint: {any} [receiver_login_refused]"],
    ),
    scene(
        "untrusted",
        "--receive imaps://untrusted@mail.example.org:{imaps} --receive-address 127.0.0.1 --receive-password-env SECRET --receiver-down warning",
        (1, 1),
        "SMTP DELIVERY WARNING - 127.0.0.1:{smtp}: mailbox: certificate {any}, accepted for untrusted@example.net as {any}, arrival not known, sent in {t} s",
        &["hint: {any} [receiver_tls]"],
    ),
    // What the header says. Postfix writes down an address from afar, which makes the hop one over a network.
    scene(
        "hop_plain",
        "-H 127.0.0.1 -p {afar} -f probe@example.org --to hop_plain@example.net --receive imaps://hop_plain@mail.example.org:{imaps} {secure} --require-tls-hops",
        (2, 0),
        "SMTP DELIVERY CRITICAL - 127.0.0.1:{afar}: hop 1 of 1 without TLS: {any} -> mail.example.org with ESMTP, probe arrived in INBOX of hop_plain@example.net after {t} s (sent {t} s)",
        &["hint: {any} [hop_without_tls]", "1: {any} -> mail.example.org with ESMTP, no TLS"],
    ),
    scene(
        "hop_tls",
        "-H mail.example.org -I 127.0.0.1 -p {afar} -S --ca-file {ca} -f probe@example.org --to hop_tls@example.net --receive maildir:{mail}/hop_tls --require-tls-hops",
        (0, 0),
        "SMTP DELIVERY OK - mail.example.org:{afar} (127.0.0.1) probe arrived in INBOX of hop_tls@example.net after {t} s (sent {t} s over TLSv1.3)",
        &["OK: the hop over a network was under TLS", "1: {any} -> mail.example.org with ESMTPS, TLSv1.3"],
    ),
    scene(
        "hop_local",
        "--receive pop3s://hop_local@mail.example.org:{pop3s} {secure} --require-tls-hops",
        (0, 0),
        "SMTP DELIVERY OK - 127.0.0.1:{smtp} probe arrived in INBOX of hop_local@example.net after {t} s (sent {t} s)",
        &["OK: no hop has crossed a network", "1: {any} -> mail.example.org with ESMTP, no network"],
    ),
    scene(
        "spam",
        "--receive imaps://spam@mail.example.org:{imaps} {secure} --header 'X-Spam-Status: Yes, score=6.1 required=5.0 tests=GTUBE' --spam-score-warning ~:5 --spam-score-critical ~:8",
        (1, 0),
        "SMTP DELIVERY WARNING - 127.0.0.1:{smtp}: spam score 6.1 (over 5), spam from 5 on, probe arrived in INBOX of spam@example.net after {t} s (sent {t} s)",
        &["hint: {any} [spam_score]", "OK: a filter on the way has flagged it as spam"],
    ),
    scene(
        "dkim",
        "--receive maildir:{mail}/dkim --header 'Authentication-Results: mail.example.org; spf=pass smtp.mailfrom=example.org; dkim=fail (bad signature) header.d=example.org' --authserv-id mail.example.org --require spf=pass,dkim=pass,dmarc=pass",
        (2, 0),
        "SMTP DELIVERY CRITICAL - 127.0.0.1:{smtp}: dkim=fail (header.d=example.org) by mail.example.org, where pass is required, probe arrived in INBOX of dkim@example.net after {t} s (sent {t} s)",
        &[
            "hint: {any} [authentication]",
            "OK: spf=pass by mail.example.org",
            "OK: the header has no dmarc result by mail.example.org, so nothing is held against it",
        ],
    ),
    // Somebody else's word.
    scene(
        "stranger",
        "--receive maildir:{mail}/stranger --header 'Authentication-Results: mx.example.com; spf=fail' --authserv-id mail.example.org --require spf=pass --spam-score-critical ~:8",
        (0, 0),
        "SMTP DELIVERY OK - 127.0.0.1:{smtp} probe arrived in INBOX of stranger@example.net after {t} s (sent {t} s)",
        &[
            "OK: the header has no spf result by mail.example.org (there are results by mx.example.com, which --authserv-id does not name), so nothing is held against it",
            "OK: no spam score in the header",
        ],
    ),
    // The secret of the mailbox in the header: it is starred out.
    scene(
        "repeated",
        "--receive imaps://repeated@mail.example.org:{imaps} {secure} --header 'Authentication-Results: mail.example.org; spf=correct-horse' --authserv-id mail.example.org",
        (0, 0),
        "SMTP DELIVERY OK - 127.0.0.1:{smtp} probe arrived in INBOX of repeated@example.net after {t} s (sent {t} s)",
        &["OK: mail.example.org says spf=***"],
    ),
];
