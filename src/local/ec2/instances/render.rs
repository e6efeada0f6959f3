//! Instances as XML.

use super::super::profiles::profile_xml;
use super::metadata;
use super::seen::Seen;
use crate::local::state::{AttachedInterface, Instance, InstanceState, Region};
use crate::local::wire::{Xml, aws_time};

/// Writes a reservation with some of its instances, by id.
pub(super) fn reservation_of(region: &Region, reservation: &str, ids: &[String]) -> Xml {
    let mut instances: Vec<&Instance> = ids
        .iter()
        .filter_map(|id| region.instances.get(id))
        .collect();
    // EC2 promises no order, so whoever relies on one is to find out here.
    instances.sort_by_key(|instance| std::cmp::Reverse(instance.launch_index));
    let seen: Vec<Seen> = instances
        .into_iter()
        .map(|instance| Seen::truly(region, instance))
        .collect();
    let mut xml = Xml::default();
    self::reservation(&mut xml, region, reservation, &seen);
    xml
}

/// Writes a reservation.
pub(super) fn reservation(xml: &mut Xml, region: &Region, id: &str, instances: &[Seen]) {
    xml.text("reservationId", id)
        .text("ownerId", &region.account)
        .node("groupSet", |_| {})
        .list("instancesSet", instances, |xml, instance| {
            self::instance(xml, region, instance);
        });
}

fn instance(xml: &mut Xml, region: &Region, seen: &Seen) {
    identity(xml, region, seen);
    place(xml, seen);
    machine(xml, seen);
    if seen.state() != InstanceState::Terminated {
        equipment(xml, region, seen.instance);
    }
    xml.tags(seen.tags);
}

fn identity(xml: &mut Xml, region: &Region, seen: &Seen) {
    let instance = seen.instance;
    let elastic = region.elastic_of(instance);
    let public = elastic.or_else(|| seen.public_address());
    let gone = seen.state() == InstanceState::Terminated;
    let private = (!gone).then_some(instance.interface.private_address);
    xml.text("instanceId", &instance.id)
        .text("imageId", &instance.image)
        .node("instanceState", |xml| state(xml, seen.state()))
        .text(
            "privateDnsName",
            private.map_or_else(String::new, |address| region.private_name(address)),
        )
        .text(
            "dnsName",
            public.map_or_else(String::new, |address| region.public_name(address)),
        )
        .text("reason", seen.transition())
        .maybe("keyName", instance.key.as_ref())
        .text("amiLaunchIndex", instance.launch_index)
        .text("instanceType", &instance.kind)
        .text("launchTime", aws_time(instance.lifecycle.launched))
        .maybe("privateIpAddress", private)
        .maybe("ipAddress", public)
        .text("clientToken", &instance.client_token);
    if let Some((code, message)) = seen.reason() {
        xml.node("stateReason", |xml| {
            xml.text("code", code).text("message", message);
        });
    }
}

fn place(xml: &mut Xml, seen: &Seen) {
    let instance = seen.instance;
    xml.node("placement", |xml| {
        xml.text("availabilityZone", &instance.zone)
            .text(
                "groupName",
                instance.placement_group.as_deref().unwrap_or_default(),
            )
            .text("tenancy", "default");
    });
    // A terminated instance is in no network any more.
    if seen.state() != InstanceState::Terminated {
        xml.text("subnetId", &instance.subnet)
            .text("vpcId", &instance.vpc);
    }
    xml.node("monitoring", |xml| {
        let state = if instance.monitoring {
            "enabled"
        } else {
            "disabled"
        };
        xml.text("state", state);
    });
}

fn machine(xml: &mut Xml, seen: &Seen) {
    let instance = seen.instance;
    xml.text("architecture", &instance.architecture)
        .text("rootDeviceType", "ebs")
        .text("rootDeviceName", &instance.root_device)
        .text("virtualizationType", "hvm")
        .text("hypervisor", "xen")
        .text("ebsOptimized", instance.ebs_optimized)
        .text("enaSupport", true)
        .text("sourceDestCheck", true)
        .text("platformDetails", "Linux/UNIX")
        .text("usageOperation", "RunInstances")
        .text(
            "usageOperationUpdateTime",
            aws_time(instance.lifecycle.created),
        )
        .text("bootMode", "uefi-preferred")
        .node("hibernationOptions", |xml| {
            xml.text("configured", false);
        })
        .node("enclaveOptions", |xml| {
            xml.text("enabled", false);
        })
        .node("metadataOptions", |xml| {
            metadata::render(xml, &instance.metadata, seen.state());
        });
    if let Some(spot) = &instance.spot {
        xml.text("instanceLifecycle", "spot")
            .text("spotInstanceRequestId", &spot.request);
    }
}

fn equipment(xml: &mut Xml, region: &Region, instance: &Instance) {
    xml.node("groupSet", |xml| groups(xml, region, instance))
        .list("blockDeviceMapping", &instance.devices, |xml, device| {
            xml.text("deviceName", &device.device).node("ebs", |xml| {
                xml.text("volumeId", &device.volume)
                    .text("status", "attached")
                    .text("attachTime", aws_time(device.attached))
                    .text("deleteOnTermination", device.delete_on_termination);
            });
        })
        .node("networkInterfaceSet", |xml| {
            // They come in no order.
            for (number, attached) in (1..).zip(&instance.attached) {
                xml.node("item", |xml| {
                    attached_interface(xml, region, number, attached);
                });
            }
            xml.node("item", |xml| interface(xml, region, instance, None));
        });
    if let Some(association) = region.association_of(&instance.id) {
        xml.node("iamInstanceProfile", |xml| {
            profile_xml(xml, region, &association.profile);
        });
    }
}

fn groups(xml: &mut Xml, region: &Region, instance: &Instance) {
    for group in &instance.groups {
        xml.node("item", |xml| {
            xml.text("groupId", group)
                .text("groupName", region.group_name(group));
        });
    }
}

fn attached_interface(xml: &mut Xml, region: &Region, number: u32, attached: &AttachedInterface) {
    xml.text("networkInterfaceId", &attached.id)
        .text("status", "in-use")
        .text("interfaceType", "interface")
        .list("groupSet", &attached.groups, |xml, group| {
            xml.text("groupId", group)
                .text("groupName", region.group_name(group));
        })
        .node("attachment", |xml| {
            xml.text("deviceIndex", number)
                .text("networkCardIndex", 0)
                .text("status", "attached");
        });
}

/// Writes the primary network interface of an instance, without what only its
/// own listing has, but for the instance that it is attached to.
pub(in super::super) fn interface(
    xml: &mut Xml,
    region: &Region,
    instance: &Instance,
    attached_to: Option<&str>,
) {
    xml.text("networkInterfaceId", &instance.interface.id)
        .text("subnetId", &instance.subnet)
        .text("vpcId", &instance.vpc)
        .text("description", "")
        .text("ownerId", &region.account)
        .text("status", "in-use")
        .text("macAddress", mac_address(instance))
        .text("privateIpAddress", instance.interface.private_address)
        .text(
            "privateDnsName",
            region.private_name(instance.interface.private_address),
        )
        .text("sourceDestCheck", true)
        .text("interfaceType", "interface")
        .node("groupSet", |xml| groups(xml, region, instance))
        .node("attachment", |xml| {
            xml.text(
                "attachmentId",
                instance.interface.id.replacen("eni-", "eni-attach-", 1),
            )
            .maybe("instanceId", attached_to)
            .maybe("instanceOwnerId", attached_to.map(|_| &region.account))
            .text("deviceIndex", 0)
            .text("networkCardIndex", 0)
            .text("status", "attached")
            .text("attachTime", aws_time(instance.lifecycle.created))
            .text("deleteOnTermination", !instance.interface.kept);
        });
    association(xml, region, instance);
    xml.node("privateIpAddressesSet", |xml| {
        xml.node("item", |xml| {
            xml.text("privateIpAddress", instance.interface.private_address)
                .text("primary", true);
            association(xml, region, instance);
        });
    });
}

fn association(xml: &mut Xml, region: &Region, instance: &Instance) {
    let elastic = region.elastic_of(instance);
    if let Some(address) = elastic.or(instance.interface.public_address) {
        let owner = elastic.map_or("amazon", |_| region.account.as_str());
        xml.node("association", |xml| {
            xml.text("publicIp", address)
                .text("publicDnsName", region.public_name(address))
                .text("ipOwnerId", owner);
        });
    }
}

/// Makes a local address of the hardware out of the private address.
fn mac_address(instance: &Instance) -> String {
    let [a, b, c, d] = instance.interface.private_address.octets();
    format!("02:00:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}

/// Writes a state.
pub(super) fn state(xml: &mut Xml, state: InstanceState) {
    xml.text("code", state.code()).text("name", state.name());
}
