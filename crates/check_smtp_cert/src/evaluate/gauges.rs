//! The names under which `blackbox_exporter` shows the same, so that its dashboards keep working.

use check_smtp_core::plugin::{Gauge, State};
use check_smtp_core::timeline::Phase;

use super::chain::hex;
use super::views::View;
use crate::facts::{Element, Facts};
use crate::validity::as_f64;

/// Every gauge that this run can fill. Of several endpoints the oldest version, the slowest session and the first cipher are told.
pub fn all(facts: &Facts, views: &[View<'_>], state: State) -> Vec<Gauge> {
    let is_success = matches!(state, State::Ok | State::Warning);
    let success = "Whether the check is OK or WARNING.";
    let mut gauges = vec![plain("probe_success", success, f64::from(u8::from(is_success)))];
    gauges.extend(times(facts));
    gauges.extend(protocol(facts));
    gauges.extend(certificates(facts, views));
    gauges
}

fn plain(name: &'static str, help: &'static str, value: f64) -> Gauge {
    Gauge { name, help, labels: Vec::new(), value }
}

fn info(name: &'static str, help: &'static str, labels: Vec<(&'static str, String)>) -> Gauge {
    Gauge { name, help, labels, value: 1.0 }
}

fn times(facts: &Facts) -> Vec<Gauge> {
    let slowest = facts.endpoints.iter().map(|endpoint| endpoint.contact.total()).max();
    let lookup = facts.lookup.of(Phase::Dns);
    let duration = "Time of the session, of several the slowest, in seconds.";
    let found = "Time of the name lookup, in seconds.";
    slowest
        .map(|took| plain("probe_duration_seconds", duration, took.as_secs_f64()))
        .into_iter()
        .chain(lookup.map(|took| plain("probe_dns_lookup_time_seconds", found, took.as_secs_f64())))
        .collect()
}

fn protocol(facts: &Facts) -> Vec<Gauge> {
    let address = facts.endpoints.iter().find_map(|endpoint| endpoint.contact.address);
    let sessions = || facts.endpoints.iter().filter_map(|endpoint| endpoint.contact.record.tls.as_ref());
    let version = sessions().map(|session| session.version.replace("TLSv", "TLS ")).min();
    let cipher = sessions().map(|session| session.cipher.clone()).next();
    let mut gauges = Vec::new();
    gauges.extend(address.map(|address| {
        let number = if address.is_ipv4() { 4.0 } else { 6.0 };
        plain("probe_ip_protocol", "The IP protocol of the connection: 4 or 6.", number)
    }));
    gauges.extend(version.map(|version| {
        info("probe_tls_version_info", "The TLS version negotiated.", vec![("version", version)])
    }));
    gauges.extend(
        cipher
            .map(|cipher| info("probe_tls_cipher_info", "The cipher negotiated.", vec![("cipher", cipher)])),
    );
    gauges
}

fn certificates(facts: &Facts, views: &[View<'_>]) -> Vec<Gauge> {
    let end = |element: &Element| element.certificate.not_after;
    let sent = facts.chains.iter().flat_map(|chain| &chain.sent).map(end).min();
    let paths = views.iter().map(|view| &view.chain).filter(|chain| chain.is_trusted());
    let verified = paths
        .filter_map(|chain| Some((chain.path.iter().map(end).min()?, chain.leaf()?)))
        .max_by_key(|(end, _)| *end);
    let mut gauges = Vec::new();
    gauges.extend(sent.map(|end| {
        let help = "End of the certificate sent that ends first, in seconds since 1970.";
        plain("probe_ssl_earliest_cert_expiry", help, as_f64(end))
    }));
    gauges.extend(verified.map(|(end, _)| {
        let help = "End of the verified path, in seconds since 1970.";
        plain("probe_ssl_last_chain_expiry_timestamp_seconds", help, as_f64(end))
    }));
    gauges.extend(
        verified.map(|(_, leaf)| {
            info("probe_ssl_last_chain_info", "The leaf of the verified path.", about(leaf))
        }),
    );
    gauges
}

fn about(leaf: &Element) -> Vec<(&'static str, String)> {
    let (certificate, details) = (&leaf.certificate, &leaf.details);
    vec![
        ("fingerprint_sha256", hex(&details.sha256)),
        ("subject", certificate.subject.clone()),
        ("issuer", certificate.issuer.clone()),
        ("subjectalternative", certificate.dns_names.join(",")),
        ("serialnumber", details.serial.clone()),
    ]
}
