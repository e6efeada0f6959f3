//! The planner.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::inventory::Inventory;
use super::observed::{Observed, Resolution, Wanted};
use super::step::{
    Action, Change, Doomed, Held, Launch, Mode, Note, Plan, Reason, Refusal, Step, StepId,
};
use crate::lease::Deadline;
use crate::resource::{
    Address, Desired, Digest, Effect, FieldChange, GroupName, Instance, LaunchIdentity,
    LiveInstance, Mark, Ordinals, diff,
};

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
        if let crate::resource::Placement::Subnet(subnet) = &instance.placement {
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
    let mut steps = Steps {
        desired,
        resolution,
        written: Vec::new(),
        held: decisions.held,
    };
    steps.files(observed);
    steps.deletions(decisions.deleted);
    steps.changes(decisions.changed);
    let before = steps.replacements(&decisions.replaced, context);
    let mut missing = decisions.missing;
    for replaced in &decisions.replaced {
        if context.lift_protection || !replaced.mark.protect {
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
        if let Some(first) = files.skipped.first() {
            notes.push(Note::FilesSkipped {
                address: address.clone(),
                count: files.skipped.len(),
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

/// An instance that must be made anew.
struct Replaced {
    address: Address,
    ordinal: u32,
    live: LiveInstance,
    mark: Mark,
    after: Arc<Instance>,
    changes: Vec<FieldChange>,
}

/// What is to happen at each address, before it is written down as steps.
#[derive(Default)]
struct Decisions {
    missing: BTreeMap<GroupName, Vec<(u32, Arc<Instance>)>>,
    changed: Vec<Change>,
    replaced: Vec<Replaced>,
    deleted: Vec<(Doomed, Reason, bool)>,
    unchanged: Vec<Address>,
    held: Vec<Held>,
    notes: Vec<Note>,
    /// The next incarnation by group and ordinal, where any has been seen.
    incarnations: BTreeMap<(GroupName, u32), u32>,
}

impl Decisions {
    fn of(desired: &Desired, observed: &Observed, context: &Context) -> Self {
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
            if let Some(until) = expected.get(address) {
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
        if mark.lease != Some(wanted.lease) {
            self.notes.push(Note::KeepsLease {
                address: address.clone(),
                lease: mark.lease,
            });
        }
        let changes = diff(wanted, live, mark);
        let Some(effect) = changes.iter().map(|change| change.effect).max() else {
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

/// Addresses that are not seen although their siblings were launched a moment ago.
///
/// A launch is all or nothing, so siblings that a listing leaves out within the
/// settle window are late, not absent. A new launch of the rest would have a
/// token of its own and double them.
fn expected_soon(inventory: &Inventory, context: &Context) -> BTreeMap<Address, Timestamp> {
    let mut expected = BTreeMap::new();
    for (_, live, mark) in inventory.alive() {
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
            // An ordinal that is seen in any state is not late.
            if !inventory.members.contains_key(&address) {
                expected.insert(address, until);
            }
        }
    }
    expected
}

/// Writes decisions down as steps.
struct Steps<'a> {
    desired: &'a Desired,
    resolution: &'a Resolution,
    written: Vec<Step>,
    held: Vec<Held>,
}

impl Steps<'_> {
    fn push(&mut self, action: Action, reason: Reason, after: BTreeSet<StepId>) -> StepId {
        let id = StepId::try_from(self.written.len())
            .unwrap_or(StepId::MAX)
            .saturating_add(1);
        self.written.push(Step {
            id,
            action,
            reason,
            after,
        });
        id
    }

    fn files(&mut self, observed: &Observed) {
        for (address, data) in &self.desired.data {
            if let Some(files) = observed.data.get(address).filter(|files| !files.is_empty()) {
                let action = Action::Sync {
                    address: address.clone(),
                    data: data.clone(),
                    files: files.clone(),
                };
                self.push(action, Reason::FilesDiffer, BTreeSet::new());
            }
        }
    }

    /// Deleting what the spec no longer names never lifts a protection: that takes a word of its own.
    fn deletions(&mut self, deleted: Vec<(Doomed, Reason, bool)>) {
        let mut by_reason: BTreeMap<Reason, Vec<Doomed>> = BTreeMap::new();
        for (doomed, reason, protected) in deleted {
            if protected {
                self.held.push(Held::Protected {
                    address: doomed.address,
                    id: doomed.id,
                });
            } else {
                by_reason.entry(reason).or_default().push(doomed);
            }
        }
        for (reason, doomed) in by_reason {
            self.push(Action::Terminate(doomed), reason, BTreeSet::new());
        }
    }

    fn changes(&mut self, changed: Vec<Change>) {
        for mut change in changed {
            if change
                .changes
                .iter()
                .any(|change| change.field == "security_groups")
            {
                match self.security_groups(&change.after) {
                    Ok(ids) => change.security_groups = ids,
                    Err(what) => {
                        self.held.push(Held::Unresolved {
                            address: change.address,
                            what,
                        });
                        continue;
                    }
                }
            }
            let edited = change.mark.spec != change.after.spec_digest();
            let reason = if edited {
                Reason::Edited
            } else {
                Reason::Drifted
            };
            let restart = change
                .changes
                .iter()
                .any(|change| change.effect == Effect::Restart);
            let action = if restart {
                Action::Restart(change)
            } else {
                Action::Update(change)
            };
            self.push(action, reason, BTreeSet::new());
        }
    }

    /// Terminates what is replaced, group by group; the step of each group.
    fn replacements(
        &mut self,
        replaced: &[Replaced],
        context: &Context,
    ) -> BTreeMap<GroupName, StepId> {
        let mut by_group: BTreeMap<GroupName, Vec<Doomed>> = BTreeMap::new();
        for one in replaced {
            if one.mark.protect && !context.lift_protection {
                let (address, id) = (one.address.clone(), one.live.id.clone());
                self.held.push(Held::Protected { address, id });
                continue;
            }
            by_group
                .entry(one.after.group.clone())
                .or_default()
                .push(Doomed {
                    address: one.address.clone(),
                    id: one.live.id.clone(),
                    replaced_because: one.changes.clone(),
                    unprotect: one.mark.protect,
                });
        }
        by_group
            .into_iter()
            .map(|(group, doomed)| {
                (
                    group,
                    self.push(
                        Action::Terminate(doomed),
                        Reason::Immutable,
                        BTreeSet::new(),
                    ),
                )
            })
            .collect()
    }

    fn launches(
        &mut self,
        missing: BTreeMap<GroupName, Vec<(u32, Arc<Instance>)>>,
        incarnations: &BTreeMap<(GroupName, u32), u32>,
        before: &BTreeMap<GroupName, StepId>,
    ) {
        for (group, mut members) in missing {
            members.sort_by_key(|(ordinal, _)| *ordinal);
            let mut batches: BTreeMap<u32, Vec<(u32, Arc<Instance>)>> = BTreeMap::new();
            for (ordinal, instance) in members {
                batches
                    .entry(ordinal / LARGEST_LAUNCH)
                    .or_default()
                    .push((ordinal, instance));
            }
            let after: BTreeSet<StepId> = before.get(&group).copied().into_iter().collect();
            for batch in batches.into_values() {
                self.launch(&group, &batch, incarnations, &after);
            }
        }
    }

    fn launch(
        &mut self,
        group: &GroupName,
        batch: &[(u32, Arc<Instance>)],
        incarnations: &BTreeMap<(GroupName, u32), u32>,
        after: &BTreeSet<StepId>,
    ) {
        let Some((_, instance)) = batch.first() else {
            return;
        };
        let resolved = self
            .resolution
            .images
            .get(&instance.image)
            .ok_or_else(|| format!("the image {}", instance.image))
            .and_then(|image| Ok((image.clone(), self.security_groups(instance)?)));
        let (image, security_groups) = match resolved {
            Ok(resolved) => resolved,
            Err(what) => {
                self.held
                    .extend(batch.iter().map(|(ordinal, _)| Held::Unresolved {
                        address: Address::Instance {
                            group: group.clone(),
                            ordinal: *ordinal,
                        },
                        what: what.clone(),
                    }));
                return;
            }
        };
        let ordinals: Ordinals = batch.iter().map(|(ordinal, _)| *ordinal).collect();
        let incarnation = ordinals
            .iter()
            .filter_map(|ordinal| incarnations.get(&(group.clone(), ordinal)))
            .max()
            .copied()
            .unwrap_or(0);
        let identity = LaunchIdentity {
            account: self.desired.target.account.clone(),
            region: self.desired.target.region.clone(),
            place: instance.placement.place().to_owned(),
            environment: self.desired.environment.clone(),
            group: group.clone(),
            ordinals,
            parameters: Digest::of(&(instance.as_ref(), &image.id, &security_groups)),
        };
        let launch = Launch {
            identity,
            incarnation,
            instance: Arc::clone(instance),
            image,
            security_groups,
        };
        let reason = if after.is_empty() {
            Reason::Missing
        } else {
            Reason::Immutable
        };
        self.push(Action::Launch(launch), reason, after.clone());
    }

    fn security_groups(&self, instance: &Instance) -> Result<Vec<String>, String> {
        instance
            .security_groups
            .iter()
            .map(|name| {
                let id = self.resolution.security_groups.get(name).cloned();
                id.ok_or_else(|| format!("the security group {name}"))
            })
            .collect()
    }
}
