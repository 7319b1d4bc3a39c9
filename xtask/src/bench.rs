//! What a check costs, against C `check_smtp` on the same server in the same run.
//!
//! Instructions (callgrind) and system calls (strace) repeat; memory and CPU are the kernel's own count. CPU is the median of
//! pairs of batches, one of each program in turn, because it drifts with the machine.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use check_smtp_testbed::TempDir;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use crate::{Result, root};

/// The reference, from the distribution's package.
const REFERENCE: [&str; 2] = ["/usr/lib/nagios/plugins/check_smtp", "/usr/lib64/nagios/plugins/check_smtp"];
/// Runs in a batch whose CPU is counted together.
const BATCH: u32 = 20;
/// Pairs of batches.
const PAIRS: usize = 9;

/// What one run costs.
#[derive(Clone, Copy, Debug)]
struct Cost {
    instructions: f64,
    calls: f64,
    memory: f64,
    cpu: f64,
}

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

/// Prints both tables; fails when a bound is broken.
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
        println!("| one run | instructions | system calls | peak memory | CPU |\n|---|---|---|---|---|");
        for row in rows(&server, &roots, is_vendored)? {
            let (ours, theirs) = measure(&row, program, Path::new(reference))?;
            print(&row, &ours, &theirs, &mut broken);
        }
        println!();
    }
    against_conn(&server, &mut broken)?;
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
    let file = password.path().join("password");
    std::fs::write(&file, server.value("TESTBED_PASSWORD")?)?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
    let account = format!("-U {} --password-file {} -A PLAIN", server.value("TESTBED_USER")?, file.display());
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
        println!("| one run | instructions | system calls | peak memory | CPU |\n|---|---|---|---|---|");
        let vendored = root().join("target/vendored/release");
        let (ours, theirs) = measure(&row, &vendored.join(program), &vendored.join("check_smtp_conn"))?;
        print(&row, &ours, &theirs, broken);
        println!();
    }
    Ok(())
}

fn build(program: &str, arguments: &[&str]) -> Result<()> {
    let status = Command::new(program).args(arguments).current_dir(root()).stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(format!("{program} {} failed", arguments.join(" ")).into()) }
}

fn rows(server: &Server, roots: &Roots, is_vendored: bool) -> Result<Vec<Row>> {
    let port = server.value("TESTBED_SMTP_PORT")?;
    let words = |text: String| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let plain = words(format!("-H 127.0.0.1 -p {port}"));
    let theirs = words(format!("-H 127.0.0.1 -p {port} -S"));
    let directory = words(format!(
        "-H 127.0.0.1 -p {port} -S --ca-dir {}",
        roots.directory.path().join("hashed").display()
    ));
    let bundle = words(format!(
        "-H 127.0.0.1 -p {port} -S --ca-file {}",
        roots.directory.path().join("bundle.pem").display()
    ));
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
        let (ours, theirs) = (cpu(program, &row.ours)?, cpu(reference, &row.theirs)?);
        spent.0.push(ours);
        spent.1.push(theirs);
        ratios.push(ours / theirs);
    }
    // The ratio is the median of the pairs' ratios, shown on the reference's median.
    let theirs = median(spent.1);
    let ours = median(ratios) * theirs;
    Ok((cost(program, &row.ours, ours)?, cost(reference, &row.theirs, theirs)?))
}

/// A program as an engine starts it, with a locale; cargo's own variables (`LD_LIBRARY_PATH`) would cost the loader.
fn started(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("LANG", "C.UTF-8")
        .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
        .stdin(Stdio::null());
    command
}

fn cost(program: &Path, arguments: &[String], cpu: f64) -> Result<Cost> {
    Ok(Cost {
        instructions: instructions(program, arguments)?,
        calls: calls(program, arguments)?,
        memory: memory(program, arguments)?,
        cpu,
    })
}

/// Milliseconds of CPU for one run, from a batch.
fn cpu(program: &Path, arguments: &[String]) -> Result<f64> {
    let spent = || -> Result<i64> {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
        Ok((usage.user_time() + usage.system_time()).num_microseconds())
    };
    let before = spent()?;
    for _ in 0..BATCH {
        let status = started(program).args(arguments).stdout(Stdio::null()).status()?;
        if status.code() != Some(0) {
            return Err(format!("{} {} ended with {status}", program.display(), arguments.join(" ")).into());
        }
    }
    let micros = i32::try_from(spent()? - before)?;
    Ok(f64::from(micros) / f64::from(BATCH) / 1000.0)
}

fn instructions(program: &Path, arguments: &[String]) -> Result<f64> {
    let output = started("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(arguments)
        .output()?;
    let told = String::from_utf8(output.stderr)?;
    let line = told.lines().find(|line| line.contains("Collected :")).ok_or("callgrind told nothing")?;
    Ok(line.split(' ').next_back().unwrap_or_default().parse()?)
}

fn calls(program: &Path, arguments: &[String]) -> Result<f64> {
    let directory = TempDir::new()?;
    let table = directory.path().join("strace");
    started("strace")
        .args(["-f", "-c", "-o"])
        .arg(&table)
        .arg(program)
        .args(arguments)
        .stdout(Stdio::null())
        .status()?;
    let table = std::fs::read_to_string(table)?;
    let total = table.lines().find(|line| line.ends_with(" total")).ok_or("strace told nothing")?;
    Ok(total.split_ascii_whitespace().nth(3).ok_or("strace told no count")?.parse()?)
}

/// Peak resident set in KiB, told by GNU time, whose own is smaller than any program's here.
fn memory(program: &Path, arguments: &[String]) -> Result<f64> {
    let output = started("/usr/bin/time")
        .args(["-f", "%M"])
        .arg(program)
        .args(arguments)
        .stdout(Stdio::null())
        .output()?;
    Ok(String::from_utf8(output.stderr)?.trim().parse()?)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
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

/// The embedded server as a process of its own, ended by its number.
struct Server {
    child: Child,
    variables: HashMap<String, String>,
}

impl Server {
    fn start() -> Result<Self> {
        build("cargo", &["build", "--quiet", "-p", "check_smtp_testbed"])?;
        let mut child = Command::new(root().join("target/debug/smtp_testbed"))
            .args(["serve", "--until-eof"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut variables = HashMap::new();
        for line in BufReader::new(child.stdout.take().ok_or("no output")?).lines() {
            let line = line?;
            let (name, value) = line.split_once('=').ok_or("a line that is no variable")?;
            variables.insert(name.to_owned(), value.trim_matches('\'').to_owned());
            if name == "TESTBED_PID" {
                return Ok(Self { child, variables });
            }
        }
        Err("the embedded server did not start".into())
    }

    fn value(&self, name: &str) -> Result<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .ok_or_else(|| format!("the server told no {name}").into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its standard input closes, which ends it.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// The system's roots and the server's own, as a hashed directory and as a bundle.
struct Roots {
    directory: TempDir,
    count: usize,
}

impl Roots {
    fn collect(own: &str) -> Result<Self> {
        let directory = TempDir::new()?;
        let bundles = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];
        let system = bundles
            .into_iter()
            .find(|path| Path::new(path).is_file())
            .ok_or("the system has no bundle of roots")?;
        let mut bundle = String::new();
        std::fs::File::open(system)?.read_to_string(&mut bundle)?;
        let count = bundle.matches("BEGIN CERTIFICATE").count();
        bundle.push_str(&std::fs::read_to_string(own)?);
        std::fs::write(directory.path().join("bundle.pem"), &bundle)?;
        let hashed = directory.path().join("hashed");
        std::fs::create_dir(&hashed)?;
        for (index, part) in bundle
            .split_inclusive("-----END CERTIFICATE-----")
            .filter(|part| part.contains("BEGIN"))
            .enumerate()
        {
            std::fs::write(hashed.join(format!("{index}.pem")), format!("{}\n", part.trim()))?;
        }
        let status = Command::new("openssl")
            .arg("rehash")
            .arg(&hashed)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        if status.success() { Ok(Self { directory, count }) } else { Err("openssl rehash failed".into()) }
    }
}
