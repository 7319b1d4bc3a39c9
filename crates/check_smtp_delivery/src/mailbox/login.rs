//! Logging in by SASL, the same for IMAP (RFC 9051 section 6.2.2) and POP3 (RFC 5034).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use check_smtp_core::error::Cause as Common;
use check_smtp_core::net::clock;
use check_smtp_core::secret::{self, Secret};
use check_smtp_core::smtp::sasl::{
    self, Binding, CHALLENGES_LIMIT, Credentials, Exchange, Mechanism, Needs, SaslFault,
};

use super::connection::Connection;
use super::failure::{Cause, Failure, Step};

/// Who looks into the mailbox.
#[derive(Clone)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The password or the token.
    pub secret: Secret,
    /// Which of them it is.
    pub kind: Needs,
    /// The mechanisms to take, in this order; none: the strongest that fits.
    pub mechanisms: Vec<Mechanism>,
}

/// Shows who, and never with what.
impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Login({}, {:?}, {:?})", self.user, self.kind, self.mechanisms)
    }
}

/// An answer in the course of a login.
#[derive(Debug)]
pub enum Answer {
    /// A challenge, as it stands behind the `+`.
    Challenge(Vec<u8>),
    /// The server lets us in.
    Accepted,
    /// It does not, in its words, cleaned.
    Refused(String),
}

/// A protocol that carries SASL.
pub trait Carrier {
    /// The connection below.
    fn connection(&mut self) -> &mut Connection;
    /// Begins a login; `initial` is Base64.
    fn begin(&mut self, mechanism: Mechanism, initial: Option<&str>) -> Result<Answer, Failure>;
    /// Sends a line of it.
    fn answer(&mut self, line: &str) -> Result<Answer, Failure>;
}

/// The mechanism to take; `None`: none of those offered will do.
pub fn choose(login: &Login, offered: &[String], can_bind: bool) -> Option<Mechanism> {
    sasl::choose(offered, &login.mechanisms, login.kind, can_bind)
}

/// Logs in by a mechanism. `takes_initial`: whether the first word may go with the command, and how long it may be.
pub fn log_in(
    carrier: &mut impl Carrier,
    login: &Login,
    mechanism: Mechanism,
    offered: &[String],
    takes_initial: Option<usize>,
) -> Result<(), Failure> {
    let failed = |cause: Common| Failure::new(Step::Login, cause);
    let mut exchange = exchange(carrier.connection(), login, mechanism, offered).map_err(failed)?;
    carrier.connection().hide(login.secret.expose());
    let initial = exchange.initial().map(|bytes| encoded(&bytes));
    if let Some(initial) = &initial {
        carrier.connection().hide_verbatim(initial);
    }
    let (now, mut held) = match initial {
        Some(initial) if takes_initial.is_some_and(|limit| initial.len() <= limit) => (Some(initial), None),
        later => (None, later),
    };
    let mut answer = carrier.begin(mechanism, now.as_deref())?;
    for _ in 0..=CHALLENGES_LIMIT {
        let challenge = match answer {
            Answer::Challenge(challenge) => challenge,
            Answer::Accepted if held.is_some() => return Err(failed(Common::Sasl(SaslFault::NothingAsked))),
            Answer::Accepted => return exchange.holds().map_err(|fault| failed(Common::Sasl(fault))),
            Answer::Refused(words) => return Err(refused(carrier.connection(), &exchange, &words)),
        };
        let next = match held.take() {
            // Outside the initial response no bytes are an empty line.
            Some(initial) => Ok(if initial == "=" { String::new() } else { initial }),
            None => reply(carrier.connection(), &mut exchange, &challenge)?,
        };
        match next {
            Ok(line) => {
                carrier.connection().hide_verbatim(&line);
                answer = carrier.answer(&line)?;
            }
            Err(fault) => {
                carrier.answer("*")?;
                return Err(failed(Common::Sasl(fault)));
            }
        }
    }
    Err(failed(Common::Sasl(SaslFault::TooManyChallenges)))
}

fn exchange(
    connection: &Connection,
    login: &Login,
    mechanism: Mechanism,
    offered: &[String],
) -> Result<Exchange, Common> {
    let bound = mechanism.bound().map(Mechanism::name).unwrap_or_default();
    let binding = match connection.binding() {
        Some((name, bytes)) if mechanism.is_bound() => Binding::Bound(name, bytes),
        Some(_) if offered.iter().all(|name| name != bound) => Binding::NotOffered,
        _ => Binding::Unavailable,
    };
    let nonce = secret::nonce().map_err(Common::Local)?;
    let credentials =
        Credentials { user: login.user.clone(), authorization: None, secret: login.secret.clone() };
    Exchange::new(mechanism, credentials, &nonce, binding).map_err(Common::Sasl)
}

/// The answer in Base64. SCRAM's key derivation runs where the deadline holds.
fn reply(
    connection: &Connection,
    exchange: &mut Exchange,
    challenge: &[u8],
) -> Result<Result<String, SaslFault>, Failure> {
    let challenge = match BASE64.decode(challenge.trim_ascii()) {
        Ok(challenge) => challenge,
        // LOGIN's prompts are answered by order: real servers write anything there.
        Err(_) if !exchange.reads_challenges() => Vec::new(),
        Err(_) => return Ok(Err(SaslFault::NotBase64)),
    };
    if !exchange.is_heavy() {
        return Ok(exchange.answer(&challenge).map(|bytes| BASE64.encode(bytes)));
    }
    let (deadline, mut own) = (connection.deadline(), exchange.clone());
    let answered = clock::within(deadline, move || {
        let answer = own.answer(&challenge);
        (own, answer)
    });
    let timeout = || Failure::new(Step::Login, Common::Timeout(deadline.budget()));
    let (own, answer) = answered.ok_or_else(timeout)?;
    *exchange = own;
    Ok(answer.map(|bytes| BASE64.encode(bytes)))
}

fn refused(connection: &Connection, exchange: &Exchange, words: &str) -> Failure {
    let words = match exchange.provider_error() {
        Some(error) => format!("{words} ({})", connection.shown(error.as_bytes())),
        None => words.to_owned(),
    };
    Failure::new(Step::Login, Cause::Refused(words))
}

/// An initial response of no bytes is written `=` (RFC 4959 section 3, RFC 5034 section 4).
fn encoded(initial: &[u8]) -> String {
    if initial.is_empty() { "=".to_owned() } else { BASE64.encode(initial) }
}
