//! What is to happen at each address.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::action::{Change, Doomed};
use super::context::Context;
use super::held::{Held, KeyDifference, Note};
use super::inventory::{Inventory, Member, Names};
use super::observed::{Observed, Resolution};
use super::step::Reason;
use crate::resource::{
    Address, Desired, Effect, FieldChange, GroupName, Instance, InstanceId, Known, LiveInstance,
    Mark, OWN_NAME_PREFIX, ResolvedImage, Value, diff, short_fingerprint,
};

/// An instance that must be made anew.
pub(super) struct Replaced<'a> {
    pub(super) address: Address,
    pub(super) ordinal: u32,
    pub(super) live: &'a Arc<LiveInstance>,
    pub(super) mark: Arc<Mark>,
    pub(super) after: Arc<Instance>,
    pub(super) changes: Vec<FieldChange>,
}

impl Replaced<'_> {
    /// Whether its protection allows that it goes: it has none, the spec lifts it, or the user does.
    pub(super) fn may_go(&self, context: &Context) -> bool {
        !self.mark.protect || !self.after.protect || context.lift_protection
    }
}

/// What is to happen at each address, before it is written down as steps.
#[derive(Default)]
pub(super) struct Decisions<'a> {
    pub(super) missing: BTreeMap<GroupName, Vec<(u32, Arc<Instance>)>>,
    pub(super) changed: Vec<Change>,
    pub(super) replaced: Vec<Replaced<'a>>,
    pub(super) deleted: Vec<(Doomed, Reason, bool)>,
    pub(super) unchanged: Vec<Address>,
    pub(super) held: Vec<Held>,
    pub(super) notes: Vec<Note>,
    /// The next incarnation by group and ordinal, where any has been seen.
    pub(super) incarnations: BTreeMap<(GroupName, u32), u32>,
    /// The members of each group that are there and stay, by number.
    pub(super) members: BTreeMap<GroupName, BTreeMap<u32, Member<'a>>>,
    /// Every instance that is there and stays, whether the spec names it or not.
    pub(super) stay: Vec<&'a Arc<LiveInstance>>,
    /// Instances to take over, complete.
    pub(super) adopted: Vec<Change>,
    /// What the decisions were made from.
    pub(super) inventory: Inventory<'a>,
}

/// What a comparison is made with.
pub(super) struct Situation<'a> {
    pub(super) desired: &'a Desired,
    pub(super) resolution: &'a Resolution,
    pub(super) context: &'a Context,
}

impl<'a> Decisions<'a> {
    pub(super) fn of(
        desired: &Desired,
        observed: &'a Observed,
        resolution: &Resolution,
        context: &Context,
    ) -> Self {
        let names = Names::of(desired);
        let inventory = Inventory::with_renames(observed, &names);
        let mut decisions = Self::default();
        for (id, reason) in &inventory.unproven {
            decisions.held.push(Held::Unproven {
                id: id.clone(),
                reason: reason.clone(),
            });
        }
        let adopted = decisions.adoptions(desired, observed, (&inventory, context));
        let situation = Situation {
            desired,
            resolution,
            context,
        };
        for (address, instances) in &inventory.members {
            decisions.remember_incarnations(address, instances);
            if !context.targets.includes(address) {
                continue;
            }
            let mut alive = instances.iter().filter(|(live, _)| live.state.is_alive());
            let winner = alive.next();
            for (live, mark) in alive {
                decisions.doom(address, live, mark, Reason::Duplicate);
            }
            let Some((live, mark)) = winner else { continue };
            match desired.instances.get(address) {
                Some(wanted) => decisions.compare(&situation, (address, wanted), (live, mark)),
                None => decisions.doom(address, live, mark, not_asked_for(desired, address)),
            }
        }
        decisions.missing(desired, &inventory, (&adopted, context));
        decisions.renamed_from_nothing(desired, &inventory);
        decisions.alive_groups(desired, &inventory, context);
        decisions.inventory = inventory;
        decisions
    }

    /// The members of each group that are there and stay, for what the whole group shares.
    ///
    /// One whose protection holds it stays, whatever is to become of it.
    fn alive_groups(&mut self, desired: &Desired, inventory: &Inventory<'a>, context: &Context) {
        let replaced = self.replaced.iter().filter(|one| one.may_go(context));
        let replaced: BTreeSet<InstanceId> = replaced.map(|one| one.live.id.clone()).collect();
        let unnamed: BTreeMap<InstanceId, bool> = self
            .deleted
            .iter()
            .map(|(doomed, _, protected)| (doomed.id.clone(), *protected))
            .collect();
        for (address, live, mark) in inventory.alive() {
            let protected = unnamed.get(&live.id).copied();
            let ended = protected.is_some_and(|protected| !protected || context.lift_protection);
            if ended || replaced.contains(&live.id) {
                continue;
            }
            self.stay.push(live);
            // What the spec does not name is no member any more.
            if protected.is_none() {
                self.remember_member(address, live, mark);
            }
        }
        self.members
            .retain(|group, _| desired.groups.contains_key(group));
    }

    fn remember_member(
        &mut self,
        address: &Address,
        live: &'a Arc<LiveInstance>,
        mark: &Arc<Mark>,
    ) {
        if let Address::Instance { group, ordinal } = address {
            let members = self.members.entry(group.clone()).or_default();
            members.insert(*ordinal, (live, Arc::clone(mark)));
        }
    }

    /// Lets an instance stay that was to be made anew.
    pub(super) fn keep(&mut self, withheld: &Replaced<'a>) {
        self.stay.push(withheld.live);
        self.remember_member(&withheld.address, withheld.live, &withheld.mark);
    }

    fn remember_incarnations(&mut self, address: &Address, instances: &[Member<'_>]) {
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
            spot_request: live.spot_request.clone(),
        };
        self.deleted.push((doomed, reason, mark.protect));
    }

    fn compare(
        &mut self,
        situation: &Situation<'_>,
        (address, wanted): (&Address, &Arc<Instance>),
        (live, mark): (&'a Arc<LiveInstance>, &Arc<Mark>),
    ) {
        let Situation {
            desired,
            resolution,
            context,
        } = situation;
        let newest = resolution.images.get(&wanted.image);
        let known = Known {
            machines: Some(&resolution.machines),
            upgrade: newest.filter(|_| context.upgrade_image),
        };
        let mut changes = diff(wanted, live, mark, known);
        changes.extend(rename(desired, address, mark));
        changes.extend(asked_replacement(context, address, live));
        self.instance_notes(situation, (address, wanted), (live, mark, &changes));
        let effect = changes.iter().map(|change| change.effect).max();
        let Some(effect) = effect else {
            self.unchanged.push(address.clone());
            return;
        };
        let Address::Instance { ordinal, .. } = address else {
            return;
        };
        match effect {
            Effect::InPlace | Effect::Restart => {
                self.changed
                    .push(change(desired, (address, wanted), (live, mark), changes));
            }
            Effect::Replace => self.replaced.push(Replaced {
                address: address.clone(),
                ordinal: *ordinal,
                live,
                mark: Arc::clone(mark),
                after: Arc::clone(wanted),
                changes,
            }),
        }
    }

    /// What a reviewer should know of an instance that is there.
    fn instance_notes(
        &mut self,
        situation: &Situation<'_>,
        (address, wanted): (&Address, &Arc<Instance>),
        (live, mark, changes): (&LiveInstance, &Mark, &[FieldChange]),
    ) {
        let replaced = changes
            .iter()
            .any(|change| change.effect == Effect::Replace);
        if replaced {
            // An instance that is made anew gets the new lease, image and key.
            return;
        }
        if mark.lease != Some(wanted.lease) {
            self.notes.push(Note::KeepsLease {
                address: address.clone(),
                lease: mark.lease,
            });
        }
        let newest = situation.resolution.images.get(&wanted.image);
        if let Some(newest) = newest
            .filter(|newest| newest.id != live.image_id && mark.image == wanted.image.tag_value())
        {
            self.newer_image(address, &live.image_id, newest);
        }
        for change in changes {
            if change.figure() == "size" && change.effect == Effect::InPlace {
                self.notes.push(Note::FileSystem {
                    address: address.clone(),
                    field: change.field.clone(),
                });
            }
        }
        if let Some(key) = key_difference(situation, wanted, live) {
            let address = address.clone();
            self.notes.push(Note::OtherKey { address, key });
        }
    }

    /// Instances that run the same image are told of together.
    fn newer_image(&mut self, address: &Address, runs: &str, newest: &ResolvedImage) {
        let known = self.notes.iter_mut().find_map(|note| {
            let Note::NewerImage {
                addresses,
                runs: known,
                newest: other,
            } = note
            else {
                return None;
            };
            (known == runs && other == newest).then_some(addresses)
        });
        match known {
            Some(addresses) => addresses.push(address.clone()),
            None => self.notes.push(Note::NewerImage {
                addresses: vec![address.clone()],
                runs: runs.to_owned(),
                newest: newest.clone(),
            }),
        }
    }
}

/// Why an instance goes that the spec does not ask for.
fn not_asked_for(desired: &Desired, address: &Address) -> Reason {
    let group = match address {
        Address::Instance { group, .. } => desired.groups.get(group),
        Address::Data(_)
        | Address::Volume(_)
        | Address::SecurityGroup(_)
        | Address::KeyPair(_)
        | Address::PlacementGroup(_) => None,
    };
    match group {
        Some(group) => Reason::CountLowered { count: group.count },
        None => Reason::NotInSpec,
    }
}

/// The change that makes an instance what the spec says.
pub(super) fn change(
    desired: &Desired,
    (address, wanted): (&Address, &Arc<Instance>),
    (live, mark): (&Arc<LiveInstance>, &Arc<Mark>),
    changes: Vec<FieldChange>,
) -> Change {
    let other_type = changes.iter().find_map(|change| {
        let Value::Text(after) = &change.after else {
            return None;
        };
        (change.field == "type").then(|| after.clone())
    });
    Change {
        address: address.clone(),
        before: Arc::clone(live),
        mark: Arc::clone(mark),
        after: Arc::clone(wanted),
        environment: desired.environment.clone(),
        instance_type: other_type.unwrap_or_else(|| live.instance_type.clone()),
        changes,
        security_groups: Vec::new(),
        own_group: None,
    }
}

/// A new name is a matter of tags.
fn rename(desired: &Desired, address: &Address, mark: &Mark) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    if mark.environment != desired.environment {
        let before = Value::Text(mark.environment.to_string());
        let after = Value::Text(desired.environment.to_string());
        changes.push(FieldChange::new("name", before, after, Effect::InPlace));
    }
    if let Address::Instance { group, .. } = address
        && mark.group != *group
    {
        let before = Value::Text(mark.group.to_string());
        let after = Value::Text(group.to_string());
        changes.push(FieldChange::new("group", before, after, Effect::InPlace));
    }
    changes
}

/// A replacement that the user asked for by name.
fn asked_replacement(
    context: &Context,
    address: &Address,
    live: &LiveInstance,
) -> Option<FieldChange> {
    context.replace.names(address).then(|| FieldChange {
        field: "--replace".to_owned(),
        before: Value::Text(live.id.to_string()),
        after: Value::Text("a new instance".to_owned()),
        effect: Effect::Replace,
        avoid: None,
    })
}

/// How the key that an instance was launched with differs, where that is no reason to replace it.
fn key_difference(
    situation: &Situation<'_>,
    wanted: &Instance,
    live: &LiveInstance,
) -> Option<KeyDifference> {
    let context = situation.context;
    let ssh = wanted.ssh.as_ref();
    let imports = ssh.is_some_and(|ssh| ssh.public_key.is_some());
    let own = |name: &str| name.starts_with(OWN_NAME_PREFIX);
    match live.key.as_deref() {
        None => imports.then_some(KeyDifference::None),
        Some(name) if own(name) && imports => {
            // A key that is not at hand cannot be compared.
            let key = context.public_keys.get(&wanted.group)?;
            let same = name.ends_with(&short_fingerprint(key));
            (!same).then_some(KeyDifference::Other)
        }
        Some(name) if own(name) => wanted.key.is_none().then_some(KeyDifference::NotAskedFor),
        Some(_) => imports.then_some(KeyDifference::Other),
    }
}
