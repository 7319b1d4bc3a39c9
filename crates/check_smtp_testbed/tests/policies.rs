//! The HTTPS server of the testbed, asked over verified TLS for each kind of site.
//!
//! Where nginx is missing, or without root, the tests are skipped and say so; in CI that is a failure.

#![expect(clippy::disallowed_methods, reason = "the testbed's tests ask the servers themselves")]

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use check_smtp_testbed::factory::Factory;
use check_smtp_testbed::real::{HttpsServer, Site, SiteAnswer};
use libtest_mimic::{Arguments, Failed, Trial};
use openssl::ssl::{Ssl, SslContext, SslMethod, SslStream, SslVerifyMode};
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{X509, X509Ref};

const POLICY: &[u8] = b"version: STSv1\r\nmode: enforce\r\nmx: mail.example.org\r\nmax_age: 86400\r\n$host {not} \"nginx's\"\r\n";
const PATH: &str = "/.well-known/mta-sts.txt";

type Outcome = Result<(), Failed>;
type Scene = fn(&HttpsServer) -> Outcome;

const TRIALS: [(&str, Scene); 5] = [
    ("a_body_is_served_as_it_is", body),
    ("a_redirect_points_elsewhere", redirect),
    ("a_status_is_given_back", status),
    ("each_site_shows_its_own_certificate", certificates),
    ("the_requests_are_logged", requests),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if let Some(reason) = missing().filter(|_| !check_smtp_testbed::is_ci()) {
        let skipped = Trial::test(format!("policies (skipped: {reason})"), || Ok(())).with_ignored_flag(true);
        return libtest_mimic::run(&arguments, vec![skipped]).exit_code();
    }
    // Dropped, and so stopped, before the exit code is given back.
    let server = start().map(Arc::new).map_err(|error| error.to_string());
    let trials = TRIALS.into_iter().map(|(name, hold)| {
        let server = server.clone();
        Trial::test(name, move || hold(server?.as_ref()))
    });
    let conclusion = libtest_mimic::run(&Arguments { test_threads: Some(1), ..arguments }, trials.collect());
    drop(server);
    conclusion.exit_code()
}

fn missing() -> Option<&'static str> {
    if !check_smtp_testbed::is_root() {
        return Some("needs root to listen on port 443");
    }
    if HttpsServer::is_installed() { None } else { Some("nginx is not installed") }
}

fn start() -> check_smtp_testbed::Result<HttpsServer> {
    let factory = Factory::shared()?;
    let site = |name: &str, certified: &str, is_expired, answer| {
        let identity = factory.identity_for(&[certified], is_expired)?;
        Ok(Site { name: name.to_owned(), identity, answer })
    };
    let good = |name, answer| site(name, name, false, answer);
    let policy = || SiteAnswer::Body(POLICY.to_vec());
    let elsewhere = format!("https://mta-sts.example.org{PATH}");
    let sites: check_smtp_testbed::Result<Vec<Site>> = [
        good("mta-sts.example.org", policy()),
        good("mta-sts.example.net", SiteAnswer::Redirect(elsewhere)),
        good("mta-sts.example.com", SiteAnswer::Status(404)),
        site("mta-sts.expired.example", "mta-sts.expired.example", true, policy()),
        site("mta-sts.wrong.example", "www.wrong.example", false, policy()),
    ]
    .into_iter()
    .collect();
    HttpsServer::start(address(), &sites?)
}

/// A loopback address for this process alone, so that port 443 is free there.
fn address() -> SocketAddr {
    let [.., high, low] = std::process::id().to_be_bytes();
    (Ipv4Addr::new(127, 91, high, low), 443).into()
}

/// A connection whose server has shown a certificate for that name from the factory's root.
fn connect(name: &str) -> Result<SslStream<TcpStream>, Box<dyn std::error::Error>> {
    let mut store = X509StoreBuilder::new()?;
    store.add_cert(X509::from_pem(Factory::shared()?.ca_pem()?.as_bytes())?)?;
    let mut context = SslContext::builder(SslMethod::tls_client())?;
    context.set_cert_store(store.build());
    context.set_verify(SslVerifyMode::PEER);
    let mut ssl = Ssl::new(&context.build())?;
    ssl.set_hostname(name)?;
    ssl.param_mut().set_host(name)?;
    let stream = TcpStream::connect(address())?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    Ok(ssl.connect(stream)?)
}

/// The response to a request for a path: head and body.
fn get(name: &str, path: &str) -> Result<(String, Vec<u8>), Failed> {
    let mut stream = connect(name)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n")?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response)?;
    let end = response.windows(4).position(|bytes| bytes == b"\r\n\r\n").ok_or("no end of the head")?;
    let body = response.split_off(end + 4);
    Ok((String::from_utf8(response)?, body))
}

fn hold(is_so: bool, otherwise: &str) -> Outcome {
    if is_so { Ok(()) } else { Err(otherwise.into()) }
}

fn body(_: &HttpsServer) -> Outcome {
    let (head, body) = get("mta-sts.example.org", PATH)?;
    hold(head.starts_with("HTTP/1.1 200 ") && head.contains("\r\nContent-Type: text/plain\r\n"), &head)?;
    hold(body == POLICY, &String::from_utf8_lossy(&body))?;
    let (head, _) = get("mta-sts.example.org", "/elsewhere")?;
    hold(head.starts_with("HTTP/1.1 404 "), &head)
}

fn redirect(_: &HttpsServer) -> Outcome {
    let (head, _) = get("mta-sts.example.net", PATH)?;
    let location = format!("\r\nLocation: https://mta-sts.example.org{PATH}\r\n");
    hold(head.starts_with("HTTP/1.1 301 ") && head.contains(&location), &head)
}

fn status(_: &HttpsServer) -> Outcome {
    let (head, _) = get("mta-sts.example.com", PATH)?;
    hold(head.starts_with("HTTP/1.1 404 "), &head)
}

fn certificates(_: &HttpsServer) -> Outcome {
    let chain = |stream: &SslStream<TcpStream>| {
        let chain = stream.ssl().peer_cert_chain().map(|chain| chain.iter().map(X509Ref::to_pem).collect());
        chain.unwrap_or_else(|| Ok(Vec::new()))
    };
    let sent: Vec<Vec<u8>> = chain(&connect("mta-sts.example.net")?)?;
    let intermediate = Factory::shared()?.intermediate_pem()?;
    hold(sent.len() == 2 && sent.last().is_some_and(|last| last == intermediate.as_bytes()), "the chain")?;
    for (name, told) in [
        ("mta-sts.expired.example", "certificate has expired"),
        ("mta-sts.wrong.example", "hostname mismatch"),
    ] {
        let error = connect(name).err().map(|error| error.to_string()).unwrap_or_default();
        hold(error.contains(told), &format!("{name}: {error}"))?;
    }
    Ok(())
}

fn requests(server: &HttpsServer) -> Outcome {
    get("mta-sts.example.com", PATH)?;
    let log = server.requests();
    hold(log.contains(&format!("mta-sts.example.com \"GET {PATH} HTTP/1.1\" 404\n")), &log)
}
