//! What must be looked up before the steps can be written down.

use std::collections::BTreeSet;

use super::context::Context;
use super::decide::Decisions;
use super::observed::{Observed, Resolution, Wanted, Whereabouts};
use crate::resource::{Desired, Effect, ImageSelector, Instance, MachineSelector, Placement};

/// What must be looked up before [`plan`](super::plan()) can write the steps down.
///
/// What is known already may show that more is wanted: call it again with the
/// answer until it asks for nothing new.
pub fn wanted(
    desired: &Desired,
    observed: &Observed,
    resolution: &Resolution,
    context: &Context,
) -> Wanted {
    let decisions = Decisions::of(desired, observed, resolution, context);
    let mut wanted = Wanted::default();
    let replaced = decisions.replaced.iter().map(|replaced| &replaced.after);
    let launched = decisions
        .missing
        .values()
        .flatten()
        .map(|(_, instance)| instance);
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for instance in replaced.chain(launched) {
        if seen.insert(instance.group.as_str()) {
            launch(
                &mut wanted,
                instance,
                pinned_image(&decisions, instance, context),
            );
        }
    }
    for (group, members) in &decisions.members {
        let Some(instance) = desired.groups.get(group).map(|group| &group.instance) else {
            continue;
        };
        let runs = members.values().map(|(live, _)| live.image_id.clone());
        told_of(&mut wanted, instance, runs);
        for (live, mark) in members.values() {
            // A need that was edited is judged by what the type can do.
            let edited = mark.machine.as_ref() != Some(&instance.machine.tag_value());
            if edited && let MachineSelector::Need(need) = &instance.machine {
                let name = instance.group.to_string();
                wanted
                    .types
                    .entry(live.instance_type.clone())
                    .or_insert(name);
                if !wanted.needs.contains(need) {
                    wanted.needs.push(need.clone());
                }
            }
        }
    }
    for change in &decisions.changed {
        changed(&mut wanted, change);
    }
    wanted
}

/// The image that the group's other members run: what is added to a group is like the rest.
pub(super) fn pinned_image(
    decisions: &Decisions<'_>,
    instance: &Instance,
    context: &Context,
) -> Option<ImageSelector> {
    if context.upgrade_image {
        return None;
    }
    let asked = instance.image.tag_value();
    let members = decisions.members.get(&instance.group)?;
    members
        .values()
        .find(|(_, mark)| mark.image == asked)
        .map(|(live, _)| ImageSelector::Id(live.image_id.clone()))
}

fn launch(wanted: &mut Wanted, instance: &Instance, pinned: Option<ImageSelector>) {
    let group = instance.group.to_string();
    let selector = pinned.unwrap_or_else(|| instance.image.clone());
    let is_pinned = selector != instance.image;
    let image = wanted.images.entry(selector).or_default();
    if image.group.is_empty() {
        image.group.clone_from(&group);
    }
    image.needed = true;
    image.pinned |= is_pinned;
    if let Some(size) = instance.disk.as_ref().and_then(|disk| disk.size) {
        let asked = (size.gibibytes(), group.clone());
        image.disk = Some(match image.disk.take() {
            Some(smallest) => smallest.min(asked),
            None => asked,
        });
    }
    match &instance.machine {
        MachineSelector::Types(types) => {
            for name in types {
                wanted.types.entry(name.clone()).or_insert(group.clone());
            }
        }
        MachineSelector::Need(need) if !wanted.needs.contains(need) => {
            wanted.needs.push(need.clone());
        }
        MachineSelector::Need(_) => {}
    }
    let place = match &instance.placement {
        Placement::Subnet(subnet) => Whereabouts::Subnet(subnet.clone()),
        Placement::Any | Placement::Zone(_) => Whereabouts::Default,
    };
    for name in &instance.security_groups {
        let entry = wanted.security_groups.entry((name.clone(), place.clone()));
        entry.or_insert_with(|| group.clone());
    }
    match &instance.placement {
        Placement::Subnet(subnet) => {
            wanted
                .subnets
                .entry(subnet.clone())
                .or_insert(group.clone());
        }
        Placement::Any | Placement::Zone(_) => {
            wanted.default_network |= instance.needs_own_security_group();
        }
    }
    if let Some(key) = &instance.key {
        wanted.keys.entry(key.clone()).or_insert(group);
    }
}

/// A newer image is worth a note, and no more; one that is named by id has none.
fn told_of(wanted: &mut Wanted, instance: &Instance, runs: impl Iterator<Item = String>) {
    if matches!(instance.image, ImageSelector::Id(_)) {
        return;
    }
    let image = wanted.images.entry(instance.image.clone()).or_default();
    if image.group.is_empty() {
        image.group = instance.group.to_string();
    }
    image.runs.extend(runs);
}

fn changed(wanted: &mut Wanted, change: &super::action::Change) {
    let group = change.after.group.to_string();
    for field in &change.changes {
        match field.field.as_str() {
            "type" => {
                for name in [&change.instance_type, &change.before.instance_type] {
                    let entry = wanted.types.entry(name.clone());
                    entry.or_insert_with(|| group.clone());
                }
            }
            "security_groups" => {
                let network = change.before.network.clone();
                let place = network.map_or(Whereabouts::Unknown, Whereabouts::Network);
                for name in &change.after.security_groups {
                    let entry = wanted.security_groups.entry((name.clone(), place.clone()));
                    entry.or_insert_with(|| group.clone());
                }
            }
            _ => {}
        }
        if field.effect == Effect::InPlace {
            let volume = change.volume_of(&field.field);
            wanted
                .changed_volumes
                .extend(volume.map(|volume| volume.id.to_string()));
        }
    }
}
