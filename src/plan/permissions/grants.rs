//! Calls and what they are allowed on, before they are written down as a policy.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::step::Plan;
use crate::resource::{AccountId, EnvironmentName, Region, tag};

/// A kind of object as EC2's resource names call it (Service Authorization Reference, EC2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Image,
    Instance,
    KeyPair,
    Network,
    NetworkInterface,
    PlacementGroup,
    SecurityGroup,
    Snapshot,
    SpotRequest,
    Subnet,
    Volume,
}

impl Kind {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Instance => "instance",
            Self::KeyPair => "key-pair",
            Self::Network => "vpc",
            Self::NetworkInterface => "network-interface",
            Self::PlacementGroup => "placement-group",
            Self::SecurityGroup => "security-group",
            Self::Snapshot => "snapshot",
            Self::SpotRequest => "spot-instances-request",
            Self::Subnet => "subnet",
            Self::Volume => "volume",
        }
    }
}

/// Objects of a kind: the one with this id or name, or all of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Objects {
    pub(super) kind: Kind,
    pub(super) id: Option<String>,
}

impl Objects {
    pub(super) fn one(kind: Kind, id: impl Into<String>) -> Self {
        Self {
            kind,
            id: Some(id.into()),
        }
    }

    pub(super) fn all(kind: Kind) -> Self {
        Self { kind, id: None }
    }
}

/// The calls of a service, as a policy names them.
pub(super) type Actions = BTreeSet<&'static str>;

/// What applying a plan may do.
#[derive(Debug)]
pub(super) struct Grants {
    pub(super) account: AccountId,
    pub(super) region: Region,
    /// The name that everything new is tagged with.
    pub(super) environment: EnvironmentName,
    /// The names that what is ours may carry.
    pub(super) names: BTreeSet<String>,
    /// Calls that make something, which is tagged in the same call.
    pub(super) making: Actions,
    /// Calls on what carries our tag.
    pub(super) on_ours: BTreeMap<Objects, Actions>,
    /// Calls on what may not carry it.
    pub(super) on_any: BTreeMap<Objects, Actions>,
    /// Calls on objects of buckets, by bucket and the pattern of their keys.
    pub(super) on_files: BTreeMap<(String, String), Actions>,
    /// Whether instances are given a role.
    pub(super) gives_roles: bool,
    /// Whether instances are bought on the spot market.
    pub(super) buys_spot: bool,
    /// The services that use keys of KMS in the name of whoever asks them.
    pub(super) key_users: BTreeSet<&'static str>,
}

impl Grants {
    /// What all steps of a plan take.
    pub(super) fn of(plan: &Plan, renamed_from: Option<&EnvironmentName>) -> Self {
        let names = renamed_from.into_iter().chain([&plan.environment]);
        let mut grants = Self {
            account: plan.account.clone(),
            region: plan.region.clone(),
            environment: plan.environment.clone(),
            names: names.map(ToString::to_string).collect(),
            making: Actions::new(),
            on_ours: BTreeMap::new(),
            on_any: BTreeMap::new(),
            on_files: BTreeMap::new(),
            gives_roles: false,
            buys_spot: false,
            key_users: BTreeSet::new(),
        };
        for step in &plan.steps {
            grants.action(&step.action);
        }
        drop_covered(&mut grants.on_ours);
        drop_covered(&mut grants.on_any);
        grants
    }

    /// A call that makes something with our tags on it.
    pub(super) fn make(&mut self, action: &'static str) {
        self.making.insert(action);
    }

    /// A call on what carries our tag.
    pub(super) fn ours(&mut self, objects: Objects, action: &'static str) {
        self.on_ours.entry(objects).or_default().insert(action);
    }

    /// A call on what may not carry it.
    pub(super) fn any(&mut self, objects: Objects, action: &'static str) {
        self.on_any.entry(objects).or_default().insert(action);
    }

    /// A call on what is ours if its tags show it, and is named by its id alone if they do not.
    pub(super) fn seen(
        &mut self,
        objects: Objects,
        tags: &BTreeMap<String, String>,
        action: &'static str,
    ) {
        let name = tags.get(tag::ENVIRONMENT);
        if name.is_some_and(|name| self.names.contains(name)) {
            self.ours(objects, action);
        } else {
            self.any(objects, action);
        }
    }

    /// A call on the objects of a bucket whose keys match a pattern.
    pub(super) fn files(&mut self, bucket: &str, keys: &str, action: &'static str) {
        let place = (bucket.to_owned(), keys.to_owned());
        self.on_files.entry(place).or_default().insert(action);
    }
}

/// Leaves out of single objects what is allowed on all of their kind.
fn drop_covered(on: &mut BTreeMap<Objects, Actions>) {
    let of_kinds: BTreeMap<Kind, Actions> = on
        .iter()
        .filter(|(objects, _)| objects.id.is_none())
        .map(|(objects, actions)| (objects.kind, actions.clone()))
        .collect();
    for (objects, actions) in on.iter_mut().filter(|(objects, _)| objects.id.is_some()) {
        if let Some(covered) = of_kinds.get(&objects.kind) {
            actions.retain(|action| !covered.contains(action));
        }
    }
    on.retain(|_, actions| !actions.is_empty());
}
