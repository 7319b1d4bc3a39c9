//! What became of a message for one recipient.

use crate::error::Cause;
use crate::smtp::Reply;
use crate::timeline::Phase;

/// What became of it for one recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// The session ended before its turn.
    #[default]
    NotTried,
    /// The server had no objection up to this step, after which we stopped as we were asked to.
    Agreed(Phase, Reply),
    /// The server has taken the message over.
    Accepted(Reply),
    /// No, and asking again will not help (5yz).
    Refused(Phase, Reply),
    /// Not now (4yz).
    PutOff(Phase, Reply),
    /// The whole message went out, and no answer came: it may arrive or not. It is never sent again.
    Uncertain(Cause),
}

impl Fate {
    /// The fate a negative reply means; `None` for one that is no refusal.
    pub fn of_refusal(phase: Phase, reply: &Reply) -> Option<Self> {
        if reply.is_permanent() {
            Some(Self::Refused(phase, reply.clone()))
        } else if reply.is_transient() {
            Some(Self::PutOff(phase, reply.clone()))
        } else {
            None
        }
    }

    /// Whether the server has taken the message over.
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted(_))
    }
}

#[cfg(test)]
mod tests {
    use super::Fate;
    use crate::smtp::{Reply, ReplyParser};
    use crate::timeline::Phase;

    fn reply(text: &str) -> Reply {
        ReplyParser::default().push(format!("{text}\r\n").as_bytes()).unwrap().1.unwrap()
    }

    #[test]
    fn only_a_no_is_a_refusal() {
        let of = |text: &str| Fate::of_refusal(Phase::Rcpt, &reply(text));
        assert!(matches!(of("550 no"), Some(Fate::Refused(..))));
        assert!(matches!(of("450 no"), Some(Fate::PutOff(..))));
        for odd in ["250 yes", "354 go", "120 hm", "600 hm"] {
            assert_eq!(of(odd), None);
        }
    }
}
