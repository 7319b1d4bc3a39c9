//! What the header of the message that has arrived must say.

use check_smtp_core::cli::{self, Given};
use check_smtp_core::plugin::{Range, Thresholds, UsageError};

use super::{range, without_mailbox};
use crate::trace::{Method, Outcome};

const WARNING_HELP: &str = "WARNING where the score the receiver's spam filter gave is outside this range; scores are often below 0, so give ~:5 for 5 at the most";

/// `--require-tls-hops`, `--require`, `--spam-score-...`.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Header of the message that has arrived (with --receive)")]
pub struct TraceArgs {
    /// CRITICAL where a server on the way took the message without TLS, by its Received field; what does not tell counts as without, hops within a machine are passed over
    #[arg(long, num_args = 0, default_missing_value = "")]
    require_tls_hops: Option<Given>,
    /// CRITICAL where the receiver's Authentication-Results say otherwise (spf=pass,dkim=pass,dmarc=pass); a method they do not name is no fault; wants --authserv-id
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = requirement)]
    require: Vec<(Method, Outcome)>,
    /// Name the receiver's Authentication-Results begin with (RFC 8601); what is said under other names is not trusted; repeatable
    #[arg(long, value_name = "NAME", value_parser = authserv_id)]
    authserv_id: Vec<String>,
    /// The range of the score.
    #[arg(long, help = WARNING_HELP, value_name = "RANGE", value_parser = range, allow_hyphen_values = true)]
    spam_score_warning: Option<Range>,
    /// CRITICAL outside this range, given as for --spam-score-warning
    #[arg(long, value_name = "RANGE", value_parser = range, allow_hyphen_values = true)]
    spam_score_critical: Option<Range>,
}

/// What a header is held against.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Requirements {
    /// Whether every hop over a network must have been under TLS.
    pub tls_hops: bool,
    /// The result each method must have where it is named.
    pub results: Vec<(Method, Outcome)>,
    /// Whose results count.
    pub authserv_ids: Vec<String>,
    /// What the score is judged by.
    pub score: Thresholds,
}

impl TraceArgs {
    /// What is required of a header; without a mailbox there is none.
    pub fn requirements(self, has_mailbox: bool) -> Result<Requirements, UsageError> {
        if !has_mailbox {
            without_mailbox(&[
                (self.require_tls_hops.is_some(), "--require-tls-hops"),
                (!self.require.is_empty(), "--require"),
                (!self.authserv_id.is_empty(), "--authserv-id"),
                (self.spam_score_warning.is_some(), "--spam-score-warning"),
                (self.spam_score_critical.is_some(), "--spam-score-critical"),
            ])?;
        }
        if !self.require.is_empty() && self.authserv_id.is_empty() {
            return Err(UsageError::new(
                "--require without --authserv-id: anybody can write such results, name the server whose word counts (the first word of its Authentication-Results)",
            ));
        }
        let mut methods = self.require.iter().map(|(method, _)| method);
        while let Some(method) = methods.next() {
            if methods.clone().any(|other| other == method) {
                return Err(UsageError::new(format!(
                    "--require names {method} twice: give one result for it"
                )));
            }
        }
        Ok(Requirements {
            tls_hops: self.require_tls_hops.is_some(),
            results: self.require,
            authserv_ids: self.authserv_id,
            score: Thresholds { warning: self.spam_score_warning, critical: self.spam_score_critical },
        })
    }
}

fn requirement(text: &str) -> Result<(Method, Outcome), String> {
    let (method, outcome) =
        text.split_once('=').ok_or_else(|| "give METHOD=RESULT, such as spf=pass".to_owned())?;
    Ok((method.trim().parse()?, outcome.trim().parse()?))
}

/// One word, as it stands in the field.
fn authserv_id(text: &str) -> Result<String, String> {
    if text.contains([' ', ';', '=']) {
        return Err("give one name, such as mx.example.org".to_owned());
    }
    cli::non_empty(text)
}
