//! How an OAuth 2.0 token is fetched.

use std::path::PathBuf;

use super::credentials::{Words, command};
use super::{non_empty, path};
use crate::oauth2::{Grant, Request};
use crate::plugin::UsageError;
use crate::secret::Source;

/// `--oauth2-*`.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Fetching a token")]
#[expect(clippy::struct_field_names, reason = "named as the flags are")]
pub struct OAuth2Args {
    /// Fetch the token from this endpoint (https://...), and keep it until it expires
    #[arg(long, value_name = "URL", value_parser = https)]
    pub oauth2_token_url: Option<String>,
    /// Client identifier at the endpoint
    #[arg(long, value_name = "ID", value_parser = non_empty)]
    pub oauth2_client_id: Option<String>,
    /// Scope of the token, as the provider names it
    #[arg(long, value_name = "SCOPE", value_parser = non_empty)]
    pub oauth2_scope: Option<String>,
    /// Environment variable that holds the client secret
    #[arg(long, value_name = "NAME", value_parser = non_empty)]
    pub oauth2_client_secret_env: Option<String>,
    /// File that holds the client secret; refused when others can read it
    #[arg(long, value_name = "FILE", value_parser = path)]
    pub oauth2_client_secret_file: Option<PathBuf>,
    /// Command that prints the client secret; run without a shell, 5 seconds at most
    #[arg(long, value_name = "COMMAND", value_parser = command)]
    pub oauth2_client_secret_command: Option<Words>,
    /// Environment variable that holds a refresh token [without one: client credentials]
    #[arg(long, value_name = "NAME", value_parser = non_empty)]
    pub oauth2_refresh_token_env: Option<String>,
    /// File that holds a refresh token; refused when others can read it
    #[arg(long, value_name = "FILE", value_parser = path)]
    pub oauth2_refresh_token_file: Option<PathBuf>,
    /// Command that prints a refresh token; run without a shell, 5 seconds at most
    #[arg(long, value_name = "COMMAND", value_parser = command)]
    pub oauth2_refresh_token_command: Option<Words>,
    /// Trust the certificates in this PEM file at the endpoint instead of the system's roots
    #[arg(long, value_name = "FILE", value_parser = path)]
    pub oauth2_ca_file: Option<PathBuf>,
}

impl OAuth2Args {
    /// The request, where a token is to be fetched.
    pub fn request(self) -> Result<Option<Request>, UsageError> {
        let secret = one(
            "--oauth2-client-secret",
            self.oauth2_client_secret_env,
            self.oauth2_client_secret_file,
            self.oauth2_client_secret_command,
        )?;
        let refresh = one(
            "--oauth2-refresh-token",
            self.oauth2_refresh_token_env,
            self.oauth2_refresh_token_file,
            self.oauth2_refresh_token_command,
        )?;
        let Some(url) = self.oauth2_token_url else {
            let needless = [
                (self.oauth2_client_id.is_some(), "--oauth2-client-id"),
                (self.oauth2_scope.is_some(), "--oauth2-scope"),
                (secret.is_some(), "--oauth2-client-secret"),
                (refresh.is_some(), "--oauth2-refresh-token"),
                (self.oauth2_ca_file.is_some(), "--oauth2-ca-file"),
            ];
            return match needless.iter().find(|(given, _)| *given) {
                Some((_, flag)) => Err(UsageError::new(format!(
                    "{flag} without --oauth2-token-url would do nothing: give both"
                ))),
                None => Ok(None),
            };
        };
        let client = self
            .oauth2_client_id
            .ok_or_else(|| UsageError::new("--oauth2-token-url without --oauth2-client-id: give both"))?;
        let grant = match (refresh, secret) {
            (Some(token), secret) => Grant::RefreshToken { token, secret },
            (None, Some(secret)) => Grant::ClientCredentials { secret },
            (None, None) => {
                return Err(UsageError::new(
                    "--oauth2-token-url without a secret: give --oauth2-client-secret-env, -file or -command, or a refresh token",
                ));
            }
        };
        Ok(Some(Request { url, client, scope: self.oauth2_scope, grant, ca_file: self.oauth2_ca_file }))
    }
}

fn one(
    flag: &str,
    variable: Option<String>,
    file: Option<PathBuf>,
    command: Option<Words>,
) -> Result<Option<Source>, UsageError> {
    let sources = [
        variable.map(Source::environment),
        file.map(Source::file),
        command.map(|Words(words)| Source::Command(words)),
    ];
    let mut sources: Vec<Source> = sources.into_iter().flatten().collect();
    if sources.len() > 1 {
        return Err(UsageError::new(format!("{flag}-env, -file and -command: give one of them")));
    }
    Ok(sources.pop())
}

fn https(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").and_then(|rest| rest.split('/').next());
    let sound = host.is_some_and(|host| !host.is_empty()) && text.chars().all(|c| c.is_ascii_graphic());
    if sound {
        Ok(text.to_owned())
    } else {
        Err("give an address such as https://login.example.org/oauth2/token".to_owned())
    }
}
