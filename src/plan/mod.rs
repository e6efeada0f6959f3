//! Deciding: what is wanted, what is there, and the steps between the two.
//!
//! [`plan`] and [`plan_destroy`] are total, pure and deterministic. Whatever they
//! leave alone has its reason in [`Plan::held`]. Unknown is never absent: a
//! number whose siblings were launched a moment ago is waited for, not launched
//! again.

mod action;
mod adopt;
mod audit;
mod candidates;
mod context;
mod decide;
mod destroy;
mod disks;
mod duplicates;
#[cfg(test)]
pub(crate) mod fixtures;
mod gpus;
mod held;
mod inventory;
mod launches;
mod limits;
mod missing;
mod network;
mod observed;
mod permissions;
mod planner;
mod step;
#[cfg(test)]
mod tests;
mod verb;
mod wanted;
mod write;

pub use action::{
    Action, Change, Doomed, Introduction, KeyImport, Launch, NetworkObject, PlacementGroupCreation,
    RetaggedObject, SecurityGroupChange,
};
pub use adopt::managed;
pub use audit::{Violation, audit};
pub use candidates::{Unfit, launched_groups, unfit_groups};
pub use context::{Context, TargetName, Targets};
pub use destroy::plan_destroy;
pub use disks::{StayingDisk, VolumeFacts};
pub use duplicates::plan_duplicates;
pub use held::{Held, KeyDifference, Note, Refusal};
pub use inventory::{Inventory, Member, OtherEnvironment, is_known, other_environments};
pub use launches::LARGEST_LAUNCH;
pub use network::{needs_address, needs_network};
pub use observed::{
    FoundSecurityGroup, Observed, Resolution, Subnet, Wanted, WantedImage, Whereabouts,
};
pub use permissions::{
    LONGEST_SESSION_POLICY, PolicyTooLarge, Precision, SessionPolicy, session_policy,
};
pub use planner::plan;
pub use step::{Mode, Plan, Reason, Step, StepId};
pub use verb::{Summary, Verb};
pub use wanted::wanted;
