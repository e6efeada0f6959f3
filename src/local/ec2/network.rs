//! The default network: `DescribeVpcs`, `DescribeSubnets` and
//! `DescribeAvailabilityZones`.

use std::collections::BTreeMap;

use super::Call;
use super::filter::{Field, Filters, one};
use super::identifiers::{NETWORK, SUBNET};
use super::page::Page;
use crate::local::state::{InstanceState, Network, Subnet};
use crate::local::wire::{Refusal, Reply, Xml};

/// The addresses of the default network.
const CIDR: &str = "172.31.0.0/16";

/// `DescribeVpcs`.
pub(super) fn describe_vpcs(call: &mut Call) -> Reply {
    let fields: [Field<Network>; 4] = [
        ("vpc-id", |network| one(&network.vpc)),
        ("is-default", |_| one(true)),
        ("state", |_| one("available")),
        ("cidr", |_| one(CIDR)),
    ];
    let filters = Filters::read(&call.form, &fields)?;
    let network = &call.region.network;
    let ids = call.form.values("VpcId");
    let ids = NETWORK.check_all(&ids, |id| id == network.vpc)?;
    let tags = call.region.tags_of(&network.vpc);
    let wanted = ids.is_empty() || ids.contains(&network.vpc.as_str());
    let shown = (wanted && filters.accept(network, tags, &fields)).then_some(network);
    let mut xml = Xml::default();
    xml.list("vpcSet", shown, |xml, network| {
        xml.text("vpcId", &network.vpc)
            .text("ownerId", &call.region.account)
            .text("state", "available")
            .text("cidrBlock", CIDR)
            .text("instanceTenancy", "default")
            .text("isDefault", true)
            .tags(tags);
    });
    Ok(xml)
}

/// `DescribeSubnets`.
pub(super) fn describe_subnets(call: &mut Call) -> Reply {
    let vpc = call.region.network.vpc.clone();
    let fields: [Field<(&Subnet, &str)>; 8] = [
        ("subnet-id", |(subnet, _)| one(&subnet.id)),
        ("vpc-id", |(_, vpc)| one(vpc)),
        ("availability-zone", |(subnet, _)| one(&subnet.zone)),
        ("availability-zone-id", |(subnet, _)| one(&subnet.zone_id)),
        ("default-for-az", |_| one(true)),
        ("map-public-ip-on-launch", |_| one(true)),
        ("state", |_| one("available")),
        ("cidr-block", |(subnet, _)| one(subnet.cidr())),
    ];
    let filters = Filters::read(&call.form, &fields)?;
    let page = Page::read(call, &(5..=1000))?;
    let region = &call.region;
    let ids = call.form.values("SubnetId");
    let ids = SUBNET.check_all(&ids, |id| region.network.subnet(id).is_some())?;
    let found: BTreeMap<String, &Subnet> = region
        .network
        .subnets
        .iter()
        .filter(|subnet| ids.is_empty() || ids.contains(&subnet.id.as_str()))
        .filter(|subnet| {
            let item = (*subnet, vpc.as_str());
            filters.accept(&item, region.tags_of(&subnet.id), &fields)
        })
        .map(|subnet| (subnet.zone.clone(), subnet))
        .collect();
    let (subnets, next) = page.cut(found);
    let mut xml = Xml::default();
    xml.list("subnetSet", subnets, |xml, subnet| {
        let held = region
            .instances
            .values()
            .filter(|instance| instance.subnet == subnet.id)
            .filter(|instance| instance.state() != InstanceState::Terminated)
            .count();
        let hosts = usize::try_from(Subnet::HOSTS).unwrap_or(usize::MAX);
        let (account, name, id) = (&region.account, &region.name, &subnet.id);
        xml.text("subnetId", id)
            .text(
                "subnetArn",
                format_args!("arn:aws:ec2:{name}:{account}:subnet/{id}"),
            )
            .text("ownerId", account)
            .text("state", "available")
            .text("vpcId", &vpc)
            .text("cidrBlock", subnet.cidr())
            .text("availableIpAddressCount", hosts.saturating_sub(held))
            .text("availabilityZone", &subnet.zone)
            .text("availabilityZoneId", &subnet.zone_id)
            .text("defaultForAz", true)
            .text("mapPublicIpOnLaunch", true)
            .tags(region.tags_of(id));
    });
    xml.maybe("nextToken", next);
    Ok(xml)
}

/// `DescribeAvailabilityZones`.
pub(super) fn describe_zones(call: &mut Call) -> Reply {
    let fields: [Field<(&Subnet, &str)>; 6] = [
        ("zone-name", |(subnet, _)| one(&subnet.zone)),
        ("zone-id", |(subnet, _)| one(&subnet.zone_id)),
        ("region-name", |(_, region)| one(region)),
        ("state", |_| one("available")),
        ("zone-type", |_| one("availability-zone")),
        ("opt-in-status", |_| one("opt-in-not-required")),
    ];
    let filters = Filters::read(&call.form, &fields)?;
    let region = call.region.name.as_str();
    let subnets = &call.region.network.subnets;
    let names = call.form.values("ZoneName");
    for name in &names {
        if !subnets.iter().any(|subnet| subnet.zone == *name) {
            return Err(Refusal::value(format!(
                "Invalid availability zone: [{name}]"
            )));
        }
    }
    let shown = subnets
        .iter()
        .filter(|subnet| names.is_empty() || names.contains(&subnet.zone.as_str()))
        .filter(|subnet| filters.accept(&(*subnet, region), None, &fields));
    let mut xml = Xml::default();
    xml.list("availabilityZoneInfo", shown, |xml, subnet| {
        xml.text("zoneName", &subnet.zone)
            .text("zoneId", &subnet.zone_id)
            .text("zoneState", "available")
            .text("regionName", region)
            .text("groupName", format_args!("{region}-1"))
            .text("networkBorderGroup", region)
            .text("optInStatus", "opt-in-not-required")
            .text("zoneType", "availability-zone");
    });
    Ok(xml)
}
