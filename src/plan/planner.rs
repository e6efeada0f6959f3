//! The planner.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::decide::Decisions;
use super::inventory::Inventory;
use super::observed::{Observed, Resolution, Wanted};
use super::step::{Mode, Note, Plan, Refusal};
use super::write::Steps;
use crate::lease::Deadline;
use crate::resource::{Address, Desired, Placement};
use crate::sync::{Side, SkipReason, Skipped};

/// The most instances that one call launches.
///
/// AWS advises to break large launches into smaller ones, such as five of a
/// hundred (EC2 API, `RunInstances`).
pub const LARGEST_LAUNCH: u32 = 100;

/// All that the planner may know besides what is wanted and what is there.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// Now.
    pub now: Timestamp,
    /// For how long after a launch absence from a listing is no evidence.
    pub settle: SignedDuration,
    /// Whether termination protection is to be lifted where it stands in the way.
    pub lift_protection: bool,
}

/// What must be looked up before [`plan`] can write the steps down.
pub fn wanted(desired: &Desired, observed: &Observed, context: &Context) -> Wanted {
    let decisions = Decisions::of(desired, observed, context);
    let mut wanted = Wanted::default();
    let replaced = decisions.replaced.iter().map(|replaced| &replaced.after);
    let launched = decisions
        .missing
        .values()
        .flatten()
        .map(|(_, instance)| instance);
    for instance in replaced.chain(launched) {
        let group = instance.group.to_string();
        let types = wanted.images.entry(instance.image.clone()).or_default();
        types.insert(instance.instance_type.clone());
        if let Some(size) = instance.disk.as_ref().and_then(|disk| disk.size) {
            let asked = (size.gibibytes(), group.clone());
            let smallest = wanted
                .disks
                .entry(instance.image.clone())
                .or_insert_with(|| asked.clone());
            *smallest = smallest.clone().min(asked);
        }
        wanted
            .image_groups
            .entry(instance.image.clone())
            .or_insert_with(|| group.clone());
        wanted
            .types
            .entry(instance.instance_type.clone())
            .or_insert_with(|| group.clone());
        for name in &instance.security_groups {
            wanted
                .security_groups
                .entry(name.clone())
                .or_insert_with(|| group.clone());
        }
        if let Placement::Subnet(subnet) = &instance.placement {
            wanted
                .subnets
                .entry(subnet.clone())
                .or_insert_with(|| group.clone());
        }
        if let Some(key) = &instance.key {
            wanted
                .keys
                .entry(key.clone())
                .or_insert_with(|| group.clone());
        }
    }
    for change in &decisions.changed {
        let group = change.after.group.to_string();
        if change.changes.iter().any(|change| change.field == "type") {
            wanted
                .types
                .entry(change.after.instance_type.clone())
                .or_insert_with(|| group.clone());
        }
        if change
            .changes
            .iter()
            .any(|change| change.field == "security_groups")
        {
            for name in &change.after.security_groups {
                wanted
                    .security_groups
                    .entry(name.clone())
                    .or_insert_with(|| group.clone());
            }
        }
    }
    wanted
}

/// The steps that make what is there what is wanted.
pub fn plan(
    desired: &Desired,
    observed: &Observed,
    resolution: &Resolution,
    context: &Context,
) -> Plan {
    let decisions = Decisions::of(desired, observed, context);
    let mut steps = Steps::new(desired, resolution, decisions.held);
    steps.files(observed);
    steps.deletions(decisions.deleted, context);
    steps.changes(decisions.changed);
    let mut all_replaced = decisions.replaced;
    all_replaced.retain(|one| steps.can_launch_anew(one));
    let before = steps.replacements(&all_replaced, context);
    steps.unreadable(observed);
    let mut missing = decisions.missing;
    for replaced in &all_replaced {
        if replaced.may_go(context) {
            let group = missing.entry(replaced.after.group.clone()).or_default();
            group.push((replaced.ordinal, Arc::clone(&replaced.after)));
        }
    }
    steps.launches(missing, &decisions.incarnations, &before);
    let inventory = Inventory::of(observed, &desired.environment);
    let deadline = inventory.deadline();
    Plan {
        environment: desired.environment.clone(),
        account: desired.target.account.clone(),
        region: desired.target.region.clone(),
        mode: Mode::Reconcile,
        made_at: context.now,
        lease: Some(desired.lease),
        lease_ends: match deadline {
            Some(Deadline::At(end)) => Some(end),
            Some(Deadline::Unreadable) | None => None,
        },
        steps: steps.written,
        held: steps.held,
        notes: notes(decisions.notes, observed, &inventory),
        unchanged: unchanged(decisions.unchanged, observed),
        refusal: deadline
            .filter(|deadline| deadline.is_over(context.now))
            .map(|deadline| Refusal::LeaseOver {
                ended: match deadline {
                    Deadline::At(end) => Some(end),
                    Deadline::Unreadable => None,
                },
            }),
    }
}

fn notes(mut notes: Vec<Note>, observed: &Observed, inventory: &Inventory) -> Vec<Note> {
    notes.extend(
        inventory
            .loose_volumes
            .iter()
            .map(|volume| Note::LooseVolume {
                id: volume.id.clone(),
                gibibytes: volume.gibibytes,
            }),
    );
    for (address, files) in &observed.data {
        let left_out: Vec<&Skipped> = files
            .skipped
            .iter()
            .filter(|skipped| !is_unreadable(skipped))
            .collect();
        if let Some(first) = left_out.first() {
            notes.push(Note::FilesSkipped {
                address: address.clone(),
                count: left_out.len(),
                first: format!("{}: {}", first.key, first.reason),
            });
        }
        if let Some(reason) = &files.withheld {
            notes.push(Note::DeletionsWithheld {
                address: address.clone(),
                reason: reason.to_string(),
            });
        }
    }
    notes
}

fn unchanged(mut unchanged: Vec<Address>, observed: &Observed) -> Vec<Address> {
    let same = observed.data.iter().filter(|(_, files)| files.is_empty());
    unchanged.extend(same.map(|(address, _)| address.clone()));
    unchanged.sort();
    unchanged
}

/// Whether a file of the source could not be read: a data set without it is not whole.
pub(super) fn is_unreadable(skipped: &Skipped) -> bool {
    skipped.side == Side::From
        && matches!(
            skipped.reason,
            SkipReason::UnreadableFile(_)
                | SkipReason::UnreadableFolder(_)
                | SkipReason::Archived(_)
        )
}
