//! What DNS and HTTPS said of a domain and its hosts, as facts for JSON.

use check_smtp_core::mta_sts::{Id, Pattern};
use check_smtp_core::net::dns::{HostRecords, TlsaLookup};
use check_smtp_core::plugin::Report;
use serde_json::{Value, json};

use crate::args::{Dane, Server};
use crate::facts::{Facts, HostSeen, MtaStsSeen};

/// `mx`, `hosts` and `mta_sts`, each where it was asked for.
pub fn facts(report: &mut Report, server: &Server, facts: &Facts) {
    if let Some(exchangers) = &facts.exchangers {
        let hosts = exchangers
            .hosts
            .iter()
            .map(|(preference, name)| json!({ "preference": preference, "name": name }));
        report.fact(
            "mx",
            json!({
                "hosts": hosts.collect::<Vec<_>>(),
                "implicit": exchangers.is_implicit,
                "null": exchangers.has_null,
                "secure": (server.domain.dane != Dane::Off).then_some(exchangers.is_secure),
            }),
        );
    }
    if facts.hosts.iter().any(|host| host.records.is_some()) {
        report.fact("hosts", facts.hosts.iter().map(host).collect::<Vec<_>>());
    }
    if let Some(seen) = &facts.mta_sts {
        report.fact("mta_sts", mta_sts(seen));
    }
}

fn host(host: &HostSeen) -> Value {
    let addresses = host.addresses.iter().flatten().map(|address| address.ip().to_string());
    json!({
        "name": host.name,
        "addresses": addresses.collect::<Vec<_>>(),
        "alias_of": host.records.as_ref().and_then(|records| records.alias_of.as_deref()),
        "tlsa": host.records.as_ref().and_then(tlsa),
    })
}

fn tlsa(records: &HostRecords) -> Option<Value> {
    let lookup = records.tlsa.as_ref()?;
    let (status, owner, records) = match lookup {
        TlsaLookup::Secure(tlsas) => ("secure", Some(&tlsas.owner), tlsas.records.as_slice()),
        TlsaLookup::Insecure(owner, _) => ("insecure", Some(owner), &[][..]),
        TlsaLookup::Absent(owner) => ("absent", Some(owner), &[][..]),
        TlsaLookup::NotAsked => ("not_applicable", None, &[][..]),
        TlsaLookup::Failed(_) => ("failed", None, &[][..]),
    };
    let records = records.iter().map(|record| {
        json!({
            "usage": record.usage,
            "selector": record.selector,
            "matching": record.matching,
            "data": record.hex(),
            "usable": record.usability().is_ok(),
        })
    });
    Some(json!({ "status": status, "owner": owner, "records": records.collect::<Vec<_>>() }))
}

fn mta_sts(seen: &MtaStsSeen) -> Value {
    let id = seen.record.as_ref().ok().and_then(|record| record.as_ref().ok()).and_then(Option::as_ref);
    let policy = seen.policy.as_ref().and_then(|policy| policy.as_ref().ok());
    let patterns = policy.map(|policy| policy.mx.iter().map(Pattern::as_str).collect::<Vec<_>>());
    json!({
        "id": id.map(Id::as_str),
        "mode": policy.map(|policy| policy.mode.name()),
        "max_age": policy.map(|policy| policy.max_age),
        "mx": patterns,
    })
}
