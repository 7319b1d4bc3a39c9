//! What one run leaves and the next one finds: with a real Postfix, which holds, defers, throws away and returns, a real Postgrey before
//! it and a real Dovecot behind it, by the whole command, among messages of others.
//!
//! Where a server is missing, or without root, the tests are skipped and say so; in CI that is a failure.

#![expect(
    clippy::disallowed_methods,
    reason = "a test starts programs, and a way to Postfix that is cut connects to it"
)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use check_smtp_testbed::real::{Dovecot, Postfix, Postgrey, Service, Users};
use check_smtp_testbed::{Result, TempDir};
use libtest_mimic::{Arguments, Failed, Trial};

#[path = "tracking/arriving.rs"]
mod arriving;
#[path = "tracking/bounced.rs"]
mod bounced;
#[path = "stand/crowd.rs"]
mod crowd;
#[path = "stand/cutting.rs"]
mod cutting;
#[path = "tracking/faults.rs"]
mod faults;
#[path = "tracking/greylisted.rs"]
mod greylisted;
#[path = "tracking/held.rs"]
mod held;
#[path = "tracking/killed.rs"]
mod killed;
#[path = "tracking/lost.rs"]
mod lost;
#[path = "tracking/route.rs"]
mod route;
#[path = "tracking/uncertain.rs"]
mod uncertain;
#[path = "tracking/unseen.rs"]
mod unseen;

const PASSWORD: &str = "correct-horse";

type Outcome = std::result::Result<(), Failed>;

/// What happens on a route from one run to the next.
struct Scene {
    name: &'static str,
    /// Whose mailboxes it needs; those whose name begins with `junk` get their mail in the junk folder.
    users: &'static [&'static str],
    play: fn(&World) -> Outcome,
}

/// All of them.
const SCENES: [&[Scene]; 8] = [
    &arriving::SCENES,
    &held::SCENES,
    &lost::SCENES,
    &bounced::SCENES,
    &greylisted::SCENES,
    &faults::SCENES,
    &uncertain::SCENES,
    &unseen::SCENES,
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if let Some(reason) = missing().filter(|_| !check_smtp_testbed::is_ci()) {
        let skipped = Trial::test(format!("tracking (skipped: {reason})"), || Ok(())).with_ignored_flag(true);
        return libtest_mimic::run(&arguments, vec![skipped]).exit_code();
    }
    // Dropped, and so stopped, before the exit code is given back.
    let world = World::start().map(Arc::new).map_err(|error| error.to_string());
    let trials = scenes().map(|scene| {
        let world = world.clone();
        Trial::test(scene.name, move || (scene.play)(world?.as_ref()))
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    drop(world);
    conclusion.exit_code()
}

fn scenes() -> impl Iterator<Item = &'static Scene> {
    SCENES.into_iter().flatten().chain(&killed::SCENES)
}

fn missing() -> Option<&'static str> {
    if !check_smtp_testbed::is_root() {
        return Some("needs root to start Postfix");
    }
    let servers = [
        (Postfix::is_installed(), "Postfix is not installed"),
        (Dovecot::is_installed() && Dovecot::has_mailboxes(), "Dovecot with IMAP and POP3 is not installed"),
        (Postgrey::is_installed(), "Postgrey is not installed"),
    ];
    servers.into_iter().find(|(is_there, _)| !is_there).map(|(_, reason)| reason)
}

/// All servers of the tests.
struct World {
    postfix: Postfix,
    dovecot: Dovecot,
    _postgrey: Postgrey,
    _files: TempDir,
    ca: String,
    /// Of a way to Postfix that is cut when it has taken a message.
    cutting: u16,
}

impl World {
    fn start() -> Result<Self> {
        let settings = "auth_mechanisms = plain login\nmail_max_userip_connections = 100\n";
        let dovecot = Dovecot::start_with_mailboxes(Users::WithPassword(PASSWORD), settings)?;
        let crowd = crowd::Crowd::new()?;
        for user in scenes().flat_map(|scene| scene.users) {
            let maildir = dovecot.maildir(user);
            crowd.fill(&maildir)?;
            if user.starts_with("junk") {
                crowd.fill(&maildir.join(".Spam and more"))?;
            }
        }
        let postgrey = Postgrey::start(1)?;
        let postfix = Postfix::start_configured(&services(&postgrey), &deliveries(&dovecot.maildir(""))?)?;
        let files = TempDir::new()?;
        let ca = files.path().join("ca.pem");
        std::fs::write(&ca, check_smtp_testbed::factory::Factory::shared()?.ca_pem()?)?;
        let cutting = cutting::cutting(postfix.port("smtp")?)?;
        Ok(Self {
            cutting,
            postfix,
            dovecot,
            _postgrey: postgrey,
            ca: ca.display().to_string(),
            _files: files,
        })
    }
}

/// `smtp` delivers, `holding` keeps all mail until it is released, `greylisting` has Postgrey before it. Mail for example.com goes to
/// that one by a client of Postfix.
fn services(postgrey: &Postgrey) -> [Service; 5] {
    [
        Service::new("smtp", ["smtpd_tls_security_level=may"]),
        Service::new("holding", ["smtpd_client_restrictions=check_client_access,static:HOLD"]),
        Service::new(
            "greylisting",
            [
                format!("smtpd_recipient_restrictions=check_policy_service,{}", postgrey.service()),
                // Else Postfix takes it for itself, which would be a loop.
                "myhostname=grey.example.net".to_owned(),
                "cleanup_service_name=arrived".to_owned(),
            ],
        ),
        // What came by the second host is delivered.
        Service::behind(
            "arrived",
            "unix n - n - 0 cleanup",
            ["virtual_alias_maps=inline:{{relayed@example.com=relayed@example.net}}"],
        ),
        Service::behind(
            "smtp",
            "unix - - n - - smtp",
            ["smtp_bind_address=127.0.0.1", "smtp_dns_support_level=disabled"],
        ),
    ]
}

/// Where Postfix puts the mail of example.net: into the Maildirs that Dovecot serves. Mail of example.org is thrown away, any other
/// returned.
fn deliveries(base: &Path) -> Result<String> {
    let (user, group) = Dovecot::owner()?;
    let mut maps = String::new();
    for name in scenes().flat_map(|scene| scene.users) {
        let folder = if name.starts_with("junk") { ".Spam and more/" } else { "" };
        let _ = write!(maps, " {{ {name}@example.net = {name}/{folder} }}");
    }
    maps.push_str(" { one@example.net = twice/ } { two@example.net = twice/ }");
    Ok(format!(
        "virtual_mailbox_domains = example.net\nvirtual_mailbox_base = {}\nvirtual_mailbox_maps = inline:{{{maps} }}\n\
         virtual_alias_maps = inline:{{ {{ twice@example.net = one@example.net, two@example.net }} }}\n\
         virtual_uid_maps = static:{user}\nvirtual_gid_maps = static:{group}\nvirtual_minimum_uid = 1\n\
         smtpd_reject_unlisted_recipient = no\ndefault_transport = error:5.1.2 nowhere\n\
         relay_transport = error:5.1.2 nowhere\ntransport_maps = inline:{{ {{ example.com = smtp:[127.0.0.1]:PORT(greylisting) }} }}\n",
        base.display()
    ))
}
