//! Where the probes are to be found: `--receive URL`, read strictly.

use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use check_smtp_core::certificate::Identity;
use check_smtp_core::cli::TlsMode;
use check_smtp_core::net::Host;

/// A mailbox, as it was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// IMAP (RFC 9051, RFC 3501).
    Imap(Server),
    /// POP3 (RFC 1939).
    Pop3(Server),
    /// A Maildir on this machine.
    Maildir(PathBuf),
    /// The HTTP API of a sandbox server.
    Http(Api, Site),
}

/// A mail server that holds a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The host.
    pub host: Host,
    /// The port.
    pub port: u16,
    /// When TLS begins. In the clear only where the admin says so beside the URL.
    pub mode: TlsMode,
    /// The user.
    pub user: Option<String>,
    /// The folder looked at in the place of INBOX.
    pub folder: Option<String>,
}

/// Which sandbox server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// Mailpit.
    Mailpit,
    /// `MailHog`.
    MailHog,
    /// `MailDev`.
    MailDev,
}

/// The address of an HTTP API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Whether it is HTTPS.
    pub is_https: bool,
    /// The host.
    pub host: Host,
    /// The port.
    pub port: u16,
    /// The user of HTTP's basic authentication.
    pub user: Option<String>,
    /// What stands before the API's own paths: empty, or a path that begins with `/` and does not end with it.
    pub base: String,
}

const KNOWN: &str = "give imap://, imaps://, pop3:// or pop3s:// with [USER@]HOST[:PORT], maildir:/PATH, or mailpit+, mailhog+ or maildev+ before http://HOST[:PORT] or https://HOST[:PORT]";

impl Server {
    /// The name to send as SNI, and who the certificate must be for.
    pub fn names(&self) -> (Option<String>, Identity) {
        match &self.host {
            Host::Name(name) => {
                let name = name.strip_suffix('.').unwrap_or(name).to_owned();
                (Some(name.clone()), Identity::Name(name))
            }
            Host::Address(address) => (None, Identity::Address(*address)),
            Host::Scoped(text) => {
                let bare = text.split('%').next().unwrap_or_default();
                (None, bare.parse().map_or_else(|_| Identity::Name(text.clone()), Identity::Address))
            }
            Host::Socket(_) => (None, Identity::Name("localhost".to_owned())),
        }
    }
}

/// The error never repeats the URL: a password may stand in it.
impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("maildir:") {
            return maildir(path);
        }
        let (scheme, rest) = text.split_once("://").ok_or(KNOWN)?;
        let server = |port, mode| server(rest, port, mode);
        match scheme.to_ascii_lowercase().as_str() {
            "imap" => server(143, TlsMode::StartTls).map(Self::Imap),
            "imaps" => server(993, TlsMode::Implicit).map(Self::Imap),
            "pop3" => no_folder(server(110, TlsMode::StartTls)?).map(Self::Pop3),
            "pop3s" => no_folder(server(995, TlsMode::Implicit)?).map(Self::Pop3),
            other => {
                let (api, transport) = other.split_once('+').ok_or(KNOWN)?;
                let api = match api {
                    "mailpit" => Api::Mailpit,
                    "mailhog" => Api::MailHog,
                    "maildev" => Api::MailDev,
                    _ => return Err(KNOWN.to_owned()),
                };
                match transport {
                    "http" => site(rest, false).map(|site| Self::Http(api, site)),
                    "https" => site(rest, true).map(|site| Self::Http(api, site)),
                    _ => Err(KNOWN.to_owned()),
                }
            }
        }
    }
}

/// `maildir:/path`, or `maildir:///path`. Without `..`, so that what is shown is what is looked at.
fn maildir(path: &str) -> Result<Source, String> {
    let path = path.strip_prefix("//").unwrap_or(path);
    let parts = Path::new(path).components().collect::<Vec<_>>();
    let is_sound = path.starts_with('/') && parts.len() > 1 && !parts.contains(&Component::ParentDir);
    if is_sound && !path.contains(['\0', '\n']) {
        Ok(Source::Maildir(path.into()))
    } else {
        Err("give the absolute path of the Maildir, without '..', as in maildir:/var/mail/probe/Maildir"
            .to_owned())
    }
}

/// `[USER@]HOST[:PORT][/REST]`, and nothing behind it.
struct Authority<'t> {
    user: Option<String>,
    host: Host,
    port: Option<u16>,
    path: &'t str,
}

fn authority(rest: &str) -> Result<Authority<'_>, String> {
    if rest.contains(['?', '#']) {
        return Err(
            "'?' and '#' have no meaning here; where one belongs to a name, write %3F or %23".to_owned()
        );
    }
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).ok_or(KNOWN)?;
    // A user may be an address: the last @ ends it.
    let (user, place) = match authority.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, authority),
    };
    if user.is_some_and(|user| user.contains(':')) {
        return Err(
            "no password in the URL, everybody can see it: give --receive-password-env, --receive-password-file or --receive-password-command"
                .to_owned(),
        );
    }
    let user = user.map(|user| {
        decoded(user).filter(|user| !user.is_empty()).ok_or("the user in the URL is empty or not readable")
    });
    let (host, port) = host_and_port(place)?;
    Ok(Authority { user: user.transpose()?, host, port, path })
}

fn host_and_port(place: &str) -> Result<(Host, Option<u16>), String> {
    // The colons of an IPv6 literal are its own.
    let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((literal, "")) => (literal, None),
        Some((literal, behind)) => (literal, Some(behind.strip_prefix(':').ok_or(KNOWN)?)),
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    let host = match host.parse::<Host>() {
        Ok(Host::Socket(_)) | Err(_) => {
            return Err("give a host name or an address, an IPv6 one in [ ], before the port".to_owned());
        }
        Ok(host) => host,
    };
    let port = port.map(check_smtp_core::cli::port).transpose()?;
    Ok((host, port))
}

fn server(rest: &str, port: u16, mode: TlsMode) -> Result<Server, String> {
    let Authority { user, host, port: given, path } = authority(rest)?;
    let folder = match path.strip_prefix('/') {
        None | Some("") => None,
        Some(folder) => Some(decoded(folder).ok_or("the folder in the URL is not readable")?),
    };
    Ok(Server { host, port: given.unwrap_or(port), mode, user, folder })
}

fn no_folder(server: Server) -> Result<Server, String> {
    match &server.folder {
        None => Ok(server),
        Some(_) => Err("POP3 has no folders: end the URL behind the port".to_owned()),
    }
}

fn site(rest: &str, is_https: bool) -> Result<Site, String> {
    let Authority { user, host, port, path } = authority(rest)?;
    let base = path.trim_end_matches('/').to_owned();
    let is_sound = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%/".contains(&byte);
    if !base.bytes().all(is_sound) {
        return Err("the path in the URL holds characters that must be written as %XX".to_owned());
    }
    Ok(Site { is_https, host, port: port.unwrap_or(if is_https { 443 } else { 80 }), user, base })
}

/// Percent-decoding (RFC 3986 section 2.1); `None` where it is none, or not UTF-8, or would break a line.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let (high, low) = (digit(rest.next())?, digit(rest.next())?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::{Api, Identity, Server, Site, Source, TlsMode};

    fn server(text: &str) -> Server {
        match text.parse() {
            Ok(Source::Imap(server) | Source::Pop3(server)) => server,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn schemes_ports_and_when_tls_begins() {
        for (text, port, mode) in [
            ("imap://mail.example.org", 143, TlsMode::StartTls),
            ("IMAPS://mail.example.org", 993, TlsMode::Implicit),
            ("imaps://mail.example.org:10993", 10993, TlsMode::Implicit),
            ("pop3://mail.example.org/", 110, TlsMode::StartTls),
            ("pop3s://mail.example.org", 995, TlsMode::Implicit),
        ] {
            let server = server(text);
            assert_eq!(
                (server.port, server.mode, server.user, server.folder),
                (port, mode, None, None),
                "{text}"
            );
            assert_eq!(server.host, "mail.example.org".parse().unwrap());
        }
    }

    #[test]
    fn users_folders_and_addresses() {
        let named = server("imaps://probe@example.org@mail.example.org/Lists%2Fprobes/%C3%9Cbung");
        assert_eq!(named.user.as_deref(), Some("probe@example.org"));
        assert_eq!(named.folder.as_deref(), Some("Lists/probes/Übung"));
        assert_eq!(server("imap://probe%40example.org@192.0.2.5").user.as_deref(), Some("probe@example.org"));
        let literal = server("pop3s://probe@[2001:db8::5]:1995");
        assert_eq!((literal.host.clone(), literal.port), ("2001:db8::5".parse().unwrap(), 1995));
        assert_eq!(literal.names(), (None, Identity::Address("2001:db8::5".parse().unwrap())));
        let (sni, identity) = server("imap://mail.example.org.").names();
        assert_eq!(
            (sni.as_deref(), identity),
            (Some("mail.example.org"), Identity::Name("mail.example.org".into()))
        );
    }

    #[test]
    fn maildirs_and_sandboxes() {
        for text in ["maildir:/var/mail/probe", "maildir:///var/mail/probe"] {
            assert_eq!(text.parse(), Ok(Source::Maildir("/var/mail/probe".into())));
        }
        let site = Site {
            is_https: false,
            host: "127.0.0.1".parse().unwrap(),
            port: 8025,
            user: None,
            base: String::new(),
        };
        assert_eq!("mailpit+http://127.0.0.1:8025/".parse(), Ok(Source::Http(Api::Mailpit, site.clone())));
        let proxied = Site {
            is_https: true,
            host: "mail.example.org".parse().unwrap(),
            port: 443,
            user: Some("probe".to_owned()),
            base: "/sandbox".to_owned(),
        };
        assert_eq!(
            "maildev+https://probe@mail.example.org/sandbox/".parse(),
            Ok(Source::Http(Api::MailDev, proxied))
        );
        assert!(
            matches!("mailhog+http://[::1]".parse(), Ok(Source::Http(Api::MailHog, site)) if site.port == 80)
        );
    }

    #[test]
    fn a_password_in_the_url_is_refused_and_not_repeated() {
        for text in
            ["imap://probe:hunter2@mail.example.org", "mailpit+http://:hunter2@127.0.0.1", "pop3://u:@h"]
        {
            let told = text.parse::<Source>().unwrap_err();
            assert!(told.contains("--receive-password-file") && !told.contains("hunter2"), "{told}");
        }
    }

    #[test]
    fn what_is_no_mailbox() {
        for text in [
            "",
            "mail.example.org",
            "imap:mail.example.org",
            "imap://",
            "imap:///INBOX",
            "imap://@mail.example.org",
            "imap://mail.example.org:0",
            "imap://mail.example.org:70000",
            "imap://mail.example.org:",
            "imap://a b",
            "imap://2001:db8::5",
            "imap://[2001:db8::5",
            "imap://[2001:db8::5]143",
            "imap://%zz@mail.example.org",
            "imap://a%0ab@mail.example.org",
            "imap://mail.example.org/a%0d",
            "imap://mail.example.org/a?b=c",
            "imap://mail.example.org#x",
            "pop3://mail.example.org/INBOX",
            "smtp://mail.example.org",
            "http://mail.example.org",
            "mailpit://127.0.0.1",
            "mailpit+ftp://127.0.0.1",
            "other+http://127.0.0.1",
            "mailpit+http://127.0.0.1/a b",
            "maildir:",
            "maildir:relative",
            "maildir:/",
            "maildir:/var/../etc",
            "maildir://host/path/..",
            "imap:///run/socket",
        ] {
            assert!(text.parse::<Source>().is_err(), "{text:?}");
        }
    }
}
