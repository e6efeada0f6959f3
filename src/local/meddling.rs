//! What AWS and other people do to what is there, as an order tells it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::state::{Cause, Instance, InstanceState, Region, World};

/// Protects an instance; what is not said stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Protect {
    instance: String,
    #[serde(default)]
    termination: Option<bool>,
    #[serde(default)]
    stop: Option<bool>,
}

/// Ends an instance.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    instance: String,
}

/// Edits tags.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Retag {
    resource: String,
    #[serde(default)]
    set: BTreeMap<String, String>,
    #[serde(default)]
    remove: BTreeSet<String>,
}

impl Protect {
    /// Sets the protection, which a call could refuse to and this does not.
    pub(super) fn carry_out(&self, world: &mut World) -> Result<Value, String> {
        let Self {
            instance,
            termination,
            stop,
        } = self;
        let protection = &mut instance_of(world, instance)?.protection;
        protection.termination = termination.unwrap_or(protection.termination);
        protection.stop = stop.unwrap_or(protection.stop);
        Ok(json!({}))
    }
}

impl End {
    /// Begins the end, protected or not: AWS takes a spot instance back, and somebody
    /// terminates any other. Tells whether it had not begun before.
    pub(super) fn carry_out(&self, world: &mut World, now: Timestamp) -> Result<Value, String> {
        let instance = instance_of(world, &self.instance)?;
        let begins = !instance.state().is_ending();
        if begins {
            let cause = if instance.spot.is_some() {
                Cause::Reclaim
            } else {
                Cause::User
            };
            instance.enter_for(cause, InstanceState::ShuttingDown, now);
            instance.interface.public_address = None;
        }
        Ok(json!({"ended": begins}))
    }
}

impl Retag {
    /// Edits the tags. AWS itself sets those that begin with `aws:`, so any key will do.
    pub(super) fn carry_out(self, world: &mut World) -> Result<Value, String> {
        let Self {
            resource,
            set,
            remove,
        } = self;
        let region = world
            .all_regions()
            .find(|region| has(region, &resource))
            .ok_or_else(|| format!("there is no resource {resource}"))?;
        let tags = region.tags.entry(resource.clone()).or_default();
        tags.retain(|key, _| !remove.contains(key));
        tags.extend(set);
        if tags.is_empty() {
            region.tags.remove(&resource);
        }
        Ok(json!({}))
    }
}

fn instance_of<'w>(world: &'w mut World, id: &str) -> Result<&'w mut Instance, String> {
    world
        .all_regions()
        .find_map(|region| region.instances.get_mut(id))
        .ok_or_else(|| format!("there is no instance {id}"))
}

/// Whether a region has a resource that can have tags.
fn has(region: &Region, id: &str) -> bool {
    let of_an_instance = |instance: &Instance| {
        let spot = instance.spot.as_ref();
        instance.interface.id == id || spot.is_some_and(|spot| spot.request == id)
    };
    region.tags.contains_key(id)
        || region.instances.contains_key(id)
        || region.volumes.contains_key(id)
        || region.groups.contains_key(id)
        || region.keys.values().any(|key| key.id == id)
        || region.placement_groups.values().any(|group| group.id == id)
        || region.instances.values().any(of_an_instance)
}
