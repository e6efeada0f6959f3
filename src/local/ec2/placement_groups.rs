//! Placement groups.

use super::filter::{Field, Filters, one};
use super::{Call, done, tags};
use crate::local::state::{PlacementGroup, Region, Strategy};
use crate::local::wire::{Refusal, Reply, Xml};

/// The longest name, in characters.
const LONGEST: usize = 255;

/// How many partitions a group has at most, and when the call names none
/// (EC2 API reference, `CreatePlacementGroup`).
const MOST_PARTITIONS: u32 = 7;
const USUAL_PARTITIONS: u32 = 2;

/// The refusal for a group that is not there.
pub(super) fn unknown(name: &str) -> Refusal {
    let message = format!("The Placement Group '{name}' is unknown.");
    Refusal::new("InvalidPlacementGroup.Unknown", message)
}

/// `CreatePlacementGroup`.
pub(super) fn create(call: &mut Call) -> Reply {
    let form = call.form.clone();
    let name = form.required("GroupName")?;
    if name.chars().count() > LONGEST || !name.is_ascii() {
        return Err(Refusal::value(format!(
            "Value ({name}) for parameter groupName is invalid."
        )));
    }
    let strategy = form.text("Strategy").unwrap_or("cluster");
    let strategy = Strategy::named(strategy).ok_or_else(|| {
        Refusal::value(format!(
            "Value ({strategy}) for parameter strategy is invalid."
        ))
    })?;
    let partitions = partitions(form.number("PartitionCount")?, strategy)?;
    let tags = tags::specifications(&form, &["placement-group"])?;
    if call.region.placement_groups.contains_key(name) {
        let message = format!("The Placement Group '{name}' already exists.");
        return Err(Refusal::new("InvalidPlacementGroup.Duplicate", message));
    }
    let group = PlacementGroup {
        id: call.region.mint("pg"),
        name: name.to_owned(),
        strategy,
        partitions,
    };
    if let Some(tags) = tags.get("placement-group") {
        call.region.tags.insert(group.id.clone(), tags.clone());
    }
    let mut xml = done();
    xml.node("placementGroup", |xml| group_xml(xml, call.region, &group));
    call.region.placement_groups.insert(name.to_owned(), group);
    Ok(xml)
}

fn partitions(wanted: Option<u32>, strategy: Strategy) -> Result<Option<u32>, Refusal> {
    match (strategy, wanted) {
        (Strategy::Partition, wanted) => {
            let count = wanted.unwrap_or(USUAL_PARTITIONS);
            if (1..=MOST_PARTITIONS).contains(&count) {
                Ok(Some(count))
            } else {
                Err(Refusal::value(format!(
                    "Value ({count}) for parameter partitionCount is invalid."
                )))
            }
        }
        (Strategy::Cluster | Strategy::Spread, None) => Ok(None),
        (Strategy::Cluster | Strategy::Spread, Some(_)) => Err(Refusal::combination(
            "The parameter partitionCount is for the strategy partition only.",
        )),
    }
}

/// `DeletePlacementGroup`: not while an instance is in it.
pub(super) fn delete(call: &mut Call) -> Reply {
    let name = call.form.required("GroupName")?;
    let region = &mut *call.region;
    let id = match region.placement_groups.get(name) {
        Some(group) => group.id.clone(),
        None => return Err(unknown(name)),
    };
    if region.members_of(name).next().is_some() {
        let message = format!("The placement group '{name}' is in use and may not be deleted.");
        return Err(Refusal::new("InvalidPlacementGroup.InUse", message));
    }
    region.placement_groups.remove(name);
    region.tags.remove(&id);
    Ok(done())
}

/// `DescribePlacementGroups`, which has no pages.
pub(super) fn describe(call: &mut Call) -> Reply {
    let fields: [Field<PlacementGroup>; 4] = [
        ("group-name", |group| one(&group.name)),
        ("state", |_| one("available")),
        ("strategy", |group| one(group.strategy.name())),
        ("group-id", |group| one(&group.id)),
    ];
    let filters = Filters::read(&call.form, &fields)?;
    let region: &Region = call.region;
    let names = call.form.values("GroupName");
    if let Some(name) = names
        .iter()
        .find(|name| !region.placement_groups.contains_key(**name))
    {
        return Err(unknown(name));
    }
    let ids = call.form.values("GroupId");
    let all = region.placement_groups.values();
    if let Some(id) = ids
        .iter()
        .find(|id| !all.clone().any(|group| group.id == **id))
    {
        return Err(unknown(id));
    }
    let shown = all
        .filter(|group| names.is_empty() || names.contains(&group.name.as_str()))
        .filter(|group| ids.is_empty() || ids.contains(&group.id.as_str()))
        .filter(|group| filters.accept(*group, region.tags_of(&group.id), &fields));
    let mut xml = Xml::default();
    xml.list("placementGroupSet", shown, |xml, group| {
        group_xml(xml, region, group);
    });
    Ok(xml)
}

fn group_xml(xml: &mut Xml, region: &Region, group: &PlacementGroup) {
    let (account, place, name) = (&region.account, &region.name, &group.name);
    xml.text("groupName", name)
        .text("state", "available")
        .text("strategy", group.strategy.name())
        .maybe("partitionCount", group.partitions)
        .text("groupId", &group.id)
        .text(
            "groupArn",
            format_args!("arn:aws:ec2:{place}:{account}:placement-group/{name}"),
        )
        .tags(region.tags_of(&group.id));
}
