//! What is typed, and what is known to be sound.

mod domain;

use std::path::PathBuf;
use std::time::Duration;

use check_smtp_core::cli::{
    self, Given, Limits, OutputArgs, Target, TargetArgs, TimingArgs, TlsArgs, TlsMode,
};
use check_smtp_core::hello::Offer;
use check_smtp_core::net::Host;
use check_smtp_core::net::tls::{self, KeyKind, Roots, Version};
use check_smtp_core::plugin::{Style, Threshold, UsageError, duration};
use check_smtp_core::timeline::Phase;

use self::domain::DomainArgs;
pub use self::domain::{Dane, Domain, Hosts, MtaSts};
use crate::expect::{ExpectArgs, Expectations};
use crate::validity::{self, Left};

/// The phases a session of this check may have.
const PHASES: [Phase; 7] =
    [Phase::Dns, Phase::Connect, Phase::Banner, Phase::Ehlo, Phase::StartTls, Phase::Tls, Phase::Quit];

/// The command line of `check_smtp_cert`.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    domain: DomainArgs,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    tls: TlsArgs,
    #[command(flatten)]
    expect: ExpectArgs,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Which certificates are looked at.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Scope")]
pub struct ScopeArgs {
    /// Look at the chain in this PEM file (leaf first) instead of a server's; names are judged with -H only
    #[arg(short, long, value_name = "FILE", value_parser = cli::path)]
    file: Option<PathBuf>,
    /// Key that must fit the leaf of --file (PEM, without passphrase)
    #[arg(long, value_name = "FILE", value_parser = cli::path, requires = "file")]
    key: Option<PathBuf>,
    /// Ask each address of the name, at the same time; the worst counts
    #[arg(long, num_args = 0, default_missing_value = "")]
    all_addresses: Option<Given>,
    /// Certificates asked for, of a server that may have several: auto (what it prefers), rsa, ecdsa or both [default: auto]
    #[arg(long, value_name = "KINDS", value_parser = key_kinds)]
    key_types: Option<KeyKinds>,
    /// Try which versions from SSL 3.0 to TLS 1.3 the server accepts, on a connection for each, without OpenSSL
    #[arg(long, num_args = 0, default_missing_value = "")]
    probe_versions: Option<Given>,
    /// Versions that --probe-versions must not find: ssl3, 1.0, 1.1, 1.2, 1.3 or none; WARNING, for ssl3 CRITICAL [default: ssl3,1.0,1.1]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = forbidden, requires = "probe_versions")]
    forbid_tls: Vec<Forbidden>,
    /// Try on a connection of its own whether a command sent behind STARTTLS is taken into TLS; CRITICAL if so
    #[arg(long, num_args = 0, default_missing_value = "")]
    test_injection: Option<Given>,
    /// Write the chains that were seen to this file (PEM)
    #[arg(long, value_name = "FILE", value_parser = cli::path)]
    pem: Option<PathBuf>,
}

/// `-w`, `-c`, `-t`.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Thresholds and time")]
pub struct LimitArgs {
    /// WARNING when less validity is left: days (30), a time (30d, 12h) or a share of the lifetime (25%); PHASE=RANGE for the time of a phase, staple=12h: for what is left of the OCSP response; repeatable [default without -w and -c: 30, in proportion less for lifetimes under 90 days]
    #[arg(short, long, value_name = "LEFT|PHASE=RANGE", allow_hyphen_values = true, value_parser = limit)]
    warning: Vec<Limit>,
    /// CRITICAL when less is left, given as for -w [default without -w and -c: 14]
    #[arg(short, long, value_name = "LEFT|PHASE=RANGE", allow_hyphen_values = true, value_parser = limit)]
    critical: Vec<Limit>,
    /// Time for everything together: name lookup, connect, TLS, dialogue, QUIT; seconds or with a unit (2.5, 800ms) [default: 10]
    #[arg(short, long, value_name = "TIME", allow_hyphen_values = true, value_parser = duration::parse_budget)]
    timeout: Option<Duration>,
}

/// One `-w` or `-c`.
#[derive(Clone, Debug)]
pub enum Limit {
    /// On what is left.
    Left(Left),
    /// On the time of a phase.
    Phase(Threshold),
}

/// Versions nobody should accept any more (RFC 7568, RFC 8996).
const USUALLY_FORBIDDEN: [Offer; 3] = [Offer::Ssl30, Offer::Tls10, Offer::Tls11];

/// One word of `--forbid-tls`; `none` forbids nothing.
#[derive(Clone, Copy, Debug)]
pub struct Forbidden(Option<Offer>);

/// The kinds of certificate that are asked for, a session for each.
#[derive(Clone, Debug)]
pub struct KeyKinds(Vec<Option<KeyKind>>);

/// Where the certificates come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A server.
    Server(Box<Server>),
    /// A file.
    File {
        /// The chain.
        chain: PathBuf,
        /// The key that must fit.
        key: Option<PathBuf>,
    },
}

/// A server and how it is asked.
#[derive(Clone, Debug)]
pub struct Server {
    /// Which server; with `--mx` the domain, whose hosts take its place one by one.
    pub target: Target,
    /// Which hosts are asked, and what is promised about them.
    pub domain: Domain,
    /// When TLS begins.
    pub mode: TlsMode,
    /// How TLS is spoken.
    pub tls: tls::Settings,
    /// One session with each address.
    pub asks_each_address: bool,
    /// One session for each of these.
    pub key_kinds: Vec<Option<KeyKind>>,
    /// Versions that must not be accepted; `None` tries none.
    pub forbidden: Option<Vec<Offer>>,
    /// Tries an injection behind STARTTLS.
    pub tests_injection: bool,
}

/// What the check is asked to do, known to be sound.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the certificates come from.
    pub source: Source,
    /// What they are held against.
    pub expect: Expectations,
    /// The trusted roots.
    pub roots: Roots,
    /// The validity that must be left.
    pub left: validity::Limits,
    /// Thresholds on times.
    pub times: Limits,
    /// Where the chains are written.
    pub pem: Option<PathBuf>,
    /// The time for everything.
    pub budget: Duration,
    /// How it is shown.
    pub style: Style,
}

impl Args {
    /// Turns what was typed into what is sound. Pure, and independent of the order of flags.
    pub fn config(mut self) -> Result<Config, UsageError> {
        if self.tls.insecure.is_some() {
            return Err(UsageError::new(
                "--insecure has no meaning here: this check looks at every certificate and judges it, leave it out (or give --allow-self-signed, --ca-file)",
            ));
        }
        let least = self.tls.min_tls.take().unwrap_or(Version::Tls12);
        refuse_impossible_versions(self.tls.max_tls, least)?;
        // What the server does speak is to be seen; it is judged afterwards.
        self.tls.min_tls = Some(Version::Tls10);
        let roots = self.tls.roots();
        let (left, times, budget) = self.limits.sound()?;
        let (pem, style) = (self.scope.pem.take(), self.output.style());
        let (source, identity) = match self.scope.file.take() {
            Some(chain) => from_file(chain, &self.domain, self.scope, self.target, self.tls)?,
            None => (from_server(self.domain, self.scope, self.target, self.tls)?, None),
        };
        refuse_unreached(&times, &source)?;
        Ok(Config {
            source,
            expect: self.expect.expectations(identity, least),
            roots,
            left,
            times,
            pem,
            budget,
            style,
        })
    }
}

type Sourced = (Source, Option<check_smtp_core::certificate::Identity>);

fn from_server(
    domain: DomainArgs,
    scope: ScopeArgs,
    mut target: TargetArgs,
    tls: TlsArgs,
) -> Result<Source, UsageError> {
    let domain = domain.sound(&mut target, tls.sni.as_deref())?;
    let mode = match tls.mode(target.port) {
        TlsMode::None => TlsMode::StartTls,
        mode => mode,
    };
    let target = target.target(mode, 25)?;
    if matches!(target.connect, Host::Socket(_)) && scope.all_addresses.is_some() {
        return Err(UsageError::new("--all-addresses has no meaning for a Unix socket, leave it out"));
    }
    let tls = tls::Settings { is_verified: false, wants_staple: true, ..tls.settings(&target)? };
    if mode == TlsMode::Implicit && scope.test_injection.is_some() {
        return Err(UsageError::new(
            "--test-injection is about STARTTLS: leave it out with TLS from the first byte",
        ));
    }
    let asked: Vec<Offer> = scope.forbid_tls.iter().filter_map(|forbidden| forbidden.0).collect();
    let usual = if scope.forbid_tls.is_empty() { USUALLY_FORBIDDEN.to_vec() } else { asked };
    let forbidden = scope.probe_versions.map(|_| usual);
    let tests_injection = scope.test_injection.is_some();
    let key_kinds = scope.key_types.map_or_else(|| vec![None], |kinds| kinds.0);
    let asks_each_address = scope.all_addresses.is_some();
    let server =
        Server { target, domain, mode, tls, asks_each_address, key_kinds, forbidden, tests_injection };
    Ok(Source::Server(Box::new(server)))
}

fn from_file(
    chain: PathBuf,
    domain: &DomainArgs,
    scope: ScopeArgs,
    target: TargetArgs,
    tls: TlsArgs,
) -> Result<Sourced, UsageError> {
    let needless = [
        (target.address.is_some(), "-I/--address"),
        (target.port.is_some(), "-p/--port"),
        (target.lmtp.is_some(), "-L/--lmtp"),
        (target.proxy_protocol.is_some(), "--proxy-protocol"),
        (tls.tls.is_some(), "-s/--tls"),
        (tls.starttls.is_some(), "-S/--starttls"),
        (tls.max_tls.is_some(), "--max-tls"),
        (tls.client_cert.is_some(), "--client-cert"),
        (scope.all_addresses.is_some(), "--all-addresses"),
        (scope.key_types.is_some(), "--key-types"),
        (scope.probe_versions.is_some(), "--probe-versions"),
        (scope.test_injection.is_some(), "--test-injection"),
    ];
    let needless = needless.into_iter().find(|(given, _)| *given).map(|(_, flag)| flag);
    if let Some(flag) = needless.or(domain.given()) {
        return Err(UsageError::new(format!(
            "{flag} has no meaning with -f/--file: no server is asked, leave one of them out"
        )));
    }
    let identity = match target.hostname {
        Some(_) => Some(tls.settings(&target.target(TlsMode::Implicit, 465)?)?.identity),
        None => None,
    };
    Ok((Source::File { chain, key: scope.key }, identity))
}

impl LimitArgs {
    fn sound(self) -> Result<(validity::Limits, Limits, Duration), UsageError> {
        let (warning, warnings) = split(self.warning);
        let (critical, criticals) = split(self.critical);
        if warning.zip(critical).is_some_and(|(warning, critical)| warning.is_less_than(critical)) {
            return Err(UsageError::new(
                "-w is less than -c: the warning would never be seen, give -w the longer time",
            ));
        }
        let timing = TimingArgs { warning: warnings, critical: criticals, timeout: self.timeout };
        Ok((validity::Limits { warning, critical }, timing.limits(&known())?, timing.budget()))
    }
}

/// What a threshold may be on: the phases, and what is left of the OCSP response.
fn known() -> Vec<&'static str> {
    PHASES.iter().map(|phase| phase.label()).chain(["staple"]).collect()
}

/// The last limit on validity counts; those on phases are sorted out later.
fn split(limits: Vec<Limit>) -> (Option<Left>, Vec<Threshold>) {
    let (mut left, mut phases) = (None, Vec::new());
    for limit in limits {
        match limit {
            Limit::Left(given) => left = Some(given),
            Limit::Phase(threshold) => phases.push(threshold),
        }
    }
    (left, phases)
}

fn refuse_impossible_versions(greatest: Option<Version>, least: Version) -> Result<(), UsageError> {
    match greatest.filter(|greatest| *greatest < least) {
        Some(greatest) => Err(UsageError::value(
            "--max-tls",
            greatest.name(),
            format!("is below --min-tls {}, give the same or a greater version", least.name()),
        )),
        None => Ok(()),
    }
}

/// A threshold on a phase that this run never enters would be a promise without a check.
fn refuse_unreached(times: &Limits, source: &Source) -> Result<(), UsageError> {
    let is_given = |phase: Phase| {
        let thresholds = times.of(phase.label());
        thresholds.warning.is_some() || thresholds.critical.is_some()
    };
    let staple = times.of("staple");
    let is_on_staple = staple.warning.is_some() || staple.critical.is_some();
    match source {
        Source::File { .. } if PHASES.into_iter().any(is_given) || is_on_staple => {
            Err(UsageError::new("a threshold on a phase with -f/--file: no server is asked, leave it out"))
        }
        Source::Server(server) if server.mode == TlsMode::Implicit && is_given(Phase::StartTls) => {
            Err(UsageError::new(
                "a threshold on 'starttls' without that phase: leave it out, or leave out -s/--tls",
            ))
        }
        _ => Ok(()),
    }
}

fn limit(text: &str) -> Result<Limit, String> {
    if text.contains('=') {
        return Threshold::parse_seconds(text).map(Limit::Phase).map_err(|error| error.to_string());
    }
    Left::parse(text).map(Limit::Left)
}

fn forbidden(text: &str) -> Result<Forbidden, String> {
    let offer = match text {
        "none" => None,
        "ssl3" => Some(Offer::Ssl30),
        "1.0" => Some(Offer::Tls10),
        "1.1" => Some(Offer::Tls11),
        "1.2" => Some(Offer::Tls12),
        "1.3" => Some(Offer::Tls13),
        _ => return Err("give ssl3, 1.0, 1.1, 1.2, 1.3 or none".to_owned()),
    };
    Ok(Forbidden(offer))
}

fn key_kinds(text: &str) -> Result<KeyKinds, String> {
    let kinds = match text {
        "auto" => vec![None],
        "rsa" => vec![Some(KeyKind::Rsa)],
        "ecdsa" => vec![Some(KeyKind::Ecdsa)],
        "both" => vec![Some(KeyKind::Rsa), Some(KeyKind::Ecdsa)],
        _ => return Err("give auto, rsa, ecdsa or both".to_owned()),
    };
    Ok(KeyKinds(kinds))
}
