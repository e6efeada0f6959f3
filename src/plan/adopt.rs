//! Taking over instances that were launched by other means.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::action::Change;
use super::context::Context;
use super::decide::{Decisions, change};
use super::held::{Held, Note};
use super::inventory::Inventory;
use super::observed::Observed;
use crate::resource::{
    AccountId, Address, Claim, Desired, EnvironmentName, GroupName, Instance, InstanceId, Known,
    LiveInstance, Mark, Ordinals, TAG_PREFIX, adoption_tags, claim, diff, in_place_changes,
    others_disks, own_disks, too_many_tags,
};

impl Decisions<'_> {
    /// Decides what becomes of the instances that the spec takes over; the addresses that are theirs.
    ///
    /// No instance is launched in the place of one that is to be taken over: it may
    /// only not be seen.
    pub(super) fn adoptions(
        &mut self,
        desired: &Desired,
        observed: &Observed,
        (inventory, context): (&Inventory<'_>, &Context),
    ) -> BTreeSet<Address> {
        let mut taken = BTreeSet::new();
        if desired.groups.values().all(|group| group.adopt.is_empty()) {
            return taken;
        }
        let ours: BTreeSet<&InstanceId> = inventory
            .members
            .values()
            .flatten()
            .map(|(live, _)| &live.id)
            .collect();
        let listed: BTreeMap<&InstanceId, &Arc<LiveInstance>> = observed
            .instances
            .iter()
            .map(|live| (&live.id, live))
            .collect();
        for (name, group) in &desired.groups {
            for (ordinal, id) in (0..).zip(&group.adopt) {
                let address = Address::Instance {
                    group: name.clone(),
                    ordinal,
                };
                // One that is ours already lives and ends like any other.
                if ours.contains(id) || !context.targets.includes(&address) {
                    continue;
                }
                let wanted = &group.instance;
                match adopt(
                    desired,
                    (&address, wanted),
                    (listed.get(id).copied(), observed),
                ) {
                    Ok(change) => {
                        // Tags that were copied to it are no riddle any more.
                        let riddle = |held: &Held| matches!(held, Held::Unproven { id: other, .. } if other == id);
                        self.held.retain(|held| !riddle(held));
                        self.notes.extend(disks_of_others(&change));
                        self.adopted.push(*change);
                    }
                    Err(why) => self.held.push(Held::NotAdopted {
                        address: address.clone(),
                        id: id.clone(),
                        why,
                    }),
                }
                taken.insert(address);
            }
        }
        taken
    }
}

fn adopt(
    desired: &Desired,
    (address, wanted): (&Address, &Arc<Instance>),
    (live, observed): (Option<&Arc<LiveInstance>>, &Observed),
) -> Result<Box<Change>, String> {
    let Some(live) = live.filter(|live| live.state.is_alive()) else {
        return Err(
            "it is not there, or too new to be seen: plan again in a minute; if it has ended, remove it from `adopt` to launch a new one in its place".to_owned(),
        );
    };
    match claim(live, &observed.account) {
        Claim::Ours(mark) => {
            return Err(format!(
                "it belongs to the environment {}; release it there first",
                mark.environment
            ));
        }
        Claim::Unproven { .. } | Claim::Foreign => {}
    }
    if let Some(why) = managed(live) {
        return Err(why);
    }
    let Address::Instance { group, ordinal } = address else {
        return Err("only instances can be taken over".to_owned());
    };
    let Some(attributes) = live.attributes else {
        return Err("EC2 does not say yet whether it is protected; plan again".to_owned());
    };
    let mut mark = mark_to_be(desired, wanted, (group, *ordinal));
    // No tag says it yet, so it is what EC2 says.
    mark.protect = attributes.protected;
    let mark = Arc::new(mark);
    let changes = diff(wanted, live, &mark, Known::default());
    if in_place_changes(&changes) {
        tags_fit(desired, (wanted, live), (&observed.account, *ordinal))?;
        return Ok(Box::new(change(
            desired,
            (address, wanted),
            (live, &mark),
            changes,
        )));
    }
    let different: Vec<String> = changes
        .iter()
        .filter(|change| !in_place_changes(std::slice::from_ref(change)))
        .map(|change| match &change.avoid {
            Some(avoid) => avoid.clone(),
            None => format!("{} is {}", change.field, change.before),
        })
        .collect();
    Err(format!(
        "it is not as the spec says, in what cannot be changed while it runs: {}",
        different.join(", ")
    ))
}

/// Counts the tags before anything is changed: EC2 would refuse them at the very end.
fn tags_fit(
    desired: &Desired,
    (wanted, live): (&Instance, &LiveInstance),
    (account, ordinal): (&AccountId, u32),
) -> Result<(), String> {
    let place = (&desired.environment, account);
    // The instant that it is taken over at is one tag, whatever it is.
    let tags = adoption_tags(wanted, live, place, (ordinal, Timestamp::UNIX_EPOCH));
    let copied = |key: &&String| is_own_key(key) && !tags.contains_key(*key);
    let removed: BTreeSet<String> = live.tags.keys().filter(copied).cloned().collect();
    if let Some(number) = too_many_tags(&live.tags, tags.keys(), &removed) {
        return Err(format!(
            "it would carry {number} tags with ours, and EC2 takes 50; remove some of it first"
        ));
    }
    let proof = || tags.keys().filter(|key| is_own_key(key));
    for (device, volume) in own_disks(wanted, live) {
        if let Some(number) = too_many_tags(&volume.tags, proof(), &BTreeSet::new()) {
            return Err(format!(
                "its disk {device} would carry {number} tags with ours, and EC2 takes 50; remove some of it first"
            ));
        }
    }
    Ok(())
}

fn is_own_key(key: &str) -> bool {
    key.starts_with(TAG_PREFIX)
}

/// Why an instance cannot be taken over because somebody else launches its successors.
///
/// No lease would cover those.
pub fn managed(live: &LiveInstance) -> Option<String> {
    live.manager.as_ref().map(|manager| {
        format!(
            "{manager} manages it and would launch another one in its place, which no lease covers; detach it there first, or launch one of your own instead"
        )
    })
}

/// The disks that are left to whoever they belong to.
fn disks_of_others(change: &Change) -> impl Iterator<Item = Note> + '_ {
    others_disks(&change.after, &change.before).map(|(device, volume)| Note::OthersDisk {
        address: change.address.clone(),
        device: device.clone(),
        id: volume.id.clone(),
        gibibytes: volume.gibibytes,
    })
}

/// What its tags will say: that it is as the spec says in all that only a launch decides.
fn mark_to_be(desired: &Desired, wanted: &Instance, (group, ordinal): (&GroupName, u32)) -> Mark {
    let environment: EnvironmentName = desired.environment.clone();
    Mark {
        environment,
        group: group.clone(),
        ordinal,
        siblings: std::iter::once(ordinal).collect::<Ordinals>(),
        not_given: Ordinals::default(),
        incarnation: 0,
        lease: Some(wanted.lease),
        waited: 0,
        since: None,
        image: wanted.image.tag_value(),
        machine: Some(wanted.machine.tag_value()),
        instance_type: None,
        user_data: wanted.user_data_digest(),
        spec: wanted.spec_digest(),
        protect: wanted.protect,
        volumes: wanted.volumes.keys().cloned().collect(),
        members: Vec::new(),
        keys: BTreeSet::new(),
    }
}
