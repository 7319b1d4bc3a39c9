//! From whom, for whom, and how far.

use check_smtp_core::cli::Given;
use check_smtp_core::plugin::UsageError;
use check_smtp_core::session::StopAfter;
use check_smtp_core::smtp::{Mailbox, Notify};

use crate::tracker::Instance;

/// Recipients of one message; RFC 5321 section 4.5.3.1.8 makes servers take so many.
const RECIPIENT_LIMIT: usize = 100;

/// `--from`, `--to`, `--verp`, `--dsn`, `--chunking`, `--stop-after`, `--instance`.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Envelope")]
pub struct EnvelopeArgs {
    /// Sender of the message (<> for the null sender)
    #[arg(short, long, value_name = "ADDRESS", value_parser = mailbox)]
    from: Option<Mailbox>,
    /// Recipient; repeatable, each has a result of its own
    #[arg(long, value_name = "ADDRESS", value_parser = recipient)]
    to: Vec<Mailbox>,
    /// Put the token behind the sender's user in the envelope (user+TOKEN@...), so that each bounce names its probe
    #[arg(long, num_args = 0, default_missing_value = "")]
    verp: Option<Given>,
    /// Ask for delivery status notifications where the server offers DSN: success, failure, delay, or never [default of the value: success,failure,delay]
    #[arg(long, value_name = "LIST", num_args = 0..=1, require_equals = true, default_missing_value = "success,failure,delay", value_delimiter = ',', value_parser = notify)]
    dsn: Vec<Notify>,
    /// Send the message by BDAT instead of DATA (RFC 3030)
    #[arg(long, num_args = 0, default_missing_value = "")]
    chunking: Option<Given>,
    /// Send no message: stop after MAIL FROM (mail), RCPT TO (rcpt) or DATA (data, the connection is then closed)
    #[arg(long, value_name = "STEP", value_parser = stop_after)]
    stop_after: Option<StopAfter>,
    /// Name of this host's monitoring of this route, in each probe [default: made of host, sender, recipients, server, mailbox, and whether it waits]
    #[arg(long, value_name = "NAME", value_parser = instance)]
    instance: Option<Instance>,
}

/// What is known to be sound.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// The sender.
    pub from: Mailbox,
    /// The recipients, one at least.
    pub to: Vec<Mailbox>,
    /// Whether the token goes into the sender.
    pub has_verp: bool,
    /// Notifications asked for.
    pub notify: Option<Vec<Notify>>,
    /// By BDAT.
    pub is_chunked: bool,
    /// How far.
    pub stop_after: Option<StopAfter>,
    /// The name of this monitoring, where it was given.
    pub instance: Option<Instance>,
}

impl EnvelopeArgs {
    /// Checks what belongs together.
    pub fn sound(self) -> Result<Envelope, UsageError> {
        let from = self.from.ok_or_else(|| {
            UsageError::new("-f/--from is missing: give the sender, such as probe@example.org, or <>")
        })?;
        if self.to.is_empty() {
            return Err(UsageError::new("--to is missing: give the recipient, such as sink@example.org"));
        }
        if self.to.len() > RECIPIENT_LIMIT {
            return Err(UsageError::new(format!("more than {RECIPIENT_LIMIT} recipients: give fewer --to")));
        }
        let mut seen: Vec<&Mailbox> = Vec::new();
        for to in &self.to {
            if seen.contains(&to) {
                return Err(UsageError::value("--to", to.address(), "is given twice, leave one of them out"));
            }
            seen.push(to);
        }
        if self.verp.is_some() && from.with_detail("x").is_none() {
            return Err(UsageError::new(
                "--verp needs a sender with a plain user, such as probe@example.org",
            ));
        }
        if self.dsn.contains(&Notify::Never) && self.dsn.len() > 1 {
            return Err(UsageError::new("--dsn: 'never' stands alone"));
        }
        if self.chunking.is_some() && self.stop_after == Some(StopAfter::Data) {
            return Err(UsageError::new("--stop-after data with --chunking: there is no DATA, give rcpt"));
        }
        Ok(Envelope {
            from,
            to: self.to,
            has_verp: self.verp.is_some(),
            notify: Some(self.dsn).filter(|notify| !notify.is_empty()),
            is_chunked: self.chunking.is_some(),
            stop_after: self.stop_after,
            instance: self.instance,
        })
    }
}

impl Envelope {
    /// The one domain of all recipients, for `--mx`.
    pub fn domain(&self) -> Result<String, UsageError> {
        let mut domains = self.to.iter().map(|to| to.domain().trim_end_matches('.').to_ascii_lowercase());
        let first = domains.next().unwrap_or_default();
        if let Some(other) = domains.find(|other| *other != first) {
            return Err(UsageError::new(format!(
                "--mx with recipients of {first} and {other}: give recipients of one domain, and another run for the others"
            )));
        }
        if first.starts_with('[') {
            return Err(UsageError::new(
                "--mx needs a recipient with a domain: an address has no MX records",
            ));
        }
        Ok(first)
    }
}

fn mailbox(text: &str) -> Result<Mailbox, String> {
    let mailbox: Mailbox = text.parse()?;
    if crate::message::is_writable(&mailbox) {
        Ok(mailbox)
    } else {
        Err("cannot stand in the header of a message: give an address such as probe@example.org".to_owned())
    }
}

fn recipient(text: &str) -> Result<Mailbox, String> {
    if text == "<>" {
        return Err("give a recipient such as sink@example.org: the null path is for senders".to_owned());
    }
    mailbox(text)
}

fn notify(text: &str) -> Result<Notify, String> {
    match text {
        "success" => Ok(Notify::Success),
        "failure" => Ok(Notify::Failure),
        "delay" => Ok(Notify::Delay),
        "never" => Ok(Notify::Never),
        _ => Err("give success, failure, delay or never".to_owned()),
    }
}

fn stop_after(text: &str) -> Result<StopAfter, String> {
    match text {
        "mail" => Ok(StopAfter::Mail),
        "rcpt" => Ok(StopAfter::Rcpt),
        "data" => Ok(StopAfter::Data),
        _ => Err("give mail, rcpt or data".to_owned()),
    }
}

fn instance(text: &str) -> Result<Instance, String> {
    text.parse().map_err(str::to_owned)
}
