//! The server's side of SCRAM (RFC 5802), on OpenSSL: another implementation than the one it tests.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use openssl::hash::{MessageDigest, hash};
use openssl::memcmp;
use openssl::pkcs5::pbkdf2_hmac;
use openssl::pkey::PKey;
use openssl::sign::Signer;

use crate::socket::Connection;
use crate::{Error, Result};

const LINE_LIMIT: usize = 10_000;
const SALT: &[u8] = b"salt of the testbed";

/// `scram sha1|sha256 USER PASSWORD [iterations=N] [signature=wrong] [nonce=foreign] [plus] [early] [deserted]`.
#[derive(Clone, Debug)]
pub struct Scram {
    name: &'static str,
    user: String,
    password: String,
    iterations: u32,
    is_bound: bool,
    trick: Trick,
}

/// How the server cheats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trick {
    None,
    WrongSignature,
    ForeignNonce,
    /// Says nothing of a signature: the script goes on with a 235 at once.
    Early,
    /// None: but the client must leave before it proves anything.
    Deserted,
}

impl Scram {
    /// Reads the directive's words.
    pub fn parse(words: &str) -> Result<Self, String> {
        let mut words = words.split(' ');
        let name = match words.next() {
            Some("sha1") => "SCRAM-SHA-1",
            Some("sha256") => "SCRAM-SHA-256",
            _ => return Err("give sha1 or sha256".to_owned()),
        };
        let (Some(user), Some(password)) = (words.next(), words.next()) else {
            return Err("give a user and a password".to_owned());
        };
        let mut scram = Self {
            name,
            user: user.to_owned(),
            password: password.to_owned(),
            iterations: 4096,
            is_bound: false,
            trick: Trick::None,
        };
        for word in words {
            match word.split_once('=') {
                Some(("iterations", count)) => {
                    scram.iterations = count.parse().map_err(|_| "not a number".to_owned())?;
                }
                Some(("signature", "wrong")) => scram.trick = Trick::WrongSignature,
                Some(("nonce", "foreign")) => scram.trick = Trick::ForeignNonce,
                None if word == "plus" => scram.is_bound = true,
                None if word == "deserted" => scram.trick = Trick::Deserted,
                None if word == "early" => scram.trick = Trick::Early,
                _ => return Err(format!("no option '{word}'")),
            }
        }
        Ok(scram)
    }

    fn digest(&self) -> MessageDigest {
        if self.name == "SCRAM-SHA-1" { MessageDigest::sha1() } else { MessageDigest::sha256() }
    }

    /// Holds the exchange up to the proof of the server; a client that cancels ends it, and the script goes on.
    pub fn play(&self, connection: &mut Connection) -> Result<(), String> {
        self.exchange(connection).map_err(|error| error.to_string())
    }

    fn exchange(&self, connection: &mut Connection) -> Result<()> {
        let line = read(connection)?;
        let suffix = if self.is_bound { "-PLUS" } else { "" };
        let initial = line
            .strip_prefix(&format!("AUTH {}{suffix} ", self.name))
            .ok_or_else(|| Error::Other(format!("expected AUTH {}{suffix}, got '{line}'", self.name)))?;
        let first = decoded(initial)?;
        let (header, bare) = split_header(&first)?;
        let client_nonce = bare
            .strip_prefix(&format!("n={},r=", self.user))
            .ok_or_else(|| Error::Other(format!("another user in '{bare}'")))?;
        let begin = if self.trick == Trick::ForeignNonce { "someone-else" } else { client_nonce };
        let nonce = format!("{begin}-of-the-testbed");
        let server_first = format!("r={nonce},s={},i={}", BASE64.encode(SALT), self.iterations);
        ask(connection, &server_first)?;
        if self.trick == Trick::Deserted {
            return match connection.line(LINE_LIMIT)? {
                None => Ok(()),
                Some(_) => Err(Error::Other("the client went on".to_owned())),
            };
        }
        let line = read(connection)?;
        if line == "*" {
            return Ok(());
        }
        let last = decoded(&line)?;
        let (without_proof, proof) =
            last.rsplit_once(",p=").ok_or_else(|| Error::Other(format!("no proof in '{last}'")))?;
        let binding = self.binding(connection, header)?;
        let wanted = format!("c={},r={nonce}", BASE64.encode(binding));
        if without_proof != wanted {
            return Err(Error::Other(format!("expected '{wanted}', got '{without_proof}'")));
        }
        let message = format!("{bare},{server_first},{without_proof}");
        let signature = self.judge(&message, proof)?;
        if self.trick == Trick::Early {
            return Ok(());
        }
        ask(connection, &format!("v={signature}"))?;
        match read(connection)?.as_str() {
            "" | "*" => Ok(()),
            other => Err(Error::Other(format!("expected an empty line, got '{other}'"))),
        }
    }

    /// What must stand behind `c=`: the header, and with channel binding the bytes of the TLS session.
    fn binding(&self, connection: &Connection, header: &str) -> Result<Vec<u8>> {
        let mut binding = header.as_bytes().to_vec();
        if self.is_bound {
            let (name, bytes) =
                connection.binding().ok_or_else(|| Error::Other("no TLS to bind to".to_owned()))?;
            if !header.starts_with(&format!("p={name},")) {
                return Err(Error::Other(format!("expected binding to {name}, got '{header}'")));
            }
            binding.extend(bytes);
        }
        Ok(binding)
    }

    /// Checks the client's proof and gives our signature.
    fn judge(&self, message: &str, proof: &str) -> Result<String> {
        let mut salted = vec![0; self.digest().size()];
        pbkdf2_hmac(
            self.password.as_bytes(),
            SALT,
            usize::try_from(self.iterations).unwrap_or(1),
            self.digest(),
            &mut salted,
        )?;
        let client_key = self.mac(&salted, b"Client Key")?;
        let stored_key = hash(self.digest(), &client_key)?;
        let client_signature = self.mac(&stored_key, message.as_bytes())?;
        let wanted: Vec<u8> = client_key.iter().zip(&client_signature).map(|(a, b)| a ^ b).collect();
        let proof = BASE64.decode(proof).map_err(|error| Error::Other(error.to_string()))?;
        if proof.len() != wanted.len() || !memcmp::eq(&proof, &wanted) {
            return Err(Error::Other("the client's proof is wrong".to_owned()));
        }
        let server_key = self.mac(&salted, b"Server Key")?;
        let mut signature = self.mac(&server_key, message.as_bytes())?;
        if let Some(byte) = signature.first_mut().filter(|_| self.trick == Trick::WrongSignature) {
            *byte ^= 1;
        }
        Ok(BASE64.encode(signature))
    }

    fn mac(&self, key: &[u8], bytes: &[u8]) -> Result<Vec<u8>> {
        let key = PKey::hmac(key)?;
        Ok(Signer::new(self.digest(), &key)?.sign_oneshot_to_vec(bytes)?)
    }
}

fn read(connection: &mut Connection) -> Result<String> {
    let line = connection.line(LINE_LIMIT)?;
    let line = line.ok_or_else(|| Error::Other("the client left in the exchange".to_owned()))?;
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn ask(connection: &mut Connection, text: &str) -> Result<()> {
    Ok(connection.write_all(format!("334 {}\r\n", BASE64.encode(text)).as_bytes())?)
}

fn decoded(text: &str) -> Result<String> {
    let bytes = BASE64.decode(text).map_err(|error| Error::Other(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| Error::Other(error.to_string()))
}

/// `n,,n=user,r=nonce` into the header and the rest.
fn split_header(message: &str) -> Result<(&str, &str)> {
    let second = message.match_indices(',').nth(1);
    let parts = second.and_then(|(index, _)| message.split_at_checked(index + 1));
    parts.ok_or_else(|| Error::Other(format!("no GS2 header in '{message}'")))
}
