//! Taking over an instance, and giving one up: a matter of tags.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::operation::describe_instance_attribute::DescribeInstanceAttributeOutput;
use aws_sdk_ec2::types::{AttributeBooleanValue, AttributeValue, InstanceAttributeName};

use super::change::{but_tags, read_back};
use super::connect::Clients;
use super::error::CloudError;
use super::performer::Aws;
use super::tags::{remove_tags, resources_of, set_tags};
use crate::apply::{Control, Performed, StepError, StepErrorKind};
use crate::plan::Change;
use crate::resource::{
    Address, InstanceId, LiveAttributes, LiveInstance, TAG_PREFIX, adoption_tags, own_disks,
};

/// The shutdown behavior that ends an instance (EC2 API, `ShutdownBehavior`).
const TERMINATE: &str = "terminate";

/// Makes an instance ours: first what differs, then the tags that prove it.
///
/// The proof comes last and in one request, so that an interrupted run is seen as
/// one that has not begun. What belongs to the instance gets the proof alone: the
/// user's tags on a disk may say something else than those on its instance. A disk
/// that is neither the spec's nor ends with the instance belongs to somebody else.
pub(super) async fn adopt(
    aws: &Aws,
    change: &Change,
    control: &Control,
) -> Result<Performed, StepError> {
    let Address::Instance { ordinal, .. } = &change.address else {
        let text = "only instances can be taken over";
        return Err(StepError::new(StepErrorKind::Rejected, text));
    };
    let live = change.before.as_ref();
    but_tags(aws, change).await?;
    let place = (&change.environment, &aws.account);
    let tags = adoption_tags(&change.after, live, place, (*ordinal, aws.clock.now()));
    let is_ours = |key: &String| key.starts_with(TAG_PREFIX);
    // Copied from an instance of ours, they would say something of this one.
    let copied = live.tags.keys().filter(|key| is_ours(key));
    let copied: BTreeSet<String> = copied
        .filter(|key| !tags.contains_key(*key))
        .cloned()
        .collect();
    let (proof, users): (BTreeMap<_, _>, BTreeMap<_, _>) =
        tags.into_iter().partition(|(key, _)| is_ours(key));
    let itself = [live.id.to_string()];
    remove_tags(&aws.clients, &itself, &copied).await?;
    set_tags(&aws.clients, &itself, &users).await?;
    let disks = own_disks(&change.after, live).map(|(_, volume)| volume);
    set_tags(&aws.clients, &resources_of(live, disks), &proof).await?;
    let text = read_back(aws, change, control).await?;
    Ok(Performed {
        instances: Vec::new(),
        text: format!("{} taken over; {text}", live.id),
    })
}

/// Gives an instance up without ending it: takes our tags from it and from what belongs to it.
///
/// The
/// instance's own go last: until then it is ours, and the same command goes on.
///
/// # Errors
///
/// When EC2 refuses; what was not reached is still ours.
pub async fn release(clients: &Clients, live: &LiveInstance) -> Result<(), CloudError> {
    let ours = |key: &&String| key.starts_with(TAG_PREFIX);
    let keys: BTreeSet<String> = live.tags.keys().filter(ours).cloned().collect();
    let disks = live.volumes.values().map(AsRef::as_ref);
    let mut resources = resources_of(live, disks);
    let instance = resources.pop();
    remove_tags(clients, &resources, &keys).await?;
    let instance: Vec<String> = instance.into_iter().collect();
    remove_tags(clients, &instance, &keys).await
}

/// Reads what only a question each tells of an instance.
///
/// # Errors
///
/// When EC2 cannot be asked.
pub async fn attributes(clients: &Clients, id: &InstanceId) -> Result<LiveAttributes, CloudError> {
    let protection = attribute(clients, id, InstanceAttributeName::DisableApiTermination).await?;
    let protected = protection.disable_api_termination();
    let shutdown = InstanceAttributeName::InstanceInitiatedShutdownBehavior;
    let shutdown = attribute(clients, id, shutdown).await?;
    let behavior = shutdown.instance_initiated_shutdown_behavior();
    Ok(LiveAttributes {
        protected: protected.and_then(AttributeBooleanValue::value) == Some(true),
        ends_at_shutdown: behavior.and_then(AttributeValue::value) == Some(TERMINATE),
    })
}

/// Whether an instance was launched with user data.
///
/// # Errors
///
/// When EC2 cannot be asked.
pub async fn has_user_data(clients: &Clients, id: &InstanceId) -> Result<bool, CloudError> {
    let answer = attribute(clients, id, InstanceAttributeName::UserData).await?;
    let text = answer.user_data().and_then(AttributeValue::value);
    Ok(text.is_some_and(|text| !text.is_empty()))
}

async fn attribute(
    clients: &Clients,
    id: &InstanceId,
    name: InstanceAttributeName,
) -> Result<DescribeInstanceAttributeOutput, CloudError> {
    let operation = format!("read {} of {id}", name.as_str());
    let answer = clients
        .ec2
        .describe_instance_attribute()
        .instance_id(id.as_str())
        .attribute(name)
        .send()
        .await;
    answer.map_err(|error| CloudError::from_sdk(&operation, &error))
}
