//! OAuth 2.0 tokens (RFC 6749): how one is asked for, what the answer says, and where it is kept until it expires.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::secret::{Hidden, Secret, Source};

/// A token that expires within this many seconds is not used any more.
const MARGIN: i64 = 60;
/// Bytes of a cache file.
const FILE_LIMIT: u64 = 64 * 1024;
/// Characters of the provider's words that are kept.
const WORDS_LIMIT: usize = 300;

/// A token endpoint and what it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The endpoint.
    pub url: String,
    /// Our name there.
    pub client: String,
    /// What the token is to be for.
    pub scope: Option<String>,
    /// How we prove who we are.
    pub grant: Grant,
    /// Trusted instead of the system's roots.
    pub ca_file: Option<PathBuf>,
}

/// The two grants a check can use, each with the sources of its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// RFC 6749 section 4.4.
    ClientCredentials {
        /// The client secret.
        secret: Source,
    },
    /// RFC 6749 section 6.
    RefreshToken {
        /// The refresh token.
        token: Source,
        /// The client secret; public clients have none.
        secret: Option<Source>,
    },
}

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// The endpoint could not be asked.
    #[error("token endpoint cannot be asked: {0}")]
    Unreachable(String),
    /// The endpoint said no: its error code, and its words.
    #[error("token refused by its provider: {0}{1}")]
    Refused(String, String),
    /// An HTTP status without an error document.
    #[error("token endpoint answered HTTP {0}")]
    Status(u16),
    /// 200 without a token.
    #[error("token endpoint answered without a token")]
    NoToken,
    /// More than a token has.
    #[error("token endpoint answered with more than 64 KiB")]
    TooLarge,
}

impl TokenFault {
    /// The same without these secrets, should the provider repeat them.
    #[must_use]
    pub fn without(self, secrets: &[Option<Secret>]) -> Self {
        let mut hidden = Hidden::default();
        secrets.iter().flatten().for_each(|secret| hidden.add(secret.expose()));
        match self {
            Self::Refused(error, words) => {
                Self::Refused(hidden.star(&error).into_owned(), hidden.star(&words).into_owned())
            }
            other => other,
        }
    }
}

/// A token and when it ends.
#[derive(Clone)]
pub struct Token {
    /// The token.
    pub secret: Secret,
    /// Seconds since 1970; `None`: it was not said, and the token is not kept.
    pub expires_at: Option<i64>,
}

impl Request {
    /// The body of the request; it holds secrets.
    pub fn form(&self, secret: Option<&Secret>, refresh: Option<&Secret>) -> String {
        let grant = match self.grant {
            Grant::ClientCredentials { .. } => "client_credentials",
            Grant::RefreshToken { .. } => "refresh_token",
        };
        let pairs = [
            ("grant_type", Some(grant)),
            ("client_id", Some(self.client.as_str())),
            ("client_secret", secret.map(Secret::expose)),
            ("refresh_token", refresh.map(Secret::expose)),
            ("scope", self.scope.as_deref()),
        ];
        let pairs = pairs
            .into_iter()
            .filter_map(|(key, value)| value.map(|value| format!("{key}={}", escaped(value))));
        pairs.collect::<Vec<_>>().join("&")
    }

    /// The name of the file that keeps its token: who asks whom for what, and no secret.
    fn file_name(&self) -> String {
        let grant = match self.grant {
            Grant::ClientCredentials { .. } => "client",
            Grant::RefreshToken { .. } => "refresh",
        };
        let scope = self.scope.as_deref().unwrap_or_default();
        let digest = Sha256::digest(format!("{}\0{}\0{scope}\0{grant}", self.url, self.client));
        let mut name = "token-".to_owned();
        for byte in digest.iter().take(12) {
            // Writing to a String cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
        name + ".json"
    }
}

/// Reads the endpoint's answer (RFC 6749 sections 5.1 and 5.2).
pub fn read_answer(status: u16, body: &[u8], now: i64) -> Result<Token, TokenFault> {
    let document: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |key: &str| document.get(key).and_then(Value::as_str);
    if let Some(error) = text("error") {
        let words = text("error_description").map(|words| format!(" ({})", first(words))).unwrap_or_default();
        return Err(TokenFault::Refused(first(error), words));
    }
    if status != 200 {
        return Err(TokenFault::Status(status));
    }
    let token = text("access_token").filter(|token| !token.is_empty()).ok_or(TokenFault::NoToken)?;
    let seconds =
        document.get("expires_in").and_then(|value| value.as_i64().or_else(|| value.as_str()?.parse().ok()));
    let expires_at = seconds.filter(|seconds| *seconds > 0).map(|seconds| now.saturating_add(seconds));
    Ok(Token { secret: Secret::new(token.to_owned()), expires_at })
}

/// The first line, and not all of that: Microsoft adds trace numbers and times behind it.
fn first(words: &str) -> String {
    let line = words.lines().next().unwrap_or_default();
    let line = line.split(" Trace ID:").next().unwrap_or_default();
    line.chars().take(WORDS_LIMIT).collect()
}

/// Percent-encoding of a form's value; everything but unreserved characters.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// The token kept in `directory`, if it is still good for a minute. Anything else in its place is none.
pub fn cached(directory: &Path, request: &Request, now: i64) -> Option<Token> {
    let path = directory.join(request.file_name());
    let about = std::fs::symlink_metadata(&path).ok()?;
    if !about.is_file() || about.len() > FILE_LIMIT || about.permissions().mode() & 0o077 != 0 {
        return None;
    }
    let document: Value = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
    let expires_at = document.get("expires_at")?.as_i64()?;
    let token = document.get("access_token")?.as_str()?;
    (expires_at > now.saturating_add(MARGIN))
        .then(|| Token { secret: Secret::new(token.to_owned()), expires_at: Some(expires_at) })
}

/// Keeps a token: written beside its place, readable by us alone, and put there by a rename. The error says why not.
pub fn keep(directory: &Path, request: &Request, token: &Token) -> Result<(), String> {
    let Some(expires_at) = token.expires_at else { return Err("its end is not told".to_owned()) };
    let told =
        |error: &std::io::Error| format!("{}: {}", directory.display(), crate::error::system_words(error));
    let about = std::fs::metadata(directory).map_err(|error| told(&error))?;
    if about.mode() & 0o022 != 0 {
        return Err(format!("{} can be written by others", directory.display()));
    }
    let text =
        json!({ "schema": 1, "expires_at": expires_at, "access_token": token.secret.expose() }).to_string();
    let name = request.file_name();
    let beside = directory.join(format!(".{name}.{}", std::process::id()));
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| std::fs::rename(&beside, directory.join(&name)));
    written.map_err(|error| {
        let _ = std::fs::remove_file(&beside);
        told(&error)
    })
}

/// Forgets a token that a server has refused, so that the next run asks for another.
pub fn forget(directory: &Path, request: &Request) {
    let _ = std::fs::remove_file(directory.join(request.file_name()));
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::{Grant, Request, TokenFault, cached, forget, keep, read_answer};
    use crate::secret::{Secret, Source};

    fn request() -> Request {
        Request {
            url: "https://login.example.org/token".to_owned(),
            client: "probe".to_owned(),
            scope: Some("https://mail.example.org/.default".to_owned()),
            grant: Grant::ClientCredentials { secret: Source::environment("X".to_owned()) },
            ca_file: None,
        }
    }

    #[test]
    fn the_form_is_encoded() {
        let secret = Secret::new("a b&c=\u{e4}".to_owned());
        assert_eq!(
            request().form(Some(&secret), None),
            "grant_type=client_credentials&client_id=probe&client_secret=a%20b%26c%3D%C3%A4&scope=https%3A%2F%2Fmail.example.org%2F.default"
        );
    }

    #[test]
    fn a_refresh_token_is_another_grant() {
        let source = Source::environment("X".to_owned());
        let request =
            Request { grant: Grant::RefreshToken { token: source, secret: None }, scope: None, ..request() };
        let refresh = Secret::new("r/1".to_owned());
        assert_eq!(
            request.form(None, Some(&refresh)),
            "grant_type=refresh_token&client_id=probe&refresh_token=r%2F1"
        );
    }

    #[test]
    fn answers_are_told_apart() {
        let good = br#"{"token_type":"Bearer","expires_in":3599,"access_token":"eyJ0"}"#;
        let token = read_answer(200, good, 1000).ok().unwrap();
        assert_eq!((token.secret.expose(), token.expires_at), ("eyJ0", Some(4599)));
        let fault = |status, body: &str| read_answer(status, body.as_bytes(), 0).err().unwrap();
        let refused = fault(
            401,
            r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided. Trace ID: 1 x\r\nmore"}"#,
        );
        assert_eq!(
            refused.to_string(),
            "token refused by its provider: invalid_client (AADSTS7000215: Invalid client secret provided.)"
        );
        assert_eq!(fault(500, "<html>"), TokenFault::Status(500));
        assert_eq!(fault(200, "{}"), TokenFault::NoToken);
        assert_eq!(fault(200, r#"{"access_token":""}"#), TokenFault::NoToken);
        assert_eq!(
            read_answer(200, br#"{"access_token":"x","expires_in":"60"}"#, 5).ok().unwrap().expires_at,
            Some(65)
        );
    }

    #[test]
    fn a_token_is_kept_until_it_expires_and_read_by_nobody_else() {
        let directory = std::env::temp_dir().join(format!("oauth2-{}", std::process::id()));
        std::fs::create_dir(&directory).unwrap();
        let request = request();
        let token = read_answer(200, br#"{"access_token":"tok","expires_in":600}"#, 1000).ok().unwrap();
        keep(&directory, &request, &token).unwrap();
        let path = directory.join(request.file_name());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(cached(&directory, &request, 1500).is_some_and(|token| token.secret.expose() == "tok"));
        assert!(cached(&directory, &request, 1550).is_none());
        let other = Request { client: "other".to_owned(), ..request.clone() };
        assert!(cached(&directory, &other, 1000).is_none());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(cached(&directory, &request, 1000).is_none());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, "{").unwrap();
        assert!(cached(&directory, &request, 1000).is_none());
        keep(&directory, &request, &token).unwrap();
        forget(&directory, &request);
        assert!(!path.exists());
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(keep(&directory, &request, &token).unwrap_err().contains("by others"));
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
