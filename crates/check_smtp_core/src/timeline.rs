//! Which steps were reached, and how long each took.

use std::time::Duration;

/// A step of a session. Its label is the name of its metric and of its threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Looking up the host's addresses.
    Dns,
    /// TCP (or Unix socket) connect, over all addresses tried.
    Connect,
    /// Waiting for the greeting (RFC 5321 section 3.1).
    Banner,
    /// EHLO, with HELO where EHLO is refused; after STARTTLS once more.
    Ehlo,
    /// The STARTTLS command and its reply (RFC 3207).
    StartTls,
    /// The TLS handshake and the verdict on the certificate.
    Tls,
    /// Fetching an OAuth 2.0 token.
    Token,
    /// AUTH with all its challenges (RFC 4954).
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA, up to the 354.
    Data,
    /// The message itself, up to the answer to its final dot (or last chunk).
    Body,
    /// The admin's own commands.
    Commands,
    /// QUIT.
    Quit,
}

impl Phase {
    /// Every phase, in the order of a session.
    pub const ALL: [Self; 14] = [
        Self::Dns,
        Self::Connect,
        Self::Banner,
        Self::Ehlo,
        Self::StartTls,
        Self::Tls,
        Self::Token,
        Self::Auth,
        Self::Mail,
        Self::Rcpt,
        Self::Data,
        Self::Body,
        Self::Commands,
        Self::Quit,
    ];

    /// The label of its metric.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Banner => "banner",
            Self::Ehlo => "ehlo",
            Self::StartTls => "starttls",
            Self::Tls => "tls",
            Self::Token => "token",
            Self::Auth => "auth",
            Self::Mail => "mail",
            Self::Rcpt => "rcpt",
            Self::Data => "data",
            Self::Body => "body",
            Self::Commands => "commands",
            Self::Quit => "quit",
        }
    }

    /// Its name in a sentence: "EHLO took 0.412 s".
    pub fn name(self) -> &'static str {
        match self {
            Self::Dns => "name lookup",
            Self::Connect => "connect",
            Self::Banner => "greeting",
            Self::Ehlo => "EHLO",
            Self::StartTls => "STARTTLS",
            Self::Tls => "TLS handshake",
            Self::Token => "token request",
            Self::Auth => "login",
            Self::Mail => "MAIL FROM",
            Self::Rcpt => "RCPT TO",
            Self::Data => "DATA",
            Self::Body => "message",
            Self::Commands => "command",
            Self::Quit => "QUIT",
        }
    }

    /// Where something happened: "refused us at EHLO", "closed the connection in the TLS handshake".
    pub fn place(self) -> &'static str {
        match self {
            Self::Dns => "in the name lookup",
            Self::Connect => "at the connect",
            Self::Banner => "at the greeting",
            Self::Ehlo => "at EHLO",
            Self::StartTls => "at STARTTLS",
            Self::Tls => "in the TLS handshake",
            Self::Token => "in the token request",
            Self::Auth => "at the login",
            Self::Mail => "at MAIL FROM",
            Self::Rcpt => "at RCPT TO",
            Self::Data => "at DATA",
            Self::Body => "in the message",
            Self::Commands => "at a command",
            Self::Quit => "at QUIT",
        }
    }
}

/// One finished step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What was done.
    pub phase: Phase,
    /// When it began, counted from the start of the check.
    pub began: Duration,
    /// How long it took.
    pub took: Duration,
}

/// The finished steps of a session, in order; what was measured before a failure stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    steps: Vec<Step>,
    total: Duration,
}

impl Timeline {
    /// Records a finished step by its two ends. QUIT does not count into the total: it never changes a result.
    pub fn finished(&mut self, phase: Phase, began: Duration, ended: Duration) {
        self.steps.push(Step { phase, began, took: ended.saturating_sub(began) });
        if phase != Phase::Quit {
            self.total = self.total.max(ended);
        }
    }

    /// Adds the steps of another timeline of the same run.
    pub fn extend(&mut self, other: &Self) {
        self.steps.extend(&other.steps);
        self.total = self.total.max(other.total);
    }

    /// Records when the session ended, whatever ended it.
    pub fn ended(&mut self, at: Duration) {
        self.total = self.total.max(at);
    }

    /// The steps.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// From the start of the check to the end of its last step, or of the step that failed.
    pub fn total(&self) -> Duration {
        self.total
    }

    /// The time of a phase: the sum of its steps (EHLO comes twice with STARTTLS); `None` if it was never finished.
    pub fn of(&self, phase: Phase) -> Option<Duration> {
        let mut steps = self.steps.iter().filter(|step| step.phase == phase).map(|step| step.took).peekable();
        steps.peek().is_some().then(|| steps.sum())
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Phase, Timeline};

    #[test]
    fn two_ehlos_are_one_phase() {
        let ms = Duration::from_millis;
        let mut timeline = Timeline::default();
        timeline.finished(Phase::Ehlo, ms(10), ms(15));
        timeline.finished(Phase::Tls, ms(15), ms(40));
        timeline.finished(Phase::Ehlo, ms(40), ms(42));
        assert_eq!(timeline.of(Phase::Ehlo), Some(ms(7)));
        assert_eq!(timeline.of(Phase::Quit), None);
        assert_eq!(timeline.total(), ms(42));
    }
}
