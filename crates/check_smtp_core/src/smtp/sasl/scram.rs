//! SCRAM (RFC 5802, RFC 7677), the client's side.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::Hmac;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::{Binding, Credentials, ITERATIONS_LIMIT, Mechanism, SaslFault, mac};

#[derive(Clone, Copy)]
enum Hash {
    Sha1,
    Sha256,
}

/// One login.
#[derive(Clone)]
pub struct Client {
    hash: Hash,
    /// `n,,` and the like, with what binds us to the TLS session behind it.
    header: String,
    binding: Vec<u8>,
    /// `n=user,r=nonce`.
    first_bare: String,
    nonce: String,
    password: String,
    stage: Stage,
}

#[derive(Clone)]
enum Stage {
    ServerFirst,
    ServerFinal { signature: Vec<u8> },
    Proven,
    Over,
}

impl Client {
    pub fn new(
        mechanism: Mechanism,
        credentials: &Credentials,
        nonce: &str,
        binding: Binding,
    ) -> Result<Self, SaslFault> {
        let hash = match mechanism {
            Mechanism::ScramSha1 | Mechanism::ScramSha1Plus => Hash::Sha1,
            _ => Hash::Sha256,
        };
        let user = stringprep::saslprep(&credentials.user).map_err(|_| SaslFault::Prohibited("user"))?;
        let password = stringprep::saslprep(credentials.secret.expose())
            .map_err(|_| SaslFault::Prohibited("password"))?
            .into_owned();
        let (flag, binding) = match binding {
            Binding::Unavailable => ("n".to_owned(), Vec::new()),
            Binding::NotOffered => ("y".to_owned(), Vec::new()),
            Binding::Bound(name, bytes) => (format!("p={name}"), bytes),
        };
        let authorization = credentials.authorization.as_deref().map(|name| format!("a={}", escaped(name)));
        Ok(Self {
            hash,
            header: format!("{flag},{},", authorization.unwrap_or_default()),
            binding,
            first_bare: format!("n={},r={nonce}", escaped(&user)),
            nonce: nonce.to_owned(),
            password,
            stage: Stage::ServerFirst,
        })
    }

    /// The client's first message.
    pub fn first(&self) -> Vec<u8> {
        format!("{}{}", self.header, self.first_bare).into_bytes()
    }

    pub fn answer(&mut self, challenge: &[u8]) -> Result<Vec<u8>, SaslFault> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            // A server that overlooked the initial response asks with an empty challenge.
            Stage::ServerFirst if challenge.is_empty() => {
                self.stage = Stage::ServerFirst;
                Ok(self.first())
            }
            Stage::ServerFirst => self.prove(&String::from_utf8_lossy(challenge)),
            Stage::ServerFinal { signature } => self.verify(&signature, &String::from_utf8_lossy(challenge)),
            Stage::Proven | Stage::Over => Err(SaslFault::UnexpectedChallenge("SCRAM")),
        }
    }

    pub fn is_proven(&self) -> bool {
        matches!(self.stage, Stage::Proven)
    }

    /// Answers `r=...,s=...,i=...` with our proof.
    fn prove(&mut self, server_first: &str) -> Result<Vec<u8>, SaslFault> {
        let Parameters { nonce, salt, iterations } = parameters(server_first, &self.nonce)?;
        let channel = BASE64.encode([self.header.as_bytes(), &self.binding].concat());
        let without_proof = format!("c={channel},r={nonce}");
        let message = format!("{},{server_first},{without_proof}", self.first_bare);
        let salted = self.salted(&salt, iterations);
        let client_key = self.mac(&salted, b"Client Key");
        let signature = self.mac(&self.digest(&client_key), message.as_bytes());
        let proof: Vec<u8> = client_key.iter().zip(&signature).map(|(key, mask)| key ^ mask).collect();
        let server_key = self.mac(&salted, b"Server Key");
        self.stage = Stage::ServerFinal { signature: self.mac(&server_key, message.as_bytes()) };
        Ok(format!("{without_proof},p={}", BASE64.encode(proof)).into_bytes())
    }

    /// Holds `v=...` against what a server that knows the password would say.
    fn verify(&mut self, signature: &[u8], server_final: &str) -> Result<Vec<u8>, SaslFault> {
        if let Some(words) = server_final.strip_prefix("e=") {
            return Err(SaslFault::ScramError(words.split(',').next().unwrap_or_default().to_owned()));
        }
        let said = server_final.strip_prefix("v=").and_then(|rest| rest.split(',').next());
        let said = said.and_then(|text| BASE64.decode(text).ok()).ok_or(SaslFault::Malformed("signature"))?;
        if said != signature {
            return Err(SaslFault::WrongSignature);
        }
        self.stage = Stage::Proven;
        Ok(Vec::new())
    }

    fn salted(&self, salt: &[u8], iterations: u32) -> Vec<u8> {
        let password = self.password.as_bytes();
        match self.hash {
            Hash::Sha1 => pbkdf2::pbkdf2_hmac_array::<Sha1, 20>(password, salt, iterations).to_vec(),
            Hash::Sha256 => pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(password, salt, iterations).to_vec(),
        }
    }

    fn mac(&self, key: &[u8], message: &[u8]) -> Vec<u8> {
        match self.hash {
            Hash::Sha1 => mac::<Hmac<Sha1>>(key, &[message]),
            Hash::Sha256 => mac::<Hmac<Sha256>>(key, &[message]),
        }
    }

    fn digest(&self, bytes: &[u8]) -> Vec<u8> {
        match self.hash {
            Hash::Sha1 => Sha1::digest(bytes).to_vec(),
            Hash::Sha256 => Sha256::digest(bytes).to_vec(),
        }
    }
}

/// What the server's first message says.
struct Parameters {
    nonce: String,
    salt: Vec<u8>,
    iterations: u32,
}

fn parameters(message: &str, own_nonce: &str) -> Result<Parameters, SaslFault> {
    if let Some(words) = message.strip_prefix("e=") {
        return Err(SaslFault::ScramError(words.split(',').next().unwrap_or_default().to_owned()));
    }
    if message.starts_with("m=") {
        return Err(SaslFault::Malformed("unknown mandatory extension"));
    }
    let mut parts = message.split(',');
    let mut next = |prefix: &str, name| {
        parts.next().and_then(|part| part.strip_prefix(prefix)).ok_or(SaslFault::Malformed(name))
    };
    let nonce = next("r=", "nonce")?;
    if !nonce.starts_with(own_nonce) || nonce.len() == own_nonce.len() {
        return Err(SaslFault::ForeignNonce);
    }
    let salt = BASE64.decode(next("s=", "salt")?).map_err(|_| SaslFault::Malformed("salt"))?;
    let count: u64 =
        next("i=", "iteration count")?.parse().map_err(|_| SaslFault::Malformed("iteration count"))?;
    let iterations = u32::try_from(count).ok().filter(|count| (1..=ITERATIONS_LIMIT).contains(count));
    let iterations = iterations.ok_or(SaslFault::Iterations(count))?;
    Ok(Parameters { nonce: nonce.to_owned(), salt, iterations })
}

/// A name as GS2 and SCRAM write it (RFC 5802 section 5.1).
pub fn escaped(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}
