//! Values of a spec in messages.

use serde_yaml::Value;

/// A value in a few words, for messages.
pub(super) fn describe(value: &Value) -> String {
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

pub(super) fn quote(text: &str) -> String {
    format!("`{}`", shorten(text))
}

pub(super) fn shorten(text: &str) -> String {
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
