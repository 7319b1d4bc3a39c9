//! The checks of the suite. A new check is a row here and a folder under `crates/`.

use clap::Command;

/// A check as the generated files need it.
pub struct Check {
    /// Its binary, which is its crate's name.
    pub program: &'static str,
    /// Its command line.
    pub command: fn() -> Command,
    /// What it is called in an engine's interface.
    pub title: &'static str,
    /// What it measures in an ordinary run; anything else is found by discovery.
    pub metrics: &'static [Metric],
    /// The sample services.
    pub services: &'static [Service],
    /// The options that a Zabbix template gives as user macros, with their defaults, beside `--hostname` and `--output`.
    pub macros: &'static [(&'static str, &'static str)],
    /// Options for the tests with real engines, against the embedded server, that end in exit codes 0, 1, 2 and 3 in turn. `{SMTP}`
    /// and its like are ports of that server; `{CA}`, `{USER}`, `{PASSWORD}`, `{WRONG}` (files) belong to it too.
    pub scenes: [&'static [(&'static str, Value)]; 4],
}

impl Check {
    /// `smtp_conn`: the name of its objects where the engine has no prefix of its own for commands.
    pub fn object(&self) -> &'static str {
        self.program.strip_prefix("check_").unwrap_or(self.program)
    }
}

/// A metric of a check, by its label in the performance data.
pub struct Metric {
    /// The label.
    pub label: &'static str,
    /// What it counts, as Zabbix writes units; empty for a plain number.
    pub unit: &'static str,
    /// A few words for an interface.
    pub title: &'static str,
}

/// A sample service: a check with options that make sense together.
pub struct Service {
    /// Its identifier.
    pub name: &'static str,
    /// What an interface shows.
    pub title: &'static str,
    /// Long names of options and their values; they are held against the clap definitions when files are generated.
    pub options: &'static [(&'static str, Value)],
}

/// The value of an option in a sample.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// The flag is given.
    Given,
    /// This text.
    Text(&'static str),
    /// The name of the host that is checked, as its certificate has it.
    HostName,
}

use Value::{Given, HostName, Text};

const fn seconds(label: &'static str, title: &'static str) -> Metric {
    Metric { label, unit: "s", title }
}

const TIME: Metric = seconds("time", "Time until ready");
const DNS: Metric = seconds("dns", "Name lookup");
const CONNECT: Metric = seconds("connect", "Connect");
const BANNER: Metric = seconds("banner", "Greeting");
const EHLO: Metric = seconds("ehlo", "EHLO");
const STARTTLS: Metric = seconds("starttls", "STARTTLS");
const TLS: Metric = seconds("tls", "TLS handshake");
const QUIT: Metric = seconds("quit", "QUIT");

/// All checks.
pub const CHECKS: [Check; 4] = [
    Check {
        program: "check_smtp_conn",
        command: check_smtp_conn::command,
        title: "SMTP connection",
        metrics: &[TIME, DNS, CONNECT, BANNER, EHLO, STARTTLS, TLS, QUIT],
        services: &[
            Service {
                name: "smtp",
                title: "SMTP",
                options: &[("warning", Text("1")), ("critical", Text("3")), ("timeout", Text("8"))],
            },
            Service {
                name: "submission",
                title: "SMTP submission",
                options: &[
                    ("port", Text("587")),
                    ("starttls", Given),
                    ("sni", HostName),
                    ("warning", Text("1")),
                    ("critical", Text("3")),
                    ("timeout", Text("8")),
                ],
            },
            Service {
                name: "smtps",
                title: "SMTP submission over TLS",
                options: &[
                    ("port", Text("465")),
                    ("tls", Given),
                    ("sni", HostName),
                    ("warning", Text("1")),
                    ("critical", Text("3")),
                    ("timeout", Text("8")),
                ],
            },
        ],
        macros: &[("port", "25"), ("warning", "1"), ("critical", "2"), ("timeout", "2.5")],
        scenes: [
            &[("port", Text("{SMTP}")), ("warning", Text("5")), ("critical", Text("8"))],
            &[("port", Text("{SLOW}")), ("warning", Text("ehlo=0.1")), ("critical", Text("ehlo=8"))],
            &[("port", Text("{CLOSED}"))],
            &[("port", Text("smtp"))],
        ],
    },
    Check {
        program: "check_smtp_cert",
        command: check_smtp_cert::command,
        title: "SMTP certificate",
        metrics: &[
            Metric { label: "days", unit: "", title: "Days until the certificate ends" },
            Metric { label: "not_after", unit: "unixtime", title: "End of the certificate" },
            Metric { label: "chain_days", unit: "", title: "Days until the chain ends" },
            TIME,
            DNS,
            CONNECT,
            BANNER,
            EHLO,
            STARTTLS,
            TLS,
            QUIT,
        ],
        services: &[Service {
            name: "smtp_certificate",
            title: "SMTP certificate",
            options: &[
                ("sni", HostName),
                ("warning", Text("30")),
                ("critical", Text("14")),
                ("timeout", Text("8")),
            ],
        }],
        macros: &[("port", "25"), ("warning", "30"), ("critical", "14"), ("timeout", "2.5")],
        scenes: [
            &[("port", Text("{SUBMISSION}")), ("ca-file", Text("{CA}"))],
            &[
                ("port", Text("{SMTPS}")),
                ("tls", Given),
                ("ca-file", Text("{CA}")),
                ("warning", Text("95%")),
                ("critical", Text("10%")),
            ],
            &[("port", Text("{UNTRUSTED}"))],
            &[("port", Text("{SMTP}")), ("min-rsa", Text("many"))],
        ],
    },
    Check {
        program: "check_smtp_auth",
        command: check_smtp_auth::command,
        title: "SMTP login",
        metrics: &[TIME, DNS, CONNECT, BANNER, EHLO, STARTTLS, TLS, seconds("auth", "Login"), QUIT],
        services: &[Service {
            name: "smtp_login",
            title: "SMTP login",
            options: &[
                ("sni", HostName),
                ("user", Text("probe@example.org")),
                ("password-file", Text("/etc/smtp-monitoring-plugins/probe.secret")),
                ("warning", Text("2")),
                ("critical", Text("5")),
                ("timeout", Text("8")),
            ],
        }],
        macros: &[
            ("port", "587"),
            ("user", "probe@example.org"),
            ("password-file", "/etc/zabbix/smtp-probe.secret"),
            ("warning", "1"),
            ("critical", "2"),
            ("timeout", "2.5"),
        ],
        scenes: [
            &[
                ("port", Text("{SUBMISSION}")),
                ("ca-file", Text("{CA}")),
                ("user", Text("{USER}")),
                ("password-file", Text("{PASSWORD}")),
            ],
            &[
                ("port", Text("{SUBMISSION}")),
                ("ca-file", Text("{CA}")),
                ("user", Text("{USER}")),
                ("password-file", Text("{PASSWORD}")),
                ("warning", Text("0.000001")),
                ("critical", Text("8")),
            ],
            &[
                ("port", Text("{SUBMISSION}")),
                ("ca-file", Text("{CA}")),
                ("user", Text("{USER}")),
                ("password-file", Text("{WRONG}")),
            ],
            &[
                ("port", Text("{SUBMISSION}")),
                ("ca-file", Text("{CA}")),
                ("user", Text("{USER}")),
                ("password-file", Text("/nonexistent/password")),
            ],
        ],
    },
    Check {
        program: "check_smtp_delivery",
        command: check_smtp_delivery::command,
        title: "SMTP delivery",
        metrics: &[
            TIME,
            seconds("sent", "Time until the message is accepted"),
            DNS,
            CONNECT,
            BANNER,
            EHLO,
            STARTTLS,
            TLS,
            seconds("auth", "Login"),
            seconds("mail", "MAIL FROM"),
            seconds("rcpt", "RCPT TO"),
            seconds("data", "DATA"),
            seconds("body", "Message"),
            QUIT,
            seconds("arrived", "Time until the message has arrived"),
            Metric { label: "pending", unit: "", title: "Messages not yet arrived" },
            Metric { label: "uncertain", unit: "", title: "Messages whose fate is unknown" },
            Metric { label: "lost", unit: "", title: "Messages lost" },
            Metric { label: "score", unit: "", title: "Spam score" },
        ],
        services: &[
            Service {
                name: "smtp_delivery",
                title: "SMTP delivery",
                options: &[
                    ("sni", HostName),
                    ("from", Text("probe@example.org")),
                    ("to", Text("sink@example.org")),
                    ("user", Text("probe@example.org")),
                    ("password-file", Text("/etc/smtp-monitoring-plugins/probe.secret")),
                    ("warning", Text("2")),
                    ("critical", Text("5")),
                    ("timeout", Text("8")),
                ],
            },
            Service {
                name: "smtp_arrival",
                title: "SMTP arrival",
                options: &[
                    ("sni", HostName),
                    ("from", Text("probe@example.org")),
                    ("to", Text("sink@example.org")),
                    ("user", Text("probe@example.org")),
                    ("password-file", Text("/etc/smtp-monitoring-plugins/probe.secret")),
                    ("receive", Text("imaps://sink@mail.example.org")),
                    ("receive-password-file", Text("/etc/smtp-monitoring-plugins/sink.secret")),
                    ("async", Given),
                    ("timeout", Text("8")),
                ],
            },
        ],
        macros: &[
            ("port", "587"),
            ("from", "probe@example.org"),
            ("to", "sink@example.org"),
            ("user", "probe@example.org"),
            ("password-file", "/etc/zabbix/smtp-probe.secret"),
            ("warning", "1"),
            ("critical", "2"),
            ("timeout", "2.5"),
        ],
        scenes: [
            &[
                ("port", Text("{SUBMISSION}")),
                ("ca-file", Text("{CA}")),
                ("from", Text("{USER}")),
                ("to", Text("sink@example.org")),
                ("user", Text("{USER}")),
                ("password-file", Text("{PASSWORD}")),
            ],
            &[
                ("port", Text("{SUBMISSION}")),
                ("ca-file", Text("{CA}")),
                ("from", Text("{USER}")),
                ("to", Text("sink@example.org")),
                ("user", Text("{USER}")),
                ("password-file", Text("{PASSWORD}")),
                ("warning", Text("sent=0.000001")),
                ("critical", Text("sent=8")),
            ],
            &[
                ("port", Text("{CLOSED}")),
                ("from", Text("{USER}")),
                ("to", Text("sink@example.org")),
                ("user", Text("{USER}")),
                ("password-file", Text("{PASSWORD}")),
            ],
            &[
                ("port", Text("{SMTP}")),
                ("from", Text("{USER}")),
                ("to", Text("sink@example.org")),
                ("size", Text("many")),
            ],
        ],
    },
];
