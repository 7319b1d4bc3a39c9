//! What `check_smtp_cert --mx` costs: forty slow endpoints of a domain at the same time, and the look-ups before a single one.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use check_smtp_testbed::TempDir;
use check_smtp_testbed::factory::{Factory, Kind};
use check_smtp_testbed::real::{NameServer, Signing, Zone};
use check_smtp_testbed::script::{Place, Script, Server};

use super::cert::{judge, middle, words};
use super::measure::{BATCH, cpu, instructions, started};
use crate::Result;

/// MX hosts, and the addresses of each.
const HOSTS: u8 = 8;
const EACH: u8 = 5;
/// Runs of what takes a second by itself.
const RUNS: u32 = 3;
/// Batches whose CPU is counted.
const BATCHES: u32 = 3;

/// Prints the tables; what is over its bound goes into `broken`.
pub fn tables(program: &Path, broken: &mut Vec<String>) -> Result<()> {
    let files = TempDir::new()?;
    let ca_file = files.path().join("ca.pem");
    std::fs::write(&ca_file, Factory::shared()?.ca_pem()?)?;
    let slow = listen(&script(true))?;
    let quick = listen(&script(false))?;
    let port = |servers: &[Server]| servers.first().map(Server::port).unwrap_or_default();
    let names = NameServer::start(&zones(port(&quick))?)?;
    let asked = format!("--ca-file {} --resolver {}", ca_file.display(), names.address());
    let validated = format!("{asked} --trust-anchor {}", names.trust_anchor().display());
    many(program, &format!("--mx example.org -p {} --all-addresses {asked}", port(&slow)), broken)?;
    println!("| one endpoint | instructions | CPU |\n|---|---|---|");
    let address = "-H mx1.example.org -I 127.0.0.1";
    for (name, arguments) in [
        ("of a server", format!("{address} -p {} --ca-file {}", port(&quick), ca_file.display())),
        ("of a domain (MX, A, AAAA)", format!("--mx one.example.org -p {} {asked}", port(&quick))),
        (
            "of a domain with --dane, validated here",
            format!("--mx one.example.org -p {} --dane require {validated}", port(&quick)),
        ),
    ] {
        let arguments = words(&arguments);
        let counted = instructions(program, &arguments)? / 1e6;
        let spent = middle(BATCHES, || cpu(program, &arguments, BATCH))?;
        println!("| {name} | {counted:.2} M | {spent:.2} ms |");
    }
    println!();
    Ok(())
}

/// Five replies are waited for: greeting, EHLO, STARTTLS, EHLO inside TLS, QUIT.
fn many(program: &Path, arguments: &str, broken: &mut Vec<String>) -> Result<()> {
    let mut longest = Duration::ZERO;
    for _ in 0..RUNS {
        let began = now();
        let output = started(program).args(words(arguments)).output()?;
        longest = longest.max(began.elapsed());
        let stdout = String::from_utf8(output.stdout)?;
        if !output.status.success() || !stdout.contains(" endpoints=40 ") {
            return Err(format!("expected 40 endpoints, all well: {stdout}").into());
        }
    }
    let longest = longest.as_secs_f64();
    println!("| 40 endpoints ({HOSTS} MX hosts of {EACH} addresses each) | wall time |\n|---|---|");
    println!(
        "| each of the five replies after 200 ms, the longest of {RUNS} runs | {longest:.2} s, bound 1.5 s |\n"
    );
    judge("check_smtp_cert: s of wall time for 40 endpoints", longest, 1.5, broken);
    Ok(())
}

fn script(is_slow: bool) -> String {
    let replies = [
        "S: 220 mx.example.org ESMTP",
        "C: EHLO *\nLATE\nS: 250-mx.example.org\nS: 250 STARTTLS",
        "C: STARTTLS\nLATE\nS: 220 go\ntls wildcard",
        "C: EHLO *\nLATE\nS: 250 mx.example.org",
        "C: QUIT\nLATE\nS: 221 Bye\nclose",
    ];
    let late = if is_slow { "delay 200ms" } else { "# at once" };
    format!("LATE\n{}\n", replies.join("\n")).replace("LATE", late)
}

/// The same server on every address, on one port.
fn listen(script: &str) -> Result<Vec<Server>> {
    let script = Script::parse(script, 1)?;
    let mut servers: Vec<Server> = Vec::new();
    for number in 1..=HOSTS * EACH {
        let port = servers.first().map(Server::port).unwrap_or_default();
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, number)), port);
        servers.push(Server::start_at(script.clone(), Place::Tcp(address))?);
    }
    Ok(servers)
}

/// `example.org` has the eight hosts, `one.example.org` the first of them.
fn zones(port: u16) -> Result<Vec<Zone>> {
    let tlsa = Factory::shared()?.identity(Kind::Wildcard)?.tlsa(0, 3, 1, 1)?;
    let mut records = vec!["one MX 10 mx1".to_owned(), format!("_{port}._tcp.mx1 TLSA {tlsa}")];
    for host in 1..=HOSTS {
        records.push(format!("@ MX {host}0 mx{host}"));
        for number in 0..EACH {
            let mut record = String::new();
            write!(record, "mx{host} A 127.0.0.{}", (host - 1) * EACH + number + 1)?;
            records.push(record);
        }
    }
    Ok(vec![Zone::new("example.org", Signing::Signed, &records)])
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}
