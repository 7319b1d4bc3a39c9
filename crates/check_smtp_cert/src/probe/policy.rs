//! Fetches the domain's MTA-STS policy (RFC 8461 section 3).

use check_smtp_core::error::Failure;
use check_smtp_core::mta_sts::{self, Policy};
use check_smtp_core::net::Deadline;
use check_smtp_core::net::dns::{Resolver, Servers};
use check_smtp_core::net::https::{self, Answer, CaFile};
use check_smtp_core::net::tls::Roots;
use check_smtp_core::timeline::Phase;

use crate::args::{Config, Domain, MtaSts, Server};
use crate::facts::{MtaStsSeen, NoPolicy};

/// Whether a policy is asked for.
pub fn is_wanted(server: &Server) -> bool {
    server.domain.mta_sts != MtaSts::Off
}

/// The record, and the policy where the record announces one.
pub fn look_up(
    config: &Config,
    how: &Domain,
    domain: &str,
    resolver: &Resolver,
    deadline: Deadline,
) -> MtaStsSeen {
    let record = resolver
        .texts(&format!("_mta-sts.{domain}"), deadline)
        .map(|texts| mta_sts::record(&texts))
        .map_err(|cause| Failure::new(Phase::Dns, cause));
    let is_announced = matches!(record, Ok(Ok(Some(_))));
    let answer = is_announced.then(|| fetch(config, how, domain, resolver, deadline));
    let content_type = answer.as_ref().and_then(|answer| answer.as_ref().ok()?.content_type.clone());
    MtaStsSeen { record, content_type, policy: answer.map(|answer| read(&answer?)) }
}

/// The policy's host is found by `--resolver` where that is given, and held against `--ca-file` or the system's roots.
fn fetch(
    config: &Config,
    how: &Domain,
    domain: &str,
    resolver: &Resolver,
    deadline: Deadline,
) -> Result<Answer, NoPolicy> {
    let host = format!("mta-sts.{domain}");
    let is_named = how.dns.as_ref().is_some_and(|dns| dns.servers != Servers::System);
    let addresses = if is_named { resolver.addresses(&host, deadline) } else { Ok(Vec::new()) };
    let addresses = addresses.map_err(|cause| NoPolicy::NotFound(Failure::new(Phase::Dns, cause)))?;
    let ca_file = match &config.roots {
        Roots::File(path) => Some(CaFile { flag: "--ca-file", path }),
        Roots::System | Roots::Directory(_) => None,
    };
    let url = format!("https://{host}/.well-known/mta-sts.txt");
    https::get(&url, addresses, ca_file, deadline).map_err(NoPolicy::Unreachable)
}

fn read(answer: &Answer) -> Result<Policy, NoPolicy> {
    if answer.status != 200 {
        return Err(NoPolicy::Status(answer.status));
    }
    Policy::parse(&answer.body).map_err(NoPolicy::Malformed)
}
