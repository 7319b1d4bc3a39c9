//! What is typed, and what is known to be sound.

use std::path::PathBuf;
use std::time::Duration;

use check_smtp_core::cli::{
    self, Account, CredentialArgs, Given, Limits, OAuth2Args, OutputArgs, StateArgs, Target, TargetArgs,
    TimingArgs, TlsArgs, TlsMode,
};
use check_smtp_core::net::{Host, tls};
use check_smtp_core::oauth2;
use check_smtp_core::plugin::{Style, UsageError};
use check_smtp_core::smtp::Mailbox;
use check_smtp_core::smtp::sasl::{Mechanism, Needs};
use check_smtp_core::timeline::Phase;

/// The port of message submission (RFC 6409).
const SUBMISSION: u16 = 587;

/// The phases a session of this check may have.
const PHASES: [Phase; 11] = [
    Phase::Token,
    Phase::Dns,
    Phase::Connect,
    Phase::Banner,
    Phase::Ehlo,
    Phase::StartTls,
    Phase::Tls,
    Phase::Auth,
    Phase::Mail,
    Phase::Rcpt,
    Phase::Quit,
];

/// The command line of `check_smtp_auth`.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    tls: TlsArgs,
    #[command(flatten)]
    credentials: CredentialArgs,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    doors: DoorArgs,
    #[command(flatten)]
    oauth2: OAuth2Args,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    timing: TimingArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// How the login is made and what it is held against.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Login")]
pub struct LoginArgs {
    /// Mechanisms to use, the first that is offered is taken [default: the strongest the secret allows]
    #[arg(short = 'A', long, value_name = "LIST", value_delimiter = ',', value_parser = mechanism)]
    mechanism: Vec<Mechanism>,
    /// The login must have been made by one of these
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = mechanism)]
    require_mechanism: Vec<Mechanism>,
    /// Mechanisms the server may not offer, known to this check or not
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = cli::non_empty)]
    forbid_mechanism: Vec<String>,
    /// What is warned about: 'modern' a login offered before TLS, 'strict' also LOGIN, CRAM-MD5, DIGEST-MD5 and NTLM [default: modern]
    #[arg(long, value_name = "POLICY", value_parser = policy)]
    policy: Option<Policy>,
    /// Log in without TLS, the secret readable on the way; the status line says so
    #[arg(long, num_args = 0, default_missing_value = "")]
    allow_plaintext_auth: Option<Given>,
    /// After the login send MAIL FROM with this address: may the account send as it?
    #[arg(long, value_name = "ADDRESS", value_parser = mailbox)]
    mail_from: Option<Mailbox>,
    /// After MAIL FROM send RCPT TO with this address; no message follows
    #[arg(long, value_name = "ADDRESS", value_parser = mailbox, requires = "mail_from")]
    then_rcpt: Option<Mailbox>,
}

/// The other side of the door: who must not get in.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "The other side of the door")]
pub struct DoorArgs {
    /// A login with a random password must be refused; counts as a failed login of USER [default: a random user]
    #[arg(long, value_name = "USER", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    expect_refused: Option<String>,
    /// Mail without a login must be refused (MAIL FROM and RCPT TO, no message follows; addresses: --mail-from, --then-rcpt)
    #[arg(long, num_args = 0, default_missing_value = "")]
    require_auth: Option<Given>,
    /// A login in the clear must be refused; no secret is sent
    #[arg(long, num_args = 0, default_missing_value = "")]
    require_tls_for_auth: Option<Given>,
    /// Make only the tests above, no login
    #[arg(long, num_args = 0, default_missing_value = "")]
    no_login: Option<Given>,
}

/// What is warned about though nobody forbade it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// A login offered before TLS.
    #[default]
    Modern,
    /// Outdated mechanisms too.
    Strict,
}

/// A test of the other side of the door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// Mail without a login.
    MailWithoutLogin,
    /// A login without TLS.
    LoginWithoutTls,
    /// A random password, for this user or a random one. Last: it slows the next login down, or bans us.
    WrongPassword(Option<String>),
}

/// What the check is asked to do, known to be sound.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which server.
    pub target: Target,
    /// When TLS begins.
    pub mode: TlsMode,
    /// How TLS is spoken.
    pub tls: tls::Settings,
    /// Who logs in; `None`: nobody.
    pub account: Option<Account>,
    /// The token to be fetched.
    pub token: Option<oauth2::Request>,
    /// Where it is kept, when it was said.
    pub state_dir: Option<PathBuf>,
    /// Mechanisms to use.
    pub mechanisms: Vec<Mechanism>,
    /// Mechanisms the login must have used.
    pub required: Vec<Mechanism>,
    /// Mechanisms that may not be offered, in upper case.
    pub forbidden: Vec<String>,
    /// What is warned about.
    pub policy: Policy,
    /// MAIL FROM after the login.
    pub mail_from: Option<Mailbox>,
    /// RCPT TO after that.
    pub then_rcpt: Option<Mailbox>,
    /// The other side of the door, in the order the tests are made.
    pub tests: Vec<Test>,
    /// Thresholds.
    pub limits: Limits,
    /// The time for everything.
    pub budget: Duration,
    /// How it is shown.
    pub style: Style,
}

impl Args {
    /// Turns what was typed into what is sound. Pure, and independent of the order of flags.
    pub fn config(self) -> Result<Config, UsageError> {
        let allows_plaintext = self.login.allow_plaintext_auth.is_some();
        let mode = match self.tls.mode(self.target.port) {
            TlsMode::None if !allows_plaintext => TlsMode::StartTls,
            mode => mode,
        };
        if allows_plaintext && mode != TlsMode::None {
            return Err(UsageError::new("--allow-plaintext-auth with TLS: give one of them"));
        }
        if let Some(flag) = self.tls.needless_without_tls().filter(|_| mode == TlsMode::None) {
            return Err(UsageError::new(format!(
                "{flag} without TLS would do nothing: leave out --allow-plaintext-auth"
            )));
        }
        let tests = self.doors.tests(mode)?;
        let kind = cli::agreed_kind("-A/--mechanism", &self.login.mechanism)?;
        if kind == Some(Needs::Certificate) && self.tls.client_cert.is_none() {
            return Err(UsageError::new("-A EXTERNAL logs in by certificate: give --client-cert"));
        }
        let token = self.oauth2.request()?;
        let state_dir = self.state.directory(token.is_some(), "--oauth2-token-url")?;
        let account = self.credentials.account(kind, token.is_some())?;
        let is_login = self.doors.no_login.is_none();
        if !is_login && self.login.mail_from.is_some() && !tests.contains(&Test::MailWithoutLogin) {
            return Err(UsageError::new(
                "--mail-from with --no-login: there is no login it could follow, give --require-auth to try it without",
            ));
        }
        let target = self.target.target(mode, SUBMISSION)?;
        if matches!(target.connect, Host::Socket(_)) && mode == TlsMode::StartTls {
            return Err(UsageError::new("a Unix socket needs no TLS: give --allow-plaintext-auth"));
        }
        let limits = self.timing.limits(&PHASES.map(Phase::label))?;
        Ok(Config {
            tls: self.tls.settings(&target)?,
            target,
            mode,
            account: is_login.then_some(account),
            token,
            state_dir,
            mechanisms: self.login.mechanism,
            required: self.login.require_mechanism,
            forbidden: self.login.forbid_mechanism.iter().map(|name| name.to_ascii_uppercase()).collect(),
            policy: self.login.policy.unwrap_or_default(),
            mail_from: self.login.mail_from,
            then_rcpt: self.login.then_rcpt,
            tests,
            limits,
            budget: self.timing.budget(),
            style: self.output.style(),
        })
    }
}

impl DoorArgs {
    fn tests(&self, mode: TlsMode) -> Result<Vec<Test>, UsageError> {
        if self.require_tls_for_auth.is_some() && mode != TlsMode::StartTls {
            return Err(UsageError::new(
                "--require-tls-for-auth has no meaning here: it asks whether a port with STARTTLS takes a login before it",
            ));
        }
        let user = self.expect_refused.clone().map(|user| Some(user).filter(|user| !user.is_empty()));
        let tests: Vec<Test> = [
            self.require_auth.map(|_| Test::MailWithoutLogin),
            self.require_tls_for_auth.map(|_| Test::LoginWithoutTls),
            user.map(Test::WrongPassword),
        ]
        .into_iter()
        .flatten()
        .collect();
        if self.no_login.is_some() && tests.is_empty() {
            return Err(UsageError::new(
                "--no-login leaves nothing to do: give --expect-refused, --require-auth or --require-tls-for-auth",
            ));
        }
        Ok(tests)
    }
}

fn mechanism(text: &str) -> Result<Mechanism, String> {
    text.parse()
}

fn policy(text: &str) -> Result<Policy, String> {
    match text {
        "modern" => Ok(Policy::Modern),
        "strict" => Ok(Policy::Strict),
        _ => Err("give modern or strict".to_owned()),
    }
}

fn mailbox(text: &str) -> Result<Mailbox, String> {
    text.parse()
}
