//! From values to text: for people, for pull requests, for programs.
//!
//! Styles are written in; whoever prints strips them where they are not wanted.
//! Everything that came from AWS or from a file passes [`escape()`] on its way.

mod attached;
mod diagnostics;
mod escape;
mod plan_changes;
mod plan_disks;
mod plan_json;
mod plan_launch;
mod plan_markdown;
mod plan_network;
mod plan_notes;
mod plan_text;
mod status;
mod style;
mod table;
#[cfg(test)]
mod tests;
mod unknown;
mod words;

pub use attached::attached_words;
pub use diagnostics::{diagnostics_json, diagnostics_text};
pub use escape::{escape, gate, json_gate};
pub use plan_disks::kept_words;
pub use plan_json::{PlanDocument, plan_json};
pub use plan_markdown::plan_markdown;
pub use plan_notes::held_words;
pub use plan_text::{plan_text, summary_line};
pub use status::{EnvironmentStatus, InstanceStatus, status_json, status_text};
pub use style::{bad, bold, dim, good, sign, warn};
pub use table::{Columns, table};
pub use unknown::UnknownPlace;
pub use words::{human_end, ordinals_of, plural};
