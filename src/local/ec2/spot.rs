//! Spot requests. Each came with a launch and has the instance of that launch.

use std::collections::BTreeMap;

use super::Call;
use super::filter::{Field, Filters, one};
use super::identifiers::SPOT_REQUEST;
use super::page::Page;
use crate::local::state::{Instance, Spot};
use crate::local::wire::{Refusal, Reply, Xml, aws_time};

type Row<'a> = (&'a Instance, &'a Spot);

/// `DescribeSpotInstanceRequests`.
pub(super) fn describe(call: &mut Call) -> Reply {
    let fields: [Field<Row>; 5] = [
        ("spot-instance-request-id", |(_, spot)| one(&spot.request)),
        ("instance-id", |(instance, _)| one(&instance.id)),
        ("state", |(instance, spot)| one(state(instance, spot))),
        ("type", |_| one("one-time")),
        ("launched-availability-zone", |(instance, _)| {
            one(&instance.zone)
        }),
    ];
    let filters = Filters::read(&call.form, &fields)?;
    let page = Page::read(call, &(5..=1000))?;
    let all = requests(call);
    let ids = call.form.values("SpotInstanceRequestId");
    let ids = SPOT_REQUEST.check_all(&ids, |id| all.contains_key(id))?;
    let found = all
        .into_iter()
        .filter(|(id, _)| ids.is_empty() || ids.contains(id))
        .filter(|(id, row)| filters.accept(row, call.region.tags_of(id), &fields))
        .map(|(id, row)| (id.to_owned(), row))
        .collect();
    let (rows, next) = page.cut(found);
    let mut xml = Xml::default();
    xml.list("spotInstanceRequestSet", rows, |xml, (instance, spot)| {
        xml.text("spotInstanceRequestId", &spot.request)
            .maybe("spotPrice", spot.max_price.as_ref())
            .text("type", "one-time")
            .text("state", state(instance, spot))
            .text("instanceId", &instance.id)
            .text("createTime", aws_time(instance.lifecycle.created))
            .text("productDescription", "Linux/UNIX")
            .text("launchedAvailabilityZone", &instance.zone)
            .text("instanceInterruptionBehavior", &spot.interruption)
            .tags(call.region.tags_of(&spot.request));
    });
    xml.maybe("nextToken", next);
    Ok(xml)
}

/// `CancelSpotInstanceRequests`: the instance goes on.
pub(super) fn cancel(call: &mut Call) -> Reply {
    let ids = call.form.values("SpotInstanceRequestId");
    if ids.is_empty() {
        return Err(Refusal::missing("SpotInstanceRequestId"));
    }
    let all = requests(call);
    let ids = SPOT_REQUEST.check_all(&ids, |id| all.contains_key(id))?;
    for spot in call
        .region
        .instances
        .values_mut()
        .filter_map(|instance| instance.spot.as_mut())
    {
        if ids.contains(&spot.request.as_str()) {
            spot.cancelled = true;
        }
    }
    let mut xml = Xml::default();
    xml.list("spotInstanceRequestSet", ids, |xml, id| {
        xml.text("spotInstanceRequestId", id)
            .text("state", "cancelled");
    });
    Ok(xml)
}

fn requests<'c>(call: &'c Call) -> BTreeMap<&'c str, Row<'c>> {
    call.instances()
        .filter_map(|instance| {
            let spot = instance.spot.as_ref()?;
            Some((spot.request.as_str(), (instance, spot)))
        })
        .collect()
}

fn state(instance: &Instance, spot: &Spot) -> &'static str {
    if spot.cancelled {
        "cancelled"
    } else if instance.state().is_ending() {
        "closed"
    } else {
        "active"
    }
}
