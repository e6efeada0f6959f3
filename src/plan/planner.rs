//! The planner.

use std::sync::Arc;

use super::context::Context;
use super::decide::Decisions;
use super::disks::{loose_note, staying};
use super::held::{Note, Refusal};
use super::inventory::Inventory;
use super::network::NetworkPlan;
use super::observed::{Observed, Resolution};
use super::step::{Mode, Plan};
use super::write::Steps;
use crate::lease::Deadline;
use crate::resource::{Address, Desired};
use crate::sync::{Packing, Side, SkipReason, Skipped};

/// The steps that make what is there what is wanted.
pub fn plan(
    desired: &Desired,
    observed: &Observed,
    resolution: &Resolution,
    context: &Context,
) -> Plan {
    let mut decisions = Decisions::of(desired, observed, resolution, context);
    withhold(desired, observed, (resolution, context), &mut decisions);
    let network = NetworkPlan::of(desired, observed, (resolution, context), &decisions);
    let held = std::mem::take(&mut decisions.held);
    let mut steps = Steps::new(desired, resolution, (context, &network), held);
    steps.files(observed);
    steps.network();
    steps.retagged();
    steps.deletions(std::mem::take(&mut decisions.deleted));
    steps.adoptions(std::mem::take(&mut decisions.adopted));
    steps.changes(std::mem::take(&mut decisions.changed));
    let all_replaced = std::mem::take(&mut decisions.replaced);
    let before = steps.replacements(&all_replaced);
    steps.unreadable(observed);
    let mut missing = std::mem::take(&mut decisions.missing);
    for replaced in &all_replaced {
        if replaced.may_go(context) {
            let group = missing.entry(replaced.after.group.clone()).or_default();
            group.push((replaced.ordinal, Arc::clone(&replaced.after)));
        }
    }
    steps.launches(missing, &decisions, &before);
    steps.introductions(&decisions);
    steps.leftovers();
    let inventory = std::mem::take(&mut decisions.inventory);
    let deadline = inventory.deadline();
    let mut all_notes = decisions.notes;
    all_notes.append(&mut steps.notes);
    all_notes.extend(staying(&steps.written, observed));
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
        notes: notes(all_notes, (observed, context), &inventory),
        unchanged: unchanged(decisions.unchanged, observed),
        refusal: deadline
            .filter(|deadline| deadline.is_over(context.now))
            .map(|deadline| Refusal::LeaseOver {
                ended: match deadline {
                    Deadline::At(end) => Some(end),
                    Deadline::Unreadable => None,
                },
            })
            .or_else(|| too_many_deletions(desired, observed)),
    }
}

/// Lets those instances stay whose successors cannot be launched.
///
/// That is settled before anything that depends on who is there in the end: what
/// members are told of one another, and which security groups are of no use any more.
fn withhold(
    desired: &Desired,
    observed: &Observed,
    (resolution, context): (&Resolution, &Context),
    decisions: &mut Decisions<'_>,
) {
    if decisions.replaced.is_empty() {
        return;
    }
    let network = NetworkPlan::of(desired, observed, (resolution, context), decisions);
    let mut steps = Steps::new(desired, resolution, (context, &network), Vec::new());
    let replaced = std::mem::take(&mut decisions.replaced);
    let (possible, withheld): (Vec<_>, Vec<_>) = replaced
        .into_iter()
        .partition(|one| steps.can_launch_anew(one, decisions));
    decisions.replaced = possible;
    decisions.held.append(&mut steps.held);
    for one in &withheld {
        decisions.keep(one);
    }
}

/// The first data set of which more would be deleted than its spec allows.
fn too_many_deletions(desired: &Desired, observed: &Observed) -> Option<Refusal> {
    desired.data.iter().find_map(|(address, data)| {
        let files = observed.data.get(address)?;
        let excess = files.beyond(data.max_delete)?;
        Some(Refusal::TooManyDeletions {
            address: address.clone(),
            excess,
        })
    })
}

fn notes(
    mut notes: Vec<Note>,
    (observed, context): (&Observed, &Context),
    inventory: &Inventory<'_>,
) -> Vec<Note> {
    notes.extend(
        inventory
            .loose_volumes
            .iter()
            .map(|volume| loose_note(volume)),
    );
    if !context.targets.0.is_empty() {
        notes.push(Note::OnlyTargets {
            targets: context.targets.0.iter().map(ToString::to_string).collect(),
        });
    }
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
        if let Some(region) = &files.region {
            notes.push(Note::OtherRegion {
                address: address.clone(),
                region: region.clone(),
            });
        }
        if let Some(first) = files.case_conflicts.first() {
            notes.push(Note::CaseConflicts {
                address: address.clone(),
                count: files.case_conflicts.len(),
                first: first.to_string(),
            });
        }
        if let Some(reason) = &files.withheld {
            notes.push(Note::DeletionsWithheld {
                address: address.clone(),
                reason: reason.to_string(),
            });
        }
        if let Some(remark) = files.archive.as_ref().and_then(Packing::remark) {
            notes.push(Note::ArchiveFound {
                address: address.clone(),
                remark,
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
