//! What a check costs, against C `check_smtp` on the same server in the same run.
//!
//! CPU is the median of pairs of batches, one of each program in turn, because it drifts with the machine.

mod cert;
mod delivery;
mod domain;
pub mod engines;
mod measure;
pub mod order;
mod server;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use check_smtp_testbed::TempDir;

use self::measure::{BATCH, Cost, cost, cpu, median};
use self::server::{Roots, Server, build};
use crate::{Result, root};

/// The reference, from the distribution's package.
const REFERENCE: [&str; 2] = ["/usr/lib/nagios/plugins/check_smtp", "/usr/lib64/nagios/plugins/check_smtp"];
/// Pairs of batches.
const PAIRS: usize = 9;
/// The head of a table of [`Row`]s.
const HEAD: &str = "| one run | instructions | system calls | peak memory | CPU |\n|---|---|---|---|---|";

/// The most each ratio to the reference may be.
struct Bounds {
    instructions: f64,
    calls: f64,
    memory: f64,
    cpu: f64,
}

/// One line of a table: what is asked, of us and of the reference.
struct Row {
    name: &'static str,
    ours: Vec<String>,
    theirs: Vec<String>,
    bounds: Bounds,
}

/// Prints all tables; fails when a bound is broken.
pub fn run() -> Result<()> {
    let reference = REFERENCE
        .into_iter()
        .find(|path| Path::new(path).is_file())
        .ok_or("C check_smtp is not installed")?;
    build("make", &["--silent", "release"])?;
    build("cargo", &["build", "--release", "--quiet", "-p", "check_smtp_conn"])?;
    let vendored = root().join("target/vendored/release/check_smtp_conn");
    let shared = root().join("target/release/check_smtp_conn");
    let server = Server::start()?;
    let roots = Roots::collect(server.value("TESTBED_CA_FILE")?)?;
    println!(
        "{} roots of the system and the one of the test server; {} runs a figure of CPU\n",
        roots.count, BATCH
    );
    let mut broken = Vec::new();
    for (title, program, is_vendored) in [
        ("as the release packages link it (OpenSSL linked in)", &vendored, true),
        ("with the system's shared OpenSSL", &shared, false),
    ] {
        println!("`check_smtp_conn` {title}, {} bytes:\n", std::fs::metadata(program)?.len());
        println!("{HEAD}");
        for row in rows(&server, &roots, is_vendored)? {
            let (ours, theirs) = measure(&row, program, Path::new(reference))?;
            print(&row, &ours, &theirs, &mut broken);
        }
        println!();
    }
    against_conn(&server, &mut broken)?;
    delivery::tables(&server, &mut broken)?;
    cert::tables(&server, &roots, &mut broken)?;
    if broken.is_empty() { Ok(()) } else { Err(format!("over the bound: {}", broken.join(", ")).into()) }
}

/// The other checks against `check_smtp_conn` on the same session: what is above 1 is the login, or the look at the certificate.
fn against_conn(server: &Server, broken: &mut Vec<String>) -> Result<()> {
    let session = format!(
        "-H localhost -I 127.0.0.1 -p {} --ca-file {}",
        server.value("TESTBED_SUBMISSION_PORT")?,
        server.value("TESTBED_CA_FILE")?
    );
    let password = TempDir::new()?;
    let account = account(server, &password)?;
    let words = |text: String| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let any = f64::INFINITY;
    let rows = [
        (
            "check_smtp_auth",
            "STARTTLS, verified, and a login by PLAIN",
            format!("{session} -S {account}"),
            1.15,
        ),
        ("check_smtp_cert", "STARTTLS and the whole look at the certificate", session.clone(), 1.25),
    ];
    for (program, name, ours, instructions) in rows {
        let bounds = Bounds { instructions, calls: any, memory: any, cpu: any };
        let row = Row { name, ours: words(ours), theirs: words(format!("{session} -S")), bounds };
        println!("`{program}` / `check_smtp_conn` on the same session, both with OpenSSL linked in:\n");
        println!("{HEAD}");
        let vendored = root().join("target/vendored/release");
        let (ours, theirs) = measure(&row, &vendored.join(program), &vendored.join("check_smtp_conn"))?;
        print(&row, &ours, &theirs, broken);
        println!();
    }
    Ok(())
}

/// The options of a login by PLAIN, its password in a file of this directory.
fn account(server: &Server, directory: &TempDir) -> Result<String> {
    let file = directory.path().join("password");
    std::fs::write(&file, server.value("TESTBED_PASSWORD")?)?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
    Ok(format!("-U {} --password-file {} -A PLAIN", server.value("TESTBED_USER")?, file.display()))
}

fn rows(server: &Server, roots: &Roots, is_vendored: bool) -> Result<Vec<Row>> {
    let port = server.value("TESTBED_SMTP_PORT")?;
    let words = |text: String| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let plain = words(format!("-H 127.0.0.1 -p {port}"));
    let theirs = words(format!("-H 127.0.0.1 -p {port} -S"));
    let directory = words(format!("-H 127.0.0.1 -p {port} -S --ca-dir {}", roots.hashed()));
    let bundle = words(format!("-H 127.0.0.1 -p {port} -S --ca-file {}", roots.bundle()));
    let bounds = |instructions, calls, memory, cpu| Bounds { instructions, calls, memory, cpu };
    let any = f64::INFINITY;
    let (for_plain, for_tls) = if is_vendored {
        (bounds(0.3, 0.5, 1.0, 0.7), bounds(0.8, 0.6, any, 0.85))
    } else {
        (bounds(1.0, any, any, any), bounds(1.1, any, any, any))
    };
    Ok(vec![
        Row { name: "plain", ours: plain.clone(), theirs: plain, bounds: for_plain },
        Row {
            name: "STARTTLS, verified (hashed directory)",
            ours: directory,
            theirs: theirs.clone(),
            bounds: for_tls,
        },
        Row { name: "STARTTLS, verified (bundle)", ours: bundle, theirs, bounds: bounds(any, any, any, any) },
    ])
}

fn measure(row: &Row, program: &Path, reference: &Path) -> Result<(Cost, Cost)> {
    let mut ratios = Vec::new();
    let mut spent = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let (ours, theirs) = (cpu(program, &row.ours, BATCH)?, cpu(reference, &row.theirs, BATCH)?);
        spent.0.push(ours);
        spent.1.push(theirs);
        ratios.push(ours / theirs);
    }
    // The ratio is the median of the pairs' ratios, shown on the reference's median.
    let theirs = median(spent.1);
    let ours = median(ratios) * theirs;
    Ok((cost(program, &row.ours, ours)?, cost(reference, &row.theirs, theirs)?))
}

fn print(row: &Row, ours: &Cost, theirs: &Cost, broken: &mut Vec<String>) {
    let mut cell = |what: &str, ours: f64, theirs: f64, bound: f64, shown: fn(f64) -> String| {
        let ratio = ours / theirs;
        if ratio > bound {
            broken.push(format!("{}: {what} {ratio:.2} (bound {bound})", row.name));
        }
        let bound = if bound.is_finite() { format!(", bound {bound}") } else { String::new() };
        format!("{} / {} = {ratio:.2}{bound}", shown(ours), shown(theirs))
    };
    let millions = |value: f64| format!("{:.2} M", value / 1e6);
    let cells = [
        cell("instructions", ours.instructions, theirs.instructions, row.bounds.instructions, millions),
        cell("system calls", ours.calls, theirs.calls, row.bounds.calls, |value| format!("{value:.0}")),
        cell("peak memory", ours.memory, theirs.memory, row.bounds.memory, |value| {
            format!("{:.1} MB", value / 1000.0)
        }),
        cell("CPU", ours.cpu, theirs.cpu, row.bounds.cpu, |value| format!("{value:.2} ms")),
    ];
    println!("| {} | {} |", row.name, cells.join(" | "));
}
