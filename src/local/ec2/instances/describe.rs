//! `DescribeInstances` and `DescribeInstanceStatus`.

use std::collections::BTreeMap;

use super::super::Call;
use super::super::filter::{Field, Filters, maybe, one};
use super::super::identifiers::INSTANCE;
use super::super::page::Page;
use super::super::sight::Sight;
use super::render;
use super::seen::Seen;
use crate::local::state::{Instance, InstanceState, Region};
use crate::local::wire::{Refusal, Reply, Xml, aws_time};

struct View<'a> {
    region: &'a Region,
    seen: Seen<'a>,
    instance: &'a Instance,
}

type Fields<'a> = Vec<Field<View<'a>>>;

fn fields<'a>() -> Fields<'a> {
    let mut fields = own_fields();
    fields.extend(linked_fields());
    fields
}

/// What the instance itself tells.
fn own_fields<'a>() -> Fields<'a> {
    vec![
        ("instance-id", |view| one(&view.instance.id)),
        ("instance-state-name", |view| one(view.seen.state().name())),
        ("instance-state-code", |view| one(view.seen.state().code())),
        ("instance-type", |view| one(&view.instance.kind)),
        ("client-token", |view| one(&view.instance.client_token)),
        ("reservation-id", |view| one(&view.instance.reservation)),
        ("owner-id", |view| one(&view.region.account)),
        ("image-id", |view| one(&view.instance.image)),
        ("key-name", |view| maybe(view.instance.key.as_ref())),
        ("architecture", |view| one(&view.instance.architecture)),
        ("placement-group-name", |view| {
            maybe(view.instance.placement_group.as_ref())
        }),
        ("availability-zone", |view| one(&view.instance.zone)),
        ("launch-index", |view| one(view.instance.launch_index)),
        ("launch-time", |view| {
            one(aws_time(view.instance.lifecycle.launched))
        }),
        ("root-device-name", |view| one(&view.instance.root_device)),
        ("root-device-type", |_| one("ebs")),
        ("virtualization-type", |_| one("hvm")),
        ("hypervisor", |_| one("xen")),
        ("tenancy", |_| one("default")),
        ("platform-details", |_| one("Linux/UNIX")),
        ("instance-lifecycle", |view| {
            maybe(view.instance.spot.as_ref().map(|_| "spot"))
        }),
        ("spot-instance-request-id", |view| {
            maybe(view.instance.spot.as_ref().map(|spot| &spot.request))
        }),
        ("state-reason-code", |view| {
            maybe(
                view.instance
                    .lifecycle
                    .reason
                    .as_ref()
                    .map(|(code, _)| code),
            )
        }),
        ("metadata-options.http-tokens", |view| {
            one(&view.instance.metadata.tokens)
        }),
    ]
}

/// What the instance is connected to; a terminated one is to nothing.
fn linked_fields<'a>() -> Fields<'a> {
    vec![
        ("vpc-id", |view| view.here(|instance| one(&instance.vpc))),
        ("subnet-id", |view| {
            view.here(|instance| one(&instance.subnet))
        }),
        ("private-ip-address", |view| {
            view.here(|instance| one(instance.interface.private_address))
        }),
        ("private-dns-name", |view| {
            view.here(|instance| one(view.region.private_name(instance.interface.private_address)))
        }),
        ("ip-address", |view| maybe(view.public_address())),
        ("dns-name", |view| {
            let address = view.public_address();
            maybe(address.map(|address| view.region.public_name(address)))
        }),
        ("instance.group-id", |view| {
            view.here(|instance| instance.groups.clone())
        }),
        ("instance.group-name", |view| view.group_names()),
        ("group-id", |view| {
            view.here(|instance| instance.groups.clone())
        }),
        ("group-name", |view| view.group_names()),
        ("network-interface.network-interface-id", |view| {
            view.here(|instance| one(&instance.interface.id))
        }),
        ("block-device-mapping.volume-id", |view| {
            let devices = view.instance.devices.iter();
            devices.map(|device| device.volume.clone()).collect()
        }),
        ("iam-instance-profile.arn", |view| {
            let association = view.region.association_of(&view.instance.id);
            maybe(association.map(|association| {
                super::super::profiles::profile_arn(view.region, &association.profile)
            }))
        }),
    ]
}

impl View<'_> {
    fn public_address(&self) -> Option<std::net::Ipv4Addr> {
        let elastic = self.region.elastic_of(self.instance);
        elastic.or_else(|| self.seen.public_address())
    }

    fn here(&self, values: impl FnOnce(&Instance) -> Vec<String>) -> Vec<String> {
        if self.seen.state() == InstanceState::Terminated {
            Vec::new()
        } else {
            values(self.instance)
        }
    }

    fn group_names(&self) -> Vec<String> {
        self.here(|instance| {
            let names = instance.groups.iter().map(|id| self.region.group_name(id));
            names.map(str::to_owned).collect()
        })
    }
}

/// `DescribeInstances`: pages count instances, so one may split a reservation.
pub(in super::super) fn describe(call: &mut Call) -> Reply {
    let (instances, next) = select(call)?;
    let mut reservations: Vec<(&str, Vec<Seen>)> = Vec::new();
    for seen in instances {
        let id = &seen.instance.reservation;
        match reservations.last_mut() {
            Some((last, members)) if last == id => members.push(seen),
            Some(_) | None => reservations.push((id, vec![seen])),
        }
    }
    let mut xml = Xml::default();
    xml.list("reservationSet", reservations, |xml, (id, members)| {
        render::reservation(xml, call.region, id, &members);
    });
    xml.maybe("nextToken", next);
    Ok(xml)
}

/// `DescribeInstanceStatus`: the running ones, unless all are asked for.
pub(in super::super) fn describe_status(call: &mut Call) -> Reply {
    let all = call.form.flag("IncludeAllInstances")?.unwrap_or(false);
    let (instances, next) = select(call)?;
    let shown = instances
        .into_iter()
        .filter(|seen| all || seen.state() == InstanceState::Running);
    let mut xml = Xml::default();
    xml.list("instanceStatusSet", shown, |xml, seen| {
        let status = match seen.state() {
            InstanceState::Running => "ok",
            InstanceState::Pending
            | InstanceState::ShuttingDown
            | InstanceState::Terminated
            | InstanceState::Stopping
            | InstanceState::Stopped => "not-applicable",
        };
        xml.text("instanceId", &seen.instance.id)
            .text("availabilityZone", &seen.instance.zone)
            .node("instanceState", |xml| render::state(xml, seen.state()));
        for check in ["instanceStatus", "systemStatus"] {
            xml.node(check, |xml| {
                xml.text("status", status);
            });
        }
    });
    xml.maybe("nextToken", next);
    Ok(xml)
}

/// The instances that a call asks for, in order of reservations.
fn select<'c>(call: &'c Call) -> Result<(Vec<Seen<'c>>, Option<String>), Refusal> {
    let fields = fields();
    let filters = Filters::read(&call.form, &fields)?;
    let page = Page::read(call, &(5..=1000))?;
    let ids = call.form.values("InstanceId");
    page.refuse_with_ids("instancesSet", &ids)?;
    call.refuse_while_impaired(&ids)?;
    let ids = INSTANCE.check_all(&ids, |id| call.instance(id).is_some())?;
    let (region, sight): (&Region, Sight) = (call.region, call.sight);
    let (by_id, by_tags) = (!ids.is_empty(), filters.name_tags());
    let mut found = BTreeMap::new();
    for instance in region.instances.values() {
        let wanted = if by_id {
            ids.contains(&instance.id.as_str())
        } else {
            sight.lists(instance)
        };
        if !wanted || by_tags && sight.misses_tags(instance) {
            continue;
        }
        let seen = Seen::by(sight, region, instance, by_id);
        let view = View {
            region,
            seen,
            instance,
        };
        if filters.accept(&view, sight.tags_of(region, &instance.id), &fields) {
            let key = format!("{} {:05}", instance.reservation, instance.launch_index);
            found.insert(key, seen);
        }
    }
    Ok(page.cut(found))
}
