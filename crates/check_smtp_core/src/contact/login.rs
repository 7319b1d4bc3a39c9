//! The login of a contact: a mechanism is chosen among those offered, and tried once.

use crate::error::Cause;
use crate::secret;
use crate::session::{Login, Outcome, Record, Session, Stopped};
use crate::smtp::sasl::{self, Credentials, Exchange, Mechanism, Needs};
use crate::timeline::Phase;

/// Logs in with the first of `wanted` (or the strongest for this kind of secret) that is offered; gives the session back when the server
/// let us in. The login goes into `login` once it was begun.
pub fn log_in(
    mut session: Session,
    record: &mut Record,
    credentials: Credentials,
    kind: Needs,
    wanted: &[Mechanism],
    login: &mut Option<Login>,
) -> Result<Session, Stopped> {
    let offered = session.capabilities().auth_mechanisms();
    if offered.is_empty() {
        return Err(session.stop(Phase::Auth, Cause::AuthNotOffered, record));
    }
    let Some(mechanism) = sasl::choose(&offered, wanted, kind, session.can_bind()) else {
        return Err(session.stop(Phase::Auth, Cause::NoMechanism(offered), record));
    };
    let secret = credentials.secret.clone();
    let exchange = match begin(&session, mechanism, credentials) {
        Ok(exchange) => exchange,
        Err(cause) => return Err(session.stop(Phase::Auth, cause, record)),
    };
    let ended = session
        .authenticate(mechanism, exchange, &secret, record)
        .map_err(|failure| Stopped { failure, channel: None })?;
    let outcome = ended.outcome.clone();
    *login = Some(ended);
    match outcome {
        Outcome::Accepted(_) => Ok(session),
        Outcome::Refused(reply) => Err(session.stop(Phase::Auth, Cause::Refused(reply), record)),
        Outcome::Broken(fault) => Err(session.stop(Phase::Auth, Cause::Sasl(fault), record)),
    }
}

fn begin(session: &Session, mechanism: Mechanism, credentials: Credentials) -> Result<Exchange, Cause> {
    let nonce = secret::nonce().map_err(Cause::Local)?;
    Exchange::new(mechanism, credentials, &nonce, session.binding(mechanism)).map_err(Cause::Sasl)
}

/// Whether a login was made and refused for good: a kept token is of no more use then.
pub fn was_refused(login: Option<&Login>) -> bool {
    login.is_some_and(|login| matches!(&login.outcome, Outcome::Refused(reply) if reply.is_permanent()))
}
