//! A second look at a plan, by other eyes than the planner's.
//!
//! The planner's rules are checked here from the plan alone, before anything is
//! applied: a mistake in the planner must not become an instance.

use std::collections::BTreeSet;

use super::action::{Action, Launch};
use super::step::{Mode, Plan, Reason, Step};
use crate::lease::LARGEST_USER_DATA;
use crate::resource::{
    LONGEST_VALUE, LaunchIdentity, MOST_TAGS, OWN_NAME_PREFIX, in_place_changes, tag,
};

/// Longest name of a security group, a key pair or a placement group (EC2 API).
const LONGEST_NAME: usize = 255;
/// Longest tag key (EC2 API, `Tag`).
const LONGEST_KEY: usize = 127;
/// Longest token (EC2 API idempotency).
const LONGEST_TOKEN: usize = 64;
/// The most security groups of an interface, where the account's quota is raised all the way (VPC quotas).
const MOST_GROUPS: usize = 16;

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
                placed_launch(plan, launch, &mut require);
                for address in launch.addresses() {
                    require(launched.insert(address), "two launches for one address");
                }
                sound_launch(launch, &mut require);
            }
            Action::Update(change) | Action::Restart(change) => {
                require(!change.changes.is_empty(), "a change of nothing");
                require(
                    change.environment == plan.environment,
                    "a change to another environment",
                );
            }
            Action::Adopt(change) => require(
                in_place_changes(&change.changes),
                "taking over what has to be stopped or replaced",
            ),
            Action::SecurityGroup(group) => {
                let empty = group.add.is_empty() && group.remove.is_empty();
                let tagged = group.existing.is_none() || !group.tags.is_empty();
                require(!empty || tagged, "a change of nothing");
                require(is_own_name(&group.name), "a group not of ours");
            }
            Action::KeyPair(key) => require(is_own_name(&key.name), "a key not of ours"),
            Action::PlacementGroup(group) => {
                require(is_own_name(&group.name), "a group not of ours");
            }
            Action::Retag(object) => {
                require(!object.tags.is_empty(), "a change of nothing");
                require(is_own_name(&object.name), "an object not of ours");
            }
            Action::Introduce(introduction) => require(
                !introduction.members.is_empty() || !introduction.launched.is_empty(),
                "an introduction of nobody",
            ),
            Action::DeleteNetwork(objects) => {
                require(!objects.is_empty(), "a deletion of nothing");
                require(
                    objects.iter().all(|object| is_own_name(&object.name)),
                    "a deletion of what is not ours",
                );
            }
            Action::CancelSpot(requests) => {
                require(!requests.is_empty(), "a cancellation of nothing");
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

fn is_own_name(name: &str) -> bool {
    name.starts_with(OWN_NAME_PREFIX) && name.len() <= LONGEST_NAME
}

/// Whether a launch is for the plan's own environment and account.
fn placed_launch(plan: &Plan, launch: &Launch, require: &mut impl FnMut(bool, &'static str)) {
    let LaunchIdentity {
        account,
        region: _,
        place: _,
        environment,
        group: _,
        ordinals,
        parameters: _,
    } = &launch.identity;
    require(!ordinals.is_empty(), "a launch of nothing");
    require(plan.mode == Mode::Reconcile, "a launch while destroying");
    require(
        *environment == plan.environment,
        "a launch for another environment",
    );
    require(*account == plan.account, "a launch in another account");
}

/// Whether every attempt of a launch is one that EC2 takes and that has a deadline.
fn sound_launch(launch: &Launch, require: &mut impl FnMut(bool, &'static str)) {
    require(!launch.candidates.is_empty(), "a launch of no type");
    let all = launch.identity.ordinals.len();
    require(
        launch.least >= 1 && (launch.least as usize <= all || all == 0),
        "a launch of more than all",
    );
    let mut tokens = BTreeSet::new();
    for attempt in launch.attempts(0) {
        let token = launch.token(&attempt, launch.incarnation);
        require(
            token.len() <= LONGEST_TOKEN,
            "a longer token than EC2 takes",
        );
        require(tokens.insert(token), "two attempts with one token");
    }
    let groups = launch.security_groups.len() + usize::from(launch.own_group.is_some());
    require(
        groups <= MOST_GROUPS,
        "more security groups than an interface takes",
    );
    let last = launch.attempts(launch.rounds().saturating_sub(1)).last();
    for attempt in launch.attempts(0).take(1).chain(last) {
        let tags = launch.tags(&attempt, launch.incarnation);
        require(tags.len() <= MOST_TAGS, "more tags than EC2 takes");
        let mut texts = tags.iter();
        require(
            texts.all(|(key, value)| {
                key.chars().count() <= LONGEST_KEY && value.chars().count() <= LONGEST_VALUE
            }),
            "a longer tag than EC2 takes",
        );
        require(tags.contains_key(tag::LEASE), "a launch without a lease");
        require(
            launch.user_data(&attempt).len() <= LARGEST_USER_DATA,
            "more user data than EC2 takes",
        );
        require(
            attempt.waited() < launch.instance.lease.seconds(),
            "a wait that is longer than the lease",
        );
    }
}

/// Whether the reason can be the reason of the action: nothing is deleted because it is missing.
fn fits(step: &Step) -> bool {
    match (&step.action, &step.reason) {
        (Action::Launch(_), Reason::Missing | Reason::Immutable)
        | (Action::Update(_) | Action::Restart(_), Reason::Edited | Reason::Drifted)
        | (
            Action::Terminate(_),
            Reason::NotInSpec
            | Reason::CountLowered { count: _ }
            | Reason::Duplicate
            | Reason::Immutable
            | Reason::ImmutableDrift
            | Reason::AllOrNothing
            | Reason::Requested,
        )
        | (Action::DeleteVolumes(_), Reason::Leftover | Reason::Requested)
        | (Action::Adopt(_), Reason::Adopted)
        | (Action::SecurityGroup(_), Reason::Missing | Reason::Edited | Reason::Drifted)
        | (Action::KeyPair(_) | Action::PlacementGroup(_), Reason::Missing)
        | (Action::Retag(_), Reason::Edited)
        | (Action::Introduce(_), Reason::MembersChanged)
        | (Action::DeleteNetwork(_), Reason::NotInSpec | Reason::Requested)
        | (Action::CancelSpot(_), Reason::Requested)
        | (Action::Sync { .. }, Reason::FilesDiffer) => true,
        (
            Action::Launch(_)
            | Action::Update(_)
            | Action::Restart(_)
            | Action::Terminate(_)
            | Action::DeleteVolumes(_)
            | Action::Adopt(_)
            | Action::SecurityGroup(_)
            | Action::KeyPair(_)
            | Action::PlacementGroup(_)
            | Action::Retag(_)
            | Action::Introduce(_)
            | Action::DeleteNetwork(_)
            | Action::CancelSpot(_)
            | Action::Sync { .. },
            _,
        ) => false,
    }
}
