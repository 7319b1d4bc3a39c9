//! Which of a server's certificates is asked for.

/// The kinds of key that servers have side by side (dual certificates).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA.
    Rsa,
    /// An elliptic curve.
    Ecdsa,
}

impl KeyKind {
    /// Its name in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::Ecdsa => "ECDSA",
        }
    }

    /// Signature algorithms that only a certificate of this kind can serve (RFC 8446 section 4.2.3).
    pub(super) fn signatures(self) -> &'static str {
        match self {
            Self::Rsa => {
                "RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512:RSA+SHA1"
            }
            Self::Ecdsa => "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ECDSA+SHA1",
        }
    }

    /// Cipher suites up to TLS 1.2 that authenticate by this kind.
    pub(super) fn ciphers(self) -> &'static str {
        match self {
            Self::Rsa => "aRSA:@SECLEVEL=0",
            Self::Ecdsa => "aECDSA:@SECLEVEL=0",
        }
    }
}
