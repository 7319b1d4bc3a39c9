//! What is typed, and what is known to be sound.

use std::time::Duration;

use check_smtp_core::cli::{
    self, Given, Limits, OutputArgs, Target, TargetArgs, TimingArgs, TlsArgs, TlsMode,
};
use check_smtp_core::net::{Host, tls};
use check_smtp_core::plugin::{Style, UsageError};
use check_smtp_core::smtp::command::Line;
use check_smtp_core::smtp::{Command, Expected, Mailbox, Requirement};
use check_smtp_core::timeline::Phase;

/// Ports asked in one run at the most.
const PORTS_LIMIT: usize = 32;

/// The phases a session of this check may have.
const PHASES: [Phase; 9] = [
    Phase::Dns,
    Phase::Connect,
    Phase::Banner,
    Phase::Ehlo,
    Phase::StartTls,
    Phase::Tls,
    Phase::Mail,
    Phase::Commands,
    Phase::Quit,
];

/// The command line of `check_smtp_conn`.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    tls: TlsArgs,
    #[command(flatten)]
    expect: ExpectArgs,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    timing: TimingArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// What the server's words are held against.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Expectations")]
pub struct ExpectArgs {
    /// Greeting expected: a code (421), a class (4xx) or a pattern in 'CODE text'; a code other than 220 makes that refusal the good answer
    #[arg(short, long, value_name = "CODE|PATTERN", value_parser = expected)]
    expect: Option<Expected>,
    /// Name the greeting must begin with [without a value: the name after -H]
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    expect_name: Option<String>,
    /// Capabilities required of the last EHLO: KEYWORD, KEYWORD>=NUMBER, KEYWORD:PARAMETER (STARTTLS,SIZE>=10M,AUTH:PLAIN)
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = requirement)]
    require_ext: Vec<Requirement>,
    /// Capabilities that no EHLO may show, neither before nor inside TLS, given as for --require-ext
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = requirement)]
    forbid_ext: Vec<Requirement>,
    /// Send MAIL FROM with this address (<> for the null sender) and judge the answer
    #[arg(short, long, value_name = "ADDRESS", value_parser = mailbox)]
    from: Option<Mailbox>,
    /// Send this command and judge its answer; repeatable
    #[arg(short = 'C', long, value_name = "LINE", value_parser = command_line)]
    command: Vec<Command>,
    /// Answer expected to the -C of the same place: a code, a class or a pattern [default: 2xx or 3xx]
    #[arg(short = 'R', long, value_name = "CODE|PATTERN", value_parser = expected)]
    response: Vec<Expected>,
}

/// Which addresses and ports of the host are asked.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Scope")]
pub struct ScopeArgs {
    /// Ask each of these ports and show a table: open, closed, filtered or another protocol
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = cli::port, conflicts_with_all = ["port", "tls", "starttls", "all_addresses"])]
    ports: Vec<u16>,
    /// Ports of --ports that must be open; the others are shown and judged by nothing
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = cli::port, requires = "ports")]
    require_ports: Vec<u16>,
    /// Ask each address of the name, at the same time; the worst counts
    #[arg(long, num_args = 0, default_missing_value = "")]
    all_addresses: Option<Given>,
}

/// A command of the admin's and what its answer must be.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What is sent.
    pub command: Command,
    /// What must come; `None`: 2xx or 3xx.
    pub expected: Option<Expected>,
}

/// Which sessions are held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One, with the first address that answers.
    One,
    /// One with each address.
    Addresses,
    /// One with each port; those that must be open.
    Ports {
        /// Asked.
        asked: Vec<u16>,
        /// Required.
        required: Vec<u16>,
    },
}

/// What the check is asked to do, known to be sound.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which server.
    pub target: Target,
    /// When TLS begins; with several ports each has its own.
    pub mode: TlsMode,
    /// How TLS is spoken.
    pub tls: tls::Settings,
    /// Which sessions.
    pub scope: Scope,
    /// The greeting.
    pub greeting: Option<Expected>,
    /// The name in the greeting.
    pub greeting_name: Option<String>,
    /// Capabilities that must be there.
    pub required: Vec<Requirement>,
    /// Capabilities that must not be there.
    pub forbidden: Vec<Requirement>,
    /// MAIL FROM.
    pub from: Option<Mailbox>,
    /// Further commands.
    pub commands: Vec<Asked>,
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
        let scope = self.scope.scope()?;
        let mode = self.tls.mode(self.target.port);
        let may_use_tls =
            mode != TlsMode::None || matches!(&scope, Scope::Ports { asked, .. } if asked.contains(&465));
        if let Some(flag) = self.tls.needless_without_tls().filter(|_| !may_use_tls) {
            return Err(UsageError::new(format!(
                "{flag} without TLS would do nothing: give -S/--starttls or -s/--tls as well"
            )));
        }
        let target = self.target.target(mode, 25)?;
        refuse_scope_of_socket(&target, &scope)?;
        let limits = self.timing.limits(&PHASES.map(Phase::label))?;
        let commands = pair(self.expect.command, self.expect.response)?;
        refuse_unreached(&limits, mode, self.expect.from.is_some(), !commands.is_empty(), &scope)?;
        Ok(Config {
            greeting_name: greeting_name(self.expect.expect_name, &target)?,
            tls: self.tls.settings(&target)?,
            target,
            mode,
            scope,
            greeting: self.expect.expect,
            required: self.expect.require_ext,
            forbidden: self.expect.forbid_ext,
            from: self.expect.from,
            commands,
            limits,
            budget: self.timing.budget(),
            style: self.output.style(),
        })
    }
}

impl ScopeArgs {
    fn scope(self) -> Result<Scope, UsageError> {
        if self.all_addresses.is_some() {
            return Ok(Scope::Addresses);
        }
        if self.ports.is_empty() {
            return Ok(Scope::One);
        }
        if self.ports.len() > PORTS_LIMIT {
            return Err(UsageError::new(format!(
                "--ports names {} ports: give at most {PORTS_LIMIT}",
                self.ports.len()
            )));
        }
        if let Some(stranger) = self.require_ports.iter().find(|port| !self.ports.contains(port)) {
            return Err(UsageError::value(
                "--require-ports",
                &stranger.to_string(),
                "is not among --ports, add it there",
            ));
        }
        let mut asked: Vec<u16> = Vec::new();
        for port in self.ports {
            if !asked.contains(&port) {
                asked.push(port);
            }
        }
        Ok(Scope::Ports { asked, required: self.require_ports })
    }
}

fn refuse_scope_of_socket(target: &Target, scope: &Scope) -> Result<(), UsageError> {
    match (&target.connect, scope) {
        (Host::Socket(_), Scope::Ports { .. }) => {
            Err(UsageError::new("--ports has no meaning for a Unix socket, leave it out"))
        }
        (Host::Socket(_), Scope::Addresses) => {
            Err(UsageError::new("--all-addresses has no meaning for a Unix socket, leave it out"))
        }
        _ => Ok(()),
    }
}

/// A threshold on a phase that this run never enters would be a promise without a check.
fn refuse_unreached(
    limits: &Limits,
    mode: TlsMode,
    mail: bool,
    commands: bool,
    scope: &Scope,
) -> Result<(), UsageError> {
    let several = matches!(scope, Scope::Ports { .. });
    let unreached = [
        (Phase::StartTls, mode != TlsMode::StartTls, "-S/--starttls"),
        (Phase::Tls, mode == TlsMode::None && !several, "-S/--starttls or -s/--tls"),
        (Phase::Mail, !mail, "-f/--from"),
        (Phase::Commands, !commands, "-C/--command"),
    ];
    for (phase, is_unreached, needed) in unreached {
        let thresholds = limits.of(phase.label());
        if is_unreached && (thresholds.warning.is_some() || thresholds.critical.is_some()) {
            let label = phase.label();
            return Err(UsageError::new(format!(
                "a threshold on '{label}' without that phase: give {needed} as well, or leave the threshold out"
            )));
        }
    }
    Ok(())
}

fn pair(commands: Vec<Command>, responses: Vec<Expected>) -> Result<Vec<Asked>, UsageError> {
    if responses.len() > commands.len() {
        return Err(UsageError::new(format!(
            "-R was given {} times and -C {} times: each -R belongs to the -C of the same place",
            responses.len(),
            commands.len()
        )));
    }
    let mut responses = responses.into_iter();
    Ok(commands.into_iter().map(|command| Asked { command, expected: responses.next() }).collect())
}

fn greeting_name(given: Option<String>, target: &Target) -> Result<Option<String>, UsageError> {
    match (given, &target.name) {
        (None, _) => Ok(None),
        (Some(name), Host::Name(own)) if name.is_empty() => Ok(Some(own.clone())),
        (Some(name), _) if name.is_empty() => Err(UsageError::new(
            "--expect-name without a value needs a host name after -H: give --expect-name=NAME",
        )),
        (Some(name), _) => Ok(Some(name)),
    }
}

fn expected(text: &str) -> Result<Expected, String> {
    text.parse()
}

fn requirement(text: &str) -> Result<Requirement, String> {
    text.parse()
}

fn mailbox(text: &str) -> Result<Mailbox, String> {
    text.parse()
}

fn command_line(text: &str) -> Result<Command, String> {
    Line::new(text).map(Command::Other)
}
