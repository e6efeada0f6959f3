//! What goes with groups of instances: security groups, key pairs, placement groups.
//!
//! None of it costs anything, and all of it is found again by its tags. It is made
//! before the instances and deleted after them.

use std::collections::{BTreeMap, BTreeSet};

use super::action::{
    KeyImport, NetworkObject, PlacementGroupCreation, RetaggedObject, SecurityGroupChange,
};
use super::context::Context;
use super::decide::Decisions;
use super::inventory::Names;
use super::observed::{Observed, Resolution};
use super::step::Reason;
use crate::resource::{
    Address, Claim, Desired, Group, GroupName, Instance, LiveInstance, OWN_NAME_PREFIX, OwnNetwork,
    OwnSecurityGroup, Placement, SshSource, claim, object_claim, object_tags, own_key_name,
    own_name, wanted_rules,
};

/// What is to be made, changed and deleted, and where launches find it.
#[derive(Debug, Default)]
pub(super) struct NetworkPlan {
    pub(super) security_groups: Vec<(SecurityGroupChange, Reason)>,
    pub(super) keys: Vec<KeyImport>,
    pub(super) placement_groups: Vec<PlacementGroupCreation>,
    pub(super) retagged: Vec<RetaggedObject>,
    pub(super) unused: Vec<NetworkObject>,
    /// The ids of security groups that exist.
    pub(super) group_ids: BTreeMap<GroupName, String>,
    /// The names of key pairs and placement groups, existing or made.
    pub(super) key_names: BTreeMap<GroupName, String>,
    pub(super) placement_names: BTreeMap<GroupName, String>,
}

/// Whether anything besides instances and volumes has to be looked at.
pub fn needs_network(desired: &Desired, observed: &Observed) -> bool {
    let asked = desired.groups.values().any(|group| {
        let instance = &group.instance;
        instance.needs_own_security_group() || instance.cluster
    });
    let names = Names::of(desired);
    let in_own_group = |live: &LiveInstance| {
        let mut groups = live.security_groups.iter();
        groups.any(|group| group.name.starts_with(OWN_NAME_PREFIX))
    };
    // A security group keeps its name when its environment gets another one, so
    // whose it is stands on the instance.
    let is_own = |live: &LiveInstance| match claim(live, &observed.account) {
        Claim::Ours(mark) => names.is_own(&mark.environment),
        Claim::Unproven { .. } | Claim::Foreign => false,
    };
    let mut alive = observed.instances.iter();
    asked || alive.any(|live| live.state.is_alive() && in_own_group(live) && is_own(live))
}

/// Whether the caller's own address has to be known.
pub fn needs_address(desired: &Desired) -> bool {
    let mut sources = desired
        .groups
        .values()
        .filter_map(|group| group.instance.ssh.as_ref())
        .flat_map(|ssh| &ssh.from);
    sources.any(|source| *source == SshSource::Me)
}

impl NetworkPlan {
    pub(super) fn of(
        desired: &Desired,
        observed: &Observed,
        (resolution, context): (&Resolution, &Context),
        decisions: &Decisions<'_>,
    ) -> Self {
        let mut plan = Self::default();
        let Some(network) = &observed.network else {
            return plan;
        };
        let names = Names::of(desired);
        let own = Own::of(network, observed, &names);
        for (name, group) in &desired.groups {
            let address = Address::SecurityGroup(name.clone());
            if !context.targets.includes(&address) {
                plan.remember(&own, name);
                continue;
            }
            plan.security_group(desired, (name, group), (&own, resolution, context));
            let launches = decisions.missing.contains_key(name)
                || decisions
                    .replaced
                    .iter()
                    .any(|one| one.after.group == *name);
            if launches {
                plan.key(desired, (name, group), (&own, context));
                plan.placement_group(desired, (name, group), &own);
            }
        }
        plan.retag(desired, network, (observed, context));
        if context.targets.0.is_empty() {
            plan.find_unused(desired, &own, decisions);
        }
        plan
    }

    /// Key pairs and placement groups that still wear an old name of the environment or the group.
    fn retag(
        &mut self,
        desired: &Desired,
        network: &OwnNetwork,
        (observed, context): (&Observed, &Context),
    ) {
        let names = Names::of(desired);
        let keys = network.key_pairs.iter();
        let keys = keys.map(|one| {
            let address: fn(GroupName) -> Address = Address::KeyPair;
            (address, &one.id, &one.name, &one.tags)
        });
        let groups = network.placement_groups.iter();
        let groups = groups.map(|one| {
            let address: fn(GroupName) -> Address = Address::PlacementGroup;
            (address, &one.id, &one.name, &one.tags)
        });
        for (address, id, name, tags) in keys.chain(groups) {
            let Some((environment, group)) = object_claim(tags, &observed.account) else {
                continue;
            };
            let group = names.group(&group);
            let address = address(group.clone());
            if !names.is_own(&environment) || !context.targets.includes(&address) {
                continue;
            }
            let mut new = object_tags(&desired.environment, &desired.target.account, &group);
            new.retain(|key, value| tags.get(key) != Some(value));
            if !new.is_empty() {
                self.retagged.push(RetaggedObject {
                    address,
                    id: id.clone(),
                    name: name.clone(),
                    tags: new,
                });
            }
        }
    }

    /// What is left alone can be used all the same.
    fn remember(&mut self, own: &Own<'_>, name: &GroupName) {
        if let Some(group) = own.security_groups.get(name).and_then(|all| all.first()) {
            self.group_ids.insert(name.clone(), group.id.clone());
        }
    }

    fn security_group(
        &mut self,
        desired: &Desired,
        (name, group): (&GroupName, &Group),
        (own, resolution, context): (&Own<'_>, &Resolution, &Context),
    ) {
        let instance = &group.instance;
        let network = network_of(instance, resolution);
        let fits = |group: &&&OwnSecurityGroup| {
            let both = network.zip(group.network.as_deref());
            both.is_none_or(|(wanted, has)| wanted == has)
        };
        let existing = own
            .security_groups
            .get(name)
            .and_then(|groups| groups.iter().find(fits));
        let tags = object_tags(&desired.environment, &desired.target.account, name);
        let address = Address::SecurityGroup(name.clone());
        let Some(existing) = existing else {
            if instance.needs_own_security_group() {
                let change = SecurityGroupChange {
                    address,
                    existing: None,
                    name: own_name(&desired.environment, name, &own.names),
                    network: network.map(str::to_owned),
                    add: wanted_rules(instance, &context.caller),
                    remove: BTreeSet::new(),
                    tags,
                };
                self.security_groups.push((change, Reason::Missing));
            }
            return;
        };
        self.group_ids.insert(name.clone(), existing.id.clone());
        let (add, remove) = existing.rule_changes(instance, &context.caller);
        let tags: BTreeMap<String, String> = tags
            .into_iter()
            .filter(|(key, value)| existing.tags.get(key) != Some(value))
            .collect();
        if add.is_empty() && remove.is_empty() && tags.is_empty() {
            return;
        }
        let drifted = remove.iter().any(|rule| !rule.is_ours());
        let change = SecurityGroupChange {
            address,
            existing: Some(existing.id.clone()),
            name: existing.name.clone(),
            network: existing.network.clone(),
            add,
            remove,
            tags,
        };
        let reason = if drifted {
            Reason::Drifted
        } else {
            Reason::Edited
        };
        self.security_groups.push((change, reason));
    }

    fn key(
        &mut self,
        desired: &Desired,
        (name, group): (&GroupName, &Group),
        (own, context): (&Own<'_>, &Context),
    ) {
        let imports = group.instance.ssh.as_ref();
        let imports = imports.is_some_and(|ssh| ssh.public_key.is_some());
        let Some(key) = context.public_keys.get(name).filter(|_| imports) else {
            return;
        };
        let key_name = own_key_name(&desired.environment, name, key);
        if !own.keys.contains(&key_name) {
            self.keys.push(KeyImport {
                address: Address::KeyPair(name.clone()),
                name: key_name.clone(),
                key: key.clone(),
                tags: object_tags(&desired.environment, &desired.target.account, name),
            });
        }
        self.key_names.insert(name.clone(), key_name);
    }

    fn placement_group(
        &mut self,
        desired: &Desired,
        (name, group): (&GroupName, &Group),
        own: &Own<'_>,
    ) {
        if !group.instance.cluster {
            return;
        }
        if let Some(existing) = own.placement_groups.get(name) {
            self.placement_names
                .insert(name.clone(), (*existing).clone());
            return;
        }
        let own_name = own_name(&desired.environment, name, &own.names);
        self.placement_groups.push(PlacementGroupCreation {
            address: Address::PlacementGroup(name.clone()),
            name: own_name.clone(),
            tags: object_tags(&desired.environment, &desired.target.account, name),
        });
        self.placement_names.insert(name.clone(), own_name);
    }

    /// Security groups that no instance will be in once the plan is carried out.
    fn find_unused(&mut self, desired: &Desired, own: &Own<'_>, decisions: &Decisions<'_>) {
        let stay = decisions
            .members
            .values()
            .flat_map(BTreeMap::values)
            .flat_map(|(live, _)| &live.security_groups);
        let mut used: BTreeSet<&str> = stay.map(|group| group.id.as_str()).collect();
        let changed = decisions.changed.iter().filter(|change| {
            let fields = &change.changes;
            fields
                .iter()
                .any(|change| change.field == "security_groups")
        });
        for change in changed {
            for group in &change.before.security_groups {
                // A group that the change takes away is not used by this one any more.
                if group.name.starts_with(OWN_NAME_PREFIX)
                    && !change.after.needs_own_security_group()
                {
                    used.remove(group.id.as_str());
                }
            }
        }
        for (name, groups) in &own.security_groups {
            let wanted = desired
                .groups
                .get(name)
                .is_some_and(|group| group.instance.needs_own_security_group());
            for group in groups {
                if !wanted && !used.contains(group.id.as_str()) {
                    self.security_groups
                        .retain(|(change, _)| change.existing.as_ref() != Some(&group.id));
                    self.unused.push(NetworkObject {
                        address: Address::SecurityGroup(name.clone()),
                        id: group.id.clone(),
                        name: group.name.clone(),
                    });
                }
            }
        }
    }
}

/// The network that a group is launched in, where it is known.
fn network_of<'a>(instance: &Instance, resolution: &'a Resolution) -> Option<&'a str> {
    match &instance.placement {
        Placement::Subnet(subnet) => resolution
            .subnets
            .get(subnet)
            .map(|subnet| subnet.network.as_str()),
        Placement::Any | Placement::Zone(_) => resolution.default_network.as_deref(),
    }
}

/// What of ours belongs to the environment, by group.
#[derive(Debug, Default)]
struct Own<'a> {
    security_groups: BTreeMap<GroupName, Vec<&'a OwnSecurityGroup>>,
    keys: BTreeSet<String>,
    placement_groups: BTreeMap<GroupName, &'a String>,
    /// Names that are taken.
    names: BTreeSet<String>,
}

impl<'a> Own<'a> {
    fn of(network: &'a OwnNetwork, observed: &Observed, names: &Names<'_>) -> Self {
        let mut own = Self::default();
        let group_of = |tags: &BTreeMap<String, String>| {
            let (environment, group) = object_claim(tags, &observed.account)?;
            names.is_own(&environment).then(|| names.group(&group))
        };
        for group in &network.security_groups {
            own.names.insert(group.name.clone());
            if let Some(name) = group_of(&group.tags) {
                own.security_groups.entry(name).or_default().push(group);
            }
        }
        for key in &network.key_pairs {
            if group_of(&key.tags).is_some() {
                own.keys.insert(key.name.clone());
            }
        }
        for group in &network.placement_groups {
            own.names.insert(group.name.clone());
            if let Some(name) = group_of(&group.tags) {
                own.placement_groups.insert(name, &group.name);
            }
        }
        own
    }
}

/// Everything of an environment that `destroy` deletes after its instances.
pub(super) fn everything_of(
    observed: &Observed,
    environment: &crate::resource::EnvironmentName,
) -> Vec<NetworkObject> {
    let Some(network) = &observed.network else {
        return Vec::new();
    };
    let group_of = |tags: &BTreeMap<String, String>| {
        let (name, group) = object_claim(tags, &observed.account)?;
        (name == *environment).then_some(group)
    };
    let mut objects = Vec::new();
    for group in &network.security_groups {
        objects.extend(group_of(&group.tags).map(|name| NetworkObject {
            address: Address::SecurityGroup(name),
            id: group.id.clone(),
            name: group.name.clone(),
        }));
    }
    for key in &network.key_pairs {
        objects.extend(group_of(&key.tags).map(|name| NetworkObject {
            address: Address::KeyPair(name),
            id: key.id.clone(),
            name: key.name.clone(),
        }));
    }
    for group in &network.placement_groups {
        objects.extend(group_of(&group.tags).map(|name| NetworkObject {
            address: Address::PlacementGroup(name),
            id: group.name.clone(),
            name: group.name.clone(),
        }));
    }
    objects
}
