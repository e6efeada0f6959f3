//! What is to happen at each address.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::inventory::Inventory;
use super::observed::Observed;
use super::planner::Context;
use super::step::{Change, Doomed, Held, Note, Reason};
use crate::resource::{
    Address, Desired, Effect, FieldChange, GroupName, Instance, LiveInstance, Mark, diff,
};

/// An instance that must be made anew.
pub(super) struct Replaced {
    pub(super) address: Address,
    pub(super) ordinal: u32,
    pub(super) live: LiveInstance,
    pub(super) mark: Mark,
    pub(super) after: Arc<Instance>,
    pub(super) changes: Vec<FieldChange>,
}

impl Replaced {
    /// Whether its protection allows that it goes: it has none, the spec lifts it, or the user does.
    pub(super) fn may_go(&self, context: &Context) -> bool {
        !self.mark.protect || !self.after.protect || context.lift_protection
    }
}

/// What is to happen at each address, before it is written down as steps.
#[derive(Default)]
pub(super) struct Decisions {
    pub(super) missing: BTreeMap<GroupName, Vec<(u32, Arc<Instance>)>>,
    pub(super) changed: Vec<Change>,
    pub(super) replaced: Vec<Replaced>,
    pub(super) deleted: Vec<(Doomed, Reason, bool)>,
    pub(super) unchanged: Vec<Address>,
    pub(super) held: Vec<Held>,
    pub(super) notes: Vec<Note>,
    /// The next incarnation by group and ordinal, where any has been seen.
    pub(super) incarnations: BTreeMap<(GroupName, u32), u32>,
}

impl Decisions {
    pub(super) fn of(desired: &Desired, observed: &Observed, context: &Context) -> Self {
        let inventory = Inventory::of(observed, &desired.environment);
        let mut decisions = Self::default();
        for (id, reason) in &inventory.unproven {
            decisions.held.push(Held::Unproven {
                id: id.clone(),
                reason: reason.clone(),
            });
        }
        for (address, instances) in &inventory.members {
            decisions.remember_incarnations(address, instances);
            let mut alive = instances.iter().filter(|(live, _)| live.state.is_alive());
            let winner = alive.next();
            for (live, mark) in alive {
                decisions.doom(address, live, mark, Reason::Duplicate);
            }
            let Some((live, mark)) = winner else { continue };
            match desired.instances.get(address) {
                Some(wanted) => decisions.compare(address, wanted, live, mark),
                None => decisions.doom(address, live, mark, Reason::NotInSpec),
            }
        }
        let expected = expected_soon(&inventory, context);
        let late = late_until(&inventory, context);
        for (address, instance) in &desired.instances {
            let there = inventory
                .members
                .get(address)
                .is_some_and(|instances| instances.iter().any(|(live, _)| live.state.is_alive()));
            let Address::Instance { group, ordinal } = address else {
                continue;
            };
            if there {
                continue;
            }
            // A machine that may be ours and cannot be told is not launched again.
            let unknown = inventory.suspects.first();
            // One that has not shown itself for the whole window is no longer late.
            let overdue = inventory.late.keys().next().filter(|_| late.is_none());
            if let Some(by) = unknown.or(overdue) {
                decisions.held.push(Held::Blocked {
                    address: address.clone(),
                    by: by.clone(),
                });
            } else if let Some(until) = expected.get(address).or(late.as_ref()) {
                decisions.held.push(Held::NotYetVisible {
                    address: address.clone(),
                    until: *until,
                });
            } else {
                let missing = decisions.missing.entry(group.clone()).or_default();
                missing.push((*ordinal, Arc::clone(instance)));
            }
        }
        decisions
    }

    fn remember_incarnations(&mut self, address: &Address, instances: &[(LiveInstance, Mark)]) {
        let Address::Instance { group, ordinal } = address else {
            return;
        };
        if let Some(highest) = instances.iter().map(|(_, mark)| mark.incarnation).max() {
            self.incarnations
                .insert((group.clone(), *ordinal), highest.saturating_add(1));
        }
    }

    fn doom(&mut self, address: &Address, live: &LiveInstance, mark: &Mark, reason: Reason) {
        let doomed = Doomed {
            address: address.clone(),
            id: live.id.clone(),
            replaced_because: Vec::new(),
            unprotect: false,
        };
        self.deleted.push((doomed, reason, mark.protect));
    }

    fn compare(
        &mut self,
        address: &Address,
        wanted: &Arc<Instance>,
        live: &LiveInstance,
        mark: &Mark,
    ) {
        let changes = diff(wanted, live, mark);
        let effect = changes.iter().map(|change| change.effect).max();
        // An instance that is made anew gets the new lease.
        if mark.lease != Some(wanted.lease) && effect != Some(Effect::Replace) {
            self.notes.push(Note::KeepsLease {
                address: address.clone(),
                lease: mark.lease,
            });
        }
        let Some(effect) = effect else {
            self.unchanged.push(address.clone());
            return;
        };
        let Address::Instance { ordinal, .. } = address else {
            return;
        };
        match effect {
            Effect::InPlace | Effect::Restart => self.changed.push(Change {
                address: address.clone(),
                before: Box::new(live.clone()),
                mark: Box::new(mark.clone()),
                after: Arc::clone(wanted),
                changes,
                security_groups: Vec::new(),
            }),
            Effect::Replace => self.replaced.push(Replaced {
                address: address.clone(),
                ordinal: *ordinal,
                live: live.clone(),
                mark: mark.clone(),
                after: Arc::clone(wanted),
                changes,
            }),
        }
    }
}

/// Until when an instance that only its volume shows is waited for, if there is one.
fn late_until(inventory: &Inventory, context: &Context) -> Option<Timestamp> {
    let since = inventory.late.values().flatten();
    let ends = since.filter_map(|since| since.checked_add(context.settle).ok());
    ends.max().filter(|until| *until > context.now)
}

/// Addresses that are not seen although their siblings were launched a moment ago.
///
/// A launch is all or nothing, so siblings that a listing leaves out within the
/// settle window are late, not absent. A new launch of the rest would have a
/// token of its own and double them.
fn expected_soon(inventory: &Inventory, context: &Context) -> BTreeMap<Address, Timestamp> {
    let mut expected = BTreeMap::new();
    // One that has ended since is as good a witness of its launch as one that is alive.
    for (live, mark) in inventory.members.values().flatten() {
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
                group: mark.group.clone(),
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
