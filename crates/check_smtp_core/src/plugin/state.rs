//! The four states of a plugin.

use std::fmt;

/// What a check found, in the order of [`Ord`]: the worst of several is their maximum.
///
/// UNKNOWN stands below CRITICAL: a fault that was seen is worse than a question that could not be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// The service does what was asked of it.
    #[default]
    Ok,
    /// It works, but a warning threshold or expectation is not met.
    Warning,
    /// The question could not be asked: bad arguments, an unreadable local file.
    Unknown,
    /// The service fails, or a critical threshold or expectation is not met.
    Critical,
}

impl State {
    /// The exit code of the plugin guidelines (0 to 3).
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    /// The word that stands in the status line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::State;

    #[test]
    fn worst_of_several_is_the_maximum() {
        assert!(
            State::Ok < State::Warning && State::Warning < State::Unknown && State::Unknown < State::Critical
        );
        assert_eq!(State::Unknown.max(State::Critical), State::Critical);
    }

    #[test]
    fn exit_codes_of_the_guidelines() {
        let codes = [State::Ok, State::Warning, State::Critical, State::Unknown].map(State::exit_code);
        assert_eq!(codes, [0, 1, 2, 3]);
    }
}
