//! Reading a policy.

use serde_json::{Map, Value};

use super::condition::{Condition, normal_key, operator};
use super::pattern::Pattern;
use super::{ARN_PARTS, Effect, Policy, ResourcePattern, Selection, Statement};

type Object = Map<String, Value>;

/// The versions of the language (IAM User Guide, `Version`).
const VERSIONS: [&str; 2] = ["2008-10-17", "2012-10-17"];

pub(super) fn policy(text: &str) -> Result<Policy, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"))?;
    let policy = object(&value, "the policy")?;
    only(policy, &["Id", "Statement", "Version"])?;
    match policy.get("Version") {
        None => {}
        Some(Value::String(version)) if VERSIONS.contains(&version.as_str()) => {}
        Some(other) => return Err(format!("no version is {other}")),
    }
    let statements = match policy.get("Statement") {
        Some(Value::Array(statements)) if !statements.is_empty() => {
            statements.iter().map(statement).collect()
        }
        Some(one @ Value::Object(_)) => statement(one).map(|one| vec![one]),
        Some(_) | None => Err("there is no statement".to_owned()),
    };
    Ok(Policy {
        statements: statements?,
    })
}

fn statement(value: &Value) -> Result<Statement, String> {
    let from = object(value, "a statement")?;
    // A session's policy is nobody else's: it names no principal (STS API, `AssumeRole`).
    only(
        from,
        &[
            "Action",
            "Condition",
            "Effect",
            "NotAction",
            "NotResource",
            "Resource",
            "Sid",
        ],
    )?;
    let effect = match from.get("Effect").and_then(Value::as_str) {
        Some("Allow") => Effect::Allow,
        Some("Deny") => Effect::Deny,
        Some(_) | None => return Err("`Effect` is `Allow` or `Deny`".to_owned()),
    };
    Ok(Statement {
        effect,
        actions: selection(from, ("Action", "NotAction"), action)?,
        resources: selection(from, ("Resource", "NotResource"), resource)?,
        conditions: match from.get("Condition") {
            None => Vec::new(),
            Some(block) => conditions(object(block, "`Condition`")?)?,
        },
    })
}

/// What one of two keys says; a statement has one of them and not both.
fn selection<P>(
    from: &Object,
    (only, all_but): (&str, &str),
    read: impl Fn(&str) -> Result<P, String>,
) -> Result<Selection<P>, String> {
    let all = |value: &Value, key: &str| -> Result<Vec<P>, String> {
        let texts = texts(value, key)?;
        if texts.is_empty() {
            return Err(format!("`{key}` names nothing"));
        }
        texts.iter().map(|text| read(text)).collect()
    };
    match (from.get(only), from.get(all_but)) {
        (Some(value), None) => Ok(Selection::Only(all(value, only)?)),
        (None, Some(value)) => Ok(Selection::AllBut(all(value, all_but)?)),
        (Some(_), Some(_)) | (None, None) => {
            Err(format!("a statement has one of `{only}` and `{all_but}`"))
        }
    }
}

fn action(text: &str) -> Result<Pattern, String> {
    let is_whole = text
        .split_once(':')
        .is_some_and(|(service, name)| !service.is_empty() && !name.is_empty());
    if text == "*" || is_whole {
        Ok(Pattern::wild(&text.to_ascii_lowercase()))
    } else {
        Err(format!("`{text}` is no action: write `SERVICE:ACTION`"))
    }
}

fn resource(text: &str) -> Result<ResourcePattern, String> {
    if text == "*" {
        return Ok(ResourcePattern::Everything);
    }
    let parts: Vec<&str> = text.splitn(ARN_PARTS, ':').collect();
    if parts.first() == Some(&"arn") && parts.len() == ARN_PARTS {
        let parts = parts.into_iter().map(Pattern::wild).collect();
        Ok(ResourcePattern::Parts(parts))
    } else {
        Err(format!("`{text}` is neither an ARN nor `*`"))
    }
}

fn conditions(block: &Object) -> Result<Vec<Condition>, String> {
    let mut found = Vec::new();
    for (name, keys) in block {
        let (operator, set, if_exists) =
            operator(name).ok_or_else(|| format!("`{name}` is no condition operator"))?;
        for (key, values) in object(keys, name)? {
            found.push(Condition {
                operator,
                set,
                if_exists,
                key: normal_key(key),
                values: texts(values, key)?,
            });
        }
    }
    Ok(found)
}

/// A text or several; numbers and truths are taken for their words.
fn texts(value: &Value, key: &str) -> Result<Vec<String>, String> {
    let text = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            Err(format!("`{key}` is a text, or a list of them"))
        }
    };
    match value {
        Value::Array(values) => values.iter().map(text).collect(),
        Value::String(_) | Value::Bool(_) | Value::Number(_) | Value::Null | Value::Object(_) => {
            text(value).map(|text| vec![text])
        }
    }
}

fn object<'v>(value: &'v Value, what: &str) -> Result<&'v Object, String> {
    value
        .as_object()
        .ok_or_else(|| format!("{what} is no object"))
}

fn only(object: &Object, keys: &[&str]) -> Result<(), String> {
    match object.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(format!("`{key}` has no place there")),
        None => Ok(()),
    }
}
