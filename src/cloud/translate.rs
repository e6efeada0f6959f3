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
        network: text(from.vpc_id()),
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
        primary_interface: primary(from)
            .and_then(|card| card.network_interface_id().map(str::to_owned)),
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
        elastic: elastic(from),
        public_address: text(from.public_ip_address()),
        private_address: text(from.private_ip_address()),
        user_data: None,
        manager: manager(from),
        attributes: None,
    })
}

/// Whoever keeps the number of its instances launches a successor of one that ends.
fn manager(from: &sdk::Instance) -> Option<String> {
    // EC2 alone can set tags that begin like these.
    let kinds = [
        ("aws:autoscaling:groupName", "the auto scaling group"),
        ("aws:ec2spot:fleet-request-id", "the spot fleet"),
    ];
    let tagged = kinds.into_iter().find_map(|(key, kind)| {
        let tag = from.tags().iter().find(|tag| tag.key() == Some(key))?;
        Some(format!("{kind} {}", tag.value().unwrap_or_default()))
    });
    let operator = || {
        let operator = from.operator()?;
        let name = operator.principal().unwrap_or("unknown");
        (operator.managed() == Some(true)).then(|| format!("the operator {name}"))
    };
    tagged.or_else(operator)
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

/// The interface that the launch made first; a listing gives them in no order.
fn primary(from: &sdk::Instance) -> Option<&sdk::InstanceNetworkInterface> {
    let cards = from.network_interfaces();
    let is_first = |card: &&sdk::InstanceNetworkInterface| {
        card.attachment().is_some_and(|attachment| {
            attachment.device_index() == Some(0)
                && attachment.network_card_index().is_none_or(|card| card == 0)
        })
    };
    cards
        .iter()
        .find(is_first)
        .or_else(|| cards.first().filter(|_| cards.len() == 1))
}

/// The public addresses that EC2 did not lend: those that somebody allocated (EC2 API,
/// `InstanceNetworkInterfaceAssociation`).
fn elastic(from: &sdk::Instance) -> std::collections::BTreeSet<String> {
    let cards = from.network_interfaces().iter();
    let addresses = cards.flat_map(sdk::InstanceNetworkInterface::private_ip_addresses);
    let associations = addresses.filter_map(|address| address.association());
    associations
        .filter(|one| {
            let owner = one.ip_owner_id();
            owner.is_some_and(|owner| !owner.starts_with("amazon"))
        })
        .filter_map(|one| one.public_ip().map(str::to_owned))
        .collect()
}

/// The groups of the primary interface; with an interface in the launch, EC2 lists them there only.
fn security_groups(from: &sdk::Instance) -> std::collections::BTreeSet<LiveSecurityGroup> {
    let of_primary = primary(from)
        .map(sdk::InstanceNetworkInterface::groups)
        .unwrap_or_default();
    let groups = if of_primary.is_empty() {
        from.security_groups()
    } else {
        of_primary
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_launches_successors_is_named() {
        let tagged = |key: &str, value: &str| {
            let tag = sdk::Tag::builder().key(key).value(value).build();
            manager(&sdk::Instance::builder().tags(tag).build())
        };
        assert_eq!(tagged("Name", "mine"), None);
        let group = tagged("aws:autoscaling:groupName", "workers");
        assert_eq!(group.as_deref(), Some("the auto scaling group workers"));
        let operated = |managed: bool| {
            let operator = sdk::OperatorResponse::builder();
            let operator = operator.managed(managed).principal("eks.amazonaws.com");
            manager(&sdk::Instance::builder().operator(operator.build()).build())
        };
        assert_eq!(operated(false), None);
        assert_eq!(
            operated(true).as_deref(),
            Some("the operator eks.amazonaws.com")
        );
    }
}
