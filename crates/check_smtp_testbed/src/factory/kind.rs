//! The kinds of certificate, and the words case files use for them.

use std::str::FromStr;

use crate::error::Error;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)*) => {
        /// What is right or wrong with an identity. Unless a kind is about names, every leaf is for
        /// `mail.example.org`, `localhost`, `127.0.0.1` and `::1`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($(#[$doc])* $variant,)*
        }

        impl Kind {
            /// Every kind, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word used in case files.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    };
}

kinds! {
    /// ECDSA P-256 leaf below an intermediate below the root, valid for 90 days, 80 of them left.
    Good = "good",
    /// The same with an RSA 2048 key, for servers and clients without ECDSA.
    GoodRsa = "good-rsa",
    /// `*.example.org`: good for `mail.example.org`, not for `a.mail.example.org`.
    Wildcard = "wildcard",
    /// `*.org` and `*.*.example.org`: good for nobody, a star stands for one label (RFC 9525).
    WildcardTwoLabels = "wildcard-two-labels",
    /// Only `IP:127.0.0.1` and `IP:::1`.
    IpSan = "ip-san",
    /// `xn--bcher-kva.example.org` (bücher.example.org).
    Idn = "idn",
    /// `mail.example.org.` with the dot that DNS allows and RFC 5280 does not.
    TrailingDot = "trailing-dot",
    /// The name in the common name only, no subject alternative name.
    CnOnly = "cn-only",
    /// For `other.example.net`.
    WrongHost = "wrong-host",
    /// Expired ten days ago.
    Expired = "expired",
    /// Valid ten days from now.
    NotYetValid = "not-yet-valid",
    /// Begins ten days from now and ended ten days ago.
    Inverted = "inverted",
    /// Its own issuer.
    SelfSigned = "self-signed",
    /// A full chain below a root nobody was told of.
    UnknownCa = "unknown-ca",
    /// A good leaf below an intermediate that expired ten days ago.
    ExpiredIntermediate = "expired-intermediate",
    /// The leaf alone, though an intermediate stands between it and the root.
    MissingIntermediate = "missing-intermediate",
    /// Two intermediates, the upper one sent first.
    WrongOrder = "wrong-order",
    /// Leaf and intermediate, then a certificate of another authority.
    UnrelatedExtra = "unrelated-extra",
    /// Leaf, intermediate and the root itself.
    RootSent = "root-sent",
    /// Leaf, intermediate, and the root's key cross-signed by an older root in a certificate that has expired;
    /// the path to the root itself is good.
    ExpiredCrossSign = "expired-cross-sign",
    /// The leaf is signed with SHA-1.
    Sha1 = "sha1",
    /// RSA 1024 leaf key.
    Rsa1024 = "rsa-1024",
    /// Valid for ten years.
    LongLifetime = "long-lifetime",
    /// The same, and it says that it was issued under the Baseline Requirements.
    PublicLongLifetime = "public-long-lifetime",
    /// Its own issuer, expired ten days ago, and for `other.example.net`.
    SelfSignedExpiredWrongHost = "self-signed-expired-wrong-host",
    /// Says that the server must staple an OCSP response (RFC 7633).
    MustStaple = "must-staple",
    /// Valid for 160 hours, as short-lived certificates are; 100 hours left.
    SixDay = "six-day",
}

impl FromStr for Kind {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|kind| kind.word() == word);
        found.copied().ok_or_else(|| Error::Other(format!("no certificate kind is called '{word}'")))
    }
}
