//! The part of what was seen that belongs to one environment.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::observed::Observed;
use crate::lease::{Deadline, deadline};
use crate::resource::{
    Address, Claim, Desired, EnvironmentName, GroupName, InstanceId, LiveInstance, LiveVolume,
    Mark, TOKEN_PREFIX, claim, volume_claim,
};

/// The names that an environment and its groups have, and had.
#[derive(Debug, Clone)]
pub(super) struct Names<'a> {
    environment: &'a EnvironmentName,
    before: Option<&'a EnvironmentName>,
    groups: BTreeMap<&'a GroupName, &'a GroupName>,
}

impl<'a> Names<'a> {
    fn only(environment: &'a EnvironmentName) -> Self {
        Self {
            environment,
            before: None,
            groups: BTreeMap::new(),
        }
    }

    pub(super) fn of(desired: &'a Desired) -> Self {
        let renamed = desired.groups.iter();
        Self {
            environment: &desired.environment,
            before: desired.renamed_from.as_ref(),
            groups: renamed
                .filter_map(|(name, group)| Some((group.renamed_from.as_ref()?, name)))
                .collect(),
        }
    }

    pub(super) fn is_own(&self, environment: &EnvironmentName) -> bool {
        environment == self.environment || Some(environment) == self.before
    }

    fn is_called(&self, environment: &str) -> bool {
        environment == self.environment.as_str()
            || self
                .before
                .is_some_and(|before| before.as_str() == environment)
    }

    /// The group's name now.
    pub(super) fn group(&self, name: &GroupName) -> GroupName {
        self.groups.get(name).copied().unwrap_or(name).clone()
    }
}

/// An instance that is provably ours, with what its tags say.
pub type Member<'a> = (&'a Arc<LiveInstance>, Arc<Mark>);

/// One environment's instances and volumes, sorted by what is known of them.
#[derive(Debug, Default)]
pub struct Inventory<'a> {
    /// Provably ours, by address; more than one alive at an address is a duplicate.
    pub members: BTreeMap<Address, Vec<Member<'a>>>,
    /// They name the environment, but the proof has a gap.
    pub unproven: Vec<(InstanceId, String)>,
    /// Those of them that were launched with a token of ours: one may be what is missing.
    pub suspects: BTreeSet<InstanceId>,
    /// A volume of ours says that they exist, and EC2 does not show them yet; since when it does.
    pub late: BTreeMap<InstanceId, Option<Timestamp>>,
    /// Provably ours and attached to nothing that we know alive.
    pub loose_volumes: Vec<&'a Arc<LiveVolume>>,
}

impl<'a> Inventory<'a> {
    /// Sorts out what belongs to `environment`.
    pub fn of(observed: &'a Observed, environment: &EnvironmentName) -> Self {
        Self::with_renames(observed, &Names::only(environment))
    }

    /// Sorts out what belongs to an environment under its name and the one before.
    ///
    /// Members of a group that was renamed stand at their new addresses.
    pub(super) fn with_renames(observed: &'a Observed, names: &Names<'_>) -> Self {
        let mut inventory = Self::default();
        for live in &observed.instances {
            match claim(live, &observed.account) {
                Claim::Ours(mark) if names.is_own(&mark.environment) => {
                    let address = Address::Instance {
                        group: names.group(&mark.group),
                        ordinal: mark.ordinal,
                    };
                    inventory
                        .members
                        .entry(address)
                        .or_default()
                        .push((live, Arc::from(mark)));
                }
                Claim::Unproven {
                    environment: claimed,
                    reason,
                } if names.is_called(&claimed) && live.state.is_alive() => {
                    inventory.unproven.push((live.id.clone(), reason));
                }
                Claim::Ours(_) | Claim::Unproven { .. } | Claim::Foreign => {}
            }
        }
        for instances in inventory.members.values_mut() {
            // The winner among duplicates is the same for everybody: the highest
            // incarnation, because there is one only after the one before had
            // ended; then the one launched first; then the lowest id.
            instances.sort_by_key(|(live, mark)| {
                (
                    Reverse(mark.incarnation),
                    live.first_launched,
                    live.id.clone(),
                )
            });
        }
        inventory.find_lost(observed, names);
        // A listing has no order, and a plan names the first of them.
        inventory.unproven.sort();
        inventory.unproven.dedup();
        let with_our_token = |live: &&Arc<LiveInstance>| {
            live.client_token
                .as_deref()
                .is_some_and(|token| token.starts_with(TOKEN_PREFIX))
        };
        let unproven: BTreeSet<&InstanceId> = inventory.unproven.iter().map(|(id, _)| id).collect();
        inventory.suspects = observed
            .instances
            .iter()
            .filter(with_our_token)
            .filter(|live| unproven.contains(&live.id))
            .map(|live| live.id.clone())
            .collect();
        inventory.loose_volumes = observed
            .volumes
            .iter()
            .filter(|volume| volume.attached_to.is_none() && volume.state != "deleting")
            .filter(|volume| {
                volume_claim(volume, &observed.account).is_some_and(|name| names.is_own(&name))
            })
            .collect();
        inventory
            .loose_volumes
            .sort_by(|one, other| one.id.cmp(&other.id));
        inventory
    }

    /// Sorts out instances that only a volume of ours speaks of.
    ///
    /// One that EC2 does not show at all is late; one that it shows without a
    /// proof of being ours is for somebody to look at.
    fn find_lost(&mut self, observed: &'a Observed, names: &Names<'_>) {
        let placed: BTreeSet<&InstanceId> = self
            .members
            .values()
            .flatten()
            .map(|(live, _)| &live.id)
            .collect();
        let unproven: BTreeSet<&InstanceId> = self.unproven.iter().map(|(id, _)| id).collect();
        let listed: BTreeMap<&InstanceId, &Arc<LiveInstance>> = observed
            .instances
            .iter()
            .map(|live| (&live.id, live))
            .collect();
        let mut lost: Vec<(InstanceId, String)> = Vec::new();
        for volume in &observed.volumes {
            let Some(id) = &volume.attached_to else {
                continue;
            };
            if placed.contains(id) || unproven.contains(id) {
                continue;
            }
            let claimed = volume_claim(volume, &observed.account);
            if !claimed.is_some_and(|name| names.is_own(&name)) {
                continue;
            }
            match listed.get(id) {
                Some(live) if live.state.is_alive() => {
                    let reason = "a volume of this environment is attached to it, and its own tags do not say so";
                    lost.push((id.clone(), reason.to_owned()));
                }
                Some(_) => {}
                None => {
                    // The volume attached last says for how long it is waited for.
                    let since = self.late.entry(id.clone()).or_default();
                    *since = (*since).max(volume.attached_at);
                }
            }
        }
        self.unproven.extend(lost);
    }

    /// Provably ours and alive, by address.
    pub fn alive(&self) -> impl Iterator<Item = (&Address, &'a Arc<LiveInstance>, &Arc<Mark>)> {
        self.members.iter().flat_map(|(address, instances)| {
            instances
                .iter()
                .filter(|(live, _)| live.state.is_alive())
                .map(move |(live, mark)| (address, *live, mark))
        })
    }

    /// When the first lease of those alive ends.
    pub fn deadline(&self) -> Option<Deadline> {
        self.alive()
            .map(|(_, live, mark)| deadline(live, mark))
            .min_by_key(|deadline| match deadline {
                Deadline::At(end) => Some(*end),
                Deadline::Unreadable => None,
            })
    }
}

/// Whether an address is one of the spec, or one that an instance of its environment has or had.
pub fn is_known(desired: &Desired, observed: &Observed, address: &Address) -> bool {
    desired.instances.contains_key(address)
        || Inventory::with_renames(observed, &Names::of(desired))
            .members
            .contains_key(address)
}

/// An environment of ours that no given spec names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OtherEnvironment {
    /// Its name as its tags say it.
    pub environment: String,
    /// How many of its instances are alive.
    pub instances: usize,
    /// How many of its volumes are attached to nothing.
    pub loose_volumes: usize,
    /// When its first lease ends; nothing where that cannot be read.
    pub lease_ends: Option<Timestamp>,
}

/// Environments of ours with something alive that are not among `named`.
pub fn other_environments(
    observed: &Observed,
    named: &BTreeSet<EnvironmentName>,
) -> Vec<OtherEnvironment> {
    let mut ours: BTreeSet<EnvironmentName> = BTreeSet::new();
    for live in &observed.instances {
        if let Claim::Ours(mark) = claim(live, &observed.account) {
            ours.insert(mark.environment);
        }
    }
    ours.extend(
        observed
            .volumes
            .iter()
            .filter_map(|volume| volume_claim(volume, &observed.account)),
    );
    ours.difference(named)
        .filter_map(|name| {
            let inventory = Inventory::of(observed, name);
            let instances = inventory.alive().count();
            let lease_ends = match inventory.deadline() {
                Some(Deadline::At(end)) => Some(end),
                Some(Deadline::Unreadable) | None => None,
            };
            let loose_volumes = inventory.loose_volumes.len();
            (instances + loose_volumes > 0).then(|| OtherEnvironment {
                environment: name.to_string(),
                instances,
                loose_volumes,
                lease_ends,
            })
        })
        .collect()
}
