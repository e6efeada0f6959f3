//! Launches as steps: what is launched together, how, and what follows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::action::{Action, Introduction, Launch};
use super::candidates::{Choices, choices, no_candidate};
use super::decide::{Decisions, Replaced};
use super::held::{Held, Note};
use super::step::{Reason, StepId};
use super::wanted::pinned_image;
use super::write::Steps;
use crate::resource::{
    Address, Digest, GroupName, Instance, LONGEST_VALUE, LaunchIdentity, Ordinals, ResolvedImage,
};

/// The most instances that one call launches.
///
/// AWS advises to break large launches into smaller ones, such as five of a
/// hundred (EC2 API, `RunInstances`).
pub const LARGEST_LAUNCH: u32 = 100;

type Members = Vec<(u32, Arc<Instance>)>;

/// What a launch of a group needs, found.
struct Ready {
    image: ResolvedImage,
    security_groups: Vec<String>,
    choices: Choices,
}

impl Steps<'_> {
    /// Nothing is ended for the sake of a launch that cannot be made.
    pub(super) fn can_launch_anew(
        &mut self,
        one: &Replaced<'_>,
        decisions: &Decisions<'_>,
    ) -> bool {
        let Err(what) = self.ready(&one.after, decisions) else {
            return true;
        };
        self.held.push(Held::Unresolved {
            address: one.address.clone(),
            what,
        });
        false
    }

    pub(super) fn launches(
        &mut self,
        missing: BTreeMap<GroupName, Members>,
        decisions: &Decisions<'_>,
        before: &BTreeMap<Address, StepId>,
    ) {
        for (group, mut members) in missing {
            members.sort_by_key(|(ordinal, _)| *ordinal);
            let Some((_, instance)) = members.first() else {
                continue;
            };
            let ready = match self.ready(instance, decisions) {
                Ok(ready) => ready,
                Err(what) => {
                    self.held
                        .extend(members.iter().map(|(ordinal, _)| Held::Unresolved {
                            address: address(&group, *ordinal),
                            what: what.clone(),
                        }));
                    continue;
                }
            };
            self.image_notes(&group, &ready);
            for batch in batches(members) {
                let addresses = batch.iter().map(|(ordinal, _)| address(&group, *ordinal));
                let ended: BTreeSet<StepId> = addresses
                    .filter_map(|address| before.get(&address).copied())
                    .collect();
                self.launch(&group, &batch, (decisions, &ready), &ended);
            }
        }
    }

    fn launch(
        &mut self,
        group: &GroupName,
        batch: &[(u32, Arc<Instance>)],
        (decisions, ready): (&Decisions<'_>, &Ready),
        ended: &BTreeSet<StepId>,
    ) {
        let Some((_, instance)) = batch.first() else {
            return;
        };
        let ordinals: Ordinals = batch.iter().map(|(ordinal, _)| *ordinal).collect();
        let incarnation = ordinals
            .iter()
            .filter_map(|ordinal| decisions.incarnations.get(&(group.clone(), ordinal)))
            .max()
            .copied()
            .unwrap_or(0);
        let key = self.network_plan.key_names.get(group).cloned();
        let launch = Launch {
            identity: LaunchIdentity {
                account: self.desired.target.account.clone(),
                region: self.desired.target.region.clone(),
                place: instance.placement.place().to_owned(),
                environment: self.desired.environment.clone(),
                group: group.clone(),
                ordinals,
                parameters: self.parameters(instance, ready),
            },
            incarnation,
            instance: Arc::clone(instance),
            image: ready.image.clone(),
            security_groups: ready.security_groups.clone(),
            own_group: self.own_group_to_be(instance),
            key: instance.key.clone().or(key),
            placement_group: self.network_plan.placement_names.get(group).cloned(),
            least: self.least(group, batch.len()),
            candidates: ready.choices.candidates.clone(),
            rejected: ready.choices.rejected.clone(),
        };
        let numbers: Vec<u32> = launch.identity.ordinals.iter().collect();
        let reason = if ended.is_empty() {
            Reason::Missing
        } else {
            Reason::Immutable
        };
        let needed = [
            Address::SecurityGroup(group.clone()),
            Address::KeyPair(group.clone()),
            Address::PlacementGroup(group.clone()),
        ];
        let needed = needed
            .iter()
            .filter_map(|one| self.made_by.get(one).copied());
        let after = ended.iter().copied().chain(needed).collect();
        let step = self.push(Action::Launch(launch), reason, after);
        let (steps, launched) = self.launched_by.entry(group.clone()).or_default();
        steps.insert(step);
        launched.extend(numbers);
    }

    /// Digest of what is launched, however and wherever it is tried.
    ///
    /// What is made for a group is no part of it: before it is made it has no id, and a
    /// run that goes on after that would launch a second time.
    fn parameters(&self, instance: &Instance, ready: &Ready) -> Digest {
        let made = self.network_plan.group_ids.get(&instance.group);
        let named: Vec<&String> = ready
            .security_groups
            .iter()
            .filter(|id| Some(*id) != made)
            .collect();
        Digest::of(&(instance.launch_digest(), &ready.image.id, named))
    }

    /// How many of a batch will do: its share of the group's `min`, rounded up.
    fn least(&self, group: &GroupName, batch: usize) -> u32 {
        let all = u32::try_from(batch).unwrap_or(u32::MAX);
        let group = self.desired.groups.get(group);
        let Some((min, count)) = group.and_then(|group| Some((group.min?, group.count))) else {
            return all;
        };
        let share = (u64::from(all) * u64::from(min)).div_ceil(u64::from(count.max(1)));
        u32::try_from(share).unwrap_or(all).clamp(1, all)
    }

    /// The image, the ids of the security groups and what to try; the error names what is missing.
    fn ready(&self, instance: &Instance, decisions: &Decisions<'_>) -> Result<Ready, String> {
        let pinned = pinned_image(decisions, instance, self.context);
        let selector = pinned.as_ref().unwrap_or(&instance.image);
        let image = self.resolution.images.get(selector);
        let image = image.ok_or_else(|| format!("the image {selector}"))?;
        let security_groups = self.security_groups(instance)?;
        let choices = choices(instance, image, self.resolution);
        if choices.candidates.is_empty() {
            return Err(no_candidate(instance, &choices).0);
        }
        let imports = instance.ssh.as_ref();
        let imports = imports.is_some_and(|ssh| ssh.public_key.is_some());
        if imports && !self.network_plan.key_names.contains_key(&instance.group) {
            return Err("its public key".to_owned());
        }
        Ok(Ready {
            image: image.clone(),
            security_groups,
            choices,
        })
    }

    fn image_notes(&mut self, group: &GroupName, ready: &Ready) {
        let image = &ready.image;
        if image.is_deprecated(self.context.now) {
            self.notes.push(Note::ImageWarning {
                group: group.clone(),
                text: format!(
                    "{} ({}) is deprecated since {}; name a newer one",
                    image.id,
                    image.name,
                    image
                        .deprecated
                        .as_deref()
                        .and_then(|at| at.get(..10))
                        .unwrap_or("some day")
                ),
            });
        }
        for text in &ready.choices.warnings {
            self.notes.push(Note::ImageWarning {
                group: group.clone(),
                text: text.clone(),
            });
        }
    }

    /// Members of a distributed group are told of one another whenever they have changed.
    pub(super) fn introductions(&mut self, decisions: &Decisions<'_>) {
        for (name, group) in &self.desired.groups {
            if !group.instance.distributed {
                continue;
            }
            let (steps, launched) = self.launched_by.remove(name).unwrap_or_default();
            let members = decisions.members.get(name);
            let addresses: Vec<Option<String>> = members
                .into_iter()
                .flat_map(BTreeMap::values)
                .map(|(live, _)| live.private_address.clone())
                .collect();
            let told = |mark: &crate::resource::Mark| {
                let told = mark.members.iter().map(|address| Some(address.clone()));
                told.eq(addresses.iter().cloned())
            };
            let all_told = members
                .into_iter()
                .flat_map(BTreeMap::values)
                .all(|(_, mark)| told(mark));
            if (all_told && launched.is_empty())
                || !self
                    .context
                    .targets
                    .includes(&Address::SecurityGroup(name.clone()))
            {
                continue;
            }
            let members = members.into_iter().flatten();
            let introduction = Introduction {
                group: name.clone(),
                members: members
                    .map(|(number, (live, _))| (*number, live.id.clone()))
                    .collect(),
                launched: launched.into_iter().collect(),
            };
            self.push(
                Action::Introduce(introduction),
                Reason::MembersChanged,
                steps,
            );
        }
    }
}

fn address(group: &GroupName, ordinal: u32) -> Address {
    Address::Instance {
        group: group.clone(),
        ordinal,
    }
}

/// What is launched in one call each: numbers of one hundred, with so few gaps that one tag names them.
///
/// Members come lowest first, so two machines that miss the same members part them alike.
fn batches(members: Members) -> Vec<Members> {
    let mut batches: Vec<Members> = Vec::new();
    let mut written = Ordinals::default();
    for (ordinal, instance) in members {
        let more: Ordinals = written.iter().chain([ordinal]).collect();
        let fits = more.to_string().len() <= LONGEST_VALUE;
        let same_hundred = written.iter().next().map(|first| first / LARGEST_LAUNCH)
            == Some(ordinal / LARGEST_LAUNCH);
        match batches.last_mut() {
            Some(batch) if fits && same_hundred => {
                batch.push((ordinal, instance));
                written = more;
            }
            Some(_) | None => {
                batches.push(vec![(ordinal, instance)]);
                written = std::iter::once(ordinal).collect();
            }
        }
    }
    batches
}
