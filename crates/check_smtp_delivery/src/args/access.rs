//! Who logs in at the mailbox, by what, and with which secret.

use check_smtp_core::cli;
use check_smtp_core::plugin::UsageError;
use check_smtp_core::secret;
use check_smtp_core::smtp::sasl::{Mechanism, Needs};

use super::LoginPlan;
use crate::mailbox::Source;

/// The flag, as errors name it.
const MECHANISM: &str = "--receive-mechanism";

/// Who logs in at the mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nobody.
    Open,
    /// Somebody.
    Login(MailboxLogin),
}

/// A login at the mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxLogin {
    /// The user; `None`: the sender's.
    pub user: Option<String>,
    /// Where the secret comes from; `None`: it is the sender's.
    pub secret: Option<secret::Source>,
    /// Whether it is a password or a token.
    pub kind: Needs,
    /// The mechanisms to take, in this order; none: the strongest that fits.
    pub mechanisms: Vec<Mechanism>,
}

/// What was typed of it.
#[derive(Clone, Debug, Default)]
pub struct TypedLogin {
    /// `--receive-user`.
    pub user: Option<String>,
    /// `--receive-password-...`.
    pub secret: Option<secret::Source>,
    /// `--receive-mechanism`.
    pub mechanisms: Vec<Mechanism>,
}

impl TypedLogin {
    /// Who logs in. The sender's secret goes to a mail server alone, and only where the admin has given it no other.
    pub fn access(self, source: &Source, sender: Option<&LoginPlan>) -> Result<Access, UsageError> {
        let in_url = match source {
            Source::Imap(server) | Source::Pop3(server) => server.user.clone(),
            Source::Http(_, site) => site.user.clone(),
            Source::Maildir(_) => None,
        };
        if self.user.is_some() && in_url.is_some() {
            return Err(UsageError::new(
                "--receive-user and a user in the URL of --receive: give one of them",
            ));
        }
        let typed = Self { user: self.user.or(in_url), ..self };
        match source {
            Source::Maildir(_) if typed.user.is_some() || typed.secret.is_some() => Err(UsageError::new(
                "--receive-user and --receive-password-... have no meaning for a Maildir: leave them out",
            )),
            Source::Maildir(_) => Ok(Access::Open),
            Source::Http(..) => match (typed.user, typed.secret) {
                (None, None) => Ok(Access::Open),
                (user @ Some(_), secret @ Some(_)) => Ok(Access::Login(MailboxLogin {
                    user,
                    secret,
                    kind: Needs::Password,
                    mechanisms: Vec::new(),
                })),
                _ => Err(UsageError::new(
                    "an HTTP API is asked with a user and a password, or with neither: give --receive-user and --receive-password-file",
                )),
            },
            Source::Imap(_) | Source::Pop3(_) => typed.login(sender).map(Access::Login),
        }
    }

    /// A login by SASL. What the mechanisms need and what the secret is must agree.
    fn login(self, sender: Option<&LoginPlan>) -> Result<MailboxLogin, UsageError> {
        let wanted = cli::agreed_kind(MECHANISM, &self.mechanisms)?;
        if wanted == Some(Needs::Certificate) {
            return Err(UsageError::new(format!(
                "{MECHANISM} EXTERNAL logs in by certificate, and the mailbox is shown none: give mechanisms that take a password or a token"
            )));
        }
        let lent = sender.map(|plan| plan.account.kind).filter(|kind| *kind != Needs::Certificate);
        if lent.is_none() && (self.user.is_none() || self.secret.is_none()) {
            let missing = if self.user.is_none() { "--receive-user" } else { "--receive-password-file" };
            return Err(UsageError::new(format!(
                "the mailbox wants a login, and there is none of the sender to take: give {missing}"
            )));
        }
        let kind = match (&self.secret, lent, wanted) {
            (None, Some(lent), Some(wanted)) if lent != wanted => return Err(other_kind(wanted, lent)),
            (None, Some(lent), _) => lent,
            // Without a word on it a secret of its own is a password.
            (_, _, wanted) => wanted.unwrap_or(Needs::Password),
        };
        Ok(MailboxLogin { user: self.user, secret: self.secret, kind, mechanisms: self.mechanisms })
    }
}

fn other_kind(wanted: Needs, lent: Needs) -> UsageError {
    let name = |kind| if kind == Needs::Token { "token" } else { "password" };
    let (wanted, lent) = (name(wanted), name(lent));
    UsageError::new(format!(
        "{MECHANISM} takes a {wanted}, and the sender's secret is a {lent}: give the {wanted} with --receive-password-env, --receive-password-file or --receive-password-command"
    ))
}

#[cfg(test)]
mod tests {
    use check_smtp_core::smtp::sasl::Needs;
    use clap::Parser as _;

    use super::{Access, MailboxLogin};
    use crate::args::Args;

    const OWN: &str = "--receive imaps://sink@mail.example.org --receive-password-env SECRET";
    const SENDERS: &str = "-U probe@example.org --receive imaps://sink@mail.example.org";

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn login(more: &str) -> Result<MailboxLogin, String> {
        let line = format!("x -H mail.example.org -f a@example.org --to b@example.org {more}");
        let args = Line::try_parse_from(line.split_whitespace()).map_err(|error| error.to_string())?.args;
        match args.config().map_err(|error| error.to_string())?.receive.unwrap().access {
            Access::Login(login) => Ok(login),
            Access::Open => Err("nobody".to_owned()),
        }
    }

    #[test]
    fn what_the_secret_is() {
        for (more, kind, has_own, names) in [
            (OWN.to_owned(), Needs::Password, true, vec![]),
            (
                format!("{OWN} --receive-mechanism scram-sha-256,PLAIN"),
                Needs::Password,
                true,
                vec!["SCRAM-SHA-256", "PLAIN"],
            ),
            (
                format!("{OWN} --receive-mechanism XOAUTH2,OAUTHBEARER"),
                Needs::Token,
                true,
                vec!["XOAUTH2", "OAUTHBEARER"],
            ),
            (format!("{SENDERS} --password-env S"), Needs::Password, false, vec![]),
            (format!("{SENDERS} --token-env S"), Needs::Token, false, vec![]),
            (
                format!("{SENDERS} --token-env S --receive-mechanism OAUTHBEARER"),
                Needs::Token,
                false,
                vec!["OAUTHBEARER"],
            ),
            // A token of the sender, and a password of the mailbox's own.
            (
                format!("{SENDERS} --token-env S --receive-password-env P --receive-mechanism LOGIN"),
                Needs::Password,
                true,
                vec!["LOGIN"],
            ),
            // And the other way round.
            (
                format!("{SENDERS} --password-env S --receive-password-env T --receive-mechanism XOAUTH2"),
                Needs::Token,
                true,
                vec!["XOAUTH2"],
            ),
        ] {
            let login = login(&more).unwrap();
            let found: Vec<&str> = login.mechanisms.iter().map(|mechanism| mechanism.name()).collect();
            assert_eq!((login.kind, login.secret.is_some(), found), (kind, has_own, names), "{more}");
        }
    }

    #[test]
    fn what_does_not_agree() {
        for (more, told) in [
            (
                format!("{OWN} --receive-mechanism PLAIN,XOAUTH2"),
                "--receive-mechanism: PLAIN and XOAUTH2 take different kinds of secret, give mechanisms of one kind",
            ),
            (
                format!("{OWN} --receive-mechanism EXTERNAL"),
                "--receive-mechanism EXTERNAL logs in by certificate, and the mailbox is shown none: give mechanisms that take a password or a token",
            ),
            (
                format!("{SENDERS} --password-env S --receive-mechanism XOAUTH2"),
                "--receive-mechanism takes a token, and the sender's secret is a password: give the token with --receive-password-env, --receive-password-file or --receive-password-command",
            ),
            (
                format!("{SENDERS} --token-env S --receive-mechanism PLAIN"),
                "--receive-mechanism takes a password, and the sender's secret is a token: give the password with --receive-password-env, --receive-password-file or --receive-password-command",
            ),
            (
                "--receive maildir:/var/mail/sink --receive-mechanism PLAIN".to_owned(),
                "--receive-mechanism has no meaning for a Maildir: leave it out",
            ),
            (
                "--receive mailpit+http://127.0.0.1 --receive-mechanism PLAIN".to_owned(),
                "--receive-mechanism has no meaning for an HTTP API: leave it out",
            ),
            (
                "--receive-mechanism PLAIN".to_owned(),
                "--receive-mechanism without --receive would do nothing: name the mailbox with --receive, or leave it out",
            ),
        ] {
            assert_eq!(login(&more).unwrap_err(), told, "{more}");
        }
    }
}
