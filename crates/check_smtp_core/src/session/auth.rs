//! AUTH (RFC 4954): an exchange of challenges and answers, none of which is ever shown.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{Record, Session};
use crate::error::{Cause, Failure};
use crate::net::clock;
use crate::secret::Secret;
use crate::smtp::Reply;
use crate::smtp::sasl::{Binding, CHALLENGES_LIMIT, Exchange, Mechanism, SaslFault};
use crate::timeline::Phase;

/// Octets of a command line with its CRLF (RFC 5321 section 4.5.3.1.4); a longer AUTH is sent without its initial response.
const LINE_LIMIT: usize = 512;

/// A login that came to an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// By which mechanism.
    pub mechanism: Mechanism,
    /// With what result.
    pub outcome: Outcome,
    /// What an OAuth 2.0 server said about the token before it refused.
    pub provider_error: Option<String>,
}

/// How a login ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 235, and the server has proved itself where the mechanism makes it.
    Accepted(Reply),
    /// Any other reply.
    Refused(Reply),
    /// The exchange was broken off.
    Broken(SaslFault),
}

impl Session {
    /// What a login can be tied to; `offered`: the server offers bound mechanisms, so that an unbound one must not claim otherwise.
    pub fn binding(&self, mechanism: Mechanism) -> Binding {
        let bound_name = mechanism.bound().map(Mechanism::name).unwrap_or_default();
        let is_offered = self.capabilities.auth_mechanisms().iter().any(|name| name == bound_name);
        match self.channel.stream.binding() {
            Some((name, bytes)) if mechanism.is_bound() => Binding::Bound(name, bytes),
            Some(_) if !is_offered => Binding::NotOffered,
            _ => Binding::Unavailable,
        }
    }

    /// Whether a login can be tied to the TLS session.
    pub fn can_bind(&self) -> bool {
        self.channel.stream.is_tls()
    }

    /// Logs in. A refusal is a result; only a broken connection is a failure.
    pub fn authenticate(
        &mut self,
        mechanism: Mechanism,
        mut exchange: Exchange,
        secret: &Secret,
        record: &mut Record,
    ) -> Result<Login, Failure> {
        self.channel.hidden.add(secret.expose());
        let failed = |cause| Failure::new(Phase::Auth, cause);
        let initial = exchange.initial().map(|bytes| encoded(&bytes));
        let (line, mut held) = opening(mechanism, initial);
        let shown = if held.is_none() && line.split(' ').count() > 2 { " ***" } else { "" };
        record.said("C", &format!("AUTH {mechanism}{shown}"));
        let mut reply = self.say(&line, record).map_err(failed)?;
        let mut challenges = 0;
        let outcome = loop {
            if reply.code() != 334 {
                break judged(&exchange, held.is_some(), reply);
            }
            challenges += 1;
            if challenges > CHALLENGES_LIMIT {
                break self.cancel(SaslFault::TooManyChallenges, record).map_err(failed)?;
            }
            let answer = match held.take() {
                // The server waits for the initial response that did not fit.
                Some(initial) => Ok(initial),
                None => self.answer(&mut exchange, &reply).map_err(failed)?,
            };
            match answer {
                Ok(answer) => {
                    record.said("C", if answer.is_empty() { "" } else { "***" });
                    reply = self.say(&answer, record).map_err(failed)?;
                }
                Err(fault) => break self.cancel(fault, record).map_err(failed)?,
            }
        };
        let provider_error =
            exchange.provider_error().map(|text| self.channel.hidden.star(text).into_owned());
        Ok(Login { mechanism, outcome, provider_error })
    }

    /// Asks for a mechanism without a word of a secret; a challenge is cancelled at once. The first reply is the answer.
    pub fn knock_with(&mut self, mechanism: Mechanism, record: &mut Record) -> Result<Reply, Failure> {
        let failed = |cause| Failure::new(Phase::Auth, cause);
        record.said("C", &format!("AUTH {mechanism}"));
        let reply = self.say(&format!("AUTH {mechanism}"), record).map_err(failed)?;
        if reply.code() == 334 {
            self.cancel(SaslFault::TooManyChallenges, record).map_err(failed)?;
        }
        Ok(reply)
    }

    /// The answer in Base64. The key derivation of SCRAM takes as long as the server likes: it runs where the deadline holds.
    fn answer(&mut self, exchange: &mut Exchange, reply: &Reply) -> Result<Result<String, SaslFault>, Cause> {
        let challenge = match BASE64.decode(reply.text().trim()) {
            Ok(challenge) => challenge,
            // LOGIN's prompts are answered by order: real servers write anything there.
            Err(_) if !exchange.reads_challenges() => Vec::new(),
            Err(_) => return Ok(Err(SaslFault::NotBase64)),
        };
        if !exchange.is_heavy() {
            return Ok(exchange.answer(&challenge).map(|bytes| BASE64.encode(bytes)));
        }
        let deadline = self.channel.deadline;
        let mut own = exchange.clone();
        let answered = clock::within(deadline, move || {
            let answer = own.answer(&challenge);
            (own, answer)
        });
        let (own, answer) = answered.ok_or(Cause::Timeout(deadline.budget()))?;
        *exchange = own;
        Ok(answer.map(|bytes| BASE64.encode(bytes)))
    }

    /// Sends a line of the exchange; it is hidden from now on.
    fn say(&mut self, line: &str, record: &mut Record) -> Result<Reply, Cause> {
        for word in line.split(' ').filter(|word| !word.is_empty()) {
            if word != "AUTH" && word.parse::<Mechanism>().is_err() {
                self.channel.hidden.add_verbatim(word);
            }
        }
        let reply = self.channel.send(Phase::Auth, &format!("{line}\r\n"), record);
        if reply.is_err() {
            record.timeline.ended(self.channel.deadline.elapsed());
        }
        reply
    }

    /// Breaks the exchange off (RFC 4954 section 4); the server answers 501.
    fn cancel(&mut self, fault: SaslFault, record: &mut Record) -> Result<Outcome, Cause> {
        record.said("C", "*");
        self.channel.send(Phase::Auth, "*\r\n", record)?;
        Ok(Outcome::Broken(fault))
    }
}

/// The AUTH line, and the initial response where the line has no room for it.
fn opening(mechanism: Mechanism, initial: Option<String>) -> (String, Option<String>) {
    let bare = format!("AUTH {mechanism}");
    match initial {
        None => (bare, None),
        Some(initial) if bare.len() + 1 + initial.len() + 2 > LINE_LIMIT => (bare, Some(initial)),
        Some(initial) => (format!("{bare} {initial}"), None),
    }
}

/// An initial response of no bytes is written `=` (RFC 4954 section 4).
fn encoded(initial: &[u8]) -> String {
    if initial.is_empty() { "=".to_owned() } else { BASE64.encode(initial) }
}

fn judged(exchange: &Exchange, is_held: bool, reply: Reply) -> Outcome {
    if reply.code() != 235 {
        return Outcome::Refused(reply);
    }
    match exchange.holds() {
        Ok(()) if is_held => Outcome::Broken(SaslFault::NothingAsked),
        Ok(()) => Outcome::Accepted(reply),
        Err(fault) => Outcome::Broken(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::{Mechanism, encoded, opening};

    #[test]
    fn a_line_above_512_octets_goes_without_its_initial_response() {
        let fits = "x".repeat(512 - "AUTH PLAIN \r\n".len());
        assert_eq!(opening(Mechanism::Plain, Some(fits.clone())), (format!("AUTH PLAIN {fits}"), None));
        let longer = format!("{fits}x");
        assert_eq!(opening(Mechanism::Plain, Some(longer.clone())), ("AUTH PLAIN".to_owned(), Some(longer)));
        assert_eq!(encoded(b""), "=");
    }
}
