//! What a certificate is held against: its options, and what they come to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use check_smtp_core::certificate::Identity;
use check_smtp_core::cli::Given;
use check_smtp_core::net::Host;
use check_smtp_core::net::tls::Version;
use regex_lite::Regex;

use crate::validity::MaxLifetime;

/// The options.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Expectations")]
pub struct ExpectArgs {
    /// A further name the certificate must be for; repeatable
    #[arg(long, value_name = "NAME", value_parser = identity)]
    name: Vec<Identity>,
    /// Take the common name where there is no subject alternative name (otherwise WARNING)
    #[arg(long, num_args = 0, default_missing_value = "")]
    allow_cn: Option<Given>,
    /// A certificate that signs itself is no fault
    #[arg(long, num_args = 0, default_missing_value = "")]
    allow_self_signed: Option<Given>,
    /// Least RSA key in bits [default: 2048]
    #[arg(long, value_name = "BITS", value_parser = bits)]
    min_rsa: Option<usize>,
    /// Least elliptic-curve key in bits [default: 256]
    #[arg(long, value_name = "BITS", value_parser = bits)]
    min_ec: Option<usize>,
    /// WARNING for a leaf that lives longer: auto (what the Baseline Requirements allowed on its day of issue, for certificates issued under them), off, days or a time [default: auto]
    #[arg(long, value_name = "TIME", value_parser = MaxLifetime::parse)]
    max_lifetime: Option<MaxLifetime>,
    /// SHA-256 of the public key (its SPKI) in Base64 or hexadecimal; repeatable, one must match
    #[arg(long, value_name = "HASH", value_parser = hash)]
    pin_spki: Vec<Hash>,
    /// SHA-256 of the certificate, given as for --pin-spki
    #[arg(long, value_name = "HASH", value_parser = hash)]
    pin_cert: Vec<Hash>,
    /// A good OCSP response must be stapled, also where the certificate does not ask for it
    #[arg(long, num_args = 0, default_missing_value = "")]
    require_staple: Option<Given>,
    /// Pattern that the issuer must fit (such as "O=Let's Encrypt")
    #[arg(long, value_name = "PATTERN", value_parser = pattern)]
    issuer: Option<Regex>,
    /// Serial number in hexadecimal, with or without colons
    #[arg(long, value_name = "HEX", value_parser = serial)]
    serial: Option<String>,
}

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// What every certificate is held against.
#[derive(Clone, Debug)]
pub struct Expectations {
    /// Who the certificate must be for; none with `-f` and without `-H`.
    pub identities: Vec<Identity>,
    /// The common name counts.
    pub allows_cn: bool,
    /// A self-signed leaf is no fault.
    pub allows_self_signed: bool,
    /// Least RSA key.
    pub min_rsa: usize,
    /// Least EC key.
    pub min_ec: usize,
    /// Least protocol version.
    pub least: Version,
    /// Longest life.
    pub max_lifetime: MaxLifetime,
    /// Public keys allowed.
    pub spki: Vec<Hash>,
    /// Certificates allowed.
    pub fingerprints: Vec<Hash>,
    /// An OCSP response must be stapled.
    pub requires_staple: bool,
    /// The issuer.
    pub issuer: Option<Regex>,
    /// The serial number.
    pub serial: Option<String>,
}

impl ExpectArgs {
    /// The expectations on certificates of `identity`.
    pub fn expectations(self, identity: Option<Identity>, least: Version) -> Expectations {
        Expectations {
            identities: identity.into_iter().chain(self.name).collect(),
            allows_cn: self.allow_cn.is_some(),
            allows_self_signed: self.allow_self_signed.is_some(),
            min_rsa: self.min_rsa.unwrap_or(2048),
            min_ec: self.min_ec.unwrap_or(256),
            least,
            max_lifetime: self.max_lifetime.unwrap_or_default(),
            spki: self.pin_spki,
            fingerprints: self.pin_cert,
            requires_staple: self.require_staple.is_some(),
            issuer: self.issuer,
            serial: self.serial,
        }
    }
}

fn identity(text: &str) -> Result<Identity, String> {
    match text.parse()? {
        Host::Name(name) => Ok(Identity::Name(name)),
        Host::Address(address) => Ok(Identity::Address(address)),
        Host::Scoped(_) | Host::Socket(_) => Err("give a host name or an address".to_owned()),
    }
}

fn bits(text: &str) -> Result<usize, String> {
    let number = if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None };
    number.filter(|bits| (1..=65_536).contains(bits)).ok_or_else(|| "give bits, such as 2048".to_owned())
}

/// Base64 as key pins are written (with or without `sha256//`), or hexadecimal as OpenSSL prints fingerprints.
fn hash(text: &str) -> Result<Hash, String> {
    let bare = text.strip_prefix("sha256//").unwrap_or(text);
    let digits: String = bare.chars().filter(|c| *c != ':').collect();
    let bytes = if digits.len() == 64 { from_hex(&digits) } else { STANDARD.decode(bare).ok() };
    bytes
        .and_then(|bytes| Hash::try_from(bytes).ok())
        .ok_or_else(|| "give a SHA-256 hash: 64 hexadecimal digits or 44 characters of Base64".to_owned())
}

fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

fn pattern(text: &str) -> Result<Regex, String> {
    if text.is_empty() {
        return Err("must not be empty".to_owned());
    }
    Regex::new(text).map_err(|error| format!("not a regular expression: {error}"))
}

fn serial(text: &str) -> Result<String, String> {
    let digits: String = text.chars().filter(|c| *c != ':').collect::<String>().to_ascii_lowercase();
    let bare = digits.trim_start_matches('0');
    let is_hex = digits.len() <= 64 && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
    if is_hex {
        Ok(if bare.is_empty() { "0" } else { bare }.to_owned())
    } else {
        Err("give a serial number in hexadecimal".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::{hash, serial};

    #[test]
    fn hashes_in_each_form() {
        let zero = [0; 32];
        let base64 = format!("{}=", "A".repeat(43));
        for text in ["0".repeat(64), ["00"; 32].join(":"), base64.clone(), format!("sha256//{base64}")] {
            assert_eq!(hash(&text), Ok(zero), "{text}");
        }
        for text in ["", "abc", "zz", &"0".repeat(63), &"g".repeat(64)] {
            assert!(hash(text).is_err(), "{text}");
        }
    }

    #[test]
    fn serials_are_compared_without_form() {
        assert_eq!(serial("00:AB:c0").as_deref(), Ok("abc0"));
        assert_eq!(serial("0").as_deref(), Ok("0"));
        assert!(serial("xyz").is_err() && serial("").is_err());
    }
}
