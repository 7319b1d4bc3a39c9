//! nginx: what answers for `mta-sts.<domain>` (RFC 8461 section 3.2), rightly and wrongly.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command};

use super::{program, required, spawn, stop, wait_for_address};
use crate::factory::Identity;
use crate::{Result, TempDir};

/// A site, found by the name a client asks for (SNI and the Host header).
#[derive(Clone, Debug)]
pub struct Site {
    /// Its name, such as `mta-sts.example.org`.
    pub name: String,
    /// What it shows in the TLS handshake.
    pub identity: Identity,
    /// What it answers.
    pub answer: SiteAnswer,
}

/// What a site answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SiteAnswer {
    /// 200 with this body, `text/plain`, at `/.well-known/mta-sts.txt`; 404 everywhere else.
    Body(Vec<u8>),
    /// 301 to this URL, which must hold no quotes and no `$`.
    Redirect(String),
    /// This status.
    Status(u16),
}

/// A running HTTPS server; it is stopped when dropped. A name it does not know is answered by its first site.
#[derive(Debug)]
pub struct HttpsServer {
    directory: TempDir,
    server: Child,
}

impl HttpsServer {
    /// Whether nginx is installed.
    pub fn is_installed() -> bool {
        program("nginx").is_some()
    }

    /// Starts it on that address. A port below 1024 needs root.
    pub fn start(address: SocketAddr, sites: &[Site]) -> Result<Self> {
        let directory = TempDir::new()?;
        let root = directory.path();
        let mut servers = String::new();
        for (number, site) in sites.iter().enumerate() {
            servers.push_str(&server(root, address, number, site)?);
        }
        std::fs::write(root.join("nginx.conf"), configuration(root, &servers))?;
        let log = root.join("log");
        let mut command = Command::new(required("nginx")?);
        // Its error log goes to stderr from the first line on, not to the distribution's file.
        command.arg("-p").arg(root).arg("-c").arg(root.join("nginx.conf")).args(["-e", "stderr"]);
        let mut server = Self { server: spawn(&mut command, &log)?, directory };
        wait_for_address(address, &mut server.server, &log)?;
        Ok(server)
    }

    /// The requests it has answered, one a line: name, request, status.
    pub fn requests(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("requests")).unwrap_or_default()
    }
}

impl Drop for HttpsServer {
    fn drop(&mut self) {
        stop(&mut self.server);
    }
}

/// A site's files and its part of the configuration.
fn server(root: &Path, address: SocketAddr, number: usize, site: &Site) -> Result<String> {
    let path = |kind: &str| root.join(format!("{number}.{kind}"));
    std::fs::write(path("chain"), &site.identity.chain_pem)?;
    std::fs::write(path("key"), &site.identity.key_pem)?;
    let mut text = format!(
        "  server {{\n    listen {address} ssl;\n    server_name {};\n    ssl_certificate {};\n    ssl_certificate_key {};\n",
        site.name,
        path("chain").display(),
        path("key").display()
    );
    let _ = match &site.answer {
        SiteAnswer::Body(body) => {
            std::fs::write(path("body"), body)?;
            let body = path("body");
            writeln!(
                text,
                "    location = /.well-known/mta-sts.txt {{ alias {}; }}\n    location / {{ return 404; }}",
                body.display()
            )
        }
        SiteAnswer::Redirect(url) => writeln!(text, "    location / {{ return 301 \"{url}\"; }}"),
        SiteAnswer::Status(status) => writeln!(text, "    location / {{ return {status}; }}"),
    };
    text.push_str("  }\n");
    Ok(text)
}

/// One process, so that whoever ends it has ended all of it, and root keeps access to the private directory.
fn configuration(root: &Path, servers: &str) -> String {
    let root = root.display();
    let mut text = format!(
        "daemon off;\nmaster_process off;\npid {root}/pid;\nerror_log stderr;\nevents {{ worker_connections 64; }}\nhttp {{\n  \
         default_type text/plain;\n  server_names_hash_bucket_size 256;\n  log_format short '$host \"$request\" $status';\n  \
         access_log {root}/requests short;\n"
    );
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        let _ = writeln!(text, "  {kind}_temp_path {root}/{kind};");
    }
    text + servers + "}\n"
}
