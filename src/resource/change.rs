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
}
