//! What `check_smtp_cert` costs: beside `check_ssl_cert`, by each way to the roots, and with many endpoints.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use check_smtp_testbed::TempDir;

use super::domain;
use super::measure::{BATCH, CALLGRIND, collected, cpu, instructions, median, started};
use super::server::{Roots, Server};
use crate::{Result, root};

/// The reference, from the distribution's package.
const REFERENCE: [&str; 2] =
    ["/usr/lib/nagios/plugins/check_ssl_cert", "/usr/lib64/nagios/plugins/check_ssl_cert"];
/// Batches of ours; the reference takes a second for a run.
const BATCHES: u32 = 5;
/// Runs of the reference.
const SLOW_RUNS: u32 = 3;
/// The embedded server's addresses, and the most a name may have.
const ADDRESSES: u8 = 32;
/// Puts a hosts file of its own before what follows.
const WITH_HOSTS: &str = "set -e; mount --bind \"$1\" /etc/hosts; shift; exec \"$@\"";

/// Prints the tables; what is over its bound goes into `broken`.
pub fn tables(server: &Server, roots: &Roots, broken: &mut Vec<String>) -> Result<()> {
    let bench = Bench {
        program: root().join("target/vendored/release/check_smtp_cert"),
        port: server.value("TESTBED_SMTP_PORT")?,
        ca_file: server.value("TESTBED_CA_FILE")?,
        hosts: TempDir::new()?,
    };
    bench.one(broken)?;
    bench.roots(roots, broken)?;
    bench.further(broken)?;
    domain::tables(&bench.program, broken)
}

struct Bench<'a> {
    program: PathBuf,
    /// The port that answers at once.
    port: &'a str,
    ca_file: &'a str,
    hosts: TempDir,
}

impl Bench<'_> {
    fn one(&self, broken: &mut Vec<String>) -> Result<()> {
        let reference = REFERENCE.into_iter().map(Path::new).find(|path| path.is_file()).ok_or(
            "check_ssl_cert is not installed (Debian's monitoring-plugins-contrib, formerly nagios-plugins-contrib)",
        )?;
        let ours = words(&format!("-H localhost -I 127.0.0.1 -p {} --ca-file {}", self.port, self.ca_file));
        // The test server's certificate is in no public log.
        let theirs = words(&format!(
            "-H localhost -4 -p {} -P smtp -r {} --match mail.example.org --ignore-sct",
            self.port, self.ca_file
        ));
        let counted = instructions(&self.program, &ours)?;
        let ours = middle(BATCHES, || cpu(&self.program, &ours, BATCH))?;
        let theirs = middle(SLOW_RUNS, || cpu(reference, &theirs, 1))?;
        println!("`check_smtp_cert` / `check_ssl_cert` on the same server, STARTTLS, verified:\n");
        println!("| one endpoint | instructions | CPU |\n|---|---|---|");
        println!(
            "| OpenSSL linked in | {:.2} M, bound 30 M | {ours:.2} ms / {theirs:.0} ms = 1/{:.0}, bound 1/50 and 8 ms |\n",
            counted / 1e6,
            theirs / ours
        );
        judge("check_smtp_cert: million instructions", counted / 1e6, 30.0, broken);
        judge("check_smtp_cert: ms of CPU", ours, 8.0, broken);
        judge("check_smtp_cert: CPU / check_ssl_cert", ours / theirs, 1.0 / 50.0, broken);
        Ok(())
    }

    /// OpenSSL's decoder takes 1.17 M instructions for each root.
    fn roots(&self, roots: &Roots, broken: &mut Vec<String>) -> Result<()> {
        let session = format!("-H localhost -I 127.0.0.1 -p {}", self.port);
        let hashed = words(&format!("{session} --ca-dir {}", roots.hashed()));
        let bundle = words(&format!("{session} --ca-file {}", roots.bundle()));
        let (hashed, bundle) = (instructions(&self.program, &hashed)?, instructions(&self.program, &bundle)?);
        let count = u32::try_from(roots.count + 1)?;
        let each = (bundle - hashed) / f64::from(count) / 1e6;
        println!("| where the roots are | instructions | for each root of the bundle |\n|---|---|---|");
        println!("| hashed directory | {:.2} M | |", hashed / 1e6);
        println!("| bundle of {count} | {:.2} M | {each:.3} M, bound 0.05 M |\n", bundle / 1e6);
        judge("check_smtp_cert: million instructions for each root of a bundle", each, 0.05, broken);
        Ok(())
    }

    fn further(&self, broken: &mut Vec<String>) -> Result<()> {
        let arguments = words(&format!(
            "-H mail.example.org -4 -p {} --ca-file {} --all-addresses",
            self.port, self.ca_file
        ));
        let (one, all) = (self.named(1, &arguments)?, self.named(ADDRESSES, &arguments)?);
        expect(&all, &format!(" endpoints={ADDRESSES} "))?;
        let others = f64::from(ADDRESSES - 1);
        let spent = |words: &[String]| cpu(Path::new("unshare"), words, BATCH);
        let each = middle(BATCHES, || Ok((spent(&all)? - spent(&one)?) / others))?;
        let counted = |addresses| -> Result<f64> {
            let valgrind = ["valgrind"].into_iter().chain(CALLGRIND).map(str::to_owned);
            let program = std::iter::once(self.program.display().to_string());
            let inner: Vec<String> = valgrind.chain(program).chain(arguments.iter().cloned()).collect();
            collected(started("unshare").args(self.with_hosts(addresses, &inner)?))
        };
        let (first, together) = (counted(1)?, counted(ADDRESSES)?);
        println!("| endpoints of one name | instructions | CPU |\n|---|---|---|");
        println!("| 1 | {:.2} M | |", first / 1e6);
        println!("| {ADDRESSES} | {:.2} M | |", together / 1e6);
        println!(
            "| each further one | {:.2} M | {each:.2} ms, bound 2.5 ms |\n",
            (together - first) / others / 1e6
        );
        judge("check_smtp_cert: ms of CPU for each further endpoint", each, 2.5, broken);
        Ok(())
    }

    /// The arguments of `unshare` for a run where mail.example.org has so many addresses.
    fn named(&self, addresses: u8, arguments: &[String]) -> Result<Vec<String>> {
        let program = std::iter::once(self.program.display().to_string());
        self.with_hosts(addresses, &program.chain(arguments.iter().cloned()).collect::<Vec<_>>())
    }

    fn with_hosts(&self, addresses: u8, command: &[String]) -> Result<Vec<String>> {
        let file = self.hosts.path().join(addresses.to_string());
        let mut text = String::new();
        for last in 1..=addresses {
            writeln!(text, "127.0.0.{last} mail.example.org")?;
        }
        std::fs::write(&file, text)?;
        let outer = ["--mount", "--propagation", "private", "sh", "-c", WITH_HOSTS, "sh"];
        let outer = outer.map(str::to_owned).into_iter().chain([file.display().to_string()]);
        Ok(outer.chain(command.iter().cloned()).collect())
    }
}

/// A run that is OK and says this measured what it was meant to.
fn expect(arguments: &[String], text: &str) -> Result<()> {
    let output = started("unshare").args(arguments).output()?;
    let stdout = String::from_utf8(output.stdout)?;
    let is_good = output.status.success() && stdout.contains(text);
    let stderr = String::from_utf8_lossy(&output.stderr);
    if is_good { Ok(()) } else { Err(format!("expected '{text}': {stdout}{stderr}").into()) }
}

pub(super) fn judge(what: &str, value: f64, bound: f64, broken: &mut Vec<String>) {
    if value > bound {
        broken.push(format!("{what} {value:.3} (bound {bound})"));
    }
}

pub(super) fn middle(times: u32, mut figure: impl FnMut() -> Result<f64>) -> Result<f64> {
    Ok(median((0..times).map(|_| figure()).collect::<Result<_>>()?))
}

pub(super) fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}
