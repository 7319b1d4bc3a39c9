//! Definitions for monitoring engines, all from the clap definitions and the registry.

mod director;
mod grafana;
mod icinga2;
mod nagios;
mod nrpe;
mod option;
mod yaml;
mod zabbix;

use std::fmt::Write as _;

use crate::Result;
use crate::registry::{CHECKS, Check};

/// Every file, by its path below `packaging/`.
pub fn files() -> Result<Vec<(String, String)>> {
    CHECKS.iter().try_for_each(option::verify)?;
    let mut files = vec![
        ("nagios/smtp-monitoring-plugins.cfg".to_owned(), nagios::commands()),
        ("nagios/smtp-services.cfg.sample".to_owned(), nagios::services()),
        ("icinga2/smtp-commands.conf".to_owned(), icinga2::commands()),
        ("icinga2/smtp-services.conf.sample".to_owned(), icinga2::services()),
        ("icinga2/director-basket.json".to_owned(), director::basket()?),
        ("nrpe/smtp-monitoring-plugins.cfg".to_owned(), nrpe::nrpe()),
        ("checkmk/mrpe-smtp.cfg.sample".to_owned(), nrpe::mrpe()),
        ("grafana/smtp-monitoring-plugins.json".to_owned(), grafana::dashboard()?),
    ];
    for version in [zabbix::Version::V6_0, zabbix::Version::V7_0] {
        let path = format!("zabbix/{}/smtp-monitoring-plugins.yaml", version.name());
        files.push((path, zabbix::templates(version)));
    }
    Ok(files)
}

/// The first line of a generated file, behind the format's comment sign.
const ORIGIN: &str =
    "Made by 'cargo xtask gen' from the command lines of the checks; edit those, not this file.";

/// A version 4 UUID that is always the same for the same words.
fn uuid(words: &str) -> String {
    use sha2::Digest as _;
    let mut text = String::new();
    for (place, byte) in sha2::Sha256::digest(words.as_bytes()).iter().take(16).enumerate() {
        // Version 4 and variant 1 (RFC 9562 section 5.4), as importers demand.
        let byte = match place {
            6 => byte & 0x0f | 0x40,
            8 => byte & 0x3f | 0x80,
            _ => *byte,
        };
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The first line of a check's own help: the question it asks.
fn question(check: &Check) -> String {
    (check.command)().get_about().map(ToString::to_string).unwrap_or_default()
}
