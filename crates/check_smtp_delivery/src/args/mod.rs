//! What is typed, and what is known to be sound.

mod access;
mod content;
mod envelope;
mod receive;
mod trace;
mod tracking;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use check_smtp_core::cli::{
    self, Account, CredentialArgs, Given, Limits, OAuth2Args, OutputArgs, StateArgs, Target, TargetArgs,
    TimingArgs, TlsArgs, TlsMode, dns,
};
use check_smtp_core::net::dns::{Proving, Servers, Settings};
use check_smtp_core::net::{Host, tls};
use check_smtp_core::oauth2;
use check_smtp_core::plugin::{Range, RangeError, Style, UsageError};
use check_smtp_core::smtp::sasl::{Mechanism, Needs};
use check_smtp_core::timeline::Phase;

pub use self::access::Access;
use self::content::ContentArgs;
pub use self::content::{Content, Header, Parts};
pub use self::envelope::Envelope;
use self::envelope::EnvelopeArgs;
use self::receive::ReceiveArgs;
pub use self::receive::{Cleanup, Receive};
pub use self::trace::Requirements;
use self::trace::TraceArgs;
use self::tracking::TrackingArgs;
pub use self::tracking::{Mode, Tracking};

/// The port of message submission (RFC 6409), where a login is made, and that of relaying.
const SUBMISSION: u16 = 587;
const RELAY: u16 = 25;

/// What thresholds may name: the time until the server has taken the message, and the phases of the session.
const METRICS: [&str; 14] = [
    "sent",
    Phase::Token.label(),
    Phase::Dns.label(),
    Phase::Connect.label(),
    Phase::Banner.label(),
    Phase::Ehlo.label(),
    Phase::StartTls.label(),
    Phase::Tls.label(),
    Phase::Auth.label(),
    Phase::Mail.label(),
    Phase::Rcpt.label(),
    Phase::Data.label(),
    Phase::Body.label(),
    Phase::Quit.label(),
];

/// The command line of `check_smtp_delivery`.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    domain: DomainArgs,
    #[command(flatten)]
    envelope: EnvelopeArgs,
    #[command(flatten)]
    content: ContentArgs,
    #[command(flatten)]
    receive: ReceiveArgs,
    #[command(flatten)]
    tracking: TrackingArgs,
    #[command(flatten)]
    trace: TraceArgs,
    #[command(flatten)]
    tls: TlsArgs,
    #[command(flatten)]
    credentials: CredentialArgs,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    oauth2: OAuth2Args,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    timing: TimingArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// A domain instead of a server.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Domain")]
pub struct DomainArgs {
    /// Send to the MX hosts of the recipients' domain instead of -H, in their order; the next one only where one is not reached, or puts us off at the greeting. TLS is what other servers make of it, unless -S is given: STARTTLS where it is offered, not verified
    #[arg(long, num_args = 0, default_missing_value = "")]
    mx: Option<Given>,
    /// The name server.
    #[arg(long, help = dns::RESOLVER_HELP, value_name = "ADDRESS", value_parser = dns::resolver)]
    resolver: Option<SocketAddr>,
}

/// How the login is made.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Login (where any of these or of the credentials is given)")]
pub struct LoginArgs {
    /// Mechanisms to use, the first that is offered is taken [default: the strongest the secret allows]
    #[arg(short = 'A', long, value_name = "LIST", value_delimiter = ',', value_parser = mechanism)]
    mechanism: Vec<Mechanism>,
    /// Log in without TLS, the secret readable on the way; the status line says so
    #[arg(long, num_args = 0, default_missing_value = "")]
    allow_plaintext_auth: Option<Given>,
}

/// Who logs in, and how.
#[derive(Clone, Debug)]
pub struct LoginPlan {
    /// Who, and where the secret comes from.
    pub account: Account,
    /// By which mechanisms.
    pub mechanisms: Vec<Mechanism>,
    /// The token to be fetched.
    pub token: Option<oauth2::Request>,
}

/// Which servers are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// The one named with -H.
    Server,
    /// The MX hosts of this domain.
    Domain(String),
}

/// What the check is asked to do, known to be sound.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which servers are asked.
    pub route: Route,
    /// Which server; with `--mx` the domain, whose hosts take its place one by one.
    pub target: Target,
    /// How names are asked for, with `--mx`.
    pub dns: Option<Settings>,
    /// When TLS begins.
    pub mode: TlsMode,
    /// How TLS is spoken.
    pub tls: tls::Settings,
    /// Who logs in; `None`: nobody.
    pub login: Option<LoginPlan>,
    /// From whom, for whom, how far.
    pub envelope: Envelope,
    /// What is sent.
    pub content: Content,
    /// Where it is looked for; `None`: whether it arrives is not checked.
    pub receive: Option<Receive>,
    /// What is remembered of probes, and how they are judged, where it is looked for.
    pub tracking: Option<Tracking>,
    /// Where tokens and probes are kept, when it was said.
    pub state_dir: Option<PathBuf>,
    /// What the header of the message must say, once it has arrived.
    pub trace: Requirements,
    /// Thresholds.
    pub limits: Limits,
    /// The time for everything.
    pub budget: Duration,
    /// How it is shown.
    pub style: Style,
}

impl Args {
    /// Turns what was typed into what is sound. Pure, and independent of the order of flags.
    pub fn config(mut self) -> Result<Config, UsageError> {
        let envelope = self.envelope.sound()?;
        let content = self.content.content()?;
        let allows_plaintext = self.login.allow_plaintext_auth.is_some();
        let login = login(self.login, self.credentials, self.oauth2, self.tls.client_cert.is_some())?;
        let run = self.tracking.mode(self.receive.has_wait())?;
        let receive = self.receive.receive(login.as_ref())?;
        let keeps = receive.is_some() || login.as_ref().is_some_and(|plan| plan.token.is_some());
        let state_dir = self.state.directory(keeps, "--receive or --oauth2-token-url")?;
        if receive.is_some() && envelope.stop_after.is_some() {
            return Err(UsageError::new(
                "--receive with --stop-after: no message is sent, leave one of them out",
            ));
        }
        let trace = self.trace.requirements(receive.is_some())?;
        let mode = mode(&self.tls, self.target.port, login.is_some(), allows_plaintext)?;
        let (route, dns) = self.domain.route(&envelope, &mut self.target, &self.tls, login.is_some())?;
        let usual = if login.is_some() { SUBMISSION } else { RELAY };
        let target = self.target.target(mode, usual)?;
        if matches!(target.connect, Host::Socket(_)) && mode == TlsMode::StartTls && login.is_some() {
            return Err(UsageError::new("a Unix socket needs no TLS: give --allow-plaintext-auth"));
        }
        let receive = if run == Mode::Async { receive.map(Receive::unwaited) } else { receive };
        let (limits, budget) = timing(&self.timing, receive.as_ref())?;
        let tracking = match &receive {
            Some(_) => Some(self.tracking.tracking(run, envelope.to.len(), budget)?),
            None => self.tracking.nothing().map(|()| None)?,
        };
        let (mode, tls) = if route == Route::Server || mode != TlsMode::None {
            (mode, self.tls.settings(&target)?)
        } else {
            opportunistic(self.tls, &target)?
        };
        Ok(Config {
            route,
            dns,
            mode,
            tls,
            target,
            login,
            envelope,
            content,
            receive,
            tracking,
            state_dir,
            trace,
            limits,
            budget,
            style: self.output.style(),
        })
    }
}

/// Thresholds and the time for everything: with a mailbox there is one metric more, and the wait must fit.
fn timing(timing: &TimingArgs, receive: Option<&Receive>) -> Result<(Limits, Duration), UsageError> {
    let Some(receive) = receive else { return Ok((timing.limits(&METRICS)?, timing.budget())) };
    let known: Vec<&str> = METRICS.into_iter().chain(["arrived"]).collect();
    let limits = timing.limits(&known)?;
    if receive.wait.is_zero() {
        return Ok((limits, timing.budget()));
    }
    Ok((limits, receive.budget(timing.timeout)?))
}

impl DomainArgs {
    /// Which servers are asked; names the domain as the target where there is one.
    fn route(
        self,
        envelope: &Envelope,
        target: &mut TargetArgs,
        tls: &TlsArgs,
        logs_in: bool,
    ) -> Result<(Route, Option<Settings>), UsageError> {
        if self.mx.is_none() {
            return match self.resolver {
                Some(_) => {
                    Err(UsageError::new("--resolver is about MX records: give --mx too, or leave it out"))
                }
                None => Ok((Route::Server, None)),
            };
        }
        let needless = [
            (target.hostname.is_some(), "-H/--hostname"),
            (target.address.is_some(), "-I/--address"),
            (target.lmtp.is_some(), "-L/--lmtp"),
            (tls.sni.is_some(), "--sni"),
        ];
        if let Some((_, flag)) = needless.into_iter().find(|(given, _)| *given) {
            return Err(UsageError::new(format!(
                "{flag} has no meaning with --mx: the domain's MX records name the servers, leave one of them out"
            )));
        }
        if logs_in {
            return Err(UsageError::new(
                "a login has no meaning with --mx: MX hosts take mail for their domain from everybody, leave one of them out",
            ));
        }
        let domain = envelope.domain()?;
        target.hostname = Some(Host::Name(domain.clone()));
        let servers = self.resolver.map_or(Servers::System, Servers::Only);
        Ok((Route::Domain(domain), Some(Settings { servers, proving: Proving::Nobody })))
    }
}

/// A login is made where any of its flags is given.
fn login(
    args: LoginArgs,
    credentials: CredentialArgs,
    oauth2: OAuth2Args,
    has_certificate: bool,
) -> Result<Option<LoginPlan>, UsageError> {
    let token = oauth2.request()?;
    if !credentials.is_given() && token.is_none() && args.mechanism.is_empty() {
        return match args.allow_plaintext_auth {
            Some(_) => Err(UsageError::new(
                "--allow-plaintext-auth without a login would do nothing: give -U/--user",
            )),
            None => Ok(None),
        };
    }
    let kind = cli::agreed_kind("-A/--mechanism", &args.mechanism)?;
    if kind == Some(Needs::Certificate) && !has_certificate {
        return Err(UsageError::new("-A EXTERNAL logs in by certificate: give --client-cert"));
    }
    let account = credentials.account(kind, token.is_some())?;
    Ok(Some(LoginPlan { account, mechanisms: args.mechanism, token }))
}

/// When TLS begins. A login is made inside TLS unless the admin wants it otherwise.
fn mode(
    tls: &TlsArgs,
    port: Option<u16>,
    logs_in: bool,
    allows_plaintext: bool,
) -> Result<TlsMode, UsageError> {
    let mode = match tls.mode(port) {
        TlsMode::None if logs_in && !allows_plaintext => TlsMode::StartTls,
        mode => mode,
    };
    if allows_plaintext && mode != TlsMode::None {
        return Err(UsageError::new("--allow-plaintext-auth with TLS: give one of them"));
    }
    match tls.needless_without_tls().filter(|_| mode == TlsMode::None) {
        Some(flag) => Err(UsageError::new(format!(
            "{flag} without TLS would do nothing: give -S/--starttls or -s/--tls as well"
        ))),
        None => Ok(mode),
    }
}

/// What a sender does with a domain's MX hosts: any TLS is better than none, unless the admin says which.
fn opportunistic(tls: TlsArgs, target: &Target) -> Result<(TlsMode, tls::Settings), UsageError> {
    let least = tls.min_tls.unwrap_or(tls::Version::Tls10);
    let settings = tls.settings(target)?;
    Ok((TlsMode::Opportunistic, tls::Settings { least, is_verified: false, ..settings }))
}

fn mechanism(text: &str) -> Result<Mechanism, String> {
    text.parse()
}

/// What would do nothing without a mailbox.
fn without_mailbox(flags: &[(bool, &str)]) -> Result<(), UsageError> {
    match flags.iter().find(|(given, _)| *given) {
        Some((_, flag)) => Err(UsageError::new(format!(
            "{flag} without --receive would do nothing: name the mailbox with --receive, or leave it out"
        ))),
        None => Ok(()),
    }
}

/// A range of plain numbers.
fn range(text: &str) -> Result<Range, RangeError> {
    text.parse()
}
