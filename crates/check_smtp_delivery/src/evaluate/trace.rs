//! What the header of the message that has arrived says of its way, and what is required of it.

use check_smtp_core::plugin::{Advice, Finding, Perfdata, State, Unit};
use serde_json::{Map, Value, json};

use crate::args::{Config, Requirements};
use crate::trace::{AuthenticationResults, Hop, Method, MethodResult, Outcome, Spam, Tls, Trace};

/// Notes of one kind, at the most.
const NOTES_LIMIT: usize = 5;

/// What is to be said of a header, wherever it was kept.
pub fn findings(config: &Config, header: &[u8]) -> Vec<Finding> {
    let trace = Trace::read(header);
    let required = &config.trace;
    let mut findings: Vec<Finding> = required.tls_hops.then(|| tls_hops(&trace)).into_iter().collect();
    findings
        .extend(required.results.iter().map(|(method, outcome)| result(&trace, required, *method, *outcome)));
    findings.extend(score(&trace.spam, required));
    findings.extend(flag(&trace.spam));
    findings.extend(said(&trace, required));
    findings.extend(slowest(&trace));
    findings.extend(skews(&trace));
    findings
}

/// A line for each hop, in the order of travel.
pub fn lines(header: &[u8]) -> Vec<String> {
    let trace = Trace::read(header);
    trace.hops.iter().enumerate().map(|(index, hop)| format!("{}: {}", index + 1, line(hop))).collect()
}

/// `a.example.org -> b.example.org with ESMTPS, TLSv1.3, 12 s`.
fn line(hop: &Hop) -> String {
    let mut line = way(hop);
    if let Some(protocol) = &hop.protocol {
        line = format!("{line} with {protocol}");
    }
    line.push_str(match (&hop.tls, hop.is_local) {
        (Tls::Used(_), _) => ", ",
        (_, true) => ", no network",
        (Tls::NotUsed, false) => ", no TLS",
        (Tls::NotTold, false) => ", TLS not told",
    });
    if let Tls::Used(version) = &hop.tls {
        line.push_str(version.as_deref().unwrap_or("TLS"));
    }
    match hop.delay {
        Some(delay) if delay < 0 => format!("{line}, clock {} s behind", delay.unsigned_abs()),
        Some(delay) => format!("{line}, {delay} s"),
        None => line,
    }
}

/// `a.example.org -> b.example.org`; where no other host is named, the one that took it.
fn way(hop: &Hop) -> String {
    let by = hop.by.as_deref().unwrap_or("a server without a name");
    match &hop.from {
        Some(from) => format!("{from} -> {by}"),
        None => by.to_owned(),
    }
}

/// `hop 2 of 3`.
fn place(trace: &Trace, index: usize) -> String {
    format!("hop {} of {}", index + 1, trace.hops.len())
}

/// What is not told counts as without: nobody has to write down what was not there.
fn tls_hops(trace: &Trace) -> Finding {
    let over_network = || trace.hops.iter().enumerate().filter(|(_, hop)| !hop.is_local);
    let mut without = over_network().filter(|(_, hop)| !matches!(hop.tls, Tls::Used(_)));
    let text = match without.next() {
        Some((index, hop)) => {
            let what = if hop.tls == Tls::NotUsed { "without TLS" } else { "does not tell of TLS" };
            let with = hop.protocol.as_ref().map(|protocol| format!(" with {protocol}")).unwrap_or_default();
            let more = match without.count() {
                0 => String::new(),
                count => format!(" (and {count} more)"),
            };
            format!("{} {what}: {}{with}{more}", place(trace, index), way(hop))
        }
        None if trace.hops.is_empty() => "no Received field tells how the message came".to_owned(),
        None if trace.is_cut => {
            "the header is longer than what is read of it: its first hops are not known".to_owned()
        }
        None => {
            let text = match over_network().count() {
                0 => "no hop has crossed a network".to_owned(),
                1 => "the hop over a network was under TLS".to_owned(),
                count => format!("all {count} hops over a network were under TLS"),
            };
            return Finding::new("tls_hops", State::Ok, text);
        }
    };
    Finding::new("hop_without_tls", State::Critical, text).advised(advice(
        "hop_without_tls",
        "the server that wrote this took the message in the clear, or does not write down how: let it offer STARTTLS, and the host before it require it (Postfix: smtpd_tls_security_level there, smtp_tls_security_level or a TLS policy here; DANE, MTA-STS)",
    ))
}

/// Of the trusted, the last server that has looked counts.
fn result(trace: &Trace, required: &Requirements, method: Method, outcome: Outcome) -> Finding {
    let of_method = |field: &AuthenticationResults| -> Vec<MethodResult> {
        field.results.iter().filter(|result| **result == method).cloned().collect()
    };
    let mut told = trusted(trace, required).map(|field| (field, of_method(field)));
    let Some((field, results)) = told.find(|(_, results)| !results.is_empty()) else {
        return absent(trace, required, method);
    };
    let who = field.authserv_id.as_deref().unwrap_or_default();
    let mut judged = results.iter().map(|result| *result == outcome);
    let is_met =
        if method.is_met_by_one() { judged.any(|is_met| is_met) } else { judged.all(|is_met| is_met) };
    if is_met {
        return Finding::new("authentication", State::Ok, format!("{method}={outcome} by {who}"));
    }
    let shown: Vec<String> =
        results.iter().filter(|result| **result != outcome).map(with_properties).collect();
    let text = format!("{} by {who}, where {outcome} is required", shown.join(", "));
    Finding::new("authentication", State::Critical, text).advised(advice(
        "authentication",
        "the receiver does not find the message to be from its sender: hold the SPF record against the address it came from, the DKIM key against the selector that signed, the DMARC policy against both domains; --keep leaves the message there",
    ))
}

/// What nobody has looked for is no fault.
fn absent(trace: &Trace, required: &Requirements, method: Method) -> Finding {
    let names = required.authserv_ids.join(", ");
    let mut others: Vec<&str> = Vec::new();
    if trusted(trace, required).next().is_none() {
        let names = trace.authentication.iter().map(|field| field.authserv_id.as_deref());
        // Exchange Online gives none.
        others.extend(names.map(|name| name.unwrap_or("a server without a name")));
        others.dedup();
        others.truncate(NOTES_LIMIT);
    }
    let others = match others.as_slice() {
        [] => String::new(),
        others => format!(" (there are results by {}, which --authserv-id does not name)", others.join(", ")),
    };
    let text = format!("the header has no {method} result by {names}{others}, so nothing is held against it");
    Finding::new("authentication_absent", State::Ok, text)
}

fn trusted<'t>(trace: &'t Trace, required: &Requirements) -> impl Iterator<Item = &'t AuthenticationResults> {
    trace.authentication.iter().filter(|field| field.is_by(&required.authserv_ids))
}

/// `spf=fail (smtp.mailfrom=probe@example.org)`.
fn with_properties(result: &MethodResult) -> String {
    if result.properties.is_empty() {
        return result.to_string();
    }
    let properties: Vec<String> =
        result.properties.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{result} ({})", properties.join(" "))
}

/// What the trusted say.
fn said(trace: &Trace, required: &Requirements) -> impl Iterator<Item = Finding> {
    trusted(trace, required).filter(|field| !field.results.is_empty()).take(NOTES_LIMIT).map(|field| {
        let who = field.authserv_id.as_deref().unwrap_or_default();
        let results: Vec<String> = field.results.iter().map(ToString::to_string).collect();
        Finding::new("authentication_results", State::Ok, format!("{who} says {}", results.join(", ")))
    })
}

fn score(spam: &Spam, required: &Requirements) -> Option<Finding> {
    let limits = required.score;
    let Some(score) = spam.score else {
        let is_judged = limits.warning.is_some() || limits.critical.is_some();
        return is_judged.then(|| Finding::new("spam_score", State::Ok, "no spam score in the header"));
    };
    let judgement = limits.judge(score);
    let by = match judgement.by.map(|range| (range, range.upper_end())) {
        Some((_, Some(upper))) if score > upper => format!(" (over {upper})"),
        Some((range, _)) => format!(" (outside {range})"),
        None => String::new(),
    };
    let from = spam.required.map(|required| format!(", spam from {required} on")).unwrap_or_default();
    let finding = Finding::new("spam_score", judgement.state, format!("spam score {score}{by}{from}"))
        .measured(Perfdata::new("score", score, Unit::None).judged_by(limits));
    Some(match judgement.state {
        State::Ok => finding,
        _ => finding.advised(advice(
            "spam_score",
            "the receiver's filter counts against the probe: look at the rules it names in the header (--keep leaves the message there), at SPF, DKIM and DMARC of the sender, and at the reputation of the address it came from",
        )),
    })
}

fn flag(spam: &Spam) -> Option<Finding> {
    spam.is_flagged
        .then(|| Finding::new("spam_flag", State::Ok, "a filter on the way has flagged it as spam"))
}

/// The hop that took longest, where one took a second at least.
fn slowest(trace: &Trace) -> Option<Finding> {
    let delays = trace.hops.iter().enumerate().filter_map(|(index, hop)| Some((index, hop, hop.delay?)));
    let (index, hop, delay) = delays.max_by_key(|(_, _, delay)| *delay).filter(|(_, _, delay)| *delay > 0)?;
    let text = format!("{}: {} took {delay} s by their clocks", place(trace, index), way(hop));
    Some(Finding::new("slowest_hop", State::Ok, text))
}

/// A message cannot arrive before it left: the clocks disagree, and the hop's delay is not known.
fn skews(trace: &Trace) -> impl Iterator<Item = Finding> {
    let name = |hop: &Hop| hop.by.clone().unwrap_or_else(|| "the server without a name".to_owned());
    let pairs = trace.hops.iter().zip(trace.hops.iter().skip(1));
    pairs
        .filter_map(|(before, hop)| Some((before, hop, hop.delay.filter(|delay| *delay < 0)?)))
        .take(NOTES_LIMIT)
        .map(move |(before, hop, delay)| {
            let text = format!(
                "clock skew: the clock of {} is at least {} s behind that of {}",
                name(hop),
                delay.unsigned_abs(),
                name(before)
            );
            Finding::new("clock_skew", State::Ok, text)
        })
}

/// What was read, with stable keys.
pub fn json(config: &Config, header: &[u8]) -> Value {
    let trace = Trace::read(header);
    let field = |field: &AuthenticationResults| {
        json!({
            "authserv_id": field.authserv_id,
            "trusted": field.is_by(&config.trace.authserv_ids),
            "results": field.results.iter().map(result_json).collect::<Vec<_>>(),
        })
    };
    json!({
        "hops": trace.hops.iter().map(hop_json).collect::<Vec<_>>(),
        "complete": !trace.is_cut,
        "authentication": trace.authentication.iter().map(field).collect::<Vec<_>>(),
        "score": trace.spam.score,
        "score_required": trace.spam.required,
        "flagged": trace.spam.is_flagged,
    })
}

fn hop_json(hop: &Hop) -> Value {
    let (tls, version) = match &hop.tls {
        Tls::Used(version) => (Some(true), version.as_ref()),
        Tls::NotUsed => (Some(false), None),
        Tls::NotTold => (None, None),
    };
    json!({
        "from": hop.from,
        "by": hop.by,
        "protocol": hop.protocol,
        "tls": tls,
        "tls_version": version,
        "local": hop.is_local,
        "time": hop.time,
        "seconds": hop.delay.filter(|delay| *delay >= 0),
        "skew": hop.delay.filter(|delay| *delay < 0).map(i64::unsigned_abs),
    })
}

fn result_json(result: &MethodResult) -> Value {
    let properties: Map<String, Value> =
        result.properties.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    json!({ "method": result.method, "result": result.result, "properties": properties })
}

#[expect(clippy::unnecessary_wraps, reason = "the shape a finding wants")]
fn advice(id: &'static str, remedy: &'static str) -> Option<Advice> {
    Some(Advice { id, remedy })
}

#[cfg(test)]
mod tests;
