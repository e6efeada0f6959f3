//! Setting and removing tags.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::Tag;

use super::connect::Clients;
use super::error::CloudError;
use super::translate;
use crate::plan::Change;
use crate::resource::{LiveInstance, LiveVolume, tag};

/// Makes the tags of an instance and of what belongs to it what the spec says, and records the spec.
pub(super) async fn retag(clients: &Clients, change: &Change) -> Result<(), CloudError> {
    let place = (&change.environment, change.instance_type.as_str());
    let (set, remove) = change.mark.retag(&change.after, place, &change.before.tags);
    let ours = |tags: &BTreeMap<String, String>| tags.contains_key(tag::ENVIRONMENT);
    let disks = change
        .before
        .volumes
        .values()
        .filter(|volume| ours(&volume.tags));
    let resources: Vec<String> = disks
        .map(|volume| volume.id.to_string())
        .chain(interfaces(&change.before))
        .chain([change.before.id.to_string()])
        .collect();
    // Old and new together may be more than EC2 takes. What is removed and not yet
    // replaced is found again by the list of keys, which is written with the rest.
    remove_tags(clients, &resources, &remove).await?;
    set_tags(clients, &resources, &set).await
}

/// The interfaces of an instance of ours, which were tagged at its launch.
fn interfaces(live: &LiveInstance) -> impl Iterator<Item = String> + '_ {
    live.interfaces.iter().cloned()
}

/// An instance with these disks and its interfaces: all that is tagged with it, itself last.
pub(super) fn resources_of<'a>(
    live: &LiveInstance,
    disks: impl Iterator<Item = &'a LiveVolume>,
) -> Vec<String> {
    disks
        .map(|volume| volume.id.to_string())
        .chain(interfaces(live))
        .chain([live.id.to_string()])
        .collect()
}

/// Sets tags; none at all is no request.
pub(super) async fn set_tags(
    clients: &Clients,
    resources: &[String],
    tags: &BTreeMap<String, String>,
) -> Result<(), CloudError> {
    if tags.is_empty() || resources.is_empty() {
        return Ok(());
    }
    clients
        .ec2
        .create_tags()
        .set_resources(Some(resources.to_vec()))
        .set_tags(Some(translate::sdk_tags(tags)))
        .send()
        .await
        .map(drop)
        .map_err(|error| CloudError::from_sdk("set tags", &error))
}

/// Removes tags by their keys, whatever their values are.
pub(super) async fn remove_tags(
    clients: &Clients,
    resources: &[String],
    keys: &BTreeSet<String>,
) -> Result<(), CloudError> {
    if keys.is_empty() || resources.is_empty() {
        return Ok(());
    }
    let tags = keys
        .iter()
        .map(|key| Tag::builder().key(key).build())
        .collect();
    clients
        .ec2
        .delete_tags()
        .set_resources(Some(resources.to_vec()))
        .set_tags(Some(tags))
        .send()
        .await
        .map(drop)
        .map_err(|error| CloudError::from_sdk("remove tags", &error))
}
