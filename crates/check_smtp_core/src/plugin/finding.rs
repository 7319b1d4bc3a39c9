//! One judged fact.

use super::{Clean, Perfdata, State};

/// What to do about a fault: a stable id that documentation and runbooks can key on, and the remedy in a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    /// Stable identifier, lower case with underscores.
    pub id: &'static str,
    /// What an admin does next.
    pub remedy: &'static str,
}

/// A state with its reason. Its constructor is the door for outside text: everything shown passes [`Clean`].
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    id: &'static str,
    state: State,
    text: Clean,
    advice: Option<Advice>,
    perfdata: Vec<Perfdata>,
}

impl Finding {
    /// A finding; `id` is stable (JSON consumers key on it), `text` may hold a server's words.
    pub fn new(id: &'static str, state: State, text: impl AsRef<str>) -> Self {
        Self { id, state, text: Clean::new(text.as_ref()), advice: None, perfdata: Vec::new() }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn advised(mut self, advice: Option<Advice>) -> Self {
        self.advice = advice;
        self
    }

    /// Adds the metric it judged.
    #[must_use]
    pub fn measured(mut self, perfdata: Perfdata) -> Self {
        self.perfdata.push(perfdata);
        self
    }

    /// Stable identifier.
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// The state it earns.
    pub fn state(&self) -> State {
        self.state
    }

    /// Its text, cleaned.
    pub fn text(&self) -> &Clean {
        &self.text
    }

    /// What to do about it, when known.
    pub fn advice(&self) -> Option<Advice> {
        self.advice
    }

    /// Its metrics.
    pub fn perfdata(&self) -> &[Perfdata] {
        &self.perfdata
    }
}
