//! Icinga Director: the commands with a field for each option, as a basket to be restored.

use serde_json::{Map, Value, json};

use super::option::{Definition, Kind, definitions};
use super::uuid;
use crate::Result;
use crate::registry::CHECKS;

/// The basket.
pub fn basket() -> Result<String> {
    let mut commands = Map::new();
    let mut fields = Map::new();
    for check in &CHECKS {
        let object = check.object();
        let mut arguments = Map::new();
        let mut of_command = Vec::new();
        for (place, option) in definitions(check).iter().enumerate() {
            let number = fields.len() + 1;
            arguments.insert(format!("--{}", option.long), argument(object, option, place + 1));
            of_command.push(json!({ "datafield_id": number, "is_required": "n", "var_filter": null }));
            fields.insert(number.to_string(), field(object, option));
        }
        let mut variables = Map::new();
        variables.insert(format!("{object}_hostname"), json!("$address$"));
        let command = json!({
            "arguments": arguments,
            "command": check.program,
            "disabled": false,
            "fields": of_command,
            "imports": [],
            "is_string": null,
            "methods_execute": "PluginCheck",
            "object_name": object,
            "object_type": "object",
            "timeout": "60",
            "uuid": dashed(&uuid(&format!("director command {object}"))),
            "vars": variables,
            "zone": null,
        });
        commands.insert(object.to_owned(), command);
    }
    let basket = json!({ "Command": commands, "Datafield": fields });
    Ok(serde_json::to_string_pretty(&basket)? + "\n")
}

fn argument(object: &str, option: &Definition, place: usize) -> Value {
    let variable = format!("${object}_{}$", option.variable());
    let mut argument = match option.kind {
        Kind::Flag => json!({ "set_if": variable }),
        Kind::Value => json!({ "value": variable }),
        Kind::Values => json!({ "value": variable, "repeat_key": true }),
        Kind::Joined => json!({ "value": format!("--{}={variable}", option.long), "skip_key": true }),
    };
    if let Some(fields) = argument.as_object_mut() {
        fields.insert("description".to_owned(), json!(option.help));
        fields.insert("order".to_owned(), json!(place));
    }
    argument
}

fn field(object: &str, option: &Definition) -> Value {
    let name = format!("{object}_{}", option.variable());
    let kind = match option.kind {
        Kind::Flag => "DataTypeBoolean",
        Kind::Values => "DataTypeArray",
        Kind::Value | Kind::Joined => "DataTypeString",
    };
    json!({
        "uuid": dashed(&uuid(&format!("director field {name}"))),
        "varname": name,
        "caption": format!("--{}", option.long),
        "description": option.help,
        "datatype": format!("Icinga\\Module\\Director\\DataType\\{kind}"),
        "format": null,
        "settings": {},
        "category": null,
    })
}

/// The usual form, with dashes.
fn dashed(uuid: &str) -> String {
    let mut text = String::new();
    for (place, digit) in uuid.chars().enumerate() {
        if matches!(place, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}
