//! What became of the message for each recipient.

use check_smtp_core::advice::delivery as advice;
use check_smtp_core::error::{Cause, Failure, seconds};
use check_smtp_core::plugin::{Finding, Perfdata, State, Unit};
use check_smtp_core::session::Fate;
use check_smtp_core::smtp::{Mailbox, Reply, is_greylisting, queue_id};
use check_smtp_core::timeline::Phase;

use crate::args::Config;
use crate::facts::{Facts, Visit};

/// A finding for each recipient whose turn came. `has_arrived`: every copy was seen, whatever the server said.
pub fn findings(config: &Config, visit: &Visit, has_arrived: bool) -> Vec<Finding> {
    let each = fates(config, visit).filter_map(|(to, fate)| match fate {
        // The session's failure says why.
        Fate::NotTried if visit.contact.failure.is_some() => None,
        Fate::Uncertain(cause) if has_arrived => Some(arrived_all_the_same(to, cause)),
        fate => Some(finding(config, to, fate)),
    });
    each.collect()
}

/// How many of several recipients were taken.
pub fn count(config: &Config, visit: &Visit) -> Option<Finding> {
    let (all, accepted) =
        (config.envelope.to.len(), visit.fates.iter().filter(|fate| fate.is_accepted()).count());
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    (all > 1).then(|| {
        Finding::new("recipients", State::Ok, format!("{accepted} of {all} recipients were accepted"))
            .measured(Perfdata::new("recipients", number(all), Unit::None))
            .measured(Perfdata::new("accepted", number(accepted), Unit::None))
    })
}

/// Each recipient with what became of it.
pub fn fates<'a>(config: &'a Config, visit: &'a Visit) -> impl Iterator<Item = (&'a Mailbox, &'a Fate)> {
    config.envelope.to.iter().zip(&visit.fates)
}

/// What is worth knowing beside that.
pub fn notes(config: &Config, facts: &Facts, visit: &Visit) -> Vec<Finding> {
    let offered = visit.contact.record.introductions.last().map(|introduction| &introduction.capabilities);
    let lacks_dsn = config.envelope.notify.is_some() && offered.is_some_and(|offered| !offered.offers("DSN"));
    let dsn = lacks_dsn.then(|| {
        Finding::new("dsn_not_offered", State::Ok, "DSN is not offered: no notification was asked for")
    });
    let probe = facts.mark.as_ref().zip(facts.size).map(|(mark, size)| {
        let id = facts.message_id.as_ref().map(|id| format!(", Message-ID {id}")).unwrap_or_default();
        Finding::new("probe", State::Ok, format!("probe {mark}, {size} bytes{id}"))
    });
    dsn.into_iter().chain(probe).collect()
}

/// `accepted for sink@example.org as 4F2B1`; `None` where no recipient was.
pub fn accepted(config: &Config, visit: &Visit) -> Option<String> {
    let taken: Vec<(&Mailbox, &Reply)> = fates(config, visit)
        .filter_map(|(to, fate)| if let Fate::Accepted(reply) = fate { Some((to, reply)) } else { None })
        .collect();
    let (first, reply) = taken.first()?;
    let id = queue_id(reply).map(|id| format!(" as {id}")).unwrap_or_default();
    Some(match (taken.len(), config.envelope.to.len()) {
        (_, 1) => format!("accepted for {}{id}", first.address()),
        (count, all) if count == all => format!("accepted for {all} recipients{id}"),
        (count, all) => format!("accepted for {count} of {all} recipients{id}"),
    })
}

/// `sink@example.org`, or how many, whose message was taken or may have been.
pub fn whom(config: &Config, visit: &Visit) -> String {
    let mut taken = fates(config, visit)
        .filter(|(_, fate)| fate.is_accepted() || matches!(fate, Fate::Uncertain(_)))
        .map(|(to, _)| to.address());
    match (taken.next(), taken.count()) {
        (Some(only), 0) => only.to_owned(),
        (_, more) => format!("{} recipients", more + 1),
    }
}

/// `RCPT TO for sink@example.org taken`, where we stopped on purpose.
pub fn agreed(config: &Config, visit: &Visit) -> Option<String> {
    let mut agreed = fates(config, visit).filter_map(|(to, fate)| match fate {
        Fate::Agreed(phase, _) => Some((to, *phase)),
        _ => None,
    });
    let (first, phase) = agreed.next()?;
    let count = agreed.count() + 1;
    Some(match (count, config.envelope.to.len()) {
        (_, 1) => format!("{} for {} taken", phase.name(), first.address()),
        (count, all) if count == all => format!("{} for {all} recipients taken", phase.name()),
        (count, all) => format!("{} for {count} of {all} recipients taken", phase.name()),
    })
}

/// The stable name of a fate, for JSON.
pub fn outcome(fate: &Fate) -> &'static str {
    match fate {
        Fate::NotTried => "not_tried",
        Fate::Agreed(..) => "agreed",
        Fate::Accepted(_) => "accepted",
        Fate::Refused(..) => "refused",
        Fate::PutOff(_, reply) if is_greylisting(reply) => "greylisted",
        Fate::PutOff(..) => "put_off",
        Fate::Uncertain(_) => "uncertain",
    }
}

fn finding(config: &Config, to: &Mailbox, fate: &Fate) -> Finding {
    let address = to.address();
    match fate {
        Fate::Accepted(reply) => {
            Finding::new("accepted", State::Ok, format!("the message to {address} was accepted: {reply}"))
        }
        Fate::Agreed(phase, reply) => {
            Finding::new("agreed", State::Ok, format!("{} for {address} was taken: {reply}", phase.name()))
        }
        Fate::NotTried => Finding::new("not_tried", State::Critical, format!("{address} was not tried")),
        Fate::Refused(phase, reply) => {
            let remedy = advice::for_reply(*phase, reply);
            let id = match (phase, remedy.map_or("", |advice| advice.id)) {
                // Servers say at MAIL FROM that the message is too large, and at RCPT TO what they think of the sender.
                (Phase::Mail, "message_too_large") => "message_refused",
                (Phase::Mail, _) | (Phase::Rcpt, "sender_refused") => "sender_refused",
                (Phase::Rcpt, _) => "recipient_refused",
                _ => "message_refused",
            };
            Finding::new(
                id,
                State::Critical,
                format!("{} refused{}: {reply}", what(config, to, *phase), at(*phase)),
            )
            .advised(remedy)
        }
        // Greylisting is a server at work: the next try of a sender that queues gets through. Any other delay is a message that nobody has.
        Fate::PutOff(phase, reply) => {
            let (id, state, verb) = if is_greylisting(reply) {
                ("greylisted", State::Warning, "greylisted")
            } else {
                ("put_off", State::Critical, "put off")
            };
            let text = format!("{} {verb}{}: {reply}", what(config, to, *phase), at(*phase));
            Finding::new(id, state, text).advised(advice::for_reply(*phase, reply))
        }
        Fate::Uncertain(cause) => {
            let text = format!("the message to {address} may arrive or not: {}", silence(cause));
            Finding::new("uncertain", State::Critical, text).advised(advice::uncertain())
        }
    }
}

/// A sender that queues would have sent it once more.
fn arrived_all_the_same(to: &Mailbox, cause: &Cause) -> Finding {
    let text = format!("the message to {} arrived, but: {}", to.address(), silence(cause));
    Finding::new("uncertain", State::Warning, text).advised(advice::uncertain())
}

/// What a refusal at that step is about.
fn what(config: &Config, to: &Mailbox, phase: Phase) -> String {
    match phase {
        Phase::Mail if config.envelope.to.len() == 1 => format!("MAIL FROM:{}", config.envelope.from),
        Phase::Mail => format!("MAIL FROM:{} for {}", config.envelope.from, to.address()),
        Phase::Rcpt => to.address().to_owned(),
        _ => format!("message to {}", to.address()),
    }
}

/// Where it was said, as far as the subject does not tell it.
fn at(phase: Phase) -> String {
    match phase {
        Phase::Mail | Phase::Body => String::new(),
        other => format!(" {}", other.place()),
    }
}

/// Why no answer came to the whole message.
fn silence(cause: &Cause) -> String {
    match cause {
        Cause::Closed => "server closed the connection after the whole message".to_owned(),
        Cause::Reset => "server reset the connection after the whole message".to_owned(),
        Cause::Timeout(budget) => format!("no answer to the whole message within {}", seconds(*budget)),
        other => Failure::new(Phase::Body, other.clone()).to_string(),
    }
}
