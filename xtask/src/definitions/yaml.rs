//! YAML from a JSON value: as much of it as an export of Zabbix uses.

use serde_json::Value;

/// The value as a YAML document.
pub fn document(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value, 0, false);
    text
}

/// Writes a map or a list at that depth. `is_open`: the first line already has its indent (`- `).
fn write(text: &mut String, value: &Value, depth: usize, is_open: bool) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(map) => {
            for (place, (key, value)) in map.iter().enumerate() {
                if place > 0 || !is_open {
                    text.push_str(&indent);
                }
                text.push_str(key);
                text.push(':');
                follow(text, value, depth + 1);
            }
        }
        Value::Array(items) => {
            for item in items {
                text.push_str(&indent);
                text.push('-');
                if item.is_object() {
                    text.push(' ');
                    write(text, item, depth + 1, true);
                } else {
                    follow(text, item, depth + 1);
                }
            }
        }
        scalar => follow(text, scalar, depth),
    }
}

/// Writes what stands behind a key: a scalar on its line, anything else below it.
fn follow(text: &mut String, value: &Value, depth: usize) {
    if value.is_object() || value.is_array() {
        text.push('\n');
        write(text, value, depth, false);
    } else {
        text.push(' ');
        text.push_str(&scalar(value));
        text.push('\n');
    }
}

/// Always quoted, so that no word is taken for a number or a truth value; a quote within is doubled.
fn scalar(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::document;

    #[test]
    fn maps_lists_and_quotes() {
        let value = json!({ "a": [{ "b": "it's: 1", "c": ["x", { "d": "NO" }] }, "NO"], "e": { "f": "0" } });
        let expected =
            "a:\n  - b: 'it''s: 1'\n    c:\n      - 'x'\n      - d: 'NO'\n  - 'NO'\ne:\n  f: '0'\n";
        assert_eq!(document(&value), expected);
    }
}
