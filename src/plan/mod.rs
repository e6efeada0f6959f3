//! Deciding: what is wanted, what is there, and the steps between the two.
//!
//! [`plan`] and [`plan_destroy`] are total, pure and deterministic. Whatever they
//! leave alone has its reason in [`Plan::held`]. Unknown is never absent: a
//! number whose siblings were launched a moment ago is waited for, not launched
//! again.

mod audit;
mod decide;
mod destroy;
#[cfg(test)]
pub(crate) mod fixtures;
mod inventory;
mod observed;
mod planner;
mod step;
#[cfg(test)]
mod tests;
mod verb;
mod write;

pub use audit::{Violation, audit};
pub use destroy::plan_destroy;
pub use inventory::{Inventory, OtherEnvironment, other_environments};
pub use observed::{Observed, Resolution, Wanted};
pub use planner::{Context, LARGEST_LAUNCH, plan, wanted};
pub use step::{
    Action, Change, Doomed, Held, Launch, Mode, Note, Plan, Reason, Refusal, Step, StepId,
};
pub use verb::{Summary, Verb};
