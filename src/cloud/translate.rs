//! From the SDK's types to ours.

use std::collections::BTreeMap;

use aws_sdk_ec2::types as sdk;
use jiff::Timestamp;

use crate::resource::{
    InstanceId, InstanceState, LiveInstance, LiveMetadata, LiveSecurityGroup, LiveVolume, Purchase,
    Tokens, VolumeId,
};

/// One instance, without its volumes.
pub(super) fn instance(from: &sdk::Instance) -> Option<LiveInstance> {
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let state = from.state().and_then(sdk::InstanceState::name);
    Some(LiveInstance {
        id: InstanceId::new(from.instance_id()?),
        state: state.map_or(InstanceState::Unknown, |name| {
            InstanceState::from_word(name.as_str())
        }),
        state_reason: text(from.state_reason().and_then(sdk::StateReason::message)),
        image_id: from.image_id().unwrap_or_default().to_owned(),
        instance_type: from
            .instance_type()
            .map_or_else(String::new, |kind| kind.as_str().to_owned()),
        purchase: purchase(from),
        spot_request: text(from.spot_instance_request_id()),
        placement_group: text(from.placement().and_then(sdk::Placement::group_name)),
        zone: text(from.placement().and_then(sdk::Placement::availability_zone)),
        subnet: text(from.subnet_id()),
        iam_profile: from
            .iam_instance_profile()
            .and_then(sdk::IamInstanceProfile::arn)
            .and_then(|arn| arn.rsplit('/').next())
            .map(str::to_owned),
        interfaces: from
            .network_interfaces()
            .iter()
            .filter_map(|card| card.network_interface_id().map(str::to_owned))
            .collect(),
        security_groups: security_groups(from),
        key: text(from.key_name()),
        root_device: text(from.root_device_name()),
        devices: from
            .block_device_mappings()
            .iter()
            .filter_map(|mapping| mapping.device_name().map(str::to_owned))
            .collect(),
        kept_devices: from
            .block_device_mappings()
            .iter()
            .filter(|mapping| {
                let attached = mapping.ebs();
                attached.and_then(sdk::EbsInstanceBlockDevice::delete_on_termination) == Some(false)
            })
            .filter_map(|mapping| mapping.device_name().map(str::to_owned))
            .collect(),
        volumes: BTreeMap::new(),
        metadata: from.metadata_options().and_then(metadata),
        tags: tags(from.tags()),
        client_token: text(from.client_token()),
        launch_index: from
            .ami_launch_index()
            .and_then(|index| usize::try_from(index).ok())
            .unwrap_or(0),
        first_launched: first_launched(from),
        public_address: text(from.public_ip_address()),
        private_address: text(from.private_ip_address()),
        user_data: None,
    })
}

/// Instances that are bought on demand have no lifecycle (EC2 API, `Instance`).
fn purchase(from: &sdk::Instance) -> Purchase {
    match from
        .instance_lifecycle()
        .map(sdk::InstanceLifecycleType::as_str)
    {
        Some("spot") => Purchase::Spot,
        Some(_) | None => Purchase::OnDemand,
    }
}

/// The groups of the instance; with a network interface in the launch, EC2 lists them there only.
fn security_groups(from: &sdk::Instance) -> std::collections::BTreeSet<LiveSecurityGroup> {
    let own = from.security_groups();
    let groups = if own.is_empty() {
        from.network_interfaces()
            .first()
            .map(sdk::InstanceNetworkInterface::groups)
            .unwrap_or_default()
    } else {
        own
    };
    groups
        .iter()
        .map(|group| LiveSecurityGroup {
            id: group.group_id().unwrap_or_default().to_owned(),
            name: group.group_name().unwrap_or_default().to_owned(),
        })
        .collect()
}

/// The launch time moves with every start; attachments made at launch do not.
fn first_launched(from: &sdk::Instance) -> Option<Timestamp> {
    let disks = from
        .block_device_mappings()
        .iter()
        .filter_map(|mapping| mapping.ebs()?.attach_time());
    let cards = from
        .network_interfaces()
        .iter()
        .filter_map(|card| card.attachment()?.attach_time());
    from.launch_time()
        .into_iter()
        .chain(disks)
        .chain(cards)
        .filter_map(|time| Timestamp::from_second(time.secs()).ok())
        .min()
}

fn metadata(from: &sdk::InstanceMetadataOptionsResponse) -> Option<LiveMetadata> {
    Some(LiveMetadata {
        tokens: if from.http_tokens()?.as_str() == "required" {
            Tokens::Required
        } else {
            Tokens::Optional
        },
        hop_limit: from.http_put_response_hop_limit().unwrap_or(1),
        enabled: from
            .http_endpoint()
            .is_none_or(|endpoint| endpoint.as_str() == "enabled"),
    })
}

/// One volume.
pub(super) fn volume(from: &sdk::Volume) -> Option<LiveVolume> {
    let positive = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok());
    let attachment = from.attachments().first();
    Some(LiveVolume {
        id: VolumeId::new(from.volume_id()?),
        state: from
            .state()
            .map_or_else(|| "unknown".to_owned(), |state| state.as_str().to_owned()),
        gibibytes: positive(from.size()).unwrap_or(0),
        kind: from
            .volume_type()
            .map_or_else(String::new, |kind| kind.as_str().to_owned()),
        iops: positive(from.iops()),
        throughput: positive(from.throughput()),
        encrypted: from.encrypted().unwrap_or(false),
        attached_to: attachment
            .and_then(sdk::VolumeAttachment::instance_id)
            .map(InstanceId::new),
        attached_at: attachment
            .and_then(sdk::VolumeAttachment::attach_time)
            .and_then(|time| Timestamp::from_second(time.secs()).ok()),
        device: attachment
            .and_then(sdk::VolumeAttachment::device)
            .map(str::to_owned),
        tags: tags(from.tags()),
    })
}

/// Tags as a map.
pub(super) fn tags(from: &[sdk::Tag]) -> BTreeMap<String, String> {
    from.iter()
        .filter_map(|tag| {
            Some((
                tag.key()?.to_owned(),
                tag.value().unwrap_or_default().to_owned(),
            ))
        })
        .collect()
}

/// A map as tags.
pub(super) fn sdk_tags(tags: &BTreeMap<String, String>) -> Vec<sdk::Tag> {
    tags.iter()
        .map(|(key, value)| sdk::Tag::builder().key(key).value(value).build())
        .collect()
}

/// A filter with values that are meant literally: EC2 takes `*` and `?` as wildcards.
pub(super) fn filter(name: &str, values: impl IntoIterator<Item = impl AsRef<str>>) -> sdk::Filter {
    let values = values.into_iter().map(|value| {
        let mut literal = String::new();
        for character in value.as_ref().chars() {
            if matches!(character, '*' | '?' | '\\') {
                literal.push('\\');
            }
            literal.push(character);
        }
        literal
    });
    sdk::Filter::builder()
        .name(name)
        .set_values(Some(values.collect()))
        .build()
}
