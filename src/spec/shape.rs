//! Compares a document with the JSON Schema, reporting every mismatch at once.
//!
//! It reads the part of JSON Schema that our own types produce. Text with a
//! `format` of ours goes through that format's parser, whose message says what
//! to write; the schema's `pattern` is for editors and says the same.

use std::collections::BTreeSet;

use serde_json::Value as Schema;
use serde_yaml::{Mapping, Value};

use super::diagnostic::{Code, Diagnostic, SpecPath};
use super::form::form;
use super::keys::{entry_name, missing_key, unknown_key};
use super::quoted::{describe, quote};
use super::source::is_hostile;
use super::suggest::nearest;
use super::wrong_type::wrong_type;

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
