//! Icinga 2: `CheckCommand` objects with every option, and sample apply rules.

use std::fmt::Write as _;

use super::option::{Definition, Kind, definitions};
use super::{ORIGIN, question};
use crate::registry::{CHECKS, Check, Value};

/// The objects. Their names are not in Icinga's own template library, which refuses to start when one is defined twice.
pub fn commands() -> String {
    let mut text = format!(
        "// {ORIGIN}\n\
         //\n\
         // To be included from icinga2.conf or a zone's directory. Each option of a check is a variable with the check's name in front:\n\
         // --ca-file of check_smtp_conn is vars.smtp_conn_ca_file; an option without a value takes true; a repeatable one takes an array.\n\
         // No secret belongs into a variable: Icinga stores the command line with each result. Name a file (smtp_auth_password_file),\n\
         // a variable (smtp_auth_password_env) or a section of an ini file (smtp_auth_extra_opts = \"section@file\").\n"
    );
    for check in &CHECKS {
        let object = check.object();
        let _ = write!(
            text,
            "\n// {}\nobject CheckCommand \"{object}\" {{\n  import \"ipv4-or-ipv6\"\n\n  \
             command = [ PluginDir + \"/{}\" ]\n\n  arguments = {{\n",
            question(check),
            check.program
        );
        for (place, option) in definitions(check).iter().enumerate() {
            text.push_str(&argument(object, option, place + 1));
        }
        let _ = write!(text, "  }}\n\n  vars.{object}_hostname = \"$check_address$\"\n}}\n");
    }
    text
}

fn argument(object: &str, option: &Definition, place: usize) -> String {
    let (long, variable) = (&option.long, format!("{object}_{}", option.variable()));
    let mut text = format!("    \"--{long}\" = {{\n");
    let _ = match option.kind {
        Kind::Flag => writeln!(text, "      set_if = \"${variable}$\""),
        Kind::Value => writeln!(text, "      value = \"${variable}$\""),
        Kind::Values => writeln!(text, "      value = \"${variable}$\"\n      repeat_key = true"),
        // Icinga would put the value into a word of its own.
        Kind::Joined => writeln!(text, "      value = \"--{long}=${variable}$\"\n      skip_key = true"),
    };
    let _ = writeln!(text, "      description = \"{}\"\n      order = {place}\n    }}", quoted(&option.help));
    text
}

/// The inside of a string of Icinga's language.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// Apply rules that a host asks for with `vars.smtp_services`.
pub fn services() -> String {
    let mut text = format!(
        "// {ORIGIN}\n\
         //\n\
         // Samples to copy. A host asks for them with: vars.smtp_services = [ \"smtp\", \"smtp_certificate\" ]\n\
         // The name in the certificate is the host's name; vars.smtp_conn_sni and its like say otherwise.\n"
    );
    for check in &CHECKS {
        for service in check.services {
            let _ = write!(
                text,
                "\napply Service \"{}\" {{\n  display_name = \"{}\"\n  check_command = \"{}\"\n  check_interval = 1m\n  retry_interval = 30s\n",
                service.name,
                service.title,
                check.object()
            );
            for (name, value) in service.options {
                let _ = writeln!(text, "  vars.{} = {}", variable(check, name), value_of(*value));
            }
            let _ = write!(text, "  assign where \"{}\" in host.vars.smtp_services\n}}\n", service.name);
        }
    }
    text
}

fn variable(check: &Check, option: &str) -> String {
    format!("{}_{}", check.object(), option.replace('-', "_"))
}

fn value_of(value: Value) -> String {
    match value {
        Value::Given => "true".to_owned(),
        Value::Text(text) => format!("\"{}\"", quoted(text)),
        Value::HostName => "\"$host.name$\"".to_owned(),
    }
}
