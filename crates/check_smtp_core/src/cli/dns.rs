//! Which name servers are asked for records, and whose proof counts.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use super::path;
use crate::net::dns::{Proving, Servers, Settings};
use crate::plugin::UsageError;

/// What `--resolver` is, the same in every check.
pub const RESOLVER_HELP: &str = "Name server to ask, for addresses too: ADDRESS or ADDRESS:PORT ([2001:db8::53]:53) [default: those of /etc/resolv.conf]";

/// `--resolver`, `--dnssec`, `--trust-anchor`.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "DNS")]
pub struct DnsArgs {
    /// The name server.
    #[arg(long, help = RESOLVER_HELP, value_name = "ADDRESS", value_parser = resolver)]
    pub resolver: Option<SocketAddr>,
    /// Whose proof of DNSSEC counts: own (validated here, from the root's keys), or resolver (the AD bit of --resolver: it and the path to it must be trusted, best on this host) [default: resolver with --resolver and without --trust-anchor, else own]
    #[arg(long, value_name = "WHO", value_parser = proof)]
    pub dnssec: Option<Proof>,
    /// File of DNSKEY records to validate from, instead of the root's keys that are built in
    #[arg(long, value_name = "FILE", value_parser = path)]
    pub trust_anchor: Option<PathBuf>,
}

/// `--dnssec`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// We validate.
    Own,
    /// The resolver has.
    Resolver,
}

impl DnsArgs {
    /// How names are asked for; nothing is proven where no proof is wanted.
    pub fn settings(self, wants_proof: bool) -> Result<Settings, UsageError> {
        let servers = self.resolver.map_or(Servers::System, Servers::Only);
        if self.dnssec == Some(Proof::Resolver) && self.resolver.is_none() {
            return Err(UsageError::value(
                "--dnssec",
                "resolver",
                "needs the resolver that is trusted: name it with --resolver",
            ));
        }
        let is_by_server = self
            .dnssec
            .map_or(self.resolver.is_some() && self.trust_anchor.is_none(), |who| who == Proof::Resolver);
        if is_by_server && self.trust_anchor.is_some() {
            return Err(UsageError::new(
                "--trust-anchor has no meaning with --dnssec resolver: leave one of them out",
            ));
        }
        let proving = match (wants_proof, is_by_server) {
            (false, _) => Proving::Nobody,
            (true, true) => Proving::Server,
            (true, false) => Proving::Own(self.trust_anchor),
        };
        Ok(Settings { servers, proving })
    }
}

/// Reads the address of a name server, with a port or without.
pub fn resolver(text: &str) -> Result<SocketAddr, String> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address: Option<SocketAddr> =
        bare.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53)).ok().or_else(|| text.parse().ok());
    address.filter(|address| address.port() > 0).ok_or_else(|| {
        "give the address of a name server, such as 127.0.0.1, 192.0.2.53:5353 or [2001:db8::53]:53"
            .to_owned()
    })
}

fn proof(text: &str) -> Result<Proof, String> {
    match text {
        "own" => Ok(Proof::Own),
        "resolver" => Ok(Proof::Resolver),
        _ => Err("give own or resolver".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{DnsArgs, Proof, Proving, resolver};

    #[test]
    fn resolvers_in_each_form() {
        for (text, expected) in [
            ("127.0.0.1", "127.0.0.1:53"),
            ("192.0.2.53:5353", "192.0.2.53:5353"),
            ("2001:db8::53", "[2001:db8::53]:53"),
            ("[2001:db8::53]", "[2001:db8::53]:53"),
            ("[2001:db8::53]:5353", "[2001:db8::53]:5353"),
        ] {
            assert_eq!(resolver(text).map(|address| address.to_string()).as_deref(), Ok(expected));
        }
        for bad in ["", "dns.example.org", "192.0.2.53:0", "192.0.2.53:", "192.0.2.53:x"] {
            assert!(resolver(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn whose_proof_counts() {
        let args = |resolver: Option<&str>, dnssec, anchor: Option<&str>| DnsArgs {
            resolver: resolver.map(|text| super::resolver(text).unwrap()),
            dnssec,
            trust_anchor: anchor.map(Into::into),
        };
        let proving = |args: DnsArgs| args.settings(true).map(|settings| settings.proving).map_err(|_| ());
        let server = Some("127.0.0.1");
        assert_eq!(proving(args(None, None, None)), Ok(Proving::Own(None)));
        assert_eq!(proving(args(server, None, None)), Ok(Proving::Server));
        assert_eq!(proving(args(server, None, Some("f"))), Ok(Proving::Own(Some("f".into()))));
        assert_eq!(proving(args(server, Some(Proof::Own), None)), Ok(Proving::Own(None)));
        assert_eq!(proving(args(None, Some(Proof::Resolver), None)), Err(()));
        assert_eq!(proving(args(server, Some(Proof::Resolver), Some("f"))), Err(()));
        let settings = args(server, None, None).settings(false);
        assert_eq!(settings.map(|settings| settings.proving).ok(), Some(Proving::Nobody));
    }
}
