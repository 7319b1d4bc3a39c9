//! Asks the server. Decides nothing: whatever happens is a fact.

use std::net::SocketAddr;

use check_smtp_core::cli::{Account, TlsMode};
use check_smtp_core::contact::{Contact, Way, login, token};
use check_smtp_core::error::{Cause, Failure};
use check_smtp_core::net::Deadline;
use check_smtp_core::secret::{self, Secret};
use check_smtp_core::session::{Channel, Login, Record, Session, Stopped};
use check_smtp_core::smtp::sasl::{Credentials, Mechanism, Needs};
use check_smtp_core::smtp::{Command, Mailbox, Reply};
use check_smtp_core::timeline::{Phase, Timeline};

use crate::args::{Config, Test};
use crate::facts::{Attempt, Door, Facts, Visit};

/// Addresses of mail that must be refused; reserved, they reach nobody (RFC 2606).
const STRANGERS: [&str; 2] = ["probe@example.net", "probe@example.com"];

/// Logs in, then makes the tests of the other side of the door, each with a session of its own.
pub fn probe(config: &Config, deadline: Deadline) -> Facts {
    let mut lookup = Timeline::default();
    let mut attempt = Attempt::default();
    let ready = prepare(config, &mut lookup, &mut attempt, deadline);
    let (credentials, addresses) = match ready {
        Ok(ready) => ready,
        Err(failure) => {
            let contact = Contact::none(config.target.port, lookup, failure, deadline);
            return Facts { visit: Some(Visit { contact, attempt }), doors: Vec::new() };
        }
    };
    let visit =
        credentials.map(|credentials| visit(config, &addresses, &lookup, credentials, attempt, deadline));
    let doors = config.tests.iter().map(|test| door(config, test, &addresses, deadline)).collect();
    Facts { visit, doors }
}

type Ready = (Option<Credentials>, Vec<SocketAddr>);

/// User, secret and addresses: all that is needed before the server is asked.
fn prepare(
    config: &Config,
    lookup: &mut Timeline,
    attempt: &mut Attempt,
    deadline: Deadline,
) -> Result<Ready, Failure> {
    let account = config.account.as_ref();
    let credentials =
        account.map(|account| credentials(config, account, lookup, attempt, deadline)).transpose()?;
    let addresses = way(config).find(deadline, lookup).map_err(|cause| Failure::new(Phase::Dns, cause))?;
    Ok((credentials, addresses))
}

fn way(config: &Config) -> Way<'_> {
    Way {
        target: &config.target,
        mode: config.mode,
        tls: &config.tls,
        keeps_dialogue: config.style.verbosity >= 3,
    }
}

fn credentials(
    config: &Config,
    account: &Account,
    timeline: &mut Timeline,
    attempt: &mut Attempt,
    deadline: Deadline,
) -> Result<Credentials, Failure> {
    let local = |words| Failure::new(Phase::Auth, Cause::Local(words));
    attempt.user = account.user(deadline).map_err(local)?;
    let secret = match &config.token {
        None => account.secret(deadline).map_err(local)?,
        Some(request) => {
            let (secret, origin) = token::get(request, config.state_dir.as_deref(), timeline, deadline)?;
            attempt.token = Some(origin);
            secret
        }
    };
    Ok(Credentials { user: attempt.user.clone(), authorization: account.authorization.clone(), secret })
}

fn visit(
    config: &Config,
    addresses: &[SocketAddr],
    lookup: &Timeline,
    credentials: Credentials,
    mut attempt: Attempt,
    deadline: Deadline,
) -> Visit {
    let kind = config.account.as_ref().map_or(Needs::Password, |account| account.kind);
    let contact = way(config).contact(config.target.port, addresses, lookup, deadline, |session, record| {
        let mut session =
            login::log_in(session, record, credentials, kind, &config.mechanisms, &mut attempt.login)?;
        match envelope(config, &mut session, record, &mut attempt) {
            Ok(()) => Ok(session.leave()),
            Err(failure) => Err(Stopped { failure, channel: None }),
        }
    });
    if let Some(request) = config.token.as_ref().filter(|_| login::was_refused(attempt.login.as_ref())) {
        token::forget(request, config.state_dir.as_deref(), deadline);
    }
    Visit { contact, attempt }
}

/// MAIL FROM and RCPT TO, taken back by RSET; an answer of any code is a fact.
fn envelope(
    config: &Config,
    session: &mut Session,
    record: &mut Record,
    attempt: &mut Attempt,
) -> Result<(), Failure> {
    let Some(from) = &config.mail_from else { return Ok(()) };
    let mail = session.ask(Phase::Mail, &Command::Mail(from.clone()), record)?;
    let was_taken = mail.is_positive();
    attempt.mail = Some(mail);
    if let Some(to) = config.then_rcpt.as_ref().filter(|_| was_taken) {
        attempt.rcpt = Some(session.ask(Phase::Rcpt, &Command::Rcpt(to.clone()), record)?);
    }
    if was_taken {
        session.ask(Phase::Mail, &Command::Reset, record)?;
    }
    Ok(())
}

fn door(config: &Config, test: &Test, addresses: &[SocketAddr], deadline: Deadline) -> Door {
    let (mut answer, mut login) = (None, None);
    let mode = if *test == Test::LoginWithoutTls { TlsMode::None } else { config.mode };
    let way = Way { mode, ..way(config) };
    let contact =
        way.contact(config.target.port, addresses, &Timeline::default(), deadline, |session, record| {
            match test {
                Test::MailWithoutLogin => knock(session, |session| {
                    answer = Some(mail_as_stranger(config, session, record)?);
                    Ok(())
                }),
                Test::LoginWithoutTls => knock(session, |session| {
                    answer = Some((Phase::Auth, session.knock_with(Mechanism::Plain, record)?));
                    Ok(())
                }),
                Test::WrongPassword(user) => {
                    wrong_password(config, session, record, user.as_deref(), &mut login)
                }
            }
        });
    Door { test: test.clone(), contact, answer, login }
}

fn knock(
    mut session: Session,
    ask: impl FnOnce(&mut Session) -> Result<(), Failure>,
) -> Result<Channel, Stopped> {
    match ask(&mut session) {
        Ok(()) => Ok(session.leave()),
        Err(failure) => Err(Stopped { failure, channel: None }),
    }
}

/// The reply that refuses, or the one to RCPT TO.
fn mail_as_stranger(
    config: &Config,
    session: &mut Session,
    record: &mut Record,
) -> Result<(Phase, Reply), Failure> {
    let [from, to] = STRANGERS.map(|text| text.parse::<Mailbox>().ok());
    let from = config.mail_from.clone().or(from);
    let to = config.then_rcpt.clone().or(to);
    let (Some(from), Some(to)) = (from, to) else {
        return Err(Failure::new(Phase::Mail, Cause::Local("no address to ask with".to_owned())));
    };
    let mail = session.ask(Phase::Mail, &Command::Mail(from), record)?;
    if !mail.is_positive() {
        return Ok((Phase::Mail, mail));
    }
    Ok((Phase::Rcpt, session.ask(Phase::Rcpt, &Command::Rcpt(to), record)?))
}

fn wrong_password(
    config: &Config,
    session: Session,
    record: &mut Record,
    user: Option<&str>,
    attempt: &mut Option<Login>,
) -> Result<Channel, Stopped> {
    let random = secret::nonce().and_then(|password| Ok((password, secret::nonce()?)));
    let (password, name) = match random {
        Ok(random) => random,
        Err(words) => return Err(session.stop(Phase::Auth, Cause::Local(words), record)),
    };
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
    let user = user.map_or_else(|| format!("probe-{letters}"), str::to_owned);
    let credentials = Credentials { user, authorization: None, secret: Secret::new(password) };
    // The mechanisms of the configuration may take tokens; this test is about passwords.
    let passwords =
        config.mechanisms.iter().copied().filter(|mechanism| mechanism.needs() == Needs::Password);
    let mechanisms: Vec<_> = passwords.collect();
    login::log_in(session, record, credentials, Needs::Password, &mechanisms, attempt).map(Session::leave)
}
