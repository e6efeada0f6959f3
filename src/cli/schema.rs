//! `schema`: the JSON Schema of a file.

use super::arguments::{Kind, Schema};
use super::exit::ExitCode;
use super::output::Output;
use crate::spec::{SchemaKind, schema_text};

pub(super) fn run(arguments: &Schema, output: Output) -> ExitCode {
    let kind = match arguments.kind {
        Kind::Environment => SchemaKind::Environment,
        Kind::Project => SchemaKind::Project,
    };
    output.raw(&schema_text(kind));
    ExitCode::Done
}
