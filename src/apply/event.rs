//! What happens while a plan is applied: the interface to whoever shows it.

use std::sync::Arc;

use super::report::Outcome;
use crate::plan::StepId;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A step begins.
    Started {
        /// The step.
        step: StepId,
    },
    /// A step gets on.
    Progress {
        /// The step.
        step: StepId,
        /// Where it is, in a few words.
        text: String,
    },
    /// A step has ended.
    Finished {
        /// The step.
        step: StepId,
        /// How.
        outcome: Outcome,
    },
}

/// Takes events; it must not block.
pub type Sink = Arc<dyn Fn(Event) + Send + Sync>;
