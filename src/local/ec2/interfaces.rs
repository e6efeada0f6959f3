//! `DescribeNetworkInterfaces`.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::Call;
use super::filter::{Field, Filters, maybe, one};
use super::identifiers::INTERFACE;
use super::instances::interface;
use super::page::Page;
use crate::local::state::{Instance, InstanceState, LooseInterface, Region};
use crate::local::wire::{Reply, Xml};

/// A network interface and what it is of.
enum Row<'a> {
    /// Of an instance that is not terminated.
    Held(&'a Instance),
    Loose(&'a LooseInterface, &'a Region),
}

impl Row<'_> {
    fn id(&self) -> &str {
        match self {
            Self::Held(instance) => &instance.interface.id,
            Self::Loose(loose, _) => &loose.id,
        }
    }

    fn instance(&self) -> Option<&str> {
        match self {
            Self::Held(instance) => Some(&instance.id),
            Self::Loose(loose, _) => loose.instance.as_deref(),
        }
    }

    fn vpc(&self) -> &str {
        match self {
            Self::Held(instance) => &instance.vpc,
            Self::Loose(_, region) => &region.network.vpc,
        }
    }

    fn subnet(&self) -> &str {
        match self {
            Self::Held(instance) => &instance.subnet,
            Self::Loose(loose, _) => &loose.subnet,
        }
    }

    fn zone(&self) -> &str {
        match self {
            Self::Held(instance) => &instance.zone,
            Self::Loose(loose, _) => &loose.zone,
        }
    }

    fn groups(&self) -> &[String] {
        match self {
            Self::Held(instance) => &instance.groups,
            Self::Loose(loose, _) => &loose.groups,
        }
    }

    fn private_address(&self) -> Ipv4Addr {
        match self {
            Self::Held(instance) => instance.interface.private_address,
            Self::Loose(loose, _) => loose.private_address,
        }
    }

    fn public_address(&self) -> Option<Ipv4Addr> {
        match self {
            Self::Held(instance) => instance.interface.public_address,
            Self::Loose(..) => None,
        }
    }

    fn description(&self) -> &str {
        match self {
            Self::Held(_) => "",
            Self::Loose(loose, _) => &loose.description,
        }
    }

    fn is_managed(&self) -> bool {
        match self {
            Self::Held(_) => false,
            Self::Loose(loose, _) => loose.is_managed(),
        }
    }
}

fn fields<'a>() -> [Field<Row<'a>>; 11] {
    [
        ("network-interface-id", |row| one(row.id())),
        ("attachment.instance-id", |row| maybe(row.instance())),
        ("status", |_| one("in-use")),
        ("vpc-id", |row| one(row.vpc())),
        ("subnet-id", |row| one(row.subnet())),
        ("availability-zone", |row| one(row.zone())),
        ("group-id", |row| row.groups().to_vec()),
        ("description", |row| one(row.description())),
        ("requester-managed", |row| one(row.is_managed())),
        ("private-ip-address", |row| one(row.private_address())),
        ("association.public-ip", |row| maybe(row.public_address())),
    ]
}

/// `DescribeNetworkInterfaces`: one for every instance that is not terminated,
/// and those of nobody.
pub(super) fn describe(call: &mut Call) -> Reply {
    let fields = fields();
    let filters = Filters::read(&call.form, &fields)?;
    let page = Page::read(call, &(5..=1000))?;
    let ids = call.form.values("NetworkInterfaceId");
    page.refuse_with_ids("networkInterfaceIdSet", &ids)?;
    let region: &Region = call.region;
    let held = call
        .instances()
        .filter(|instance| instance.state() != InstanceState::Terminated)
        .map(Row::Held);
    let loose = region.loose.values().map(|loose| Row::Loose(loose, region));
    let all: BTreeMap<String, Row> = held
        .chain(loose)
        .map(|row| (row.id().to_owned(), row))
        .collect();
    let ids = INTERFACE.check_all(&ids, |id| all.contains_key(id))?;
    let found = all
        .into_iter()
        .filter(|(id, _)| ids.is_empty() || ids.contains(&id.as_str()))
        .filter(|(id, row)| filters.accept(row, region.tags_of(id), &fields))
        .collect();
    let (rows, next) = page.cut(found);
    let mut xml = Xml::default();
    xml.list("networkInterfaceSet", rows, |xml, row: Row| {
        match row {
            Row::Held(instance) => interface(xml, region, instance, Some(&instance.id)),
            Row::Loose(loose, _) => loose_xml(xml, region, loose),
        }
        xml.text("availabilityZone", row.zone())
            .text("requesterManaged", row.is_managed())
            .tags(region.tags_of(row.id()));
    });
    xml.maybe("nextToken", next);
    Ok(xml)
}

fn loose_xml(xml: &mut Xml, region: &Region, loose: &LooseInterface) {
    let name = region.private_name(loose.private_address);
    xml.text("networkInterfaceId", &loose.id)
        .text("subnetId", &loose.subnet)
        .text("vpcId", &region.network.vpc)
        .text("description", &loose.description)
        .text("ownerId", &region.account)
        .text("status", "in-use")
        .text("privateIpAddress", loose.private_address)
        .text("privateDnsName", name)
        .text("sourceDestCheck", true)
        .text("interfaceType", "interface")
        .list("groupSet", &loose.groups, |xml, group| {
            xml.text("groupId", group)
                .text("groupName", region.group_name(group));
        })
        .node("attachment", |xml| {
            let status = match &loose.instance {
                Some(_) => "detaching",
                None => "attached",
            };
            xml.text("attachmentId", loose.id.replacen("eni-", "eni-attach-", 1))
                .maybe("instanceId", loose.instance.as_ref())
                .text("instanceOwnerId", owner(region, loose))
                .text("deviceIndex", 0)
                .text("status", status)
                .text("deleteOnTermination", loose.instance.is_some());
        });
}

/// The interfaces of a service are attached to what is its own.
fn owner<'a>(region: &'a Region, loose: &LooseInterface) -> &'a str {
    if loose.is_managed() {
        "amazon-aws"
    } else {
        &region.account
    }
}
