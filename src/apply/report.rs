//! What came of a plan.

use std::collections::BTreeMap;

use super::perform::{Performed, StepError};
use crate::plan::StepId;

/// How one step ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It succeeded.
    Done(Performed),
    /// It failed.
    Failed(StepError),
    /// It was not begun, because this step did not succeed.
    Skipped {
        /// The step before it.
        because: StepId,
    },
    /// It was not begun, because the user asked to stop.
    Cancelled,
}

/// How every step of a plan ended.
#[must_use = "a report that nobody reads hides failures"]
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ApplyReport {
    /// By step.
    pub outcomes: BTreeMap<StepId, Outcome>,
}

impl ApplyReport {
    /// Whether every step succeeded.
    pub fn is_success(&self) -> bool {
        self.outcomes
            .values()
            .all(|outcome| matches!(outcome, Outcome::Done(_)))
    }

    /// Whether any step succeeded, or a part of one.
    pub fn did_anything(&self) -> bool {
        self.outcomes.values().any(|outcome| match outcome {
            Outcome::Done(_) => true,
            Outcome::Failed(error) => error.partly,
            Outcome::Skipped { .. } | Outcome::Cancelled => false,
        })
    }

    /// What failed steps left alive or unknown.
    pub fn alive(&self) -> impl Iterator<Item = &(String, String)> {
        self.outcomes
            .values()
            .filter_map(|outcome| match outcome {
                Outcome::Failed(error) => Some(&error.alive),
                Outcome::Done(_) | Outcome::Skipped { .. } | Outcome::Cancelled => None,
            })
            .flatten()
    }
}
