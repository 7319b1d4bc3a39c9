//! The command line before clap sees it: what engines add to it, and how clap's complaints become one line.

use std::ffi::{OsStr, OsString};

use clap::{Arg, ArgAction, Command, error::ContextKind, error::ContextValue, error::ErrorKind};

use super::UsageError;

/// What Debian's habit `'$ARG1$'` makes of `-w 1 -c 2`.
const SEVERAL_WORDS: &str =
    "several arguments came as one word, give each flag and value as a word of its own";

/// Stands for what may be a part of a secret.
const HIDDEN: &str = "***";

/// One word of the command line and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// A flag, with its value in the same word or without any.
    Flag,
    /// The value of the flag before it.
    Value,
    /// Neither.
    Free,
}

/// Whether a flag has a value at all; one that is only given or not has none.
pub fn takes_value(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
        && arg.get_num_args().is_none_or(|count| count.takes_values())
}

/// The argument a flag word names, and whether the next word is its value.
///
/// `--long`, `--long=x`, `-x`, `-xvalue` and clusters such as `-vS` are understood.
fn flag_of<'c>(command: &'c Command, word: &str) -> Option<(Vec<&'c Arg>, bool)> {
    if let Some(long) = word.strip_prefix("--") {
        let name = long.split('=').next().unwrap_or(long);
        let arg = command.get_arguments().find(|arg| arg.get_long() == Some(name))?;
        let needs_word =
            takes_value(arg) && !long.contains('=') && arg.get_num_args().is_none_or(|n| n.min_values() > 0);
        return Some((vec![arg], needs_word));
    }
    let cluster = word.strip_prefix('-').filter(|cluster| !cluster.is_empty())?;
    let mut named = Vec::new();
    let mut letters = cluster.chars();
    while let Some(letter) = letters.next() {
        let arg = command.get_arguments().find(|arg| arg.get_short() == Some(letter))?;
        named.push(arg);
        if takes_value(arg) {
            return Some((named, letters.as_str().is_empty()));
        }
    }
    Some((named, false))
}

fn classify(command: &Command, words: &[OsString]) -> Vec<Word> {
    let mut kinds = Vec::with_capacity(words.len());
    let mut value_follows = false;
    for word in words {
        if value_follows {
            kinds.push(Word::Value);
            value_follows = false;
            continue;
        }
        match word.to_str().and_then(|word| flag_of(command, word)) {
            Some((_, next_is_value)) => {
                kinds.push(Word::Flag);
                value_follows = next_is_value;
            }
            None => kinds.push(Word::Free),
        }
    }
    kinds
}

/// Drops empty words where a free argument could stand: Nagios sends one for every unused `'$ARG9$'`.
///
/// An empty value of a flag stays, and is refused by name.
pub fn without_unused_macros(command: &Command, words: Vec<OsString>) -> Vec<OsString> {
    let kinds = classify(command, &words);
    words
        .into_iter()
        .zip(kinds)
        .filter(|(word, kind)| !(word.is_empty() && *kind == Word::Free))
        .map(|(word, _)| word)
        .collect()
}

/// The ids of all flags named on the command line.
pub fn named_flags(command: &Command, words: &[OsString]) -> Vec<String> {
    let kinds = classify(command, words);
    let flags = words.iter().zip(kinds).filter(|(_, kind)| *kind == Word::Flag);
    flags
        .filter_map(|(word, _)| flag_of(command, word.to_str()?))
        .flat_map(|(args, _)| args)
        .map(|arg| arg.get_id().to_string())
        .collect()
}

/// Finds a flag's value before clap runs (`--output json`, `--output=json`), for errors that clap itself makes.
pub fn peek<'w>(words: &'w [OsString], flag: &str) -> Option<&'w str> {
    let mut rest = words.iter().filter_map(|word| word.to_str());
    while let Some(word) = rest.next() {
        if word == flag {
            return rest.next();
        }
        if let Some(value) = word.strip_prefix(flag).and_then(|tail| tail.strip_prefix('=')) {
            return Some(value);
        }
    }
    None
}

/// Turns clap's complaint into one line that names the flag, the value and what would be right.
pub fn usage_error(command: &Command, error: &clap::Error, words: &[OsString]) -> UsageError {
    let context = |kind| error.get(kind).map(context_text).unwrap_or_default();
    let flag = context(ContextKind::InvalidArg);
    let flag = both_spellings(command, &flag);
    let flag = flag.as_str();
    let value = context(ContextKind::InvalidValue);
    let hides = holds_secret(command, words);
    match error.kind() {
        ErrorKind::UnknownArgument if hides && !flag.starts_with("--") => {
            UsageError::value("stray word", HIDDEN, "belongs to no flag; a secret with blanks needs quotes")
        }
        ErrorKind::UnknownArgument => unknown_argument(flag, words, &context(ContextKind::SuggestedArg)),
        ErrorKind::InvalidValue if value.is_empty() => {
            UsageError::value(flag, "", "needs a value, none was given")
        }
        ErrorKind::InvalidValue => {
            UsageError::value(flag, &value, format!("give one of {}", context(ContextKind::ValidValue)))
        }
        ErrorKind::ValueValidation if value.contains(" -") => {
            UsageError::value(flag, if hides { HIDDEN } else { &value }, SEVERAL_WORDS)
        }
        ErrorKind::ValueValidation => {
            let reason = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            UsageError::value(flag, &value, reason)
        }
        ErrorKind::TooManyValues | ErrorKind::WrongNumberOfValues => {
            UsageError::value(flag, &value, "takes no value of its own, leave the word out")
        }
        ErrorKind::ArgumentConflict => UsageError::new(format!(
            "{flag} cannot be used together with {}: give one of them",
            both_spellings(command, &context(ContextKind::PriorArg))
        )),
        ErrorKind::MissingRequiredArgument => {
            UsageError::new(format!("{flag} is missing: a flag that was given needs it, give it as well"))
        }
        ErrorKind::InvalidUtf8 => UsageError::new("a word of the command line is not UTF-8: give plain text"),
        _ => UsageError::new(
            error.render().to_string().lines().next().unwrap_or_default().replace("error: ", ""),
        ),
    }
}

/// Whether a secret may stand among the words: then no word that is out of place is shown, it may be a part of it.
fn holds_secret(command: &Command, words: &[OsString]) -> bool {
    let spellings = command.get_arguments().filter(|arg| is_secret(arg)).flat_map(|arg| {
        let short = arg.get_short().map(|letter| format!("-{letter}"));
        short.into_iter().chain(arg.get_long().map(|long| format!("--{long}")))
    });
    let spellings: Vec<String> = spellings.collect();
    words
        .iter()
        .flat_map(|word| word.to_str().unwrap_or_default().split(' '))
        .any(|word| spellings.iter().any(|spelling| word.starts_with(spelling.as_str())))
}

/// An option that holds a secret itself is marked in its definition by the value name `SECRET`.
pub fn is_secret(arg: &Arg) -> bool {
    arg.get_value_names().is_some_and(|names| names.iter().any(|name| name.as_str() == "SECRET"))
}

/// `-p/--port` for whichever spelling clap names (`--port <PORT>`); words that are no flag stay as they are.
fn both_spellings(command: &Command, named: &str) -> String {
    let word = named.split([' ', '=', '[']).next().unwrap_or_default();
    match flag_of(command, word)
        .as_ref()
        .and_then(|(args, _)| args.first())
        .map(|arg| (arg.get_short(), arg.get_long()))
    {
        Some((Some(short), Some(long))) => format!("-{short}/--{long}"),
        Some((None, Some(long))) => format!("--{long}"),
        _ => named.to_owned(),
    }
}

fn unknown_argument(word: &str, words: &[OsString], suggested: &str) -> UsageError {
    if word.starts_with('-') && word.contains(' ') || words.iter().any(|w| is_several(w, word)) {
        return UsageError::value("argument", word, SEVERAL_WORDS);
    }
    if word.starts_with('-') {
        let hint = if suggested.is_empty() {
            "see --help for the flags".to_owned()
        } else {
            format!("did you mean {suggested}?")
        };
        return UsageError::new(format!("unknown flag '{word}': {hint}"));
    }
    let before =
        words.iter().zip(words.iter().skip(1)).find(|(_, stray)| stray.as_os_str() == OsStr::new(word));
    let flag = before.map(|(flag, _)| flag.to_string_lossy()).filter(|flag| flag.starts_with('-'));
    let wanted = match flag {
        Some(flag) => format!("'{flag}' takes no such value, leave the word out"),
        None => "belongs to no flag, leave it out or give its flag".to_owned(),
    };
    UsageError::value("stray word", word, wanted)
}

/// `-w 1 -c 2` as one word: clap names only its first letter.
fn is_several(word: &OsString, named: &str) -> bool {
    word.to_str().is_some_and(|word| word.starts_with(named) && word.starts_with('-') && word.contains(" -"))
}

fn context_text(value: &ContextValue) -> String {
    match value {
        ContextValue::String(text) => text.clone(),
        ContextValue::Strings(texts) => texts.join(", "),
        ContextValue::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::{Arg, ArgAction, Command};

    use super::{named_flags, peek, without_unused_macros};

    fn command() -> Command {
        Command::new("x")
            .arg(Arg::new("hostname").short('H').long("hostname").action(ArgAction::Set))
            .arg(Arg::new("verbose").short('v').action(ArgAction::Count))
            .arg(Arg::new("warning").short('w').action(ArgAction::Append))
    }

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(Into::into).collect()
    }

    #[test]
    fn empty_words_are_dropped_unless_they_are_a_value() {
        let kept = without_unused_macros(&command(), words(&["-H", "", "", "-v", "", "-w5", ""]));
        assert_eq!(kept, words(&["-H", "", "-v", "-w5"]));
    }

    #[test]
    fn flags_are_found_in_every_spelling() {
        assert_eq!(
            named_flags(&command(), &words(&["--hostname=a", "-vw", "-H"])),
            ["hostname", "verbose", "warning"]
        );
    }

    #[test]
    fn a_value_is_found_before_clap_runs() {
        assert_eq!(peek(&words(&["-H", "a", "--output=json"]), "--output"), Some("json"));
        assert_eq!(peek(&words(&["--output", "json"]), "--output"), Some("json"));
    }
}
