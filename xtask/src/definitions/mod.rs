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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use check_smtp_core::plugin::arguments::is_secret;

    use super::{CHECKS, files, uuid};

    #[test]
    fn an_option_that_holds_a_secret_is_in_no_file() {
        let secret = |check: &crate::registry::Check| {
            let command = (check.command)();
            let secrets = command.get_arguments().filter(|arg| is_secret(arg));
            secrets.filter_map(|arg| arg.get_long().map(str::to_owned)).collect::<Vec<_>>()
        };
        let secrets: HashSet<String> = CHECKS.iter().flat_map(secret).collect();
        assert!(secrets.contains("password"), "the suite has no secret option any more: {secrets:?}");
        for (path, text) in files().unwrap() {
            for name in &secrets {
                let goes_on = |c: char| c.is_ascii_alphanumeric() || c == '-';
                let mut rest = text.as_str();
                while let Some((_, tail)) = rest.split_once(&format!("--{name}")) {
                    assert!(tail.starts_with(goes_on), "{path} has --{name}");
                    rest = tail;
                }
            }
        }
    }

    #[test]
    fn icinga_and_the_director_have_every_option() {
        let files = files().unwrap();
        let text = |path: &str| files.iter().find(|(known, _)| known == path).unwrap().1.clone();
        let (commands, basket) = (text("icinga2/smtp-commands.conf"), text("icinga2/director-basket.json"));
        for check in &CHECKS {
            for arg in (check.command)().get_arguments().filter(|arg| !is_secret(arg)) {
                let Some(long) = arg.get_long() else { continue };
                if !super::option::NOT_FOR_ENGINES.contains(&long) {
                    let variable = format!("${}_{}$", check.object(), long.replace('-', "_"));
                    assert!(commands.contains(&variable) && basket.contains(&variable), "{variable}");
                }
            }
        }
    }

    #[test]
    fn no_identifier_is_given_twice() {
        for (path, text) in files().unwrap().into_iter().filter(|(path, _)| path.starts_with("zabbix/")) {
            let uuids: Vec<&str> =
                text.lines().filter_map(|line| line.split_once("uuid: ")).map(|(_, id)| id).collect();
            let distinct: HashSet<&&str> = uuids.iter().collect();
            assert!(
                uuids.len() > 50 && distinct.len() == uuids.len(),
                "{path}: {} of {}",
                distinct.len(),
                uuids.len()
            );
        }
    }

    #[test]
    fn an_identifier_is_of_version_4() {
        let id = uuid("x");
        let id = id.as_bytes();
        assert_eq!((id.len(), id[12]), (32, b'4'));
        assert!(b"89ab".contains(&id[16]));
    }
}
