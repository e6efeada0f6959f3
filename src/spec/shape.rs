//! Compares a document with the JSON Schema, reporting every mismatch at once.
//!
//! It reads the part of JSON Schema that our own types produce. Text with a
//! `format` of ours goes through that format's parser, whose message says what
//! to write; the schema's `pattern` is for editors and says the same.

use std::collections::BTreeSet;

use serde_json::Value as Schema;
use serde_yaml::{Mapping, Value};

use super::diagnostic::{Code, Diagnostic, SpecPath};
use super::form::{DEVICE_HELP, NAME_HELP, form, is_device};
use super::source::is_hostile;
use super::suggest::nearest;
use crate::resource::EnvironmentName;

/// Everything in which `value` is not as `schema` says.
pub(super) fn shape(value: &Value, schema: &Schema) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    node(value, schema, &SpecPath::default(), &mut found);
    found
}

fn node(value: &Value, schema: &Schema, path: &SpecPath, found: &mut Vec<Diagnostic>) {
    if let Some(constant) = schema.get("const") {
        if !equal(value, constant) {
            found.push(
                Diagnostic::at(
                    path.clone(),
                    Code::NotAllowed,
                    format!("`{path}` must be {constant}"),
                )
                .help(format!("write `{path}: {constant}`")),
            );
        }
        return;
    }
    let choices = words(schema);
    if !choices.is_empty() {
        choice(value, &choices, path, found);
        return;
    }
    if let Some(Schema::Array(alternatives)) = schema.get("anyOf") {
        alternative(value, alternatives, path, found);
        return;
    }
    let Some(expected) = schema.get("type").and_then(Schema::as_str) else {
        return;
    };
    match (expected, value) {
        ("object", Value::Mapping(map)) => object(map, schema, path, found),
        ("array", Value::Sequence(items)) => array(items, schema, path, found),
        ("string", Value::String(string)) => text(string, schema, path, found),
        ("integer", Value::Number(number)) => match number.as_i64() {
            Some(number) => integer(number, schema, path, found),
            None => found.push(wrong_type(value, expected, path)),
        },
        ("boolean", Value::Bool(_)) => {}
        _ => found.push(wrong_type(value, expected, path).help_of_format(schema, value)),
    }
}

/// A value and a list of them, or a number and text: which is meant shows in the YAML.
fn alternative(
    value: &Value,
    alternatives: &[Schema],
    path: &SpecPath,
    found: &mut Vec<Diagnostic>,
) {
    let of_type = |wanted: &str| {
        let is_wanted = |one: &&Schema| one.get("type").and_then(Schema::as_str) == Some(wanted);
        alternatives.iter().find(is_wanted)
    };
    let wanted = if value.is_sequence() {
        "array"
    } else if value.is_number() {
        "integer"
    } else {
        "string"
    };
    if let Some(one) = of_type(wanted).or_else(|| of_type("string")) {
        node(value, one, path, found);
    }
}

fn equal(value: &Value, constant: &Schema) -> bool {
    value.as_i64().is_some() && value.as_i64() == constant.as_i64()
}

/// The words of an enumeration, written as `enum` or as alternatives of constants.
fn words(schema: &Schema) -> Vec<&str> {
    if let Some(Schema::Array(values)) = schema.get("enum") {
        return values.iter().filter_map(Schema::as_str).collect();
    }
    let Some(Schema::Array(alternatives)) = schema.get("oneOf") else {
        return Vec::new();
    };
    alternatives
        .iter()
        .filter_map(|one| one.get("const").and_then(Schema::as_str))
        .collect()
}

fn choice(value: &Value, choices: &[&str], path: &SpecPath, found: &mut Vec<Diagnostic>) {
    let given = value.as_str();
    if given.is_some_and(|given| choices.contains(&given)) {
        return;
    }
    let list = choices
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ");
    let summary = format!("`{path}` is {}; it must be one of {list}", describe(value));
    let mut diagnostic = Diagnostic::at(path.clone(), Code::NotAllowed, summary);
    if let Some(near) = given.and_then(|given| nearest(given, choices.iter().copied())) {
        diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
    }
    found.push(diagnostic);
}

fn object(map: &Mapping, schema: &Schema, path: &SpecPath, found: &mut Vec<Diagnostic>) {
    let none = serde_json::Map::new();
    let properties = schema
        .get("properties")
        .and_then(Schema::as_object)
        .unwrap_or(&none);
    let free = schema
        .get("additionalProperties")
        .filter(|free| free.is_object());
    let limit = schema.get("maxProperties").and_then(Schema::as_u64);
    if limit.is_some_and(|limit| map.len() as u64 > limit) {
        let summary = format!(
            "`{path}` has {} entries; it may have {}",
            map.len(),
            limit.unwrap_or(0)
        );
        found.push(Diagnostic::at(path.clone(), Code::OutOfRange, summary));
    }
    for (key, value) in map {
        let Some(key) = key.as_str() else {
            let summary = format!("a key must be text, and this is {}", describe(key));
            found.push(
                Diagnostic::at(path.clone(), Code::WrongType, summary).help("put it in quotes"),
            );
            continue;
        };
        let child = path.key(key);
        match (properties.get(key), free) {
            (Some(known), _) => node(value, known, &child, found),
            (None, Some(free)) => {
                entry_name(key, path, schema.get("propertyNames"), found);
                node(value, free, &child, found);
            }
            (None, None) => found.push(unknown_key(key, path, properties)),
        }
    }
    let required = schema
        .get("required")
        .and_then(Schema::as_array)
        .into_iter()
        .flatten();
    for key in required.filter_map(Schema::as_str) {
        if !map.contains_key(key) {
            found.push(missing_key(key, path, properties.get(key)));
        }
    }
}

fn unknown_key(
    key: &str,
    path: &SpecPath,
    properties: &serde_json::Map<String, Schema>,
) -> Diagnostic {
    let place = if path.segments.is_empty() {
        "here".to_owned()
    } else {
        format!("in `{path}`")
    };
    let diagnostic = Diagnostic::at(
        path.the_key(key),
        Code::UnknownKey,
        format!("the key `{key}` is not known {place}"),
    );
    let help = if let Some(near) = elsewhere(key).filter(|near| properties.contains_key(*near)) {
        format!("did you mean `{near}`?")
    } else if let Some(near) = nearest(key, properties.keys().map(String::as_str)) {
        format!("did you mean `{near}`?")
    } else {
        let known = properties
            .keys()
            .map(|key| format!("`{key}`"))
            .collect::<Vec<_>>();
        format!("known keys are {}", known.join(", "))
    };
    diagnostic.help(help)
}

/// What a key of EC2's or of another tool is called in a spec.
fn elsewhere(key: &str) -> Option<&'static str> {
    match key {
        "instance_type" => Some("type"),
        "ami" | "ami_id" | "image_id" => Some("image"),
        "instance_count" => Some("count"),
        "key_name" => Some("key"),
        "vpc_security_group_ids" | "security_group_ids" => Some("security_groups"),
        "subnet_id" => Some("subnet"),
        "availability_zone" => Some("zone"),
        "root_block_device" => Some("disk"),
        "ebs_block_device" => Some("volumes"),
        "iam_instance_profile" => Some("iam_profile"),
        "associate_public_ip_address" => Some("public_address"),
        _ => None,
    }
}

fn missing_key(key: &str, path: &SpecPath, schema: Option<&Schema>) -> Diagnostic {
    let place = if path.segments.is_empty() {
        String::new()
    } else {
        format!(" in `{path}`")
    };
    let diagnostic = Diagnostic::at(
        path.clone(),
        Code::MissingKey,
        format!("the key `{key}` is missing{place}"),
    );
    match schema.and_then(example) {
        Some(example) => diagnostic.help(format!("add `{key}: {example}`")),
        None => diagnostic.help(format!("add `{key}:`")),
    }
}

fn example(schema: &Schema) -> Option<String> {
    if let Some(constant) = schema.get("const") {
        return Some(constant.to_string());
    }
    let example = schema.get("examples")?.get(0)?;
    let text = example.as_str()?;
    let needs_quotes = text.bytes().all(|byte| byte.is_ascii_digit());
    Some(if needs_quotes {
        format!("\"{text}\"")
    } else {
        text.to_owned()
    })
}

/// Names of entries under `data`, `instances`, `roles`, `volumes` and `tags`.
fn entry_name(key: &str, path: &SpecPath, names: Option<&Schema>, found: &mut Vec<Diagnostic>) {
    let Some(names) = names else { return };
    if let Some(format) = names.get("format").and_then(Schema::as_str) {
        if let Err(help) = form(format, key) {
            let summary = format!("`{}` cannot be a name in `{path}`", shorten(key));
            found.push(Diagnostic::at(path.the_key(key), Code::BadName, summary).help(help));
        }
        return;
    }
    if let Some(pattern) = names.get("pattern").and_then(Schema::as_str) {
        let device = pattern.contains("/dev/");
        let good = if device {
            is_device(key)
        } else {
            EnvironmentName::is_valid(key)
        };
        if !good {
            let help = if device { DEVICE_HELP } else { NAME_HELP };
            let summary = format!("`{}` cannot be a name in `{path}`", shorten(key));
            found.push(Diagnostic::at(path.the_key(key), Code::BadName, summary).help(help));
        }
    }
}

fn array(items: &[Value], schema: &Schema, path: &SpecPath, found: &mut Vec<Diagnostic>) {
    let limit = schema.get("maxItems").and_then(Schema::as_u64);
    if limit.is_some_and(|limit| items.len() as u64 > limit) {
        let summary = format!(
            "`{path}` has {} entries; it may have {}",
            items.len(),
            limit.unwrap_or(0)
        );
        found.push(Diagnostic::at(path.clone(), Code::OutOfRange, summary));
    }
    let least = schema.get("minItems").and_then(Schema::as_u64);
    if least.is_some_and(|least| (items.len() as u64) < least) {
        let summary = format!("`{path}` is an empty list");
        found.push(
            Diagnostic::at(path.clone(), Code::OutOfRange, summary)
                .help("write a value, or remove the key"),
        );
    }
    let unique = schema
        .get("uniqueItems")
        .and_then(Schema::as_bool)
        .unwrap_or(false);
    // Values have no order of their own, and all of them are told apart by how they are written.
    let mut before = BTreeSet::new();
    for (index, item) in items.iter().enumerate() {
        if let Some(schema) = schema.get("items") {
            node(item, schema, &path.index(index), found);
        }
        if unique && !before.insert(format!("{item:?}")) {
            let summary = format!("`{path}` names {} twice", describe(item));
            found.push(Diagnostic::at(path.index(index), Code::NotAllowed, summary));
        }
    }
}

fn integer(number: i64, schema: &Schema, path: &SpecPath, found: &mut Vec<Diagnostic>) {
    let bound = |key: &str| schema.get(key).and_then(Schema::as_i64);
    let (low, high) = (bound("minimum"), bound("maximum"));
    if low.is_some_and(|low| number < low) || high.is_some_and(|high| number > high) {
        let summary = match (low, high) {
            (Some(low), Some(high)) => {
                format!("`{path}` is {number}; it must be from {low} to {high}")
            }
            (Some(low), None) => format!("`{path}` is {number}; it must be at least {low}"),
            (None, Some(high)) => format!("`{path}` is {number}; it must be at most {high}"),
            (None, None) => return,
        };
        let diagnostic = Diagnostic::at(path.clone(), Code::OutOfRange, summary);
        found.push(if number == 0 && path.is_key("count") {
            diagnostic.help("to have none, remove the group")
        } else {
            diagnostic
        });
    }
}

fn text(value: &str, schema: &Schema, path: &SpecPath, found: &mut Vec<Diagnostic>) {
    // The file was searched for these before; an escape in quotes makes them anew.
    if let Some(character) = value.chars().find(|character| is_hostile(*character)) {
        let code_point = u32::from(character);
        let summary = format!("`{path}` holds the invisible character U+{code_point:04X}");
        found.push(Diagnostic::at(path.clone(), Code::BadCharacter, summary).help("remove it"));
        return;
    }
    let length = value.chars().count() as u64;
    let bound = |key: &str| schema.get(key).and_then(Schema::as_u64);
    if let Some(low) = bound("minLength").filter(|low| length < *low) {
        let summary = format!("`{path}` has {length} characters; it must have at least {low}");
        found.push(Diagnostic::at(path.clone(), Code::BadForm, summary));
        return;
    }
    if let Some(high) = bound("maxLength").filter(|high| length > *high) {
        let summary = format!("`{path}` has {length} characters; it may have {high}");
        found.push(Diagnostic::at(path.clone(), Code::BadForm, summary));
        return;
    }
    let Some(format) = schema.get("format").and_then(Schema::as_str) else {
        return;
    };
    if let Err(help) = form(format, value) {
        let summary = format!("`{path}` cannot be {}", quote(value));
        let code = if format == "environment-name" {
            Code::BadName
        } else {
            Code::BadForm
        };
        found.push(Diagnostic::at(path.clone(), code, summary).help(help));
    }
}

fn wrong_type(value: &Value, expected: &str, path: &SpecPath) -> Diagnostic {
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

impl Diagnostic {
    /// A number in place of a quantity wants a unit, not quotes.
    fn help_of_format(self, schema: &Schema, value: &Value) -> Self {
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

fn scalar_in_quotes(value: &Value) -> String {
    let text = serde_yaml::to_string(value).unwrap_or_default();
    format!("`\"{}\"`", text.trim_end())
}

/// A value in a few words, for messages.
fn describe(value: &Value) -> String {
    match value {
        Value::Null => "empty".to_owned(),
        Value::Bool(value) => format!("the boolean `{value}`"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => quote(text),
        Value::Sequence(_) => "a list".to_owned(),
        Value::Mapping(_) => "a map".to_owned(),
        Value::Tagged(tagged) => format!("a value with the tag `{}`", tagged.tag),
    }
}

fn quote(text: &str) -> String {
    format!("`{}`", shorten(text))
}

fn shorten(text: &str) -> String {
    const SHOWN: usize = 60;
    let line: String = text
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(SHOWN)
        .collect();
    if line.len() == text.len() {
        line
    } else {
        format!("{line}…")
    }
}
