//! Which zone has room for a launch, and for how much of it.

use super::super::Call;
use super::launch::Launch;
use super::refusals;
use crate::local::catalogue::instance_type;
use crate::local::state::{Buying, Demand, Instance, Strategy, Subnet};
use crate::local::wire::Refusal;

/// The most running instances of a spread group in one zone (EC2 user guide,
/// placement strategies).
const MOST_SPREAD: u32 = 7;

/// Where a launch finds room.
#[derive(Clone, Debug)]
pub(super) struct Room {
    pub(super) subnet: Subnet,
    /// How many instances fit, no more than were asked for.
    pub(super) count: u32,
}

/// Finds the first zone that takes what a launch asks for at least. One that
/// names its zone has that one alone.
pub(super) fn find(call: &Call, launch: &Launch) -> Result<Room, Refusal> {
    let mut first = None;
    let bound = bound_to(call, launch)?;
    let wanted = |subnet: &&Subnet| bound.is_none_or(|zone| subnet.zone == zone);
    for subnet in launch.placement.candidates().filter(wanted) {
        match room_in(call, launch, subnet) {
            Ok(count) => {
                return Ok(Room {
                    subnet: subnet.clone(),
                    count,
                });
            }
            Err(refusal) => {
                // Capacity says more than that a zone does not have the type.
                let better = first
                    .as_ref()
                    .is_none_or(|known: &Refusal| known.code == "Unsupported");
                if better {
                    first = Some(refusal);
                }
            }
        }
    }
    Err(first.unwrap_or_else(|| Refusal::new("InternalError", "the region has no subnet")))
}

/// The zone that a cluster group has its members in.
fn bound_to<'c>(call: &'c Call, launch: &'c Launch) -> Result<Option<&'c str>, Refusal> {
    let Some(group) = &launch.group else {
        return Ok(None);
    };
    let zone = match group.strategy {
        Strategy::Cluster => call.region.members_of(&group.name).next(),
        Strategy::Partition | Strategy::Spread => None,
    };
    let zone = zone.map(|member| member.zone.as_str());
    let asked = &launch.placement.subnet.zone;
    match zone {
        Some(zone) if launch.placement.is_pinned() && zone != asked => {
            Err(Refusal::value(format!(
                "The placement group '{}' is in the Availability Zone {zone}; it cannot have \
                 instances in {asked}.",
                group.name
            )))
        }
        zone => Ok(zone),
    }
}

/// How many more instances a spread group takes in a zone.
fn spread_room(call: &Call, launch: &Launch, zone: &str) -> Option<u32> {
    let group = launch.group.as_ref()?;
    match group.strategy {
        Strategy::Cluster | Strategy::Partition => None,
        Strategy::Spread => {
            let members = call.region.members_of(&group.name);
            let here = members.filter(|member| member.zone == zone).count();
            let here = u32::try_from(here).unwrap_or(u32::MAX);
            Some(MOST_SPREAD.saturating_sub(here))
        }
    }
}

/// Takes what was launched from what is left.
pub(super) fn use_up(call: &mut Call, launch: &Launch, room: &Room) {
    let demand = demand(launch, &room.subnet.zone);
    call.stage.use_up(&demand, room.count);
}

/// Refuses a start where the capacity that the instance had is gone.
pub(super) fn may_start(call: &Call, instance: &Instance) -> Result<(), Refusal> {
    let demand = Demand {
        kind: &instance.kind,
        zone: &instance.zone,
        buying: buying(instance.spot.is_some()),
        pinned: true,
    };
    match call.stage.shortage(&demand) {
        Some(shortage) if shortage.left == 0 => Err(refusals::short(
            &zones_with_room(call, &demand),
            shortage,
            &demand,
        )),
        Some(_) | None => Ok(()),
    }
}

fn demand<'a>(launch: &'a Launch, zone: &'a str) -> Demand<'a> {
    Demand {
        kind: &launch.instance_type,
        zone,
        buying: buying(launch.market.is_some()),
        pinned: launch.placement.is_pinned(),
    }
}

fn buying(spot: bool) -> Buying {
    if spot { Buying::Spot } else { Buying::OnDemand }
}

fn room_in(call: &Call, launch: &Launch, subnet: &Subnet) -> Result<u32, Refusal> {
    let demand = demand(launch, &subnet.zone);
    let offered = zones_with(call, demand.kind);
    if !offered.contains(&demand.zone) {
        return Err(refusals::not_offered(&demand, &offered));
    }
    if call.stage.impaired.contains(demand.zone) {
        return Err(refusals::full(&zones_with_room(call, &demand), &demand));
    }
    let most = match spread_room(call, launch, demand.zone) {
        Some(room) if room < launch.least => {
            let message = format!(
                "A spread placement group has at most {MOST_SPREAD} instances in an Availability \
                 Zone ({})",
                demand.zone
            );
            return Err(Refusal::new("InsufficientInstanceCapacity", message));
        }
        Some(room) => launch.most.min(room),
        None => launch.most,
    };
    match call.stage.shortage(&demand) {
        Some(shortage) if shortage.left < launch.least => Err(refusals::short(
            &zones_with_room(call, &demand),
            shortage,
            &demand,
        )),
        Some(shortage) => Ok(most.min(shortage.left)),
        None => Ok(most),
    }
}

/// The zones that have room for a demand.
fn zones_with_room<'c>(call: &'c Call, demand: &Demand) -> Vec<&'c str> {
    let mut zones = zones_with(call, demand.kind);
    zones.retain(|zone| {
        let shortage = call.stage.shortage(&Demand { zone, ..*demand });
        let room = shortage.is_none_or(|shortage| shortage.left > 0);
        room && !call.stage.impaired.contains(*zone)
    });
    zones
}

/// The zones that offer a type.
fn zones_with<'c>(call: &'c Call, kind: &str) -> Vec<&'c str> {
    let kind = instance_type(kind);
    let subnets = call.region.network.subnets.iter().enumerate();
    subnets
        .filter(|(place, _)| kind.is_none_or(|kind| kind.is_offered_in(*place)))
        .map(|(_, subnet)| subnet.zone.as_str())
        .collect()
}
