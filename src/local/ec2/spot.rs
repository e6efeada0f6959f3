//! Spot requests. Each came with a launch and has the instance of that launch, or
//! the last successor of it.

use std::collections::BTreeMap;

use super::Call;
use super::filter::{Field, Filters, maybe, one};
use super::identifiers::SPOT_REQUEST;
use super::page::Page;
use crate::local::state::{Instance, InstanceState, Spot};
use crate::local::wire::{Refusal, Reply, Xml, aws_time};

type Row<'a> = (&'a Instance, &'a Spot);

/// `DescribeSpotInstanceRequests`.
pub(super) fn describe(call: &mut Call) -> Reply {
    let fields: [Field<Row>; 5] = [
        ("spot-instance-request-id", |(_, spot)| one(&spot.request)),
        ("instance-id", |(instance, spot)| maybe(of(instance, spot))),
        ("state", |(instance, spot)| one(state(instance, spot))),
        ("type", |(_, spot)| one(kind(spot))),
        ("launched-availability-zone", |(instance, _)| {
            one(&instance.zone)
        }),
    ];
    let filters = Filters::read(&call.form, &fields)?;
    let page = Page::read(call, &(5..=1000))?;
    let all = requests(call);
    let ids = call.form.values("SpotInstanceRequestId");
    let ids = SPOT_REQUEST.check_all(&ids, |id| all.contains_key(id))?;
    let (sight, by_tags) = (call.sight, filters.name_tags());
    let found = all
        .into_iter()
        .filter(|(id, _)| ids.is_empty() || ids.contains(id))
        .filter(|(id, _)| !(by_tags && sight.misses_tags_of_request(call.region, id)))
        .filter(|(id, row)| filters.accept(row, call.region.tags_of(id), &fields))
        .map(|(id, row)| (id.to_owned(), row))
        .collect();
    let (rows, next) = page.cut(found);
    let mut xml = Xml::default();
    xml.list("spotInstanceRequestSet", rows, |xml, (instance, spot)| {
        xml.text("spotInstanceRequestId", &spot.request)
            .maybe("spotPrice", spot.max_price.as_ref())
            .text("type", kind(spot))
            .text("state", state(instance, spot))
            .maybe("instanceId", of(instance, spot))
            .text("createTime", aws_time(instance.lifecycle.created))
            .text("productDescription", "Linux/UNIX")
            .text("launchedAvailabilityZone", &instance.zone)
            .text("instanceInterruptionBehavior", &spot.interruption)
            .tags(call.region.tags_of(&spot.request));
    });
    xml.maybe("nextToken", next);
    Ok(xml)
}

/// `CancelSpotInstanceRequests`: a running instance goes on, a stopped one ends
/// with its request.
pub(super) fn cancel(call: &mut Call) -> Reply {
    let ids = call.form.values("SpotInstanceRequestId");
    if ids.is_empty() {
        return Err(Refusal::missing("SpotInstanceRequestId"));
    }
    let all = requests(call);
    let ids = SPOT_REQUEST.check_all(&ids, |id| all.contains_key(id))?;
    let now = call.now;
    for instance in call.region.instances.values_mut() {
        let state = instance.state();
        let Some(spot) = &mut instance.spot else {
            continue;
        };
        if ids.contains(&spot.request.as_str()) {
            spot.cancelled = true;
            if state == InstanceState::Stopped {
                instance.enter(InstanceState::ShuttingDown, now);
            }
        }
    }
    let mut xml = Xml::default();
    xml.list("spotInstanceRequestSet", ids, |xml, id| {
        xml.text("spotInstanceRequestId", id)
            .text("state", "cancelled");
    });
    Ok(xml)
}

/// The requests, each with the last instance that it has launched.
fn requests<'c>(call: &'c Call) -> BTreeMap<&'c str, Row<'c>> {
    let mut requests: BTreeMap<&str, Row> = BTreeMap::new();
    for instance in call.instances() {
        let Some(spot) = &instance.spot else {
            continue;
        };
        let created = instance.lifecycle.created;
        let older = requests
            .get(spot.request.as_str())
            .is_none_or(|(known, _)| known.lifecycle.created < created);
        if older {
            requests.insert(&spot.request, (instance, spot));
        }
    }
    requests
}

fn kind(spot: &Spot) -> &'static str {
    if spot.persistent {
        "persistent"
    } else {
        "one-time"
    }
}

/// The instance of a request, which an open one has not.
fn of<'a>(instance: &'a Instance, spot: &Spot) -> Option<&'a str> {
    (state(instance, spot) != "open").then_some(instance.id.as_str())
}

fn state(instance: &Instance, spot: &Spot) -> &'static str {
    if spot.cancelled {
        return "cancelled";
    }
    match instance.state() {
        InstanceState::ShuttingDown | InstanceState::Terminated if spot.persistent => "open",
        InstanceState::ShuttingDown | InstanceState::Terminated => "closed",
        InstanceState::Stopping | InstanceState::Stopped => "disabled",
        InstanceState::Pending | InstanceState::Running => "active",
    }
}
