//! A second look at a plan, by other eyes than the planner's.
//!
//! The planner's rules are checked here from the plan alone, before anything is
//! applied: a mistake in the planner must not become an instance.

use std::collections::BTreeSet;

use super::step::{Action, Mode, Plan, Reason, Step};
use crate::lease::{LARGEST_USER_DATA, boot_user_data};
use crate::resource::tag;

/// A rule that a plan breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The step, from 1.
    pub step: u32,
    /// The rule.
    pub rule: &'static str,
}

/// Every rule that the plan breaks; none for a plan that may be applied.
pub fn audit(plan: &Plan) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut seen = BTreeSet::new();
    let mut launched = BTreeSet::new();
    let mut ended = BTreeSet::new();
    for step in &plan.steps {
        let mut require = |good: bool, rule: &'static str| {
            if !good {
                violations.push(Violation {
                    step: step.id,
                    rule,
                });
            }
        };
        // Steps are written in an order in which they can be run, so a step that
        // waits for a later one would wait for ever.
        require(
            step.after.iter().all(|earlier| seen.contains(earlier)),
            "a step waits for a later one",
        );
        require(seen.insert(step.id), "two steps have one number");
        match &step.action {
            Action::Launch(launch) => {
                require(!launch.identity.ordinals.is_empty(), "a launch of nothing");
                require(plan.mode == Mode::Reconcile, "a launch while destroying");
                require(
                    launch.identity.environment == plan.environment,
                    "a launch for another environment",
                );
                require(
                    launch.identity.account == plan.account,
                    "a launch in another account",
                );
                for address in launch.addresses() {
                    require(launched.insert(address), "two launches for one address");
                }
                let tags = launch.tags(launch.incarnation);
                require(tags.len() <= 50, "more tags than EC2 takes");
                require(tags.contains_key(tag::LEASE), "a launch without a lease");
                let data =
                    boot_user_data(launch.instance.lease, launch.instance.user_data.as_deref());
                require(
                    data.len() <= LARGEST_USER_DATA,
                    "more user data than EC2 takes",
                );
            }
            Action::Update(change) | Action::Restart(change) => {
                require(!change.changes.is_empty(), "a change of nothing");
                require(
                    change.mark.environment == plan.environment,
                    "a change to another environment",
                );
            }
            Action::Terminate(doomed) => {
                require(!doomed.is_empty(), "a termination of nothing");
                for one in doomed {
                    require(
                        ended.insert(one.id.clone()),
                        "two terminations of one instance",
                    );
                }
            }
            Action::DeleteVolumes(volumes) => require(!volumes.is_empty(), "a deletion of nothing"),
            Action::Sync { files, .. } => require(!files.is_empty(), "a transfer of nothing"),
        }
        require(fits(step), "an action without a fitting reason");
    }
    violations
}

/// Whether the reason can be the reason of the action: nothing is deleted because it is missing.
fn fits(step: &Step) -> bool {
    match (&step.action, &step.reason) {
        (Action::Launch(_), Reason::Missing | Reason::Immutable)
        | (Action::Update(_) | Action::Restart(_), Reason::Edited | Reason::Drifted)
        | (
            Action::Terminate(_),
            Reason::NotInSpec | Reason::Duplicate | Reason::Immutable | Reason::Requested,
        )
        | (Action::DeleteVolumes(_), Reason::Leftover)
        | (Action::Sync { .. }, Reason::FilesDiffer) => true,
        (
            Action::Launch(_)
            | Action::Update(_)
            | Action::Restart(_)
            | Action::Terminate(_)
            | Action::DeleteVolumes(_)
            | Action::Sync { .. },
            _,
        ) => false,
    }
}
