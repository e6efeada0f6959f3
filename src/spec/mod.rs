//! From YAML to what is desired.
//!
//! A file passes four gates, and every gate reports all that is wrong before the
//! next one opens: [`Source`] reads it, [`shape`] compares it with the JSON
//! Schema that editors use too, [`check`] looks at meaning, [`lower()`] makes it
//! complete and absolute.

mod check;
mod check_data;
mod check_disk;
mod check_group;
mod check_network;
mod diagnostic;
mod draft;
mod form;
mod keys;
mod load;
mod locate;
mod lower;
mod lower_group;
mod model;
mod model_group;
mod one_or_many;
mod quoted;
mod repair;
mod schema;
mod shape;
mod source;
mod suggest;
mod tag_rules;
#[cfg(test)]
mod tests;
mod warn;
mod wrong_type;

pub use check::check_environment;
pub use diagnostic::{Code, Diagnostic, Segment, SpecPath};
pub use draft::{Draft, DraftInstance, name_from};
pub use form::NAME_HELP;
pub use load::{
    Loaded, PROJECT_FILE, Specs, find_specs, judge, judge_project, load, project_here,
    project_mistakes,
};
pub use lower::{lower, sign_in_of};
pub use model::{EnvironmentSpec, ProjectSpec};
pub use schema::{SchemaKind, schema_text};
pub use source::Source;
pub use suggest::nearest;
