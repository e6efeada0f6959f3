//! The JSON Schemas that editors and the parser share.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::model::{EnvironmentSpec, ProjectSpec};

/// Which file a schema is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SchemaKind {
    /// A file under `environments/`.
    Environment,
    /// `trainyard.yaml`.
    Project,
}

static ENVIRONMENT: LazyLock<Value> = LazyLock::new(|| {
    strip_null(
        generator()
            .into_root_schema_for::<EnvironmentSpec>()
            .to_value(),
    )
});
static PROJECT: LazyLock<Value> =
    LazyLock::new(|| strip_null(generator().into_root_schema_for::<ProjectSpec>().to_value()));

fn generator() -> schemars::SchemaGenerator {
    SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true)
        .into_generator()
}

/// The schema as a value.
pub(super) fn schema(kind: SchemaKind) -> &'static Value {
    match kind {
        SchemaKind::Environment => &ENVIRONMENT,
        SchemaKind::Project => &PROJECT,
    }
}

/// The schema as the text that stands in `schemas/`.
pub fn schema_text(kind: SchemaKind) -> String {
    let mut text = format!("{:#}", schema(kind));
    text.push('\n');
    text
}

/// An optional key is left out, not written as `null`; the schema says the same.
fn strip_null(mut value: Value) -> Value {
    match &mut value {
        Value::Object(object) => {
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    object.insert("type".to_owned(), only);
                }
            }
            if object.get("default") == Some(&Value::Null) {
                object.remove("default");
            }
            if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
                choices.retain(|choice| choice.get("type") != Some(&Value::from("null")));
                if choices.len() == 1 {
                    let only = choices.remove(0);
                    object.remove("anyOf");
                    if let Value::Object(only) = only {
                        for (key, value) in only {
                            // What stands at the place of use is the nearer description.
                            object.entry(key).or_insert(value);
                        }
                    }
                }
            }
            for (_, child) in object.iter_mut() {
                *child = strip_null(child.take());
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = strip_null(item.take());
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    value
}
