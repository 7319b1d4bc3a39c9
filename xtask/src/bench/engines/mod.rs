//! How many executions engines get out of a plugin, and what they cost: ours against C `check_smtp` in turn, on the same server.

mod counter;
mod processes;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use check_smtp_testbed::real::{Icinga, Nagios};

use self::counter::Counter;
use self::processes::spent;
use super::REFERENCE;
use super::server::build;
use crate::{Result, root};

/// Services, each to be checked once a second.
const SERVICES: usize = 200;
/// How long is counted.
const TIME: Duration = Duration::from_secs(30);
/// Until all services are at work.
const START: Duration = Duration::from_secs(5);

/// Whose plugin runs.
#[derive(Clone, Copy)]
enum Plugin<'a> {
    /// Ours, in that directory.
    Ours(&'a Path),
    /// The reference, in that directory.
    Theirs(&'a Path),
}

impl Plugin<'_> {
    fn name(self) -> &'static str {
        match self {
            Self::Ours(_) => "check_smtp_conn",
            Self::Theirs(_) => "C check_smtp",
        }
    }

    fn directory(&self) -> &Path {
        match self {
            Self::Ours(directory) | Self::Theirs(directory) => directory,
        }
    }
}

/// What was counted.
struct Turn {
    /// Executions a second.
    rate: f64,
    /// CPU of the engine and its plugins, in milliseconds for each execution.
    cpu: f64,
}

/// Prints the table; fails when an engine gets less out of ours. `plugins`: where ours are; without it they are built as for a release.
pub fn run(plugins: Option<&str>) -> Result<()> {
    let theirs = REFERENCE.into_iter().map(Path::new).find(|path| path.is_file());
    let theirs = theirs.and_then(Path::parent).ok_or("C check_smtp is not installed")?;
    let ours = if let Some(directory) = plugins {
        PathBuf::from(directory)
    } else {
        build("make", &["--silent", "release"])?;
        root().join("target/vendored/release")
    };
    let counter = Counter::start()?;
    let mut broken = Vec::new();
    println!("{SERVICES} services, each to be checked once a second; {} s counted\n", TIME.as_secs());
    println!(
        "| engine | plugin | executions a second | CPU of engine and plugin, an execution |\n|---|---|---|---|"
    );
    for (engine, turn) in [("Nagios 4", nagios as fn(Plugin, &Counter) -> Result<Turn>), ("Icinga 2", icinga)]
    {
        let reference = turn(Plugin::Theirs(theirs), &counter)?;
        print(engine, Plugin::Theirs(theirs), &reference);
        let own = turn(Plugin::Ours(&ours), &counter)?;
        print(engine, Plugin::Ours(&ours), &own);
        // Both may well be all that was asked for; a hundredth is chance.
        if own.rate < reference.rate * 0.99 {
            broken
                .push(format!("{engine}: {:.1} executions a second against {:.1}", own.rate, reference.rate));
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(broken.join(", ").into()) }
}

fn print(engine: &str, plugin: Plugin, turn: &Turn) {
    println!("| {engine} | {} | {:.1} | {:.2} ms |", plugin.name(), turn.rate, turn.cpu);
}

fn nagios(plugin: Plugin, counter: &Counter) -> Result<Turn> {
    let port = counter.port();
    let mut definitions =
        String::from("define host {\n    use generic-host\n    host_name server\n    address 127.0.0.1\n}\n");
    let command = match plugin {
        Plugin::Ours(_) => "check_smtp_conn",
        Plugin::Theirs(_) => {
            definitions.push_str(
                "define command {\n    command_name check_smtp\n    command_line $USER1$/check_smtp -H '$HOSTADDRESS$' $ARG1$\n}\n",
            );
            "check_smtp"
        }
    };
    for number in 1..=SERVICES {
        let _ = write!(
            definitions,
            "define service {{\n    use generic-service\n    host_name server\n    service_description {number}\n    \
             check_interval 1\n    retry_interval 1\n    check_command {command}!-p {port}\n}}\n"
        );
    }
    let files = [root().join("packaging/nagios/smtp-monitoring-plugins.cfg")];
    let engine = Nagios::start(plugin.directory(), &files, &definitions)?;
    let id = engine.id();
    count(id, counter, || Ok(engine.pause()?))
}

fn icinga(plugin: Plugin, counter: &Counter) -> Result<Turn> {
    let port = counter.port();
    let (command, variables) = match plugin {
        Plugin::Ours(_) => ("smtp_conn", format!("vars.smtp_conn_port = {port}")),
        Plugin::Theirs(_) => ("smtp", format!("vars.smtp_port = {port}")),
    };
    let mut objects =
        String::from("object Host \"server\" { address = \"127.0.0.1\"; check_command = \"dummy\" }\n");
    for number in 1..=SERVICES {
        let _ = writeln!(
            objects,
            "object Service \"{number}\" {{ host_name = \"server\"; check_command = \"{command}\"; check_interval = 1s; \
             retry_interval = 1s; {variables} }}"
        );
    }
    let files = [root().join("packaging/icinga2/smtp-commands.conf")];
    let engine = Icinga::start(plugin.directory(), &files, &objects)?;
    count(engine.id(), counter, || Ok(engine.pause()?))
}

/// Counts once everything is at work.
fn count(id: u32, counter: &Counter, mut pause: impl FnMut() -> Result<()>) -> Result<Turn> {
    let mut pass = |time: Duration| -> Result<Duration> {
        let began = now();
        while began.elapsed() < time {
            pause()?;
        }
        Ok(began.elapsed())
    };
    pass(START)?;
    let (executions, cpu) = (counter.sessions(), spent(id)?);
    let took = pass(TIME)?;
    let (executions, cpu) = (counter.sessions() - executions, spent(id)?.saturating_sub(cpu));
    if executions == 0 {
        return Err("the engine ran no plugin".into());
    }
    let executions = f64::from(executions);
    Ok(Turn { rate: executions / took.as_secs_f64(), cpu: cpu.as_secs_f64() * 1000.0 / executions })
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}
