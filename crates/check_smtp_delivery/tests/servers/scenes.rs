//! What is asked, and what must come of it.

/// A run of the check.
pub struct Scene {
    /// Its name, and the instance of its probe.
    pub name: &'static str,
    /// `{service}` is a port of Postfix, `{knot}` the name server.
    pub arguments: &'static str,
    pub exit: i32,
    /// Up to the perfdata.
    pub first_line: &'static str,
    /// Lines that stand in the output.
    pub shown: &'static [&'static str],
    /// Messages that Postfix has taken.
    pub messages: usize,
}

const fn scene(
    name: &'static str,
    arguments: &'static str,
    (exit, messages): (i32, usize),
    first_line: &'static str,
    shown: &'static [&'static str],
) -> Scene {
    Scene { name, arguments, exit, first_line, shown, messages }
}

/// Against Postfix.
pub const POSTFIX: [Scene; 13] = [
    scene(
        "relayed",
        "-H 127.0.0.1 -p {smtp} -f probe@example.org --to sink@example.org",
        (0, 1),
        "SMTP DELIVERY OK - 127.0.0.1:{smtp} accepted for sink@example.org as {any}, arrival not checked, sent in {t} s",
        &["OK: the message to sink@example.org was accepted: 250 2.0.0 Ok: queued as {any}"],
    ),
    scene(
        "starttls",
        "-H mail.example.org -I 127.0.0.1 -p {smtp} -S --ca-file {ca} -f <> --to sink@example.org",
        (0, 1),
        "SMTP DELIVERY OK - mail.example.org:{smtp} (127.0.0.1) accepted for sink@example.org as {any} over TLSv1.3, arrival not checked, sent in {t} s",
        &[],
    ),
    scene(
        "logged_in",
        "-H mail.example.org -I 127.0.0.1 -p {submission} --ca-file {ca} -f probe@example.org --to sink@example.net -U probe@example.org --password-env SECRET",
        (0, 1),
        "SMTP DELIVERY OK - mail.example.org:{submission} (127.0.0.1) accepted for sink@example.net as {any} over TLSv1.3, arrival not checked, sent in {t} s",
        &["OK: probe@example.org logged in by SCRAM-SHA-256: 235 2.7.0 Authentication successful"],
    ),
    scene(
        "not_logged_in",
        "-H mail.example.org -I 127.0.0.1 -p {submission} -S --ca-file {ca} -f probe@example.net --to sink@example.net",
        (2, 0),
        "SMTP DELIVERY CRITICAL - mail.example.org:{submission} (127.0.0.1): sink@example.net refused at RCPT TO: 554 5.7.1 {any}Access denied",
        &[],
    ),
    scene(
        "sender_of_another",
        "-H mail.example.org -I 127.0.0.1 -p {submission} --ca-file {ca} -f boss@example.org --to sink@example.net -U probe@example.org --password-env SECRET",
        (2, 0),
        "SMTP DELIVERY CRITICAL - mail.example.org:{submission} (127.0.0.1): sink@example.net refused at RCPT TO: 553 5.7.1 <boss@example.org>: Sender address rejected: not owned by user probe@example.org, as probe@example.org by SCRAM-SHA-256 over TLSv1.3",
        &["hint: the server does not take this sender: {any} [sender_refused]"],
    ),
    scene(
        "relay_denied",
        "-H 127.0.0.1 -p {strangers} -f probe@example.org --to sink@example.net",
        (2, 0),
        "SMTP DELIVERY CRITICAL - 127.0.0.1:{strangers}: sink@example.net refused at RCPT TO: 554 5.7.1 <sink@example.net>: Relay access denied",
        &["hint: {any} [relay_denied]"],
    ),
    scene(
        "too_large",
        "-H 127.0.0.1 -p {small} -f probe@example.org --to sink@example.org --size 20k",
        (2, 0),
        "SMTP DELIVERY CRITICAL - 127.0.0.1:{small}: MAIL FROM:<probe@example.org> refused: 552 5.3.4 Message size exceeds fixed limit",
        &["hint: {any} [message_too_large]"],
    ),
    scene(
        "large",
        "-H 127.0.0.1 -p {smtp} -f probe@example.org --to sink@example.org --size 5M",
        (0, 1),
        "SMTP DELIVERY OK - 127.0.0.1:{smtp} accepted for sink@example.org as {any}, arrival not checked, sent in {t} s",
        &["OK: probe large/{token}, {n} bytes, Message-ID <{token}.large@example.org>"],
    ),
    scene(
        "unknown_recipient",
        "-H 127.0.0.1 -p {known} -f probe@example.org --to known@example.org --to unknown@example.org",
        (2, 1),
        "SMTP DELIVERY CRITICAL - 127.0.0.1:{known}: unknown@example.org refused at RCPT TO: 550 5.1.1 <unknown@example.org>: Recipient address rejected: User unknown in local recipient table, accepted for 1 of 2 recipients as {any}, arrival not checked, sent in {t} s",
        &["hint: {any} [recipient_refused]"],
    ),
    scene(
        "unknown_recipients",
        "-H 127.0.0.1 -p {known} -f probe@example.org --to unknown@example.org",
        (2, 0),
        "SMTP DELIVERY CRITICAL - 127.0.0.1:{known}: unknown@example.org refused at RCPT TO: 550 5.1.1 {any}",
        &[],
    ),
    scene(
        "greylisted",
        "-H 127.0.0.1 -p {slow} -f probe@example.org --to sink@example.org",
        (1, 0),
        "SMTP DELIVERY WARNING - 127.0.0.1:{slow}: sink@example.org greylisted at RCPT TO: 450 4.2.0 <sink@example.org>: Recipient address rejected: Greylisted, see http://postgrey.example/",
        &["hint: {any} [greylisted]"],
    ),
    scene(
        "chunked",
        "-H 127.0.0.1 -p {smtp} -f probe@example.org --to sink@example.org --chunking --dsn --verp",
        (0, 1),
        "SMTP DELIVERY OK - 127.0.0.1:{smtp} accepted for sink@example.org as {any}, arrival not checked, sent in {t} s",
        &[],
    ),
    scene(
        "stopped",
        "-H 127.0.0.1 -p {smtp} -f probe@example.org --to sink@example.org --stop-after data",
        (0, 0),
        "SMTP DELIVERY OK - 127.0.0.1:{smtp} DATA for sink@example.org taken, no message sent, in {t} s",
        &[],
    ),
];

/// By the MX records of a domain; the port of all hosts is Postfix's.
pub const MX: [Scene; 19] = [
    scene(
        "mx",
        "--mx --resolver {knot} -p {smtp} -f probe@example.org --to sink@one.example",
        (0, 1),
        "SMTP DELIVERY OK - mail.one.example:{smtp} (127.0.0.1, MX of one.example) accepted for sink@one.example as {any} over TLSv1.3, arrival not checked, sent in {t} s, certificate not verified",
        &["OK: TLSv1.3 {any}, not verified (opportunistic), certificate of {any}"],
    ),
    scene(
        "mx_passed_over",
        "--mx --resolver {knot} -p {smtp} -f probe@example.org --to sink@backup.example",
        (1, 1),
        "SMTP DELIVERY WARNING - b.backup.example:{smtp} (127.0.0.1, MX of backup.example): MX host a.backup.example (preference 10) was passed over: connect failed: connection refused, accepted for sink@backup.example as {any} over TLSv1.3, arrival not checked, sent in {t} s, certificate not verified",
        &["hint: {any} [connect_refused]"],
    ),
    scene(
        "mx_busy",
        "--mx --resolver {knot} -p {smtp} -f probe@example.org --to sink@busy.example",
        (1, 1),
        "SMTP DELIVERY WARNING - b.busy.example:{smtp} (127.0.0.1, MX of busy.example): MX host a.busy.example (preference 10) was passed over: refused us at the greeting: 451 4.3.2 not now, accepted for sink@busy.example as {any} over TLSv1.3, arrival not checked, sent in {t} s, certificate not verified",
        &["hint: {any} [put_off]"],
    ),
    // Half of the time is the second host's.
    scene(
        "mx_filtered",
        "--mx --resolver {knot} -p {smtp} -f probe@example.org --to sink@filtered.example -t 4",
        (1, 1),
        "SMTP DELIVERY WARNING - b.filtered.example:{smtp} (127.0.0.1, MX of filtered.example): MX host a.filtered.example (preference 10) was passed over: no answer to the connect within {t} s, accepted for sink@filtered.example as {any} over TLSv1.3, arrival not checked, sent in {t} s, certificate not verified",
        &["hint: {any} [connect_filtered]"],
    ),
    scene(
        "mx_starttls",
        "--mx --resolver {knot} -p {smtp} -S --ca-file {ca} -f probe@example.org --to sink@example.org",
        (0, 1),
        "SMTP DELIVERY OK - mail.example.org:{smtp} (127.0.0.1, MX of example.org) accepted for sink@example.org as {any} over TLSv1.3, arrival not checked, sent in {t} s",
        &[],
    ),
    // What is offered and fails is gone without, on a new connection, and told.
    scene(
        "mx_starttls_refused",
        "--mx --resolver {knot} -p {refusing} -f probe@example.org --to sink@example.org",
        (1, 1),
        "SMTP DELIVERY WARNING - mail.example.org:{refusing} (127.0.0.1, MX of example.org): STARTTLS is offered and fails, so mail goes in the clear: refused us at STARTTLS: 454 4.7.0 TLS not available due to local problem, accepted for sink@example.org as {any}, arrival not checked, sent in {t} s",
        &["hint: {any}"],
    ),
    scene(
        "mx_handshake_fails",
        "--mx --resolver {knot} -p {keyless} -f probe@example.org --to sink@example.org",
        (1, 1),
        "SMTP DELIVERY WARNING - mail.example.org:{keyless} (127.0.0.1, MX of example.org): STARTTLS is offered and fails, so mail goes in the clear: TLS handshake failed: the server answered with the alert 'handshake failure', accepted for sink@example.org as {any}, arrival not checked, sent in {t} s",
        &["hint: {any} [tls_no_common_cipher]"],
    ),
    // Where somebody tampers there is no way around it, and no next host.
    scene(
        "mx_tampered",
        "--mx --resolver {knot} -p {smtp} -f probe@example.org --to sink@tampered.example",
        (2, 0),
        "SMTP DELIVERY CRITICAL - a.tampered.example:{smtp} (127.0.0.8, MX of tampered.example): {any}",
        &["hint: {any} [starttls_injection]"],
    ),
    // Any TLS is better than none, unless it is said which; then there is no way around it.
    scene(
        "mx_ancient",
        "--mx --resolver {knot} -p {ancient} -f probe@example.org --to sink@example.org",
        (0, 1),
        "SMTP DELIVERY OK - mail.example.org:{ancient} (127.0.0.1, MX of example.org) accepted for sink@example.org as {any} over TLSv1, arrival not checked, sent in {t} s, certificate not verified",
        &[],
    ),
    scene(
        "mx_too_old",
        "--mx --resolver {knot} -p {ancient} -f probe@example.org --to sink@example.org --min-tls 1.2",
        (2, 0),
        "SMTP DELIVERY CRITICAL - mail.example.org:{ancient} (127.0.0.1, MX of example.org): TLSv1 negotiated, TLSv1.2 is the least allowed",
        &["hint: {any}"],
    ),
    scene(
        "mx_in_the_clear",
        "--mx --resolver {knot} -p {small} -f probe@example.org --to sink@example.org",
        (0, 1),
        "SMTP DELIVERY OK - mail.example.org:{small} (127.0.0.1, MX of example.org) accepted for sink@example.org as {any}, arrival not checked, sent in {t} s",
        &[],
    ),
    // Each host is verified by its own name; a wrong one is no reason to ask another host.
    scene(
        "mx_wrong_name",
        "--mx --resolver {knot} -p {smtp} -S --ca-file {ca} -f probe@example.org --to sink@one.example",
        (2, 0),
        "SMTP DELIVERY CRITICAL - mail.one.example:{smtp} (127.0.0.1, MX of one.example): certificate is not for mail.one.example but for {any}",
        &["hint: {any} [certificate_wrong_name]"],
    ),
    // 5yz at the greeting is an answer: no sender would ask the next host.
    scene(
        "mx_closed",
        "--mx --resolver {knot} -p {smtp} -f probe@example.org --to sink@closed.example",
        (2, 0),
        "SMTP DELIVERY CRITICAL - a.closed.example:{smtp} (127.0.0.4, MX of closed.example): refused us at the greeting: 554 5.7.1 not you",
        &["hint: {any} [client_refused]"],
    ),
    // The whole message went out to the first host: the second one never sees it.
    scene(
        "mx_lost",
        "--mx --resolver {knot} -p {smtp} -f probe@example.org --to sink@lost.example",
        (2, 0),
        "SMTP DELIVERY CRITICAL - a.lost.example:{smtp} (127.0.0.5, MX of lost.example): the message to sink@lost.example may arrive or not: server closed the connection after the whole message",
        &["hint: {any} [uncertain]"],
    ),
    scene(
        "mx_later",
        "--mx --resolver {knot} -p {smtp} -f probe@example.org --to sink@later.example",
        (2, 0),
        "SMTP DELIVERY CRITICAL - a.later.example:{smtp} (127.0.0.6, MX of later.example): sink@later.example put off at RCPT TO: 451 4.3.0 lookup failed",
        &["hint: {any} [put_off]"],
    ),
    scene(
        "mx_down",
        "--mx --resolver {knot} -p {smtp} -f probe@example.org --to sink@down.example",
        (2, 0),
        "SMTP DELIVERY CRITICAL - b.down.example:{smtp} (MX of down.example): name 'none.down.example' not found (no such name, or no address) (+1 more)",
        &[
            "WARNING: MX host a.down.example (preference 10) was passed over: connect failed: connection refused",
        ],
    ),
    scene(
        "mx_null",
        "--mx --resolver {knot} -p {smtp} -f probe@example.org --to sink@null.example",
        (2, 0),
        "SMTP DELIVERY CRITICAL - MX of null.example: null.example takes no mail (null MX, RFC 7505)",
        &["hint: {any} [null_mx]"],
    ),
    scene(
        "mx_implicit",
        "--mx --resolver {knot} -p {smtp} -f probe@example.org --to sink@implicit.example",
        (0, 1),
        "SMTP DELIVERY OK - implicit.example:{smtp} (127.0.0.1, MX of implicit.example) accepted for sink@implicit.example as {any} over TLSv1.3, arrival not checked, sent in {t} s, certificate not verified",
        &["OK: implicit.example has no MX record: senders try its own addresses (RFC 5321 section 5.1)"],
    ),
    scene(
        "mx_no_domain",
        "--mx --resolver {knot} -p {smtp} -f probe@example.org --to sink@none.example",
        (2, 0),
        "SMTP DELIVERY CRITICAL - MX of none.example: name 'none.example' not found (no such name, or no address)",
        &["hint: {any} [name_not_found]"],
    ),
];
