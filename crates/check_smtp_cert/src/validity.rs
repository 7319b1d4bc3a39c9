//! How much validity must be left, and how long a certificate may live at all. Everything is compared in seconds.

use check_smtp_core::certificate::Certificate;
use check_smtp_core::plugin::duration::{parse_number, parse_seconds};

/// A day in seconds.
pub const DAY: f64 = 86_400.0;
/// Left of a certificate of 90 days or more when nothing is said: WARNING and CRITICAL.
const USUAL: (f64, f64) = (30.0 * DAY, 14.0 * DAY);
/// Below this lifetime the usual limits shrink with it.
const USUAL_LIFETIME: f64 = 90.0 * DAY;

/// The validity that must be left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Left {
    /// So many seconds.
    Seconds(f64),
    /// A share of the certificate's lifetime, 0 to 1.
    Share(f64),
}

impl Left {
    /// Reads days (`30`), a time (`30d`, `12h`, `6h30m`) or a share of the lifetime (`25%`); a colon behind it (`30:`) is the
    /// guidelines' way to write the same.
    pub fn parse(text: &str) -> Result<Self, String> {
        const WANTED: &str = "give the validity that must be left: days (30), a time (30d, 12h, 6h30m) or a share of the lifetime (25%); PHASE=RANGE for a phase";
        let bare = text.strip_suffix(':').unwrap_or(text);
        let left = match bare.strip_suffix('%') {
            Some(share) => {
                parse_number(share).filter(|share| *share <= 100.0).map(|s| Self::Share(s / 100.0))
            }
            None => {
                parse_number(bare).map(|days| days * DAY).or_else(|| parse_seconds(bare)).map(Self::Seconds)
            }
        };
        left.filter(|left| matches!(left, Self::Seconds(n) | Self::Share(n) if *n >= 0.0))
            .ok_or_else(|| WANTED.to_owned())
    }

    fn seconds(self, lifetime: f64) -> f64 {
        match self {
            Self::Seconds(seconds) => seconds,
            Self::Share(share) => lifetime * share,
        }
    }

    /// Whether it is less than the other, where both are of one kind.
    pub fn is_less_than(self, other: Self) -> bool {
        match (self, other) {
            (Self::Seconds(own), Self::Seconds(other)) | (Self::Share(own), Self::Share(other)) => {
                own < other
            }
            _ => false,
        }
    }
}

/// The limits on what is left; the usual ones where none is given.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// WARNING below this.
    pub warning: Option<Left>,
    /// CRITICAL below this.
    pub critical: Option<Left>,
}

impl Limits {
    /// The limits in seconds for a chain. The leaf's lifetime is what shares and the usual limits go by, for the certificates above
    /// it as well: a quarter of a root's life is no reason to wake anybody.
    pub fn of(self, leaf: &Certificate) -> (Option<f64>, Option<f64>) {
        let lifetime = as_f64(leaf.lifetime()).max(0.0);
        if self == Self::default() {
            let scale = (lifetime / USUAL_LIFETIME).min(1.0);
            return (Some(USUAL.0 * scale), Some(USUAL.1 * scale));
        }
        (self.warning.map(|left| left.seconds(lifetime)), self.critical.map(|left| left.seconds(lifetime)))
    }
}

/// How long a certificate may live.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum MaxLifetime {
    /// What the Baseline Requirements allow, for certificates issued under them.
    #[default]
    Auto,
    /// Any time.
    Off,
    /// So many seconds.
    Seconds(f64),
}

/// Days that certificates issued from this moment on may live (Baseline Requirements, section 6.3.2), newest first.
const ALLOWED: [(i64, i64); 5] = [
    (1_868_227_200, 47),
    (1_805_068_800, 100),
    (1_773_532_800, 200),
    (1_598_918_400, 398),
    (1_519_862_400, 825),
];

impl MaxLifetime {
    /// Reads `auto`, `off` or a time as for `-w`.
    pub fn parse(text: &str) -> Result<Self, String> {
        match (text, Left::parse(text)) {
            ("auto", _) => Ok(Self::Auto),
            ("off", _) => Ok(Self::Off),
            (_, Ok(Left::Seconds(seconds))) if seconds > 0.0 => Ok(Self::Seconds(seconds)),
            _ => Err("give auto, off, days (100) or a time (100d)".to_owned()),
        }
    }

    /// The most seconds this certificate may live; `None`: any.
    pub fn of(self, not_before: i64, is_public: bool) -> Option<f64> {
        match self {
            Self::Off => None,
            Self::Seconds(seconds) => Some(seconds),
            Self::Auto if !is_public => None,
            Self::Auto => {
                let allowed = ALLOWED.iter().find(|(from, _)| not_before >= *from);
                allowed.map(|(_, days)| as_f64(*days) * DAY)
            }
        }
    }
}

/// Seconds as a number with fraction; exact for every date a certificate can hold.
#[expect(
    clippy::cast_precision_loss,
    reason = "dates of certificates end in the year 9999, far below 2^53 seconds"
)]
pub fn as_f64(seconds: i64) -> f64 {
    seconds as f64
}

#[cfg(test)]
mod tests {
    use super::{ALLOWED, DAY, Left, MaxLifetime};
    use check_smtp_core::certificate::date;

    #[test]
    fn what_must_be_left_in_each_form() {
        let seconds = |seconds| Ok(Left::Seconds(seconds));
        assert_eq!(Left::parse("30"), seconds(30.0 * DAY));
        assert_eq!(Left::parse("30:"), seconds(30.0 * DAY));
        assert_eq!(Left::parse("30d"), seconds(30.0 * DAY));
        assert_eq!(Left::parse("6h30m"), seconds(23_400.0));
        assert_eq!(Left::parse("1.5"), seconds(1.5 * DAY));
        assert_eq!(Left::parse("25%"), Ok(Left::Share(0.25)));
        for bad in ["", "-1", "101%", "abc", "%", "30 d", "@10:20", "10:20", "-5%", "nan"] {
            assert!(Left::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn allowed_lifetimes_by_the_day_of_issue() {
        let days: Vec<String> = ALLOWED.iter().map(|(from, _)| date(*from)).collect();
        assert_eq!(days, ["2029-03-15", "2027-03-15", "2026-03-15", "2020-09-01", "2018-03-01"]);
        let allowed = |from| MaxLifetime::Auto.of(from, true).map(|seconds| seconds / DAY);
        assert_eq!(allowed(1_773_532_799), Some(398.0));
        assert_eq!(allowed(1_773_532_800), Some(200.0));
        assert_eq!(allowed(0), None);
        assert_eq!(MaxLifetime::Auto.of(1_773_532_800, false), None);
        assert_eq!(MaxLifetime::parse("90"), Ok(MaxLifetime::Seconds(90.0 * DAY)));
        assert!(MaxLifetime::parse("0").is_err() && MaxLifetime::parse("50%").is_err());
    }
}
