//! Setting and removing tags.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::Tag;

use super::connect::Clients;
use super::error::CloudError;
use super::translate;
use crate::plan::Change;

/// Makes the tags of an instance and of its disks what the spec says, and records the spec.
pub(super) async fn retag(clients: &Clients, change: &Change) -> Result<(), CloudError> {
    let (set, remove) = change.mark.retag(&change.after, &change.before.tags);
    let ours =
        |tags: &BTreeMap<String, String>| tags.contains_key(crate::resource::tag::ENVIRONMENT);
    let disks = change
        .before
        .volumes
        .values()
        .filter(|volume| ours(&volume.tags));
    let resources: Vec<String> = std::iter::once(change.before.id.to_string())
        .chain(disks.map(|volume| volume.id.to_string()))
        .collect();
    if !set.is_empty() {
        clients
            .ec2
            .create_tags()
            .set_resources(Some(resources.clone()))
            .set_tags(Some(translate::sdk_tags(&set)))
            .send()
            .await
            .map_err(|error| CloudError::from_sdk("set tags", &error))?;
    }
    if !remove.is_empty() {
        // Without a value the tag goes whatever its value is.
        let tags = remove
            .iter()
            .map(|key| Tag::builder().key(key).build())
            .collect();
        clients
            .ec2
            .delete_tags()
            .set_resources(Some(resources))
            .set_tags(Some(tags))
            .send()
            .await
            .map_err(|error| CloudError::from_sdk("remove tags", &error))?;
    }
    Ok(())
}
