//! What a launch tries, in which order, and what it does not try.

use std::collections::{BTreeMap, BTreeSet};

use super::context::Context;
use super::decide::Decisions;
use super::limits;
use super::observed::{Observed, Resolution};
use super::wanted::pinned_image;
use crate::resource::{
    Candidate, Desired, GroupName, Instance, Machine, MachineSelector, Market, Placement, Purchase,
    Rejected, ResolvedImage, Support, choose, image_support,
};

/// How many of the types that meet a need are tried: the smallest ones.
const MOST_TYPES: usize = 6;
/// How many types that meet a need and do not fit otherwise are named, with why.
const MOST_UNFIT: usize = 8;

/// What a launch tries, and what it leaves out and why.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Choices {
    pub(super) candidates: Vec<Candidate>,
    pub(super) rejected: Vec<Rejected>,
    /// What is the matter with the image on a type that is tried all the same.
    pub(super) warnings: Vec<String>,
    /// What to do about the first machine that does not fit.
    help: Option<String>,
}

/// The candidates for a group: way to buy by way to buy, type by type, without a zone first.
///
/// Only what cannot work is left out. Whether there is capacity nobody can know before.
pub(super) fn choices(
    instance: &Instance,
    image: &ResolvedImage,
    resolution: &Resolution,
) -> Choices {
    let mut choices = Choices::default();
    let machines = suitable(instance, image, resolution, &mut choices);
    for purchase in instance.market.purchases() {
        for machine in &machines {
            if *purchase == Purchase::Spot && !machine.spot {
                choices.reject(&machine.name, "it is not sold on the spot market");
                continue;
            }
            for zone in zones(instance, machine) {
                choices.candidates.push(Candidate {
                    instance_type: machine.name.clone(),
                    purchase: *purchase,
                    zone,
                });
            }
        }
    }
    choices.rejected.dedup();
    choices
}

impl Choices {
    fn reject(&mut self, what: &str, why: impl Into<String>) {
        self.rejected.push(Rejected {
            what: what.to_owned(),
            why: why.into(),
        });
    }
}

/// The machines that can run the image where the spec wants them.
fn suitable<'a>(
    instance: &Instance,
    image: &ResolvedImage,
    resolution: &'a Resolution,
    choices: &mut Choices,
) -> Vec<&'a Machine> {
    let asked = asked(instance, resolution, choices);
    let is_need = matches!(instance.machine, MachineSelector::Need(_));
    let mut good = Vec::new();
    let mut unfit_named = 0;
    for machine in asked {
        match unfit(instance, image, machine, resolution) {
            Some((why, help)) => {
                choices.help.get_or_insert(help);
                // A list is the user's own; what meets a need can be hundreds.
                if !is_need || unfit_named < MOST_UNFIT {
                    choices.reject(&machine.name, why);
                    unfit_named += 1;
                }
            }
            None => good.push(machine),
        }
    }
    if is_need {
        good.truncate(MOST_TYPES);
    }
    for machine in &good {
        match image_support(&image.name, machine) {
            Support::Outdated { why, instead } => {
                let text = format!("{} on {}: {why}; use {instead}", image.name, machine.name);
                choices.warnings.push(text);
            }
            Support::NoDriver { instead } => choices.warnings.push(format!(
                "{} brings no driver for the GPU of {}; use {instead}",
                image.name, machine.name
            )),
            Support::Fine | Support::Unsupported { .. } => {}
        }
    }
    good
}

/// The machines that the spec names or describes, in order of preference.
fn asked<'a>(
    instance: &Instance,
    resolution: &'a Resolution,
    choices: &mut Choices,
) -> Vec<&'a Machine> {
    match &instance.machine {
        MachineSelector::Types(types) => types
            .iter()
            .filter_map(|name| {
                let machine = resolution.machines.get(name);
                if machine.is_none() {
                    choices.reject(name, "this region offers no such type");
                }
                machine
            })
            .collect(),
        MachineSelector::Need(need) => {
            let choice = choose(need, resolution.machines.values());
            for (name, why) in choice.near {
                choices.reject(&name, why);
            }
            choice.fits
        }
    }
}

/// Why a machine cannot be used for this group, and what to do, if so.
fn unfit(
    instance: &Instance,
    image: &ResolvedImage,
    machine: &Machine,
    resolution: &Resolution,
) -> Option<(String, String)> {
    let architectures = &machine.architectures;
    if !architectures.is_empty() && !architectures.contains(&image.architecture) {
        let why = format!(
            "the image {} is built for {}, and `{}` runs {}",
            image.id,
            image.architecture,
            machine.name,
            architectures.join(" and ")
        );
        let help = "choose an image and a type of one architecture".to_owned();
        return Some((why, help));
    }
    if let Support::Unsupported { why, instead } = image_support(&image.name, machine) {
        return Some((why, format!("use {instead}")));
    }
    if instance.market == Market::Spot && !machine.spot {
        let help = "choose another type, or `market: on-demand`".to_owned();
        return Some(("it is not sold on the spot market".to_owned(), help));
    }
    if instance.cluster && !machine.cluster {
        let why = "it cannot stand in a cluster placement group".to_owned();
        return Some((why, "choose another type, or remove `placement`".to_owned()));
    }
    let zone = match &instance.placement {
        Placement::Any => return None,
        Placement::Zone(zone) => zone,
        Placement::Subnet(subnet) => &resolution.subnets.get(subnet)?.zone,
    };
    // Where EC2 told no zones at all, nothing is known of them.
    if machine.zones.is_empty() || machine.zones.contains(zone) {
        return None;
    }
    let zones: Vec<&str> = machine.zones.iter().map(String::as_str).collect();
    let zones = zones.join(", ");
    Some((
        format!("{zone} does not offer `{}`", machine.name),
        format!("{zones} offer it: choose one of them, or name no place at all"),
    ))
}

/// Where to ask: EC2's own choice first, then each zone that offers the type.
fn zones(instance: &Instance, machine: &Machine) -> Vec<Option<String>> {
    match &instance.placement {
        Placement::Subnet(_) => vec![None],
        Placement::Zone(zone) => vec![Some(zone.clone())],
        Placement::Any => std::iter::once(None)
            .chain(machine.zones.iter().cloned().map(Some))
            .collect(),
    }
}

/// Something that keeps a group from being launched at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// The keys that lead to it in the spec.
    pub path: Vec<String>,
    /// Whether what is named exists.
    pub exists: bool,
    /// What is wrong.
    pub summary: String,
    /// What to do.
    pub help: String,
}

/// The groups that something is launched for.
pub fn launched_groups(
    desired: &Desired,
    observed: &Observed,
    resolution: &Resolution,
    context: &Context,
) -> BTreeSet<GroupName> {
    let decisions = Decisions::of(desired, observed, resolution, context);
    let replaced = decisions.replaced.iter().map(|one| &one.after.group);
    let launched = decisions.missing.keys();
    launched.chain(replaced).cloned().collect()
}

/// Everything that keeps a group from being launched, for the spec's author to see at once.
pub fn unfit_groups(
    desired: &Desired,
    observed: &Observed,
    resolution: &Resolution,
    context: &Context,
) -> Vec<Unfit> {
    let decisions = Decisions::of(desired, observed, resolution, context);
    let launched = launched_groups(desired, observed, resolution, context);
    let instances = launched
        .iter()
        .filter_map(|name| desired.groups.get(name))
        .map(|group| &group.instance);
    let mut unfit = Vec::new();
    for instance in instances {
        let selector = pinned_image(&decisions, instance, context);
        let selector = selector.as_ref().unwrap_or(&instance.image);
        let region = desired.target.region.as_str();
        let image = resolution.images.get(selector);
        unfit.extend(unfit_group(instance, image, (resolution, region)));
        unfit.extend(image.and_then(|image| limits::root_rate(instance, image)));
    }
    unfit.extend(limits::beyond(&decisions));
    unfit
}

fn unfit_group(
    instance: &Instance,
    image: Option<&ResolvedImage>,
    (resolution, region): (&Resolution, &str),
) -> Option<Unfit> {
    let types = instance.machine.types();
    let at = |exists: bool, summary: String, help: String| {
        let key = if types.is_empty() { "gpu" } else { "type" };
        let path = ["instances", instance.group.as_str(), key];
        Some(Unfit {
            path: path.map(str::to_owned).to_vec(),
            exists,
            summary,
            help,
        })
    };
    let known = |name: &String| resolution.machines.contains_key(name);
    if let Some(first) = types.first()
        && !types.iter().any(known)
    {
        return at(
            false,
            format!("{region} offers no instance type `{first}`"),
            "check the spelling, or choose a type that this region offers".to_owned(),
        );
    }
    // What is wrong with the image has been told.
    let choices = choices(instance, image?, resolution);
    if !choices.candidates.is_empty() {
        return None;
    }
    let (summary, help) = no_candidate(instance, &choices);
    at(true, summary, help)
}

/// What is wrong where a group has nothing to try, and how to go on.
pub(super) fn no_candidate(instance: &Instance, choices: &Choices) -> (String, String) {
    let by_what: BTreeMap<&str, &str> = choices
        .rejected
        .iter()
        .map(|rejected| (rejected.what.as_str(), rejected.why.as_str()))
        .collect();
    let mut reasons: Vec<String> = by_what
        .iter()
        .map(|(what, why)| {
            if why.contains(what) {
                (*why).to_owned()
            } else {
                format!("{what}: {why}")
            }
        })
        .collect();
    let other = || "choose another type, image or place".to_owned();
    let help = choices.help.clone().unwrap_or_else(other);
    match &instance.machine {
        MachineSelector::Types(_) if reasons.len() == 1 => (reasons.remove(0), help),
        MachineSelector::Types(_) => (
            format!("none of the types can be launched: {}", reasons.join("; ")),
            help,
        ),
        MachineSelector::Need(need) => {
            let near = if reasons.is_empty() {
                String::new()
            } else {
                format!("; near it: {}", reasons.join("; "))
            };
            (
                format!("no type meets `{need}` with this image{near}"),
                "ask for less, or choose another image or place".to_owned(),
            )
        }
    }
}
