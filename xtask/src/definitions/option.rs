//! The options of a check as an engine's definition needs them, from clap.

use check_smtp_core::plugin::arguments::is_secret;
use clap::{Arg, ArgAction};

use crate::Result;
use crate::registry::{Check, Service, Value};

/// Options that have no place in an engine's definition: they print something else, or want a standard input.
pub const NOT_FOR_ENGINES: [&str; 4] = ["help", "version", "output", "password-stdin"];

/// What follows an option's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Flag,
    /// A value, as the next word.
    Value,
    /// The same, and the option may be repeated.
    Values,
    /// A value behind `=`, which may be left out.
    Joined,
}

/// An option.
pub struct Definition {
    /// Its long name without dashes.
    pub long: String,
    /// What follows it.
    pub kind: Kind,
    /// Its help text.
    pub help: String,
}

impl Definition {
    /// `ca_file`: its name where dashes are not allowed.
    pub fn variable(&self) -> String {
        self.long.replace('-', "_")
    }
}

/// The options an engine's definition offers. One that holds a secret itself is not among them: engines log command lines.
pub fn definitions(check: &Check) -> Vec<Definition> {
    let command = (check.command)();
    let offered = command.get_arguments().filter(|arg| !is_secret(arg));
    offered.filter_map(definition).filter(|option| !NOT_FOR_ENGINES.contains(&option.long.as_str())).collect()
}

fn definition(arg: &Arg) -> Option<Definition> {
    let kind = match arg.get_action() {
        ArgAction::Count | ArgAction::SetTrue => Kind::Flag,
        _ if arg.get_num_args().is_some_and(|count| !count.takes_values()) => Kind::Flag,
        _ if arg.is_require_equals_set() => Kind::Joined,
        ArgAction::Append => Kind::Values,
        _ => Kind::Value,
    };
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    Some(Definition { long: arg.get_long()?.to_owned(), kind, help })
}

/// Fails when a sample or a template names an option that the check does not have, or gives it a value it does not take.
pub fn verify(check: &Check) -> Result<()> {
    let known = definitions(check);
    let kind_of = |name: &str| {
        let option = known.iter().find(|option| option.long == name);
        option.map(|option| option.kind).ok_or_else(|| format!("{} has no option --{name}", check.program))
    };
    let samples = check.services.iter().flat_map(|service| service.options);
    for (name, value) in samples.chain(check.scenes.into_iter().flatten()) {
        if (kind_of(name)? == Kind::Flag) != (*value == Value::Given) {
            return Err(format!("{}: --{name} is given a value it does not take", check.program).into());
        }
    }
    for (name, _) in check.macros {
        if kind_of(name)? == Kind::Flag {
            return Err(format!("{}: --{name} takes no macro", check.program).into());
        }
    }
    Ok(())
}

/// A sample's options as words of a command line; `host_name` is how the engine writes the host's name.
pub fn words(service: &Service, host_name: &str) -> String {
    let words = service.options.iter().map(|(name, value)| match value {
        Value::Given => format!("--{name}"),
        Value::Text(text) => format!("--{name} {text}"),
        Value::HostName => format!("--{name} {host_name}"),
    });
    words.collect::<Vec<_>>().join(" ")
}
