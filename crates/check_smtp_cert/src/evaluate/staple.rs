//! The OCSP response stapled to a handshake.

use check_smtp_core::advice;
use check_smtp_core::certificate::{date, span};
use check_smtp_core::contact::timing::Label;
use check_smtp_core::net::tls::{Staple, StapleFault, StapleStatus};
use check_smtp_core::plugin::{Finding, Perfdata, State, Unit};

use crate::args::Config;
use crate::facts::{Endpoint, Facts};
use crate::validity::as_f64;

/// What the stapled response of a session is worth. Revoked is CRITICAL always; what is merely not good is, where it must be good.
pub fn finding(config: &Config, facts: &Facts, endpoint: &Endpoint, label: &Label) -> Option<Finding> {
    let leaf = endpoint.chain.and_then(|chain| facts.chains.get(chain))?.leaf()?;
    let must = config.expect.requires_staple || leaf.details.must_staple;
    match &endpoint.staple {
        None if must => {
            let reason =
                if leaf.details.must_staple { "the certificate says it must be" } else { "--require-staple" };
            let text = label.text(format!("no OCSP response is stapled ({reason})"));
            Some(Finding::new("staple_missing", State::Critical, text).advised(advice::staple()))
        }
        None => None,
        Some(Err(fault)) => Some(worthless(*fault, must, label)),
        Some(Ok(staple)) => Some(read(config, staple, facts.now, must, label)),
    }
}

fn worst(must: bool) -> State {
    if must { State::Critical } else { State::Warning }
}

fn worthless(fault: StapleFault, must: bool, label: &Label) -> Finding {
    let text = label.text(format!("OCSP response is worth nothing: {fault}"));
    Finding::new("staple_broken", worst(must), text).advised(advice::staple())
}

fn read(config: &Config, staple: &Staple, now: i64, must: bool, label: &Label) -> Finding {
    let fault = |id, state, text: String| Finding::new(id, state, label.text(text)).advised(advice::staple());
    let finding = match (staple.status, staple.next_update) {
        (StapleStatus::Revoked(at), _) => {
            let at = at.map(|at| format!(" on {}", date(at))).unwrap_or_default();
            let text = label.text(format!("certificate was revoked{at}, says its OCSP response"));
            Finding::new("certificate_revoked", State::Critical, text).advised(advice::revoked())
        }
        (StapleStatus::Unknown, _) => fault(
            "staple_unknown",
            worst(must),
            "the CA does not know the certificate, says its OCSP response".to_owned(),
        ),
        (StapleStatus::Good, _) if staple.this_update > now => fault(
            "staple_not_yet_valid",
            worst(must),
            format!("OCSP response is not valid before {}", date(staple.this_update)),
        ),
        (StapleStatus::Good, Some(until)) if until < now => {
            let text =
                format!("OCSP response is stale, it ended {} ago, on {}", span(now - until), date(until));
            fault("staple_stale", worst(must), text)
        }
        (StapleStatus::Good, until) => return left(config, until, now, label),
    };
    measured(config, finding, staple.next_update, now, label)
}

/// A good response, judged by what is left of it.
fn left(config: &Config, until: Option<i64>, now: i64, label: &Label) -> Finding {
    let Some(seconds) = until.map(|until| until.saturating_sub(now)) else {
        return Finding::new("staple", State::Ok, label.text("OCSP response is good"));
    };
    let state = config.times.of("staple").judge(as_f64(seconds)).state;
    let id = if state == State::Ok { "staple" } else { "staple_ends_soon" };
    let only = if state == State::Ok { "" } else { " only" };
    let text = label.text(format!("OCSP response is good for {}{only}", span(seconds)));
    let finding = Finding::new(id, state, text);
    let finding = finding.advised(advice::staple().filter(|_| state != State::Ok));
    measured(config, finding, until, now, label)
}

fn measured(config: &Config, finding: Finding, until: Option<i64>, now: i64, label: &Label) -> Finding {
    let Some(until) = until else { return finding };
    let seconds =
        Perfdata::new(&label.metric("staple_seconds"), as_f64(until.saturating_sub(now)), Unit::Seconds);
    finding.measured(seconds.judged_by(config.times.of("staple")))
}
