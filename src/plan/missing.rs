//! What is asked for and is not there: launched, waited for, or held.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::context::Context;
use super::decide::Decisions;
use super::held::{Held, Note};
use super::inventory::Inventory;
use crate::resource::{Address, Desired, GroupName};

impl Decisions<'_> {
    /// What is asked for and is not there.
    pub(super) fn missing(
        &mut self,
        desired: &Desired,
        inventory: &Inventory<'_>,
        (adopted, context): (&BTreeSet<Address>, &Context),
    ) {
        let expected = expected_soon(inventory, context);
        let late = late_until(inventory, context);
        let enough = enough(desired, inventory, &mut self.notes);
        for (address, instance) in &desired.instances {
            let there = inventory
                .members
                .get(address)
                .is_some_and(|instances| instances.iter().any(|(live, _)| live.state.is_alive()));
            let Address::Instance { group, ordinal } = address else {
                continue;
            };
            let left_out = there || adopted.contains(address) || enough.contains(address);
            if left_out || !context.targets.includes(address) {
                continue;
            }
            // A machine that may be ours and cannot be told is not launched again.
            let unknown = inventory.suspects.first();
            // One that has not shown itself for the whole window is no longer late.
            let overdue = inventory.late.keys().next().filter(|_| late.is_none());
            if let Some(by) = unknown.or(overdue) {
                self.held.push(Held::Blocked {
                    address: address.clone(),
                    by: by.clone(),
                });
            } else if let Some(until) = expected.get(address).or(late.as_ref()) {
                self.held.push(Held::NotYetVisible {
                    address: address.clone(),
                    until: *until,
                });
            } else {
                let missing = self.missing.entry(group.clone()).or_default();
                missing.push((*ordinal, Arc::clone(instance)));
            }
        }
    }

    /// A slip in `renamed_from` would launch a group anew and end the one that was meant.
    pub(super) fn renamed_from_nothing(&mut self, desired: &Desired, inventory: &Inventory<'_>) {
        let alive = || inventory.alive().map(|(_, _, mark)| &mark.group);
        let ending: BTreeSet<&GroupName> = alive()
            .filter(|group| !desired.groups.contains_key(*group))
            .collect();
        for name in self.missing.keys() {
            let group = desired.groups.get(name);
            let Some(before) = group.and_then(|group| group.renamed_from.as_ref()) else {
                continue;
            };
            if !alive().any(|there| there == name || there == before) {
                self.notes.push(Note::NothingRenamed {
                    group: name.clone(),
                    renamed_from: before.clone(),
                    ending: ending.iter().copied().cloned().collect(),
                });
            }
        }
    }
}

/// Numbers that a launch was allowed not to give, in groups that have enough all the same.
fn enough(
    desired: &Desired,
    inventory: &Inventory<'_>,
    notes: &mut Vec<Note>,
) -> BTreeSet<Address> {
    let mut enough = BTreeSet::new();
    for (name, group) in &desired.groups {
        let Some(min) = group.min else { continue };
        let mut alive: BTreeSet<u32> = BTreeSet::new();
        let mut not_given: BTreeSet<u32> = BTreeSet::new();
        for (address, _, mark) in inventory.alive() {
            if let Address::Instance { group, ordinal } = address
                && group == name
            {
                alive.insert(*ordinal);
                not_given.extend(mark.not_given.iter());
            }
        }
        let number = u32::try_from(alive.len()).unwrap_or(u32::MAX);
        let open: Vec<u32> = not_given
            .difference(&alive)
            .filter(|ordinal| **ordinal < group.count)
            .copied()
            .collect();
        if number < min || open.is_empty() {
            continue;
        }
        notes.push(Note::Fewer {
            group: name.clone(),
            alive: number,
            count: group.count,
            min,
        });
        enough.extend(open.into_iter().map(|ordinal| Address::Instance {
            group: name.clone(),
            ordinal,
        }));
    }
    enough
}

/// Until when an instance that only its volume shows is waited for, if there is one.
fn late_until(inventory: &Inventory<'_>, context: &Context) -> Option<Timestamp> {
    let since = inventory.late.values().flatten();
    let ends = since.filter_map(|since| since.checked_add(context.settle).ok());
    ends.max().filter(|until| *until > context.now)
}

/// Addresses that are not seen although their siblings were launched a moment ago.
///
/// A launch is all or nothing, so siblings that a listing leaves out within the
/// settle window are late, not absent. A new launch of the rest would have a
/// token of its own and double them.
fn expected_soon(inventory: &Inventory<'_>, context: &Context) -> BTreeMap<Address, Timestamp> {
    let mut expected = BTreeMap::new();
    // One that has ended since is as good a witness of its launch as one that is alive.
    let instances = inventory.members.iter();
    let instances = instances.flat_map(|(address, all)| all.iter().map(move |one| (address, one)));
    for (address, (live, mark)) in instances {
        // A group that has a new name is expected under that.
        let Address::Instance { group, .. } = address else {
            continue;
        };
        let Some(until) = live
            .first_launched
            .and_then(|launched| launched.checked_add(context.settle).ok())
        else {
            continue;
        };
        if until <= context.now {
            continue;
        }
        for ordinal in mark.siblings.iter() {
            let address = Address::Instance {
                group: group.clone(),
                ordinal,
            };
            // Only one of the same launch that is seen, in any state, is not late.
            let seen = inventory.members.get(&address).is_some_and(|there| {
                there
                    .iter()
                    .any(|(other, _)| other.client_token == live.client_token)
            });
            if !seen {
                let latest = expected.entry(address).or_insert(until);
                *latest = until.max(*latest);
            }
        }
    }
    expected
}
