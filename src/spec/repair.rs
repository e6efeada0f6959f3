//! Makes a document of the wrong shape readable, so that its meaning can be checked too.
//!
//! A spec with a misspelled key and a lease that is too long has two mistakes,
//! and both are told at once. What is wrong in shape is taken out, what is
//! missing is made up, and nothing is said about the places that were touched.

use std::collections::BTreeSet;
use std::ops::Bound;

use serde_json::Value as Schema;
use serde_yaml::{Mapping, Value};

use super::diagnostic::{Code, Diagnostic, Segment, SpecPath};

/// A document of the right shape, and the places in which it is not the user's.
pub(super) struct Repaired {
    /// The document.
    pub(super) value: Value,
    /// What was taken out or made up.
    touched: BTreeSet<Vec<Segment>>,
}

impl Repaired {
    /// Takes out what the diagnostics name, and fills in what the schema requires.
    pub(super) fn new(mut value: Value, found: &[Diagnostic], schema: &Schema) -> Self {
        let mut touched: Vec<SpecPath> = found
            .iter()
            .filter(|diagnostic| diagnostic.code != Code::MissingKey)
            .filter_map(|diagnostic| diagnostic.path.clone())
            .collect();
        touched.sort();
        for path in touched.iter().rev() {
            remove(&mut value, &path.segments);
        }
        fill(&mut value, schema, &SpecPath::default(), &mut touched);
        let touched = touched.into_iter().map(|path| path.segments).collect();
        Self { value, touched }
    }

    /// Whether a diagnostic is about what the user wrote.
    pub(super) fn is_fair(&self, diagnostic: &Diagnostic) -> bool {
        let Some(path) = &diagnostic.path else {
            return false;
        };
        let (path, touched) = (path.segments.as_slice(), &self.touched);
        let above = (0..=path.len()).any(|end| touched.contains(&path[..end]));
        // What begins with the path is the first in order that does not come before it.
        let mut rest = touched.range::<[Segment], _>((Bound::Included(path), Bound::Unbounded));
        let below = rest.next().is_some_and(|first| first.starts_with(path));
        !above && !below
    }
}

fn remove(value: &mut Value, path: &[Segment]) {
    match (path, value) {
        ([Segment::Key(key)], Value::Mapping(map)) => {
            map.remove(key.as_str());
        }
        ([Segment::Index(index)], Value::Sequence(items)) if *index < items.len() => {
            // Nothing is said of what stands in its place; the others keep their numbers.
            items[*index] = Value::from("");
        }
        ([Segment::Key(key), rest @ ..], Value::Mapping(map)) => {
            if let Some(child) = map.get_mut(key.as_str()) {
                remove(child, rest);
            }
        }
        ([Segment::Index(index), rest @ ..], Value::Sequence(items)) => {
            if let Some(child) = items.get_mut(*index) {
                remove(child, rest);
            }
        }
        _ => {}
    }
}

fn fill(value: &mut Value, schema: &Schema, path: &SpecPath, touched: &mut Vec<SpecPath>) {
    let Value::Mapping(map) = value else { return };
    let required = schema
        .get("required")
        .and_then(Schema::as_array)
        .into_iter()
        .flatten();
    for key in required.filter_map(Schema::as_str) {
        if !map.contains_key(key) {
            let wanted = schema
                .get("properties")
                .and_then(|properties| properties.get(key));
            map.insert(key.into(), wanted.map_or(Value::Null, made_up));
            touched.push(path.key(key));
        }
    }
    for (key, child) in map.iter_mut() {
        let Some(key) = key.as_str() else { continue };
        let known = schema
            .get("properties")
            .and_then(|properties| properties.get(key));
        if let Some(schema) = known.or_else(|| schema.get("additionalProperties")) {
            fill(child, schema, &path.key(key), touched);
        }
    }
}

fn made_up(schema: &Schema) -> Value {
    if let Some(number) = schema.get("const").and_then(Schema::as_i64) {
        return Value::from(number);
    }
    let example = schema.get("examples").and_then(|examples| examples.get(0));
    match example.and_then(Schema::as_str) {
        Some(text) => Value::from(text),
        None => Value::Mapping(Mapping::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_above_or_below_what_was_touched() {
        let touched = SpecPath::of_keys(&["instances", "b", "disk"]);
        let found = Diagnostic::at(touched, Code::WrongType, "wrong");
        let schema = Schema::Object(serde_json::Map::new());
        let repaired = Repaired::new(Value::Null, &[found], &schema);
        for (keys, fair) in [
            (&[][..], false),
            (&["instances"], false),
            (&["instances", "b"], false),
            (&["instances", "b", "disk"], false),
            (&["instances", "b", "disk", "size"], false),
            (&["instances", "b", "disks"], true),
            (&["instances", "b", "dis"], true),
            (&["instances", "a"], true),
            (&["instances", "c"], true),
            (&["lease"], true),
        ] {
            let other = Diagnostic::at(SpecPath::of_keys(keys), Code::OutOfRange, "other");
            assert_eq!(repaired.is_fair(&other), fair, "{keys:?}");
        }
    }
}
