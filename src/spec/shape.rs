//! Compares a document with the JSON Schema, reporting every mismatch at once.
//!
//! It reads the part of JSON Schema that our own types produce. Text with a
//! `format` of ours goes through that format's parser, whose message says what
//! to write; the schema's `pattern` is for editors and says the same.

use serde_json::Value as Schema;
use serde_yaml::{Mapping, Value};

use super::diagnostic::{Code, Diagnostic, SpecPath};
use super::suggest::nearest;
use crate::resource::{EnvironmentName, Lease, Size, Throughput};

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
    let help = if let Some(near) = nearest(key, properties.keys().map(String::as_str)) {
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

/// Names of entries under `data`, `instances`, `volumes` and `tags`.
fn entry_name(key: &str, path: &SpecPath, names: Option<&Schema>, found: &mut Vec<Diagnostic>) {
    let Some(names) = names else { return };
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

const NAME_HELP: &str = "a name starts with a small letter, goes on with small letters, digits and hyphens, and has at most 40 characters";
const DEVICE_HELP: &str =
    "name the device as EC2 does, such as `/dev/sdf`; the root disk is `disk:`";

fn is_device(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("/dev/") else {
        return false;
    };
    let letter = |byte: &u8| (b'b'..=b'z').contains(byte);
    match rest.as_bytes() {
        [b's', b'd', first, digits @ ..] => {
            letter(first) && digits.len() <= 2 && digits.iter().all(u8::is_ascii_digit)
        }
        [b'x', b'v', b'd', first] => letter(first),
        [b'x', b'v', b'd', first, second] => letter(first) && second.is_ascii_lowercase(),
        _ => false,
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
    let unique = schema
        .get("uniqueItems")
        .and_then(Schema::as_bool)
        .unwrap_or(false);
    for (index, item) in items.iter().enumerate() {
        if let Some(schema) = schema.get("items") {
            node(item, schema, &path.index(index), found);
        }
        if unique && items[..index].contains(item) {
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
        found.push(Diagnostic::at(path.clone(), Code::OutOfRange, summary));
    }
}

fn text(value: &str, schema: &Schema, path: &SpecPath, found: &mut Vec<Diagnostic>) {
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

/// Checks text against one of our formats; the error says what to write instead.
fn form(format: &str, value: &str) -> Result<(), String> {
    let when = |good: bool, help: &str| if good { Ok(()) } else { Err(help.to_owned()) };
    match format {
        "environment-name" => when(EnvironmentName::is_valid(value), NAME_HELP),
        "account" => when(
            value.len() == 12 && value.bytes().all(|byte| byte.is_ascii_digit()),
            "an account is twelve digits, such as `\"123456789012\"`",
        ),
        "region" => when(
            is_region(value),
            "write a region's code, such as `eu-central-1`",
        ),
        "zone" => when(
            value
                .strip_suffix(|last: char| last.is_ascii_lowercase())
                .is_some_and(is_region),
            "write a region's code and a letter, such as `eu-central-1a`",
        ),
        "lease" => value
            .parse::<Lease>()
            .map(drop)
            .map_err(|error| error.to_string()),
        "size" => value
            .parse::<Size>()
            .map(drop)
            .map_err(|error| error.to_string()),
        "throughput" => value
            .parse::<Throughput>()
            .map(drop)
            .map_err(|error| error.to_string()),
        "bucket-prefix" => when(
            super::lower::is_bucket_prefix(value),
            "write `s3://BUCKET/PREFIX`",
        ),
        "instance-type" => when(is_instance_type(value), "write a type such as `g5.xlarge`"),
        "subnet" => when(
            is_id("subnet-", value),
            "write a subnet's id, such as `subnet-0123456789abcdef0`",
        ),
        "image-id" => when(
            is_id("ami-", value),
            "write an image's id, such as `ami-0123456789abcdef0`",
        ),
        "iam-name" => when(is_iam_name(value), "write the profile's name, not its ARN"),
        "image-owner" => when(
            ["amazon", "self", "aws-marketplace"].contains(&value)
                || (value.len() == 12 && value.bytes().all(|byte| byte.is_ascii_digit())),
            "an owner is `amazon`, `self`, `aws-marketplace` or an account of twelve digits",
        ),
        "ssm-parameter" => when(
            value.len() > 1
                && value.starts_with('/')
                && value.len() <= 1011
                && value[1..]
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"_./-".contains(&byte)),
            "write a parameter's path, such as `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64`",
        ),
        "user-data" => when(
            value.starts_with("#!") || value.starts_with("#cloud-config"),
            "begin with `#!`, such as `#!/bin/bash`, or with `#cloud-config`",
        ),
        _ => Ok(()),
    }
}

fn is_region(text: &str) -> bool {
    let mut parts = text.split('-');
    let letters =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let digits = |part: &str| {
        (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    parts
        .next()
        .is_some_and(|area| area.len() == 2 && letters(area))
        && parts.next_back().is_some_and(digits)
        && parts.clone().count() >= 1
        && parts.all(letters)
}

fn is_instance_type(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.split_once('.').is_some_and(|(family, size)| {
        family
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_lowercase())
            && !size.is_empty()
            && family.bytes().chain(size.bytes()).all(allowed)
    })
}

fn is_id(prefix: &str, text: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|digits| {
        (8..=17).contains(&digits.len())
            && digits
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    })
}

fn is_iam_name(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte))
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
    let summary = format!("{name} must be {wanted}, and this is {}", describe(value));
    let diagnostic = Diagnostic::at(path.clone(), Code::WrongType, summary);
    match (expected, value) {
        ("string", Value::Number(_) | Value::Bool(_)) => {
            diagnostic.help(format!("put it in quotes: {}", scalar_in_quotes(value)))
        }
        (_, Value::Null) => diagnostic.help("write a value, or remove the key"),
        ("array", Value::String(text)) => diagnostic.help(format!("write `[{text}]`")),
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
    fn help_of_format(self, schema: &Schema, value: &Value) -> Self {
        let format = schema
            .get("format")
            .and_then(Schema::as_str)
            .unwrap_or_default();
        if !["lease", "size", "throughput"].contains(&format) || !value.is_number() {
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
