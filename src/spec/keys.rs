//! Keys of maps: what is said of those that are not known, missing, or no name.

use serde_json::Value as Schema;

use super::diagnostic::{Code, Diagnostic, SpecPath};
use super::form::{DEVICE_HELP, NAME_HELP, form, is_device};
use super::quoted::shorten;
use super::suggest::nearest;
use crate::resource::EnvironmentName;

pub(super) fn unknown_key(
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

pub(super) fn missing_key(key: &str, path: &SpecPath, schema: Option<&Schema>) -> Diagnostic {
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
pub(super) fn entry_name(
    key: &str,
    path: &SpecPath,
    names: Option<&Schema>,
    found: &mut Vec<Diagnostic>,
) {
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
