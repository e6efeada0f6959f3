//! `status`: what is there, and how long its lease lasts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::arguments::{Format, Global, Status};
use super::error::{CommandError, CommandResult};
use super::exit::ExitCode;
use super::output::Output;
use super::session::{Destination, open};
use super::specs::{self, NamePlace, Named};
use super::unknown::{self, Unknown};
use crate::lease::{Deadline, deadline};
use crate::plan::{Inventory, Observed};
use crate::render::{EnvironmentStatus, InstanceStatus, status_json, status_text};
use crate::resource::{
    AccountId, Address, Claim, Desired, EnvironmentName, InstanceState, Known, LiveInstance, Mark,
    Region, claim, diff, volume_claim,
};

pub(super) async fn run(global: &Global, arguments: &Status, output: Output) -> CommandResult {
    let known = specs::known();
    let mut wanted = None;
    let mut desired: BTreeMap<EnvironmentName, Desired> = known
        .into_iter()
        .map(|spec| (spec.desired.environment.clone(), spec.desired))
        .collect();
    if let Some(word) = &arguments.environment {
        let name = match specs::named(word, output)? {
            Named::Spec(spec) => {
                let name = spec.desired.environment.clone();
                desired.insert(name.clone(), spec.desired);
                name
            }
            Named::Name(name) => EnvironmentName::new(name),
        };
        wanted = Some(name);
    }
    let now = global.host.clock.now();
    let mut environments = Vec::new();
    let mut places = Vec::new();
    let mut unknown = Vec::new();
    let destinations = destinations(arguments, wanted.as_ref(), &desired)?;
    let count = destinations.len();
    for destination in destinations {
        match look(global, destination.clone(), output).await {
            Ok(observed) => {
                places.push(format!("{}, {}", observed.account, observed.region));
                environments.extend(statuses(&observed, wanted.as_ref(), &desired, now));
            }
            Err(error) if count == 1 || error.exit != ExitCode::Failed => return Err(error),
            Err(error) => unknown.push(Unknown::new(&destination, error)),
        }
    }
    environments.sort_by(|one, other| {
        (&one.environment, &one.region).cmp(&(&other.environment, &other.region))
    });
    match arguments.format {
        Format::Json => {
            let unknown = unknown::places(&unknown);
            output.json(&status_json(&environments, &unknown, now));
        }
        Format::Human | Format::Markdown => {
            output.data(&status_text(&environments, now));
            if !places.is_empty()
                && environments
                    .iter()
                    .all(|environment| environment.instances.is_empty())
            {
                // Elsewhere there may be some: what was looked at is part of the answer.
                let places = places.join("; ");
                output.say(&match &wanted {
                    Some(name) => format!("no instance of {name} is there ({places})"),
                    None => format!("no instance of ours is there ({places})"),
                });
            }
        }
    }
    unknown::say(&unknown, output);
    Ok(unknown::verdict(&unknown, count).unwrap_or(ExitCode::Done))
}

async fn look(
    global: &Global,
    destination: Destination,
    output: Output,
) -> Result<Observed, CommandError> {
    open(global, destination, output).await?.observe().await
}

/// Every place that a spec names, or the default one; what the command line says goes first.
fn destinations(
    arguments: &Status,
    wanted: Option<&EnvironmentName>,
    desired: &BTreeMap<EnvironmentName, Desired>,
) -> Result<Vec<Destination>, CommandError> {
    let region = arguments.place.region.clone().map(Region::new);
    let account = arguments.place.account.clone().map(AccountId::new);
    let targets: BTreeSet<_> = match wanted {
        Some(name) => desired
            .get(name)
            .into_iter()
            .map(|desired| &desired.target)
            .collect(),
        None => desired.values().map(|desired| &desired.target).collect(),
    };
    let mut destinations: Vec<Destination> = targets.into_iter().map(Destination::from).collect();
    if destinations.is_empty() {
        let name = wanted.map_or("", EnvironmentName::as_str);
        let place = match wanted {
            Some(_) => specs::place_of_a_name(name, region.is_some())?,
            None => NamePlace::default(),
        };
        destinations.push(Destination {
            sign_in: place.sign_in,
            account: place.account,
            region: place.region,
        });
    }
    if region.is_some() || account.is_some() {
        // One place is asked for; the specs say at most as whom.
        destinations.truncate(1);
        for destination in &mut destinations {
            destination.region = region.clone().or(destination.region.take());
            destination.account = account.clone().or(destination.account.take());
        }
    }
    Ok(destinations)
}

fn statuses(
    observed: &Observed,
    wanted: Option<&EnvironmentName>,
    desired: &BTreeMap<EnvironmentName, Desired>,
    now: Timestamp,
) -> Vec<EnvironmentStatus> {
    let mut names: BTreeSet<EnvironmentName> = BTreeSet::new();
    for live in &observed.instances {
        match claim(live, &observed.account) {
            Claim::Ours(mark) => {
                names.insert(mark.environment);
            }
            Claim::Unproven { environment, .. } => {
                names.insert(EnvironmentName::new(environment));
            }
            Claim::Foreign => {}
        }
    }
    names.extend(
        observed
            .volumes
            .iter()
            .filter_map(|volume| volume_claim(volume, &observed.account)),
    );
    names
        .iter()
        .filter(|name| wanted.is_none_or(|wanted| wanted == *name))
        .map(|name| status(observed, name, desired.get(name), now))
        .filter(|status| {
            let EnvironmentStatus {
                instances,
                unproven,
                loose_volumes,
                ..
            } = status;
            !instances.is_empty() || !unproven.is_empty() || !loose_volumes.is_empty()
        })
        .collect()
}

fn status(
    observed: &Observed,
    name: &EnvironmentName,
    desired: Option<&Desired>,
    now: Timestamp,
) -> EnvironmentStatus {
    let inventory = Inventory::of(observed, name);
    let mut instances = Vec::new();
    for (address, members) in &inventory.members {
        for (live, mark) in members {
            if live.state != InstanceState::Terminated {
                instances.push(instance(address, live, mark, desired));
            }
        }
    }
    let end = inventory.deadline();
    let missing = missing(&inventory, desired);
    EnvironmentStatus {
        environment: name.to_string(),
        account: observed.account.to_string(),
        region: observed.region.to_string(),
        lease_ends: end.and_then(instant),
        lease_over: end.is_some_and(|end| end.is_over(now)),
        drift: drift(&instances, missing.len(), desired),
        missing: missing.iter().map(ToString::to_string).collect(),
        loose_volumes: inventory
            .loose_volumes
            .iter()
            .map(|volume| volume.id.to_string())
            .collect(),
        instances,
        unproven: inventory
            .unproven
            .iter()
            .map(|(id, reason)| (id.to_string(), reason.clone()))
            .collect(),
    }
}

fn instant(deadline: Deadline) -> Option<jiff::Timestamp> {
    match deadline {
        Deadline::At(end) => Some(end),
        Deadline::Unreadable => None,
    }
}

fn instance(
    address: &Address,
    live: &LiveInstance,
    mark: &Mark,
    desired: Option<&Desired>,
) -> InstanceStatus {
    InstanceStatus {
        address: address.to_string(),
        id: live.id.to_string(),
        state: live.state.to_string(),
        instance_type: live.instance_type.clone(),
        zone: live.zone.clone(),
        network_address: live
            .public_address
            .clone()
            .or_else(|| live.private_address.clone()),
        launched: live.first_launched,
        lease_ends: instant(deadline(live, mark)),
        in_sync: desired.map(|desired| {
            desired
                .instances
                .get(address)
                .is_some_and(|wanted| diff(wanted, live, mark, Known::default()).is_empty())
        }),
    }
}

fn drift(instances: &[InstanceStatus], missing: usize, desired: Option<&Desired>) -> String {
    if desired.is_none() {
        return "no spec".to_owned();
    }
    let differing = instances
        .iter()
        .filter(|instance| instance.in_sync == Some(false))
        .count();
    match (differing, missing) {
        (0, 0) => "in sync".to_owned(),
        (differing, 0) => format!("{differing} different"),
        (0, missing) => format!("{missing} missing"),
        (differing, missing) => format!("{differing} different, {missing} missing"),
    }
}

/// What the spec asks for and is not alive.
fn missing(inventory: &Inventory<'_>, desired: Option<&Desired>) -> Vec<Address> {
    let alive: BTreeSet<&Address> = inventory.alive().map(|(address, _, _)| address).collect();
    let wanted = desired
        .into_iter()
        .flat_map(|desired| desired.instances.keys());
    wanted
        .filter(|address| !alive.contains(address))
        .cloned()
        .collect()
}
