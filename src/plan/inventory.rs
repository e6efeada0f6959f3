//! The part of what was seen that belongs to one environment.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use super::observed::Observed;
use crate::lease::{Deadline, deadline};
use crate::resource::{
    Address, Claim, EnvironmentName, InstanceId, LiveInstance, LiveVolume, Mark, TOKEN_PREFIX,
    claim, volume_claim,
};

/// One environment's instances and volumes, sorted by what is known of them.
#[derive(Debug, Default)]
pub struct Inventory {
    /// Provably ours, by address; more than one alive at an address is a duplicate.
    pub members: BTreeMap<Address, Vec<(LiveInstance, Mark)>>,
    /// They name the environment, but the proof has a gap.
    pub unproven: Vec<(InstanceId, String)>,
    /// Those of them that were launched with a token of ours: one may be what is missing.
    pub suspects: BTreeSet<InstanceId>,
    /// A volume of ours says that they exist, and EC2 does not show them yet; since when it does.
    pub late: BTreeMap<InstanceId, Option<Timestamp>>,
    /// Provably ours and attached to nothing that we know alive.
    pub loose_volumes: Vec<LiveVolume>,
}

impl Inventory {
    /// Sorts out what belongs to `environment`.
    pub fn of(observed: &Observed, environment: &EnvironmentName) -> Self {
        let mut inventory = Self::default();
        for live in &observed.instances {
            match claim(live, &observed.account) {
                Claim::Ours(mark) if mark.environment == *environment => {
                    let address = Address::Instance {
                        group: mark.group.clone(),
                        ordinal: mark.ordinal,
                    };
                    inventory
                        .members
                        .entry(address)
                        .or_default()
                        .push((live.clone(), *mark));
                }
                Claim::Unproven {
                    environment: named,
                    reason,
                } if named == environment.as_str() && live.state.is_alive() => {
                    inventory.unproven.push((live.id.clone(), reason));
                }
                Claim::Ours(_) | Claim::Unproven { .. } | Claim::Foreign => {}
            }
        }
        for instances in inventory.members.values_mut() {
            // The winner among duplicates is the same for everybody: the highest
            // incarnation, because there is one only after the one before had
            // ended; then the one launched first; then the lowest id.
            instances.sort_by(|(one, mark), (other, other_mark)| {
                let key = |live: &LiveInstance, mark: &Mark| {
                    (
                        Reverse(mark.incarnation),
                        live.first_launched,
                        live.id.clone(),
                    )
                };
                key(one, mark).cmp(&key(other, other_mark))
            });
        }
        inventory.find_lost(observed, environment);
        // A listing has no order, and a plan names the first of them.
        inventory.unproven.sort();
        inventory.unproven.dedup();
        let with_our_token = |live: &&LiveInstance| {
            live.client_token
                .as_deref()
                .is_some_and(|token| token.starts_with(TOKEN_PREFIX))
        };
        inventory.suspects = observed
            .instances
            .iter()
            .filter(with_our_token)
            .filter(|live| inventory.unproven.iter().any(|(id, _)| *id == live.id))
            .map(|live| live.id.clone())
            .collect();
        inventory.loose_volumes = observed
            .volumes
            .iter()
            .filter(|volume| volume_claim(volume, &observed.account).as_ref() == Some(environment))
            .filter(|volume| volume.attached_to.is_none() && volume.state != "deleting")
            .cloned()
            .collect();
        inventory
    }

    /// Sorts out instances that only a volume of ours speaks of.
    ///
    /// One that EC2 does not show at all is late; one that it shows without a
    /// proof of being ours is for somebody to look at.
    fn find_lost(&mut self, observed: &Observed, environment: &EnvironmentName) {
        let placed: BTreeSet<&InstanceId> = self
            .members
            .values()
            .flatten()
            .map(|(live, _)| &live.id)
            .collect();
        let named: BTreeSet<&InstanceId> = self.unproven.iter().map(|(id, _)| id).collect();
        let mut lost: Vec<(InstanceId, String)> = Vec::new();
        for volume in &observed.volumes {
            let ours = volume_claim(volume, &observed.account).as_ref() == Some(environment);
            let Some(id) = volume.attached_to.as_ref().filter(|_| ours) else {
                continue;
            };
            if placed.contains(id) || named.contains(id) {
                continue;
            }
            match observed.instances.iter().find(|live| live.id == *id) {
                Some(live) if live.state.is_alive() => {
                    let reason = "a volume of this environment is attached to it, and its own tags do not say so";
                    lost.push((id.clone(), reason.to_owned()));
                }
                Some(_) => {}
                None => {
                    self.late.insert(id.clone(), volume.attached_at);
                }
            }
        }
        self.unproven.extend(lost);
    }

    /// Provably ours and alive, by address.
    pub fn alive(&self) -> impl Iterator<Item = (&Address, &LiveInstance, &Mark)> {
        self.members.iter().flat_map(|(address, instances)| {
            instances
                .iter()
                .filter(|(live, _)| live.state.is_alive())
                .map(move |(live, mark)| (address, live, mark))
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
