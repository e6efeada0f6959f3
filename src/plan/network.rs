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
    Address, Claim, Desired, Group, GroupName, Instance, InstanceId, LiveInstance, OWN_NAME_PREFIX,
    OwnNetwork, OwnSecurityGroup, Placement, PublicKey, SshSource, claim, network_claim,
    object_tags, own_key_name, own_name, short_fingerprint, wanted_rules,
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
    /// The networks that security groups are in or made in, where they are known.
    pub(super) group_networks: BTreeMap<GroupName, String>,
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
            let place = Place::of((name, group), (resolution, context), decisions);
            if !context.targets.includes(&address) {
                plan.remember(&own, name, &place);
                continue;
            }
            plan.security_group(desired, (name, group), (&own, &place, context));
            if place.launches {
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
            let Some((environment, group)) = network_claim(name, tags, &observed.account) else {
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
    fn remember(&mut self, own: &Own<'_>, name: &GroupName, place: &Place<'_>) {
        if let Some(group) = place.choose(own, name) {
            self.group_ids.insert(name.clone(), group.id.clone());
            self.group_networks
                .extend(group.network.clone().map(|network| (name.clone(), network)));
        }
    }

    fn security_group(
        &mut self,
        desired: &Desired,
        (name, group): (&GroupName, &Group),
        (own, place, context): (&Own<'_>, &Place<'_>, &Context),
    ) {
        let instance = &group.instance;
        self.remember(own, name, place);
        let existing = place.choose(own, name);
        let tags = object_tags(&desired.environment, &desired.target.account, name);
        let address = Address::SecurityGroup(name.clone());
        let Some(existing) = existing else {
            if instance.needs_own_security_group() {
                let change = SecurityGroupChange {
                    address,
                    existing: None,
                    name: own_name(&desired.environment, name, &own.names),
                    network: place.network.map(str::to_owned),
                    add: wanted_rules(instance, &context.caller),
                    remove: BTreeSet::new(),
                    tags,
                };
                self.group_networks.extend(
                    place
                        .network
                        .map(|network| (name.clone(), network.to_owned())),
                );
                self.security_groups.push((change, Reason::Missing));
            }
            return;
        };
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
        if let Some(imported) = own.key(name, key) {
            self.key_names.insert(name.clone(), imported.to_owned());
            return;
        }
        let key_name = own_key_name(&desired.environment, name, key, &own.key_names);
        self.keys.push(KeyImport {
            address: Address::KeyPair(name.clone()),
            name: key_name.clone(),
            key: key.clone(),
            tags: object_tags(&desired.environment, &desired.target.account, name),
        });
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
        // A group that the change takes away is not used by this one any more.
        let loses_own_group: BTreeSet<&InstanceId> = decisions
            .changed
            .iter()
            .filter(|change| !change.after.needs_own_security_group())
            .filter(|change| {
                let mut fields = change.changes.iter();
                fields.any(|change| change.field == "security_groups")
            })
            .map(|change| &change.before.id)
            .collect();
        let mut used: BTreeSet<&str> = BTreeSet::new();
        for live in &decisions.stay {
            let groups = live.security_groups.iter().filter(|group| {
                let own = group.name.starts_with(OWN_NAME_PREFIX);
                !own || !loses_own_group.contains(&live.id)
            });
            used.extend(groups.map(|group| group.id.as_str()));
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

/// Where the instances of a group are, and are to be.
struct Place<'a> {
    /// Whether any is launched.
    launches: bool,
    /// The network of those that are launched; without any, of those that are there.
    network: Option<&'a str>,
    /// Those that are there and stay, or are taken over.
    there: Vec<&'a LiveInstance>,
}

impl<'a> Place<'a> {
    fn of(
        (name, group): (&GroupName, &'a Group),
        (resolution, context): (&'a Resolution, &Context),
        decisions: &'a Decisions<'_>,
    ) -> Self {
        let replaced = decisions
            .replaced
            .iter()
            .any(|one| one.after.group == *name && one.may_go(context));
        let launches = replaced || decisions.missing.contains_key(name);
        let members = decisions.members.get(name).into_iter();
        let members = members.flat_map(BTreeMap::values);
        let adopted = decisions.adopted.iter();
        let adopted = adopted.filter(|change| change.after.group == *name);
        let there: Vec<&LiveInstance> = members
            .map(|(live, _)| live.as_ref())
            .chain(adopted.map(|change| change.before.as_ref()))
            .collect();
        let to_be = network_of(&group.instance, resolution);
        let is = there.iter().find_map(|live| live.network.as_deref());
        Self {
            launches,
            network: if launches { to_be } else { is.or(to_be) },
            there,
        }
    }

    /// The security group of ours that the instances use, among those that there are.
    ///
    /// After a move there can be one in each network. What is launched needs the one in
    /// its network; else the one in use goes first, so that nobody loses it.
    fn choose<'b>(&self, own: &Own<'b>, name: &GroupName) -> Option<&'b OwnSecurityGroup> {
        let groups = own.security_groups.get(name)?;
        let fits = |group: &OwnSecurityGroup| {
            let both = self.network.zip(group.network.as_deref());
            both.is_none_or(|(wanted, has)| wanted == has)
        };
        let worn = |group: &OwnSecurityGroup| {
            let mut all = self.there.iter().flat_map(|live| &live.security_groups);
            all.any(|one| one.id == group.id)
        };
        let in_use = groups
            .iter()
            .find(|group| worn(group) && (fits(group) || !self.launches));
        let fitting = || groups.iter().find(|group| fits(group));
        in_use.or_else(fitting).copied()
    }
}

/// The network that a group is launched in, where it is known.
pub(super) fn network_of<'a>(instance: &Instance, resolution: &'a Resolution) -> Option<&'a str> {
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
    keys: BTreeMap<GroupName, Vec<&'a str>>,
    /// Names of key pairs that are taken; they are names of their own.
    key_names: BTreeSet<String>,
    placement_groups: BTreeMap<GroupName, &'a String>,
    /// Names that are taken.
    names: BTreeSet<String>,
}

impl<'a> Own<'a> {
    fn of(network: &'a OwnNetwork, observed: &Observed, names: &Names<'_>) -> Self {
        let mut own = Self::default();
        let group_of = |name: &str, tags: &BTreeMap<String, String>| {
            let (environment, group) = network_claim(name, tags, &observed.account)?;
            names.is_own(&environment).then(|| names.group(&group))
        };
        for group in &network.security_groups {
            own.names.insert(group.name.clone());
            if let Some(name) = group_of(&group.name, &group.tags) {
                own.security_groups.entry(name).or_default().push(group);
            }
        }
        for key in &network.key_pairs {
            own.key_names.insert(key.name.clone());
            if let Some(name) = group_of(&key.name, &key.tags) {
                own.keys.entry(name).or_default().push(&key.name);
            }
        }
        for group in &network.placement_groups {
            own.names.insert(group.name.clone());
            if let Some(name) = group_of(&group.name, &group.tags) {
                own.placement_groups.insert(name, &group.name);
            }
        }
        own
    }
}

impl Own<'_> {
    /// The name under which a group's key is imported already.
    fn key(&self, group: &GroupName, key: &PublicKey) -> Option<&str> {
        let short = short_fingerprint(key);
        let mut all = self.keys.get(group)?.iter();
        all.find(|name| name.ends_with(&short)).copied()
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
    let group_of = |name: &str, tags: &BTreeMap<String, String>| {
        let (claimed, group) = network_claim(name, tags, &observed.account)?;
        (claimed == *environment).then_some(group)
    };
    let mut objects = Vec::new();
    for group in &network.security_groups {
        objects.extend(
            group_of(&group.name, &group.tags).map(|name| NetworkObject {
                address: Address::SecurityGroup(name),
                id: group.id.clone(),
                name: group.name.clone(),
            }),
        );
    }
    for key in &network.key_pairs {
        objects.extend(group_of(&key.name, &key.tags).map(|name| NetworkObject {
            address: Address::KeyPair(name),
            id: key.id.clone(),
            name: key.name.clone(),
        }));
    }
    for group in &network.placement_groups {
        objects.extend(
            group_of(&group.name, &group.tags).map(|name| NetworkObject {
                address: Address::PlacementGroup(name),
                id: group.name.clone(),
                name: group.name.clone(),
            }),
        );
    }
    objects
}
