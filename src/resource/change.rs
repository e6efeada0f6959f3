//! One field's way from what is to what should be.

use std::fmt;

use serde::Serialize;

/// What applying a change does to the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The object goes on running.
    InPlace,
    /// The instance is stopped and started: minutes, a new public address, and
    /// whatever is on instance store volumes is lost.
    Restart,
    /// The object is deleted and made anew.
    Replace,
}

/// A value of a field, fit to be compared and printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "value")]
pub enum Value {
    /// The field has no value.
    Absent,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Text on one line.
    Text(String),
    /// Text that is compared line by line.
    Lines(String),
    /// Values in a stable order.
    List(Vec<String>),
    /// It differs, but what it is now could not be read.
    Unread,
}

impl Value {
    /// Text where there is some.
    pub fn text(value: Option<&str>) -> Self {
        value.map_or(Self::Absent, |text| Self::Text(text.to_owned()))
    }

    /// A number where there is one.
    pub fn int(value: Option<i64>) -> Self {
        value.map_or(Self::Absent, Self::Int)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => formatter.write_str("(none)"),
            Self::Bool(value) => write!(formatter, "{value}"),
            Self::Int(value) => write!(formatter, "{value}"),
            Self::Text(value) => formatter.write_str(value),
            Self::Lines(value) => write!(formatter, "({} lines)", value.lines().count()),
            Self::List(values) => write!(formatter, "[{}]", values.join(", ")),
            Self::Unread => formatter.write_str("(not readable)"),
        }
    }
}

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    /// The field as the spec names it, such as `disk.size` or `tags.owner`.
    pub field: String,
    /// What it is.
    pub before: Value,
    /// What it should be.
    pub after: Value,
    /// What applying it does.
    pub effect: Effect,
    /// The cheapest edit of the spec that avoids a restart or a replacement.
    pub avoid: Option<String>,
}

impl FieldChange {
    /// The last part of the field, such as `size` of `disk.size`.
    pub fn figure(&self) -> &str {
        self.field.rsplit('.').next().unwrap_or(&self.field)
    }

    /// A change with the edit that avoids it, where it costs more than a moment.
    pub fn new(field: impl Into<String>, before: Value, after: Value, effect: Effect) -> Self {
        let field = field.into();
        let avoid = match effect {
            Effect::InPlace => None,
            Effect::Restart | Effect::Replace => avoid(&field, &before),
        };
        Self {
            field,
            before,
            after,
            effect,
            avoid,
        }
    }
}

/// What to write in the spec so that the field stays as it is.
fn avoid(field: &str, before: &Value) -> Option<String> {
    let key = field.rsplit('.').next().unwrap_or(field);
    match (field, before) {
        ("state", _) => None,
        ("user_data", _) => {
            Some("leave `user_data` as it was, and run what is new over SSH".to_owned())
        }
        ("image", Value::Text(asked)) => Some(format!("write `image: {}`", image_key(asked))),
        (_, Value::Text(value)) if field.starts_with("volumes.") && key != "size" => {
            Some(format!("keep `{field}` ({value})"))
        }
        (_, Value::Absent | Value::Unread) => Some(format!("remove `{field}`")),
        (_, Value::Bool(value)) => Some(format!("write `{key}: {value}`")),
        (_, Value::Int(value)) => Some(format!("write `{key}: {value}`")),
        (_, Value::Text(value)) => Some(format!("write `{key}: {value}`")),
        (_, Value::Lines(_) | Value::List(_)) => None,
    }
}

/// The key of an image in a spec, from what the tag says was asked for.
fn image_key(asked: &str) -> String {
    match asked.split_once(':') {
        Some(("name", rest)) => match rest.split_once('/') {
            Some((owner, pattern)) => format!("{{name: \"{pattern}\", owner: {owner}}}"),
            None => format!("{{name: \"{rest}\"}}"),
        },
        Some((kind, rest)) => format!("{{{kind}: {rest}}}"),
        None => format!("{{id: {asked}}}"),
    }
}
