//! The facts of the JSON form.

use check_smtp_core::contact::show;
use check_smtp_core::session::{Fate, Outcome};
use check_smtp_core::smtp::{Mailbox, Reply, queue_id};
use check_smtp_core::timeline::Phase;
use serde_json::{Map, Value, json};

use super::{arrival, history, recipients, trace};
use crate::args::{Config, Route};
use crate::facts::{Facts, Visit};

/// What was seen of the session, the message and each recipient, with stable keys.
pub fn facts(config: &Config, facts: &Facts, visit: &Visit) -> Map<String, Value> {
    let mx = match &config.route {
        Route::Domain(domain) => Some(domain),
        Route::Server => None,
    };
    let login = visit.login.login.as_ref();
    let header = super::header(config, facts);
    let own = json!({
        "mx": mx,
        "host": visit.target.host(),
        "passed_over": facts.visits.iter().rev().skip(1).rev().map(|visit| visit.target.host()).collect::<Vec<_>>(),
        "user": Some(&visit.login.user).filter(|user| !user.is_empty()),
        "mechanism": login.map(|login| login.mechanism.name()),
        "login": login.map(|login| match &login.outcome {
            Outcome::Accepted(reply) | Outcome::Refused(reply) => reply.to_string(),
            Outcome::Broken(fault) => fault.to_string(),
        }),
        "from": config.envelope.from.address(),
        "instance": facts.mark.as_ref().map(|mark| mark.instance.as_str()),
        "token": facts.mark.as_ref().map(|mark| mark.token.as_str()),
        "message_id": facts.message_id,
        "size": facts.size,
        "arrival": arrival::json(config, facts.arrival.as_ref()),
        "history": history::json(config, facts),
        "trace": header.map(|header| trace::json(config, header)),
        "recipients": recipients_json(config, visit),
    });
    let own = if let Value::Object(own) = own { own } else { Map::new() };
    show::facts(&config.tls, &visit.contact, own)
}

fn recipients_json(config: &Config, visit: &Visit) -> Vec<Value> {
    let untried = std::iter::repeat(&Fate::NotTried);
    config
        .envelope
        .to
        .iter()
        .zip(visit.fates.iter().chain(untried))
        .map(|(to, fate)| recipient(to, fate))
        .collect()
}

fn recipient(to: &Mailbox, fate: &Fate) -> Value {
    let (phase, reply): (Option<Phase>, Option<&Reply>) = match fate {
        Fate::NotTried => (None, None),
        Fate::Agreed(phase, reply) | Fate::Refused(phase, reply) | Fate::PutOff(phase, reply) => {
            (Some(*phase), Some(reply))
        }
        Fate::Accepted(reply) => (Some(Phase::Body), Some(reply)),
        Fate::Uncertain(_) => (Some(Phase::Body), None),
    };
    json!({
        "address": to.address(),
        "outcome": recipients::outcome(fate),
        "phase": phase.map(Phase::label),
        "code": reply.map(Reply::code),
        "enhanced_code": reply.and_then(Reply::enhanced_code),
        "reply": reply.map(ToString::to_string),
        "queue_id": reply.filter(|_| fate.is_accepted()).and_then(queue_id),
    })
}
