//! What is said of a value that is of another type than it should be.

use serde_json::Value as Schema;
use serde_yaml::Value;

use super::diagnostic::{Code, Diagnostic, SpecPath};
use super::form::form;
use super::quoted::{describe, quote};

pub(super) fn wrong_type(value: &Value, expected: &str, path: &SpecPath) -> Diagnostic {
    let wanted = match expected {
        "object" => "a map of keys and values",
        "array" => "a list",
        "string" => "text",
        "integer" => "a whole number",
        "boolean" => "`true` or `false`",
        other => other,
    };
    let name = if path.segments.is_empty() {
        "the spec".to_owned()
    } else {
        format!("`{path}`")
    };
    let is = match value.as_str() {
        Some(text) if is_boolean(text) => format!("the text {}", quote(text)),
        Some(_) | None => describe(value),
    };
    let summary = format!("{name} must be {wanted}, and this is {is}");
    let diagnostic = Diagnostic::at(path.clone(), Code::WrongType, summary);
    match (expected, value) {
        ("string", Value::Number(_) | Value::Bool(_)) => {
            diagnostic.help(format!("put it in quotes: {}", scalar_in_quotes(value)))
        }
        (_, Value::Null) => diagnostic.help("write a value, or remove the key"),
        ("object", Value::String(_)) if path.is_key("image") => {
            diagnostic.help("write `{id: ami-…}`, `{name: …, owner: …}` or `{ssm: /…}`")
        }
        ("array", Value::String(text)) => diagnostic.help(format!("write `[{}]`", item(text))),
        ("integer", Value::String(text)) => diagnostic.help(digits(text)),
        ("boolean", Value::String(text)) if is_boolean(text) => {
            diagnostic.help(format!("write {} without quotes", quote(text)))
        }
        ("boolean", Value::String(text)) if ["yes", "on"].contains(&text.as_str()) => {
            diagnostic.help("write `true`")
        }
        ("boolean", Value::String(text)) if ["no", "off"].contains(&text.as_str()) => {
            diagnostic.help("write `false`")
        }
        _ => diagnostic,
    }
}

impl Diagnostic {
    /// A number in place of a quantity wants a unit, not quotes.
    pub(super) fn help_of_format(self, schema: &Schema, value: &Value) -> Self {
        let format = schema
            .get("format")
            .and_then(Schema::as_str)
            .unwrap_or_default();
        if ![
            "lease",
            "size",
            "throughput",
            "wait",
            "price",
            "gpu",
            "number-range",
            "size-range",
        ]
        .contains(&format)
            || !value.is_number()
        {
            return self;
        }
        let text = serde_yaml::to_string(value).unwrap_or_default();
        match form(format, text.trim_end()) {
            Err(help) => self.help(help),
            Ok(()) => self,
        }
    }
}

/// How to write a whole number that YAML reads as text: older YAML read some of it as
/// a number in base eight or sixty.
fn digits(text: &str) -> String {
    match text.parse::<u32>() {
        Ok(number) => format!("write `{number}`, without quotes and leading zeros"),
        Err(_) => "write it in decimal digits alone, such as `4`".to_owned(),
    }
}

fn is_boolean(text: &str) -> bool {
    ["true", "false"].contains(&text)
}

/// Text as an item of a list in brackets: what YAML would read otherwise stands in quotes.
fn item(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    let begins_as_text =
        text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/');
    if begins_as_text && text.bytes().all(plain) && !is_boolean(text) {
        text.to_owned()
    } else {
        Schema::from(text).to_string()
    }
}

fn scalar_in_quotes(value: &Value) -> String {
    let text = serde_yaml::to_string(value).unwrap_or_default();
    format!("`\"{}\"`", text.trim_end())
}
