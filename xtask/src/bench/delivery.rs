//! What `check_smtp_delivery` costs: beside `check_smtp_auth` on the same session, and beside the half of `check_email_delivery` that sends.

use std::path::Path;

use check_smtp_testbed::TempDir;

use super::cert::{judge, words};
use super::measure::{BATCH, cpu, median};
use super::server::Server;
use super::{Bounds, HEAD, Row, account, measure, print};
use crate::{Result, root};

/// The reference, from the distribution's package.
const REFERENCE: [&str; 2] =
    ["/usr/lib/nagios/plugins/check_smtp_send", "/usr/lib64/nagios/plugins/check_smtp_send"];
/// Pairs of batches.
const PAIRS: usize = 5;
/// The most instructions, as a multiple of those of the login alone.
const ABOVE_LOGIN: f64 = 1.2;
/// The most of the reference's CPU.
const OF_REFERENCE: f64 = 0.1;
/// Whom the message is from, and for.
pub(super) const ENVELOPE: &str = "-f probe@example.org --to sink@example.org";

/// Prints the tables; what is over its bound goes into `broken`.
pub fn tables(server: &Server, broken: &mut Vec<String>) -> Result<()> {
    let programs = root().join("target/vendored/release");
    beside_login(server, &programs, broken)?;
    beside_perl(server, &programs, broken)
}

/// The bound is for the login and the message together; the login alone is the stricter measure, and needs no estimate of the message.
fn beside_login(server: &Server, programs: &Path, broken: &mut Vec<String>) -> Result<()> {
    let password = TempDir::new()?;
    let session = format!(
        "-H localhost -I 127.0.0.1 -p {} --ca-file {} -S {}",
        server.value("TESTBED_SUBMISSION_PORT")?,
        server.value("TESTBED_CA_FILE")?,
        account(server, &password)?
    );
    let any = f64::INFINITY;
    let row = Row {
        name: "STARTTLS, verified, a login by PLAIN, and a small message",
        ours: words(&format!("{session} {ENVELOPE}")),
        theirs: words(&session),
        bounds: Bounds { instructions: ABOVE_LOGIN, calls: any, memory: any, cpu: any },
    };
    println!("`check_smtp_delivery` / `check_smtp_auth` on the same session, both with OpenSSL linked in:\n");
    println!("{HEAD}");
    let (ours, theirs) =
        measure(&row, &programs.join("check_smtp_delivery"), &programs.join("check_smtp_auth"))?;
    print(&row, &ours, &theirs, broken);
    println!();
    Ok(())
}

fn beside_perl(server: &Server, programs: &Path, broken: &mut Vec<String>) -> Result<()> {
    let reference = REFERENCE.into_iter().find(|path| Path::new(path).is_file()).ok_or(
        "check_smtp_send is not installed (Debian's monitoring-plugins-contrib, formerly nagios-plugins-contrib)",
    )?;
    let modules = without_ssl()?;
    let port = server.value("TESTBED_SMTP_PORT")?;
    let ours = words(&format!("-H 127.0.0.1 -p {port} {ENVELOPE}"));
    let theirs = words(&format!(
        "-I {} {reference} -H 127.0.0.1 -p {port} --mailfrom probe@example.org --mailto sink@example.org --body probe",
        modules.path().display()
    ));
    let program = programs.join("check_smtp_delivery");
    let (mut ratios, mut spent) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let (ours, theirs) = (cpu(&program, &ours, BATCH)?, cpu(Path::new("perl"), &theirs, BATCH)?);
        spent.push(theirs);
        ratios.push(ours / theirs);
    }
    let (ratio, theirs) = (median(ratios), median(spent));
    println!(
        "`check_smtp_delivery` / `check_smtp_send` (the half of `check_email_delivery` that sends, in Perl):\n"
    );
    println!("| one run | CPU |\n|---|---|");
    println!(
        "| a small message, plain | {:.2} ms / {theirs:.1} ms = 1/{:.0}, bound 1/{:.0} |\n",
        ratio * theirs,
        1.0 / ratio,
        1.0 / OF_REFERENCE
    );
    judge("check_smtp_delivery: CPU / check_smtp_send", ratio, OF_REFERENCE, broken);
    Ok(())
}

/// Perl's `Net::SMTP` loads `IO::Socket::SSL` wherever that is installed, for a plain session too. Without it the reference costs less,
/// and the same on each machine.
fn without_ssl() -> Result<TempDir> {
    let directory = TempDir::new()?;
    std::fs::create_dir_all(directory.path().join("IO/Socket"))?;
    std::fs::write(directory.path().join("IO/Socket/SSL.pm"), "die 'withheld';\n")?;
    Ok(directory)
}
