//! What spam filters write into a header: a score, the score they would have refused, a flag. None of it is standardised; these are the fields of
//! `SpamAssassin`, amavis and rspamd, and of the servers that call them.

use check_smtp_core::plugin::duration::parse_number;

use super::field::Field;

/// What is said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spam {
    /// The score, by the topmost field that has one; a finite number, below zero for what is surely wanted.
    pub score: Option<f64>,
    /// From which score on that filter takes a message for spam, where the same field says it.
    pub required: Option<f64>,
    /// Whether a field says that it is spam.
    pub is_flagged: bool,
}

impl Spam {
    /// Reads it off the fields, from the top.
    pub(super) fn read(fields: &[Field]) -> Self {
        let told = fields.iter().find_map(score);
        Self {
            score: told.map(|(score, _)| score),
            required: told.and_then(|(_, required)| required),
            is_flagged: fields.iter().any(is_flag),
        }
    }
}

/// The score of a field and what it is held against.
fn score(field: &Field) -> Option<(f64, Option<f64>)> {
    let value = field.value.trim();
    match field.name.as_str() {
        // `4.2`, `4.2 (++++)`, `4.2 / 15.00`
        "x-spam-score" | "x-rspamd-score" => {
            let mut words = value.split([' ', '\t', '/', '(']).filter(|word| !word.is_empty());
            let score = number(words.next()?)?;
            let required =
                value.split_once('/').and_then(|(_, rest)| number(rest.split_whitespace().next()?));
            Some((score, required))
        }
        // `No, score=-1.9 required=5.0 tests=...`; `hits` in old versions.
        "x-spam-status" => {
            let of = |name: &str| {
                let mut words = value.split([' ', '\t', ',']);
                words.find_map(|word| number(word.strip_prefix(name)?.strip_prefix('=')?))
            };
            Some((of("score").or_else(|| of("hits"))?, of("required")))
        }
        // `default: False [4.20 / 15.00]; ...`
        "x-spamd-result" => {
            let (_, rest) = value.split_once('[')?;
            let (pair, _) = rest.split_once(']')?;
            let (score, required) = pair.split_once('/')?;
            Some((number(score.trim())?, number(required.trim())))
        }
        _ => None,
    }
}

fn is_flag(field: &Field) -> bool {
    let word = field.value.trim().split([' ', ',', ';']).next().unwrap_or_default();
    match field.name.as_str() {
        "x-spam-flag" | "x-spam" | "x-spam-status" => {
            word.eq_ignore_ascii_case("yes") || word.eq_ignore_ascii_case("true")
        }
        _ => false,
    }
}

/// Adding zero takes the sign off `-0`.
fn number(text: &str) -> Option<f64> {
    parse_number(text).map(|number| number + 0.0)
}
