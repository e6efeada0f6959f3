//! Which zone has room for a launch, and for how much of it.

use super::super::Call;
use super::launch::Launch;
use crate::local::catalogue::instance_type;
use crate::local::state::{Buying, Demand, Instance, Shortage, Strategy, Subnet};
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
        Some(shortage) if shortage.left == 0 => Err(refusal(call, shortage, &demand)),
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
        return Err(Refusal::new(
            "Unsupported",
            not_offered(&demand, &offered.join(", ")),
        ));
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
        Some(shortage) if shortage.left < launch.least => Err(refusal(call, shortage, &demand)),
        Some(shortage) => Ok(most.min(shortage.left)),
        None => Ok(most),
    }
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

fn not_offered(demand: &Demand, offered: &str) -> String {
    format!(
        "Your requested instance type ({}) is not supported in your requested Availability Zone \
         ({}). Please retry your request by not specifying an Availability Zone or choosing \
         {offered}.",
        demand.kind, demand.zone
    )
}

/// Words a refusal as EC2 does (EC2 API error codes, and messages that users
/// have quoted).
fn refusal(call: &Call, shortage: &Shortage, demand: &Demand) -> Refusal {
    let mut others = zones_with(call, demand.kind);
    others.retain(|zone| *zone != demand.zone);
    let others = others.join(", ");
    let (kind, zone, left) = (demand.kind, demand.zone, shortage.left);
    let message = match (&*shortage.code, demand.buying) {
        ("InsufficientInstanceCapacity", Buying::Spot) => {
            "There is no Spot capacity available that matches your request.".to_owned()
        }
        ("InsufficientInstanceCapacity", Buying::OnDemand) if demand.pinned => format!(
            "We currently do not have sufficient {kind} capacity in the Availability Zone you \
             requested ({zone}). Our system will be working on provisioning additional capacity. \
             You can currently get {kind} capacity by not specifying an Availability Zone in your \
             request or choosing {others}."
        ),
        ("InsufficientInstanceCapacity", Buying::OnDemand) => format!(
            "We currently do not have sufficient {kind} capacity in zones with support for 'gp3' \
             volumes. Our system will be working on provisioning additional capacity."
        ),
        ("VcpuLimitExceeded", _) => format!(
            "You have requested more vCPU capacity than your current vCPU limit of {left} allows \
             for the instance bucket that the specified instance type belongs to. Please visit \
             http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit."
        ),
        ("InstanceLimitExceeded", _) => format!(
            "You have requested more instances than your current instance limit of {left} allows \
             for the specified instance type. Please visit \
             http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit."
        ),
        ("MaxSpotInstanceCountExceeded", _) => "Max spot instance count exceeded".to_owned(),
        ("SpotMaxPriceTooLow", _) => "Your Spot request price is lower than the minimum required \
                                      Spot request fulfillment price."
            .to_owned(),
        ("Unsupported", _) => not_offered(demand, &others),
        (other, _) => format!("The launch of {kind} in {zone} was refused: {other}"),
    };
    Refusal::coded(shortage.code.clone(), message)
}
