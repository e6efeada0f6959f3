//! Running a plan: what is ready, side by side, with events as it goes.
//!
//! Nothing here decides *what* to do. A step either succeeds, fails with its
//! reason, or is skipped because a step before it did not succeed.

mod cancel;
mod event;
mod perform;
mod report;
mod run;
#[cfg(test)]
mod tests;
mod undo;

pub use cancel::Cancel;
pub use event::{Event, Sink};
pub use perform::{Control, Performed, Performer, StepError, StepErrorKind};
pub use report::{ApplyReport, Outcome};
pub use run::run;
pub use undo::{disown, undo};
