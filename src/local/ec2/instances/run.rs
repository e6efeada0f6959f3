//! `RunInstances`.

use super::super::Call;
use super::launch::{self, Launch};
use super::token::Claim;
use super::{capacity, placement, render};
use crate::local::state::{
    Association, Attachment, BlockDevice, Instance, Interface, Lifecycle, Spot, Volume,
};
use crate::local::wire::{Refusal, Reply};

/// `RunInstances`: all that was asked for or nothing, and once for a token.
pub(in super::super) fn run(call: &mut Call) -> Reply {
    let placement = placement::read(call)?;
    let claim = Claim::read(call, &placement.scope)?;
    if let Some(claim) = &claim
        && let Some(reply) = replay(call, claim)?
    {
        return Ok(reply);
    }
    let mut launch = launch::read(call, placement)?;
    let mut room = match capacity::find(call, &launch) {
        Ok(room) => room,
        Err(refusal) => {
            if let Some(claim) = &claim {
                claim.bind(call);
            }
            return Err(refusal);
        }
    };
    launch.placement.subnet = room.subnet.clone();
    let subnet = &launch.placement.subnet;
    let wanted = usize::try_from(room.count).unwrap_or(usize::MAX);
    let addresses = call.region.free_private_addresses(subnet, wanted);
    let count = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    if count < launch.least {
        return Err(Refusal::new(
            "InsufficientFreeAddressesInSubnet",
            format!(
                "There are not enough free addresses in subnet '{}'",
                subnet.id
            ),
        ));
    }
    room.count = count;
    capacity::use_up(call, &launch, &room);
    let token = claim.as_ref().map_or("", |claim| claim.token.as_str());
    let reservation = call.region.mint("r");
    let mut ids = Vec::with_capacity(addresses.len());
    for (index, address) in (0..count).zip(addresses) {
        let mut instance = blank(call, &launch, address);
        instance.reservation.clone_from(&reservation);
        instance.launch_index = index;
        token.clone_into(&mut instance.client_token);
        ids.push(instance.id.clone());
        equip(call, &launch, instance);
    }
    if let Some(claim) = claim {
        claim.spend(call, &reservation, &ids);
    }
    Ok(render::reservation_of(call.region, &reservation, &ids))
}

/// Answers a repeated call with what the first one made, as it is now.
fn replay(call: &Call, claim: &Claim) -> Result<Option<crate::local::wire::Xml>, Refusal> {
    let Some(used) = claim.used(call)? else {
        return Ok(None);
    };
    let left: Vec<String> = used
        .instances
        .iter()
        .filter(|id| call.region.instances.contains_key(*id))
        .cloned()
        .collect();
    if used.ended.is_some() || left.is_empty() {
        return Err(Refusal::new(
            "IdempotentInstanceTerminated",
            "The client token you have provided is associated with an instance that is already \
             terminated. Please use a different client token.",
        ));
    }
    Ok(Some(render::reservation_of(call.region, &used.made, &left)))
}

/// Makes an instance without volumes, tags and profile.
fn blank(call: &mut Call, launch: &Launch, address: std::net::Ipv4Addr) -> Instance {
    let placement = &launch.placement;
    Instance {
        id: call.region.mint("i"),
        reservation: String::new(),
        launch_index: 0,
        client_token: String::new(),
        image: launch.image.id.clone(),
        architecture: launch.image.architecture.clone(),
        kind: launch.instance_type.clone(),
        zone: placement.subnet.zone.clone(),
        subnet: placement.subnet.id.clone(),
        vpc: call.region.network.vpc.clone(),
        placement_group: launch.group.as_ref().map(|group| group.name.clone()),
        key: launch.key.clone(),
        groups: placement.groups.clone(),
        user_data: launch.user_data.clone(),
        interface: Interface {
            id: call.region.mint("eni"),
            kept: placement.interface_kept,
            private_address: address,
            public_address: placement
                .public_address
                .then(|| call.region.public_address()),
            wants_public_address: placement.public_address,
        },
        attached: Vec::new(),
        protection: launch.protection,
        shutdown_behavior: launch.shutdown_behavior,
        ebs_optimized: launch.ebs_optimized,
        monitoring: launch.monitoring,
        metadata: launch.metadata.clone(),
        root_device: launch.image.root_device.to_owned(),
        devices: Vec::new(),
        spot: launch.market.as_ref().map(|market| Spot {
            request: call.region.mint("sir"),
            max_price: market.max_price.clone(),
            interruption: market.interruption.clone(),
            cancelled: false,
            persistent: market.persistent,
        }),
        lifecycle: Lifecycle::begin(call.now),
        doomed: call.stage.fail_one(),
        launch_tags: launch.tags.get("instance").cloned().unwrap_or_default(),
    }
}

/// Gives an instance its volumes, tags and profile, and lets it be.
fn equip(call: &mut Call, launch: &Launch, mut instance: Instance) {
    for device in &launch.devices {
        let volume = Volume {
            id: call.region.mint("vol"),
            shape: device.shape.clone(),
            encrypted: device.encrypted,
            kms_key: device.kms_key.clone(),
            snapshot: device.snapshot.clone(),
            zone: instance.zone.clone(),
            created: call.now,
            attachment: Some(Attachment {
                instance: instance.id.clone(),
                device: device.name.clone(),
                delete_on_termination: device.delete_on_termination,
                attached: call.now,
            }),
            modifications: Vec::new(),
        };
        instance.devices.push(BlockDevice {
            device: device.name.clone(),
            volume: volume.id.clone(),
            delete_on_termination: device.delete_on_termination,
            attached: call.now,
        });
        tag(call, launch, "volume", &volume.id);
        call.region.volumes.insert(volume.id.clone(), volume);
    }
    tag(call, launch, "instance", &instance.id);
    tag(call, launch, "network-interface", &instance.interface.id);
    if let Some(spot) = &instance.spot {
        tag(call, launch, "spot-instances-request", &spot.request);
    }
    if let Some(profile) = &launch.profile {
        let association = Association {
            id: call.region.mint("iip-assoc"),
            instance: instance.id.clone(),
            profile: profile.clone(),
            since: call.now,
        };
        call.region
            .associations
            .insert(association.id.clone(), association);
    }
    call.region.instances.insert(instance.id.clone(), instance);
}

fn tag(call: &mut Call, launch: &Launch, kind: &str, resource: &str) {
    if let Some(tags) = launch.tags.get(kind) {
        call.region.tags.insert(resource.to_owned(), tags.clone());
    }
}
