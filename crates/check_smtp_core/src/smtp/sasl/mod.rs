//! SASL (RFC 4422) as SMTP carries it (RFC 4954): mechanisms as state machines, challenges in, answers out.
//!
//! No socket, no clock, no chance: the nonce is an argument. What is answered is secret, what is asked is not.

mod mechanism;
mod scram;

pub use mechanism::{Mechanism, Needs, choose};

use std::fmt::Write as _;

use hmac::Hmac;

use crate::secret::Secret;

/// Challenges answered in one exchange; the longest real one (LOGIN, SCRAM) has two.
pub const CHALLENGES_LIMIT: u8 = 8;
/// Iterations of SCRAM's key derivation; more is an attack on our CPU. RFC 7677 asks for 4096 at least, servers use up to 600 000.
pub const ITERATIONS_LIMIT: u32 = 1_000_000;

/// Who logs in, and with what.
#[derive(Clone)]
pub struct Credentials {
    /// The user.
    pub user: String,
    /// Whom to act as, where that is someone else.
    pub authorization: Option<String>,
    /// The password or the token; empty where the mechanism needs none.
    pub secret: Secret,
}

/// What ties SCRAM to the TLS session around it (RFC 5802 section 6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Binding {
    /// We cannot bind: no TLS.
    Unavailable,
    /// We could, the server does not offer it.
    NotOffered,
    /// Bound: the type's name and its bytes.
    Bound(&'static str, Vec<u8>),
}

/// Why an exchange could not go on, or does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SaslFault {
    /// A 334 whose text is not Base64.
    #[error("challenge is not Base64")]
    NotBase64,
    /// More than [`CHALLENGES_LIMIT`].
    #[error("server asks on and on: more than {CHALLENGES_LIMIT} challenges")]
    TooManyChallenges,
    /// A challenge where the mechanism has nothing left to say.
    #[error("server sent a challenge where {0} has none")]
    UnexpectedChallenge(&'static str),
    /// A SCRAM message that is none.
    #[error("SCRAM message of the server is malformed: {0}")]
    Malformed(&'static str),
    /// The server's nonce does not go on ours: the answer to someone else.
    #[error("SCRAM nonce of the server does not begin with ours")]
    ForeignNonce,
    /// More than [`ITERATIONS_LIMIT`], or none.
    #[error("SCRAM iteration count {0} is outside 1 to {ITERATIONS_LIMIT}")]
    Iterations(u64),
    /// The server does not know the password.
    #[error(
        "SCRAM signature of the server is wrong: it does not know the password, something stands between"
    )]
    WrongSignature,
    /// Success was said before the server has proved itself.
    #[error("server said 235 before it had proved that it knows the password")]
    Unproven,
    /// Success was said before the server had been told a password.
    #[error("server said 235 before it had asked for the password: it lets anybody in")]
    NothingAsked,
    /// The server's own word for a failed SCRAM exchange.
    #[error("SCRAM error of the server: {0}")]
    ScramError(String),
    /// A user or password that `SASLprep` prohibits.
    #[error("the {0} holds characters that SASLprep (RFC 4013) prohibits")]
    Prohibited(&'static str),
}

/// One login in progress.
#[derive(Clone)]
pub struct Exchange {
    mechanism: Mechanism,
    credentials: Credentials,
    state: State,
    provider_error: Option<String>,
}

#[derive(Clone)]
enum State {
    /// PLAIN, EXTERNAL and the bearers say everything at once; how often it was said.
    Message(u8),
    /// LOGIN: how many prompts were answered.
    Login(u8),
    CramMd5 {
        answered: bool,
    },
    Scram(scram::Client),
}

impl Exchange {
    /// Begins a login. The nonce must be fresh for each (RFC 5802 section 5.1); only SCRAM uses it.
    pub fn new(
        mechanism: Mechanism,
        credentials: Credentials,
        nonce: &str,
        binding: Binding,
    ) -> Result<Self, SaslFault> {
        let state = match mechanism {
            Mechanism::Login => State::Login(0),
            Mechanism::CramMd5 => State::CramMd5 { answered: false },
            Mechanism::Plain | Mechanism::External | Mechanism::XOAuth2 | Mechanism::OAuthBearer => {
                State::Message(0)
            }
            Mechanism::ScramSha1
            | Mechanism::ScramSha1Plus
            | Mechanism::ScramSha256
            | Mechanism::ScramSha256Plus => {
                State::Scram(scram::Client::new(mechanism, &credentials, nonce, binding)?)
            }
        };
        Ok(Self { mechanism, credentials, state, provider_error: None })
    }

    /// What may be sent with the AUTH command already; `None` where the server speaks first.
    pub fn initial(&mut self) -> Option<Vec<u8>> {
        match &mut self.state {
            State::Login(_) | State::CramMd5 { .. } => None,
            State::Message(said) => {
                *said = 1;
                Some(message(self.mechanism, &self.credentials))
            }
            State::Scram(client) => Some(client.first()),
        }
    }

    /// The answer to a challenge.
    pub fn answer(&mut self, challenge: &[u8]) -> Result<Vec<u8>, SaslFault> {
        match &mut self.state {
            State::Message(said) => {
                if is_bearer(self.mechanism) && challenge.starts_with(b"{") {
                    self.provider_error = Some(provider_words(challenge));
                    // RFC 7628 section 3.2.3 wants a %x01, XOAUTH2 an empty line; the real refusal comes after it.
                    let is_standard = self.mechanism == Mechanism::OAuthBearer;
                    return Ok(if is_standard { vec![1] } else { Vec::new() });
                }
                // Servers that overlook the initial response ask for it.
                *said += 1;
                if *said > 2 {
                    return Err(SaslFault::UnexpectedChallenge(self.mechanism.name()));
                }
                Ok(message(self.mechanism, &self.credentials))
            }
            State::Login(answered) => {
                // By order, whatever the prompt says: real ones are empty, localised or end in NUL.
                *answered += 1;
                match answered {
                    1 => Ok(self.credentials.user.clone().into_bytes()),
                    2 => Ok(self.credentials.secret.expose().as_bytes().to_vec()),
                    _ => Err(SaslFault::UnexpectedChallenge("LOGIN")),
                }
            }
            State::CramMd5 { answered: true } => Err(SaslFault::UnexpectedChallenge("CRAM-MD5")),
            State::CramMd5 { answered } => {
                *answered = true;
                Ok(cram_md5(&self.credentials, challenge))
            }
            State::Scram(client) => client.answer(challenge),
        }
    }

    /// Whether a 235 may be believed: the secret was told, and SCRAM's server has proved itself too.
    pub fn holds(&self) -> Result<(), SaslFault> {
        match &self.state {
            State::Scram(client) if !client.is_proven() => Err(SaslFault::Unproven),
            State::Login(0 | 1) | State::CramMd5 { answered: false } => Err(SaslFault::NothingAsked),
            _ => Ok(()),
        }
    }

    /// Whether answers depend on what the challenges say.
    pub fn reads_challenges(&self) -> bool {
        matches!(self.state, State::CramMd5 { .. } | State::Scram(_))
    }

    /// Whether the next answer costs enough CPU to be kept from the dialogue's own thread.
    pub fn is_heavy(&self) -> bool {
        matches!(self.state, State::Scram(_))
    }

    /// What an OAuth 2.0 server said about the token.
    pub fn provider_error(&self) -> Option<&str> {
        self.provider_error.as_deref()
    }
}

fn is_bearer(mechanism: Mechanism) -> bool {
    matches!(mechanism, Mechanism::XOAuth2 | Mechanism::OAuthBearer)
}

fn message(mechanism: Mechanism, credentials: &Credentials) -> Vec<u8> {
    let authorization = credentials.authorization.as_deref().unwrap_or_default();
    let (user, secret) = (&credentials.user, credentials.secret.expose());
    match mechanism {
        // RFC 4616
        Mechanism::Plain => format!("{authorization}\0{user}\0{secret}"),
        // RFC 7628 section 3.1; the user is the authorization identity of the GS2 header.
        Mechanism::OAuthBearer => {
            let named = if authorization.is_empty() { user } else { authorization };
            format!("n,a={},\x01auth=Bearer {secret}\x01\x01", scram::escaped(named))
        }
        Mechanism::XOAuth2 => format!("user={user}\x01auth=Bearer {secret}\x01\x01"),
        // RFC 4422 appendix A
        _ => authorization.to_owned(),
    }
    .into_bytes()
}

/// RFC 2195.
fn cram_md5(credentials: &Credentials, challenge: &[u8]) -> Vec<u8> {
    let digest = mac::<Hmac<md5::Md5>>(credentials.secret.expose().as_bytes(), &[challenge]);
    let mut answer = format!("{} ", credentials.user);
    for byte in digest {
        // Writing to a String cannot fail.
        let _ = write!(answer, "{byte:02x}");
    }
    answer.into_bytes()
}

/// The message authentication code over all parts.
fn mac<M: hmac::Mac + hmac::KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    // HMAC takes a key of any length (RFC 2104 section 3).
    let Ok(mut mac) = <M as hmac::KeyInit>::new_from_slice(key) else { return Vec::new() };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// The words of an error document (RFC 7628 section 3.2.2): the values that tell something, or the whole if it is none.
fn provider_words(document: &[u8]) -> String {
    let text = String::from_utf8_lossy(document);
    let Ok(serde_json::Value::Object(fields)) = serde_json::from_str(&text) else { return text.into_owned() };
    let known = ["error", "error_description", "status", "schemes", "scope"];
    let words: Vec<String> = known
        .iter()
        .filter_map(|key| fields.get(*key).map(|value| (key, value)))
        .map(|(key, value)| match value.as_str() {
            Some(text) => format!("{key} {text}"),
            None => format!("{key} {value}"),
        })
        .collect();
    if words.is_empty() { text.into_owned() } else { words.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::{Binding, Credentials, Exchange, Mechanism, SaslFault};
    use crate::secret::Secret;

    fn exchange(mechanism: Mechanism, user: &str, secret: &str, nonce: &str) -> Exchange {
        let secret = Secret::new(secret.to_owned());
        let credentials = Credentials { user: user.to_owned(), authorization: None, secret };
        Exchange::new(mechanism, credentials, nonce, Binding::Unavailable).unwrap()
    }

    fn text(answer: &[u8]) -> &str {
        std::str::from_utf8(answer).unwrap()
    }

    #[test]
    fn cram_md5_of_rfc_2195() {
        let mut login = exchange(Mechanism::CramMd5, "tim", "tanstaaftanstaaf", "");
        assert_eq!(login.initial(), None);
        let answer = login.answer(b"<1896.697170952@postoffice.reston.mci.net>").unwrap();
        assert_eq!(text(&answer), "tim b913a602c7eda7a495b4e6e7334d3890");
        assert_eq!(login.answer(b"x"), Err(SaslFault::UnexpectedChallenge("CRAM-MD5")));
    }

    #[test]
    fn scram_sha_1_of_rfc_5802() {
        let mut login = exchange(Mechanism::ScramSha1, "user", "pencil", "fyko+d2lbbFgONRv9qkxdawL");
        assert_eq!(text(&login.initial().unwrap()), "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
        let answer =
            login.answer(b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096").unwrap();
        assert_eq!(
            text(&answer),
            "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="
        );
        assert_eq!(login.holds(), Err(SaslFault::Unproven));
        assert_eq!(login.answer(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=").unwrap(), b"");
        assert_eq!(login.holds(), Ok(()));
    }

    #[test]
    fn scram_sha_256_of_rfc_7677() {
        let mut login = exchange(Mechanism::ScramSha256, "user", "pencil", "rOprNGfwEbeRWgbNEkqO");
        assert_eq!(text(&login.initial().unwrap()), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let answer = login
            .answer(b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
            .unwrap();
        assert_eq!(
            text(&answer),
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert_eq!(login.answer(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").unwrap(), b"");
        assert_eq!(login.holds(), Ok(()));
    }

    #[test]
    fn a_server_that_does_not_know_the_password_is_found_out() {
        let mut login = exchange(Mechanism::ScramSha1, "user", "pencil", "fyko+d2lbbFgONRv9qkxdawL");
        login.initial();
        login.answer(b"r=fyko+d2lbbFgONRv9qkxdawL3,s=QSXCR+Q6sek8bf92,i=4096").unwrap();
        assert_eq!(login.answer(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ="), Err(SaslFault::WrongSignature));
        assert_eq!(login.holds(), Err(SaslFault::Unproven));
    }

    #[test]
    fn scram_messages_that_are_none() {
        let refused = [
            ("r=other,s=QSXCR+Q6sek8bf92,i=4096", SaslFault::ForeignNonce),
            ("r=nonce,s=QSXCR+Q6sek8bf92,i=4096", SaslFault::ForeignNonce),
            ("r=nonce1,s=QSXCR+Q6sek8bf92,i=20000000", SaslFault::Iterations(20_000_000)),
            ("r=nonce1,s=QSXCR+Q6sek8bf92,i=0", SaslFault::Iterations(0)),
            ("r=nonce1,s=QSXCR+Q6sek8bf92,i=x", SaslFault::Malformed("iteration count")),
            ("r=nonce1,s=!,i=4096", SaslFault::Malformed("salt")),
            ("r=nonce1", SaslFault::Malformed("salt")),
            ("m=new,r=nonce1,s=QSXCR+Q6sek8bf92,i=4096", SaslFault::Malformed("unknown mandatory extension")),
            ("\u{fffd}", SaslFault::Malformed("nonce")),
        ];
        for (message, fault) in refused {
            let mut login = exchange(Mechanism::ScramSha256, "user", "pencil", "nonce");
            login.initial();
            assert_eq!(login.answer(message.as_bytes()), Err(fault), "{message}");
        }
    }

    #[test]
    fn login_answers_by_order_and_plain_says_it_once_more() {
        let mut login = exchange(Mechanism::Login, "u", "p w", "");
        assert_eq!((login.initial(), login.answer(b"\0").unwrap()), (None, b"u".to_vec()));
        assert_eq!(login.answer(b"Benutzername:").unwrap(), b"p w");
        assert!(login.answer(b"").is_err());
        let mut plain = exchange(Mechanism::Plain, "u", "p", "");
        assert_eq!(plain.initial().unwrap(), b"\0u\0p");
        assert_eq!(plain.answer(b"").unwrap(), b"\0u\0p");
        assert!(plain.answer(b"").is_err());
    }

    #[test]
    fn bearers_and_their_error_documents() {
        let mut login = exchange(Mechanism::XOAuth2, "u@example.org", "tok", "");
        assert_eq!(text(&login.initial().unwrap()), "user=u@example.org\x01auth=Bearer tok\x01\x01");
        let document = br#"{"status":"401","schemes":"bearer","scope":"https://mail.example.org/"}"#;
        assert_eq!(login.answer(document).unwrap(), b"");
        assert_eq!(
            login.provider_error(),
            Some("status 401, schemes bearer, scope https://mail.example.org/")
        );
        let mut login = exchange(Mechanism::OAuthBearer, "a,b=c", "tok", "");
        assert_eq!(text(&login.initial().unwrap()), "n,a=a=2Cb=3Dc,\x01auth=Bearer tok\x01\x01");
        assert_eq!(login.answer(br#"{"status":"invalid_token"}"#).unwrap(), b"\x01");
    }

    #[test]
    fn names_are_escaped_and_passwords_prepared() {
        let mut login = exchange(Mechanism::ScramSha1, "a,b=c", "I\u{ad}X", "n");
        assert_eq!(text(&login.initial().unwrap()), "n,,n=a=2Cb=3Dc,r=n");
        let secret = Secret::new("\u{7}".to_owned());
        let credentials = Credentials { user: "u".to_owned(), authorization: None, secret };
        let refused = Exchange::new(Mechanism::ScramSha1, credentials, "n", Binding::Unavailable);
        assert_eq!(refused.err(), Some(SaslFault::Prohibited("password")));
    }
}
