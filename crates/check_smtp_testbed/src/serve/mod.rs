//! `smtp_testbed serve`: a small catch-all mail server on loopback for the demo and the tests.
//!
//! It takes every message into a Maildir and throws its certificates away when it ends.

mod dialogue;
mod maildir;

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use clap::{Parser, Subcommand};
use openssl::ssl::SslContext;

use self::dialogue::Service;
use crate::factory::{Factory, Kind};
use crate::socket::{Connection, Socket};
use crate::{Error, Result, TempDir};

/// Sessions held at one time by a listener; more are answered 421.
const SESSIONS_LIMIT: usize = 50;

#[derive(Parser)]
#[command(name = "smtp_testbed", about = "Mail servers to try the checks against, on loopback only")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Serve until the parent process ends, SIGTERM comes, or (with --until-eof) standard input closes
    Serve {
        /// How long the slow port takes to answer EHLO, and the paced port for each of its replies, in milliseconds
        #[arg(long, value_name = "MS", default_value_t = 400)]
        slow: u64,
        /// On how many addresses the ports SMTP and PACED are, from 127.0.0.1 on
        #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=254))]
        addresses: u8,
        /// Directory for the Maildir and the CA file [default: one of its own, removed at the end]
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
        /// End when standard input closes
        #[arg(long)]
        until_eof: bool,
    },
}

/// Runs the program.
#[expect(clippy::print_stderr, reason = "a development tool says what went wrong where its user looks")]
pub fn main() -> ExitCode {
    let Task::Serve { slow, addresses, dir, until_eof } = Arguments::parse().task;
    match serve(Duration::from_millis(slow), addresses, dir, until_eof) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("smtp_testbed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(slow: Duration, addresses: u8, directory: Option<PathBuf>, until_eof: bool) -> Result<()> {
    // Nobody is left to stop us when the shell that started us has gone.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))?;
    let testbed = Testbed::start(slow, addresses, directory)?;
    let mut out = std::io::stdout();
    out.write_all(testbed.variables().as_bytes())?;
    out.flush()?;
    if until_eof {
        std::io::stdin().read_to_end(&mut Vec::new())?;
        return Ok(());
    }
    let mut signals = signal_hook::iterator::Signals::new([15, 2])?;
    signals.forever().next();
    Ok(())
}

/// A running embedded server. Its threads end with the process, its own directory when it is dropped.
#[derive(Debug)]
pub struct Testbed {
    /// The Maildir and the CA files are below it.
    directory: PathBuf,
    _own: Option<TempDir>,
    ports: Vec<(&'static str, u16)>,
    password: String,
}

/// The account that may log in.
const USER: &str = "probe@example.org";

impl Testbed {
    /// Starts every listener on a free port of 127.0.0.1; `SMTP` and `PACED` on so many addresses from there on.
    pub fn start(slow: Duration, addresses: u8, directory: Option<PathBuf>) -> Result<Self> {
        let (directory, own) = if let Some(directory) = directory {
            (directory, None)
        } else {
            let own = TempDir::new()?;
            (own.path().to_owned(), Some(own))
        };
        maildir::create(&directory.join("Maildir"))?;
        let factory = Factory::with_rsa()?;
        std::fs::create_dir_all(directory.join("roots"))?;
        std::fs::write(directory.join("ca.pem"), factory.ca_pem()?)?;
        std::fs::write(directory.join("roots").join(factory.ca_hash_name()), factory.ca_pem()?)?;
        let mut random = [0; 15];
        openssl::rand::rand_bytes(&mut random)?;
        let password: String = BASE64.encode(random);
        let mut testbed = Self { directory, _own: own, ports: Vec::new(), password };
        testbed.listen_all(slow, addresses, &factory)?;
        Ok(testbed)
    }

    fn listen_all(&mut self, slow: Duration, addresses: u8, factory: &Factory) -> Result<()> {
        let good = factory.identity(Kind::GoodRsa)?.server_context(None, None)?;
        let both = factory.identity(Kind::GoodRsa)?.dual_context(&factory.identity(Kind::Good)?, None)?;
        let untrusted = factory.identity(Kind::SelfSigned)?.server_context(None, None)?;
        let service = |context: &SslContext| Service {
            context: context.clone(),
            is_implicit: false,
            greeting: "220 mail.example.org ESMTP testbed".to_owned(),
            requires_tls: false,
            delay: Duration::ZERO,
            pace: Duration::ZERO,
            maildir: self.directory.join("Maildir"),
            user: USER.to_owned(),
            password: self.password.clone(),
        };
        let services = [
            ("SMTP", addresses, service(&good)),
            ("SUBMISSION", 1, Service { requires_tls: true, ..service(&good) }),
            ("SMTPS", 1, Service { is_implicit: true, ..service(&good) }),
            ("SLOW", 1, Service { delay: slow, ..service(&good) }),
            ("PACED", addresses, Service { pace: slow, ..service(&both) }),
            ("UNTRUSTED", 1, service(&untrusted)),
            ("ODD", 1, Service { greeting: odd_greeting(), ..service(&good) }),
        ];
        for (name, addresses, service) in services {
            let service = Arc::new(service);
            let mut port = 0;
            for last in 1..=addresses {
                let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 0, last), port))?;
                port = listener.local_addr()?.port();
                let service = Arc::clone(&service);
                std::thread::spawn(move || accept(&listener, &service));
            }
            self.ports.push((name, port));
        }
        // Bound and let go: nothing listens there.
        let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        self.ports.push(("CLOSED", closed));
        Ok(())
    }

    /// The port of `SMTP`, `SUBMISSION`, `SMTPS`, `SLOW`, `PACED`, `UNTRUSTED`, `ODD` or `CLOSED`.
    pub fn port(&self, name: &str) -> Result<u16> {
        let port = self.ports.iter().find(|(known, _)| *known == name);
        port.map(|(_, port)| *port).ok_or_else(|| Error::Other(format!("the testbed has no port '{name}'")))
    }

    /// Where messages arrive, the CA file and the hashed directory of roots are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The user who may log in, and the password.
    pub fn account(&self) -> (&str, &str) {
        (USER, &self.password)
    }

    /// Everything a shell script needs to use it.
    fn variables(&self) -> String {
        let directory = self.directory.display();
        let mut lines = String::from("TESTBED_HOST=127.0.0.1\n");
        for (name, port) in &self.ports {
            let _ = writeln!(lines, "TESTBED_{name}_PORT={port}");
        }
        let _ = write!(
            lines,
            "TESTBED_CA_FILE='{directory}/ca.pem'\nTESTBED_CA_DIR='{directory}/roots'\n\
             TESTBED_MAILDIR='{directory}/Maildir'\nTESTBED_USER='{USER}'\nTESTBED_PASSWORD='{}'\n\
             TESTBED_PID={}\n",
            self.password,
            std::process::id()
        );
        lines
    }
}

/// A refusal that holds everything an engine could take for its own: separators, quotes, macros, commands, control characters; a line
/// with it alone, then 8 KiB of it.
fn odd_greeting() -> String {
    let odd = "| a=1;2;3 'single' \"double\" $HOSTNAME$ $ARG1$ $address$ {HOST.NAME} {$MACRO} ! ; : \\ \\n % ` & < > ~ \u{fc}\u{20ac}\u{1f4e7} \u{7}\u{1b}[31m\tred";
    let mut greeting = format!("554-5.7.1 {odd}\r\n");
    for number in 0..8 * 1024 / odd.len() {
        let _ = write!(greeting, "554-{number} {odd}\r\n");
    }
    greeting + "554 5.7.1 end"
}

fn accept(listener: &TcpListener, service: &Arc<Service>) {
    let sessions = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming().flatten() {
        let Ok(mut connection) = Connection::new(Socket::Tcp(stream)) else { continue };
        if sessions.fetch_add(1, Ordering::SeqCst) >= SESSIONS_LIMIT {
            sessions.fetch_sub(1, Ordering::SeqCst);
            let _ = connection.write_all(b"421 4.7.0 too many connections\r\n");
            continue;
        }
        let (service, sessions) = (Arc::clone(service), Arc::clone(&sessions));
        std::thread::spawn(move || {
            // A client that leaves early is no event for a demo server.
            let _ = dialogue::hold(&service, connection);
            sessions.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;
    use std::time::Duration;

    use super::Testbed;

    fn say(testbed: &Testbed, port: &str, words: &str) -> String {
        let mut client = TcpStream::connect(("127.0.0.1", testbed.port(port).unwrap())).unwrap();
        client.write_all(words.as_bytes()).unwrap();
        let mut said = String::new();
        client.read_to_string(&mut said).unwrap();
        said
    }

    #[test]
    fn a_message_arrives_in_the_maildir() {
        let testbed = Testbed::start(Duration::ZERO, 1, None).unwrap();
        let words = "EHLO me\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nSubject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n";
        assert!(say(&testbed, "SMTP", words).contains("250 2.0.0 Ok: queued as "));
        let new = testbed.directory().join("Maildir/new");
        let message = std::fs::read_dir(new).unwrap().next().unwrap().unwrap();
        assert_eq!(std::fs::read_to_string(message.path()).unwrap(), "Subject: x\r\n\r\n.dot\r\n");
    }

    #[test]
    fn submission_wants_tls_first() {
        let testbed = Testbed::start(Duration::ZERO, 1, None).unwrap();
        let said = say(&testbed, "SUBMISSION", "EHLO me\r\nMAIL FROM:<a@example.org>\r\nQUIT\r\n");
        assert!(said.contains("530 5.7.0 Must issue a STARTTLS command first"), "{said}");
        assert!(!said.contains("AUTH"));
    }
}
