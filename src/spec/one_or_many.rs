//! Keys that take one value or a list of them.

use std::fmt;

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};

/// One text, or several in their order; empty where the key is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OneOrMany(pub Vec<String>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrManyVisitor)
    }
}

struct OneOrManyVisitor;

impl<'de> Visitor<'de> for OneOrManyVisitor {
    type Value = OneOrMany;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("text or a list of text")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<OneOrMany, E> {
        Ok(OneOrMany(vec![text.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<OneOrMany, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(OneOrMany(all))
    }
}

/// The schema of `type`: a type, or a list of them.
pub(super) fn types_schema(_: &mut SchemaGenerator) -> Schema {
    one_or_many(
        "The instance type, or several in order of preference.",
        &json_schema!({
            "type": "string",
            "pattern": "^[a-z][a-z0-9-]*\\.[a-z0-9-]+$",
            "format": "instance-type",
        }),
        "g5.xlarge",
    )
}

/// The schema of `ssh.from`: a source, or a list of them.
pub(super) fn sources_schema(_: &mut SchemaGenerator) -> Schema {
    one_or_many(
        "`me`, an address block such as 203.0.113.0/24, a list of these, or `anywhere`.",
        &json_schema!({
            "type": "string",
            "pattern": "^(me|anywhere|[0-9a-fA-F.:]+(/[0-9]{1,3})?)$",
            "format": "ssh-source",
        }),
        "me",
    )
}

fn one_or_many(description: &str, one: &Schema, example: &str) -> Schema {
    json_schema!({
        "description": description,
        "anyOf": [
            one,
            {"type": "array", "items": one, "minItems": 1, "maxItems": 20, "uniqueItems": true},
        ],
        "examples": [example],
    })
}
