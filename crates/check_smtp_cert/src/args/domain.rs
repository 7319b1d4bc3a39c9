//! A domain instead of a server, and what DNS and HTTPS promise about its servers.

use check_smtp_core::cli::{DnsArgs, TargetArgs};
use check_smtp_core::net::{Host, dns};
use check_smtp_core::plugin::UsageError;

/// `--mx`, `--dane`, `--mta-sts`, and how names are asked for.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Domain")]
pub struct DomainArgs {
    /// Ask all mail servers of this domain (its MX hosts, without any the domain itself) instead of -H
    #[arg(long, value_name = "DOMAIN", value_parser = domain)]
    mx: Option<String>,
    /// Hold certificates against TLSA records (RFC 7672): off, opportunistic (where there are any with a proof of DNSSEC) or require [default: off]
    #[arg(long, value_name = "MODE", value_parser = dane)]
    dane: Option<Dane>,
    /// Hold the servers of --mx against the domain's MTA-STS policy (RFC 8461): off, check (where there is one) or require (one in mode enforce must be there) [default: off]
    #[arg(long, value_name = "MODE", value_parser = mta_sts)]
    mta_sts: Option<MtaSts>,
    #[command(flatten)]
    dns: DnsArgs,
}

/// `--dane`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dane {
    /// TLSA records are not asked for.
    #[default]
    Off,
    /// They count where they are there.
    Opportunistic,
    /// They must be there.
    Require,
}

/// `--mta-sts`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MtaSts {
    /// No policy is asked for.
    #[default]
    Off,
    /// It counts where there is one.
    Check,
    /// There must be one in force.
    Require,
}

/// Which servers are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hosts {
    /// The one named with -H.
    One,
    /// The MX hosts of this domain.
    OfDomain(String),
}

/// What is known to be sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Which servers are asked.
    pub hosts: Hosts,
    /// Whether and how TLSA records count.
    pub dane: Dane,
    /// Whether and how a policy counts.
    pub mta_sts: MtaSts,
    /// How records are asked for; `None` where getaddrinfo is all that is needed.
    pub dns: Option<dns::Settings>,
    /// Addresses come from DNS as well, instead of from getaddrinfo.
    pub asks_dns_for_addresses: bool,
}

impl DomainArgs {
    /// The first flag that was given, for who cannot use any.
    pub fn given(&self) -> Option<&'static str> {
        let flags = [
            (self.mx.is_some(), "--mx"),
            (self.dane.is_some(), "--dane"),
            (self.mta_sts.is_some(), "--mta-sts"),
            (self.dns.resolver.is_some(), "--resolver"),
            (self.dns.dnssec.is_some(), "--dnssec"),
            (self.dns.trust_anchor.is_some(), "--trust-anchor"),
        ];
        flags.into_iter().find(|(is_given, _)| *is_given).map(|(_, flag)| flag)
    }

    /// Checks what belongs together, and names the domain as the target where there is one.
    pub fn sound(self, target: &mut TargetArgs, sni: Option<&str>) -> Result<Domain, UsageError> {
        let (dane, mta_sts) = (self.dane.unwrap_or_default(), self.mta_sts.unwrap_or_default());
        if mta_sts != MtaSts::Off && self.mx.is_none() {
            return Err(UsageError::new("--mta-sts is about a domain: give it with --mx instead of -H"));
        }
        if dane == Dane::Off && (self.dns.dnssec.is_some() || self.dns.trust_anchor.is_some()) {
            return Err(UsageError::new(
                "--dnssec and --trust-anchor are about the proof of TLSA records: give --dane too, or leave them out",
            ));
        }
        match &self.mx {
            Some(domain) => {
                refuse_with_domain(target, sni)?;
                target.hostname = Some(Host::Name(domain.clone()));
            }
            None if dane != Dane::Off && !matches!(target.hostname, Some(Host::Name(_)) | None) => {
                return Err(UsageError::new(
                    "--dane needs the server's name after -H: TLSA records belong to names (-I gives the address to connect to)",
                ));
            }
            None => {}
        }
        let asks_dns_for_addresses = self.dns.resolver.is_some() || dane != Dane::Off;
        let needs_dns = asks_dns_for_addresses || self.mx.is_some();
        let dns = self.dns.settings(dane != Dane::Off)?;
        Ok(Domain {
            hosts: self.mx.map_or(Hosts::One, Hosts::OfDomain),
            dane,
            mta_sts,
            dns: needs_dns.then_some(dns),
            asks_dns_for_addresses,
        })
    }
}

fn refuse_with_domain(target: &TargetArgs, sni: Option<&str>) -> Result<(), UsageError> {
    let needless = [
        (target.hostname.is_some(), "-H/--hostname"),
        (target.address.is_some(), "-I/--address"),
        (target.lmtp.is_some(), "-L/--lmtp"),
        (sni.is_some(), "--sni"),
    ];
    match needless.into_iter().find(|(given, _)| *given) {
        Some((_, flag)) => Err(UsageError::new(format!(
            "{flag} has no meaning with --mx: the domain's MX records name the servers, leave one of them out"
        ))),
        None => Ok(()),
    }
}

fn domain(text: &str) -> Result<String, String> {
    match text.parse() {
        Ok(Host::Name(name)) => Ok(name.trim_end_matches('.').to_ascii_lowercase()),
        _ => Err("give a mail domain, such as example.org".to_owned()),
    }
}

fn dane(text: &str) -> Result<Dane, String> {
    match text {
        "off" => Ok(Dane::Off),
        "opportunistic" => Ok(Dane::Opportunistic),
        "require" => Ok(Dane::Require),
        _ => Err("give off, opportunistic or require".to_owned()),
    }
}

fn mta_sts(text: &str) -> Result<MtaSts, String> {
    match text {
        "off" => Ok(MtaSts::Off),
        "check" => Ok(MtaSts::Check),
        "require" => Ok(MtaSts::Require),
        _ => Err("give off, check or require".to_owned()),
    }
}
