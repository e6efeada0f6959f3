//! Decisions as steps, in an order in which they can be run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::action::{Action, Change, Doomed};
use super::context::Context;
use super::decide::Replaced;
use super::held::{Held, Note};
use super::network::{NetworkPlan, network_of};
use super::observed::{Observed, Resolution};
use super::planner::is_unreadable;
use super::step::{Reason, Step, StepId};
use crate::resource::{
    Address, Desired, Effect, GroupName, Instance, LiveVolume, tag, too_many_tags,
};

/// Why a change cannot be recorded in tags, if so; nothing of it is made then.
fn full_of_tags(change: &Change) -> Option<String> {
    let place = (&change.environment, change.instance_type.as_str());
    let (set, remove) = change.mark.retag(&change.after, place, &change.before.tags);
    let ours = |volume: &&Arc<LiveVolume>| volume.tags.contains_key(tag::ENVIRONMENT);
    let disks = change.before.volumes.values().filter(ours);
    let disks = disks.map(|volume| (volume.id.as_str(), &volume.tags));
    std::iter::once((change.before.id.as_str(), &change.before.tags))
        .chain(disks)
        .find_map(|(id, tags)| {
            let number = too_many_tags(tags, set.keys(), &remove)?;
            Some(format!(
                "room for tags: {id} would carry {number}, and EC2 takes 50; remove some of others' first"
            ))
        })
}

/// Writes decisions down as steps.
pub(super) struct Steps<'a> {
    pub(super) desired: &'a Desired,
    pub(super) resolution: &'a Resolution,
    pub(super) context: &'a Context,
    pub(super) network_plan: &'a NetworkPlan,
    pub(super) written: Vec<Step>,
    pub(super) held: Vec<Held>,
    pub(super) notes: Vec<Note>,
    /// Fingerprints of the spec, by group: all members of a group share one.
    digests: BTreeMap<GroupName, String>,
    /// The steps that make what a group's launches need.
    pub(super) made_by: BTreeMap<Address, StepId>,
    /// The steps that launch members of a group, with the numbers.
    pub(super) launched_by: BTreeMap<GroupName, (BTreeSet<StepId>, BTreeSet<u32>)>,
}

impl<'a> Steps<'a> {
    pub(super) fn new(
        desired: &'a Desired,
        resolution: &'a Resolution,
        (context, network_plan): (&'a Context, &'a NetworkPlan),
        held: Vec<Held>,
    ) -> Self {
        Self {
            desired,
            resolution,
            context,
            network_plan,
            written: Vec::new(),
            held,
            notes: Vec::new(),
            digests: desired
                .groups
                .iter()
                .map(|(name, group)| (name.clone(), group.instance.spec_digest()))
                .collect(),
            made_by: BTreeMap::new(),
            launched_by: BTreeMap::new(),
        }
    }

    pub(super) fn push(
        &mut self,
        action: Action,
        reason: Reason,
        after: BTreeSet<StepId>,
    ) -> StepId {
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

    pub(super) fn files(&mut self, observed: &Observed) {
        for (address, data) in &self.desired.data {
            if !self.context.targets.includes(address) {
                continue;
            }
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

    /// Files that cannot be read are nobody's wish: they are held, and the plan is not empty.
    pub(super) fn unreadable(&mut self, observed: &Observed) {
        for (address, files) in &observed.data {
            let mut unreadable = files
                .skipped
                .iter()
                .filter(|skipped| is_unreadable(skipped));
            if let Some(first) = unreadable.next() {
                self.held.push(Held::Unreadable {
                    address: address.clone(),
                    count: 1 + unreadable.count(),
                    first: format!("{}: {}", first.key, first.reason),
                });
            }
        }
    }

    /// Deleting what the spec no longer names never lifts a protection: that takes a word of its own.
    pub(super) fn deletions(&mut self, deleted: Vec<(Doomed, Reason, bool)>) {
        let mut by_reason: BTreeMap<Reason, Vec<Doomed>> = BTreeMap::new();
        for (mut doomed, reason, protected) in deleted {
            if protected && !self.context.lift_protection {
                self.held.push(Held::Protected {
                    address: doomed.address,
                    id: doomed.id,
                    withheld: format!("not terminated ({})", reason.text()),
                });
                continue;
            }
            doomed.unprotect = protected;
            by_reason.entry(reason).or_default().push(doomed);
        }
        for (reason, doomed) in by_reason {
            self.push(Action::Terminate(doomed), reason, BTreeSet::new());
        }
    }

    /// What groups of instances need, before the instances.
    pub(super) fn network(&mut self) {
        let plan = self.network_plan;
        for (change, reason) in &plan.security_groups {
            let action = Action::SecurityGroup(change.clone());
            let step = self.push(action, reason.clone(), BTreeSet::new());
            self.made_by.insert(change.address.clone(), step);
        }
        for key in &plan.keys {
            let action = Action::KeyPair(key.clone());
            let step = self.push(action, Reason::Missing, BTreeSet::new());
            self.made_by.insert(key.address.clone(), step);
        }
        for group in &plan.placement_groups {
            let action = Action::PlacementGroup(group.clone());
            let step = self.push(action, Reason::Missing, BTreeSet::new());
            self.made_by.insert(group.address.clone(), step);
        }
    }

    /// What goes with groups that have a new name.
    pub(super) fn retagged(&mut self) {
        for object in &self.network_plan.retagged {
            self.push(
                Action::Retag(object.clone()),
                Reason::Edited,
                BTreeSet::new(),
            );
        }
    }

    /// What nobody uses any more, after everything that may have used it.
    pub(super) fn leftovers(&mut self) {
        let unused = self.network_plan.unused.clone();
        if !unused.is_empty() {
            let before = self.written.iter().map(|step| step.id).collect();
            self.push(Action::DeleteNetwork(unused), Reason::NotInSpec, before);
        }
    }

    pub(super) fn adoptions(&mut self, adopted: Vec<Change>) {
        for change in adopted {
            if let Some(change) = self.with_security_groups(change) {
                let after = self.own_group_step(&change);
                self.push(Action::Adopt(change), Reason::Adopted, after);
            }
        }
    }

    pub(super) fn changes(&mut self, changed: Vec<Change>) {
        for change in changed {
            if let Some(why) = self.fixed_volume(&change).or_else(|| full_of_tags(&change)) {
                self.held.push(Held::Unresolved {
                    address: change.address,
                    what: why,
                });
                continue;
            }
            let Some(change) = self.with_security_groups(change) else {
                continue;
            };
            let edited = self.digests.get(&change.after.group) != Some(&change.mark.spec);
            let reason = if edited {
                Reason::Edited
            } else {
                Reason::Drifted
            };
            let restart = change
                .changes
                .iter()
                .any(|change| change.effect == Effect::Restart);
            let after = self.own_group_step(&change);
            let action = if restart {
                Action::Restart(change)
            } else {
                Action::Update(change)
            };
            self.push(action, reason, after);
        }
    }

    /// Why a disk of the change cannot be changed now, if so.
    fn fixed_volume(&self, change: &Change) -> Option<String> {
        change.changes.iter().find_map(|field| {
            let volume = change.volume_of(&field.field)?;
            self.resolution
                .fixed_volumes
                .get(volume.id.as_str())
                .cloned()
        })
    }

    /// The change with the ids of its security groups, where they change.
    fn with_security_groups(&mut self, mut change: Change) -> Option<Change> {
        if !change
            .changes
            .iter()
            .any(|change| change.field == "security_groups")
        {
            return Some(change);
        }
        if let Some(what) = self.other_network(&change) {
            self.held.push(Held::Unresolved {
                address: change.address,
                what,
            });
            return None;
        }
        match self.security_groups_in(&change.after, change.before.network.as_deref()) {
            Ok(mut ids) => {
                if change.after.security_groups.is_empty() {
                    // Only a group of ours comes to those that are there.
                    let there = change.before.security_groups.iter();
                    ids.extend(there.map(|group| group.id.clone()));
                    ids.sort();
                    ids.dedup();
                }
                change.security_groups = ids;
                change.own_group = self.own_group_to_be(&change.after);
                Some(change)
            }
            Err(what) => {
                self.held.push(Held::Unresolved {
                    address: change.address,
                    what,
                });
                None
            }
        }
    }

    /// An instance wears groups of its own network only (EC2 API, `ModifyInstanceAttribute`).
    fn other_network(&self, change: &Change) -> Option<String> {
        let group = &change.after.group;
        let has = change.before.network.as_ref()?;
        let networks = &self.network_plan.group_networks;
        let other = networks.get(group).filter(|other| *other != has)?;
        let asks = change.after.needs_own_security_group();
        asks.then(|| {
            format!("a security group of {group} in its network {has}: {group} has one in {other}")
        })
    }

    fn own_group_step(&self, change: &Change) -> BTreeSet<StepId> {
        change
            .own_group
            .iter()
            .filter_map(|address| self.made_by.get(address).copied())
            .collect()
    }

    /// Terminates what is replaced, group by group; the step that ends each of them.
    pub(super) fn replacements(&mut self, replaced: &[Replaced<'_>]) -> BTreeMap<Address, StepId> {
        let mut by_group: BTreeMap<(GroupName, Reason), Vec<Doomed>> = BTreeMap::new();
        for one in replaced {
            if !one.may_go(self.context) {
                let forced = one
                    .changes
                    .iter()
                    .filter(|change| change.effect == Effect::Replace);
                let fields: Vec<&str> = forced.map(|change| change.field.as_str()).collect();
                self.held.push(Held::Protected {
                    address: one.address.clone(),
                    id: one.live.id.clone(),
                    withheld: format!("not replaced for {}", fields.join(", ")),
                });
                continue;
            }
            by_group
                .entry((one.after.group.clone(), self.replacement_reason(one)))
                .or_default()
                .push(Doomed {
                    address: one.address.clone(),
                    id: one.live.id.clone(),
                    replaced_because: one.changes.clone(),
                    unprotect: one.mark.protect,
                    spot_request: one.live.spot_request.clone(),
                });
        }
        let mut ended_by = BTreeMap::new();
        for ((_, reason), doomed) in by_group {
            let addresses: Vec<Address> = doomed.iter().map(|one| one.address.clone()).collect();
            let action = Action::Terminate(doomed);
            let step = self.push(action, reason, BTreeSet::new());
            ended_by.extend(addresses.into_iter().map(|address| (address, step)));
        }
        ended_by
    }

    /// The ids of the security groups that a launch gives.
    pub(super) fn security_groups(&self, instance: &Instance) -> Result<Vec<String>, String> {
        self.security_groups_in(instance, network_of(instance, self.resolution))
    }

    fn security_groups_in(
        &self,
        instance: &Instance,
        network: Option<&str>,
    ) -> Result<Vec<String>, String> {
        let named = instance.security_groups.iter().map(|name| {
            let id = self.resolution.security_group(name, network);
            id.map(str::to_owned)
                .ok_or_else(|| format!("the security group {name}"))
        });
        let mut ids = named.collect::<Result<Vec<String>, String>>()?;
        if instance.needs_own_security_group() {
            ids.extend(self.network_plan.group_ids.get(&instance.group).cloned());
        }
        Ok(ids)
    }

    /// The security group of ours that an earlier step makes for this group.
    pub(super) fn own_group_to_be(&self, instance: &Instance) -> Option<Address> {
        let made = instance.needs_own_security_group()
            && !self.network_plan.group_ids.contains_key(&instance.group);
        made.then(|| Address::SecurityGroup(instance.group.clone()))
    }

    /// Why an instance is made anew: the user's word goes first, then the spec's, then AWS's.
    fn replacement_reason(&self, one: &Replaced<'_>) -> Reason {
        let fields = || one.changes.iter().map(|change| change.field.as_str());
        if fields().any(|field| field == "--replace") {
            return Reason::Requested;
        }
        let mut forced = one
            .changes
            .iter()
            .filter(|change| change.effect == Effect::Replace);
        // The spec asks for the image that it asked for before: the user wants a newer one.
        if self.context.upgrade_image
            && one.mark.image == one.after.image.tag_value()
            && forced.all(|change| change.field == "image")
        {
            return Reason::Requested;
        }
        match self.digests.get(&one.after.group) {
            Some(digest) if *digest == one.mark.spec => Reason::ImmutableDrift,
            Some(_) | None => Reason::Immutable,
        }
    }
}
