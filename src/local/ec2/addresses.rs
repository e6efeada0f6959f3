//! Elastic addresses: as much of them as somebody needs who attaches one by hand.

use super::filter::{Field, Filters, maybe, one};
use super::identifiers::ALLOCATION;
use super::{Call, done, tags};
use crate::local::state::{ElasticAddress, Region};
use crate::local::wire::{Refusal, Reply, Xml};

/// `AllocateAddress`.
pub(super) fn allocate(call: &mut Call) -> Reply {
    let tags = tags::specifications(&call.form, &["elastic-ip"])?;
    let elastic = ElasticAddress {
        id: call.region.mint("eipalloc"),
        address: call.region.public_address(),
        association: None,
    };
    if let Some(tags) = tags.get("elastic-ip") {
        call.region.tags.insert(elastic.id.clone(), tags.clone());
    }
    let mut xml = Xml::default();
    xml.text("publicIp", elastic.address)
        .text("allocationId", &elastic.id)
        .text("publicIpv4Pool", "amazon")
        .text("networkBorderGroup", &call.region.name)
        .text("domain", "vpc");
    call.region.elastic.insert(elastic.id.clone(), elastic);
    Ok(xml)
}

/// `AssociateAddress`, with an instance.
pub(super) fn associate(call: &mut Call) -> Reply {
    let id = call.form.required("AllocationId")?;
    let instance = call.form.required("InstanceId")?.to_owned();
    let moves = call.form.flag("AllowReassociation")?.unwrap_or(false);
    known(call, id)?;
    if call.known_instance(&instance)?.state().is_ending() {
        let message = format!("The instance '{instance}' is not in a valid state for this.");
        return Err(Refusal::new("IncorrectInstanceState", message));
    }
    if is_held(call, id) && !moves {
        let message = format!("resource {id} is already associated with associate-id");
        return Err(Refusal::new("Resource.AlreadyAssociated", message));
    }
    let association = call.region.mint("eipassoc");
    for elastic in call.region.elastic.values_mut() {
        // An instance has one: another one is disassociated.
        let of_it = |(_, holder): &(String, String)| *holder == instance;
        if elastic.id == id {
            elastic.association = Some((association.clone(), instance.clone()));
        } else if elastic.association.as_ref().is_some_and(of_it) {
            elastic.association = None;
        }
    }
    let mut xml = done();
    xml.text("associationId", association);
    Ok(xml)
}

/// `ReleaseAddress`: not while an instance has it.
pub(super) fn release(call: &mut Call) -> Reply {
    let id = call.form.required("AllocationId")?;
    let address = known(call, id)?.address;
    if is_held(call, id) {
        let message = format!("Address {address} is in use.");
        return Err(Refusal::new("InvalidIPAddress.InUse", message));
    }
    call.region.elastic.remove(id);
    call.region.tags.remove(id);
    Ok(done())
}

fn known<'a>(call: &'a Call, id: &str) -> Result<&'a ElasticAddress, Refusal> {
    ALLOCATION.check(id)?;
    let elastic = call.region.elastic.get(id);
    elastic.ok_or_else(|| ALLOCATION.unknown(&[id]))
}

fn is_held(call: &Call, id: &str) -> bool {
    let elastic = call.region.elastic.get(id);
    elastic.is_some_and(|elastic| call.region.holder_of(elastic).is_some())
}

/// An address, and where it is.
struct Row<'a>(&'a Region, &'a ElasticAddress);

impl Row<'_> {
    fn holder(&self) -> Option<(&str, &str)> {
        let (association, instance) = self.0.holder_of(self.1)?;
        Some((association, &instance.id))
    }
}

/// `DescribeAddresses`, which has no pages.
pub(super) fn describe(call: &mut Call) -> Reply {
    let fields: [Field<Row>; 5] = [
        ("allocation-id", |row| one(&row.1.id)),
        ("public-ip", |row| one(row.1.address)),
        ("domain", |_| one("vpc")),
        ("instance-id", |row| maybe(row.holder().map(|(_, id)| id))),
        ("association-id", |row| {
            maybe(row.holder().map(|(id, _)| id))
        }),
    ];
    let filters = Filters::read(&call.form, &fields)?;
    let ids = call.form.values("AllocationId");
    let addresses = call.form.values("PublicIp");
    let region: &Region = call.region;
    let ids = ALLOCATION.check_all(&ids, |id| region.elastic.contains_key(id))?;
    let all = region.elastic.values().map(|elastic| Row(region, elastic));
    let rows = all.filter(|row| {
        let address = row.1.address.to_string();
        (ids.is_empty() || ids.contains(&row.1.id.as_str()))
            && (addresses.is_empty() || addresses.contains(&address.as_str()))
            && filters.accept(row, region.tags_of(&row.1.id), &fields)
    });
    let mut xml = Xml::default();
    xml.list("addressesSet", rows, |xml, row| {
        let (association, instance) = row.holder().unzip();
        xml.text("publicIp", row.1.address)
            .text("allocationId", &row.1.id)
            .text("domain", "vpc")
            .maybe("instanceId", instance)
            .maybe("associationId", association)
            .tags(region.tags_of(&row.1.id));
    });
    Ok(xml)
}
