//! Decisions as steps, in an order in which they can be run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::decide::Replaced;
use super::observed::{Observed, Resolution};
use super::planner::{Context, LARGEST_LAUNCH, is_unreadable};
use super::step::{Action, Change, Doomed, Held, Launch, Reason, Step, StepId};
use crate::resource::{
    Address, Desired, Digest, Effect, GroupName, Instance, LaunchIdentity, Ordinals, ResolvedImage,
};

/// Writes decisions down as steps.
pub(super) struct Steps<'a> {
    desired: &'a Desired,
    resolution: &'a Resolution,
    pub(super) written: Vec<Step>,
    pub(super) held: Vec<Held>,
}

impl<'a> Steps<'a> {
    pub(super) fn new(desired: &'a Desired, resolution: &'a Resolution, held: Vec<Held>) -> Self {
        Self {
            desired,
            resolution,
            written: Vec::new(),
            held,
        }
    }

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

    pub(super) fn files(&mut self, observed: &Observed) {
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
    pub(super) fn deletions(&mut self, deleted: Vec<(Doomed, Reason, bool)>, context: &Context) {
        let mut by_reason: BTreeMap<Reason, Vec<Doomed>> = BTreeMap::new();
        for (mut doomed, reason, protected) in deleted {
            if protected && !context.lift_protection {
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

    pub(super) fn changes(&mut self, changed: Vec<Change>) {
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

    /// Nothing is ended for the sake of a launch that cannot be made.
    pub(super) fn can_launch_anew(&mut self, one: &Replaced) -> bool {
        let Err(what) = self.resolve(&one.after) else {
            return true;
        };
        self.held.push(Held::Unresolved {
            address: one.address.clone(),
            what,
        });
        false
    }

    /// Terminates what is replaced, group by group; the step that ends each of them.
    pub(super) fn replacements(
        &mut self,
        replaced: &[Replaced],
        context: &Context,
    ) -> BTreeMap<Address, StepId> {
        let mut by_group: BTreeMap<GroupName, Vec<Doomed>> = BTreeMap::new();
        for one in replaced {
            if !one.may_go(context) {
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
                .entry(one.after.group.clone())
                .or_default()
                .push(Doomed {
                    address: one.address.clone(),
                    id: one.live.id.clone(),
                    replaced_because: one.changes.clone(),
                    unprotect: one.mark.protect,
                });
        }
        let mut ended_by = BTreeMap::new();
        for doomed in by_group.into_values() {
            let addresses: Vec<Address> = doomed.iter().map(|one| one.address.clone()).collect();
            let action = Action::Terminate(doomed);
            let step = self.push(action, Reason::Immutable, BTreeSet::new());
            ended_by.extend(addresses.into_iter().map(|address| (address, step)));
        }
        ended_by
    }

    pub(super) fn launches(
        &mut self,
        missing: BTreeMap<GroupName, Vec<(u32, Arc<Instance>)>>,
        incarnations: &BTreeMap<(GroupName, u32), u32>,
        before: &BTreeMap<Address, StepId>,
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
            for batch in batches.into_values() {
                let addresses = batch.iter().map(|(ordinal, _)| Address::Instance {
                    group: group.clone(),
                    ordinal: *ordinal,
                });
                let after = addresses
                    .filter_map(|address| before.get(&address).copied())
                    .collect();
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
        let (image, security_groups) = match self.resolve(instance) {
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

    /// The image and the ids of the security groups; the error names what was not found.
    fn resolve(&self, instance: &Instance) -> Result<(ResolvedImage, Vec<String>), String> {
        let image = self.resolution.images.get(&instance.image);
        let image = image.ok_or_else(|| format!("the image {}", instance.image))?;
        Ok((image.clone(), self.security_groups(instance)?))
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
