//! The planner, table by table and as a property.

mod adoption;
mod auditing;
mod bounds;
mod capacity;
mod convergence;
mod destroying;
mod files;
mod lateness;
mod networks;
mod same;
mod steps;
mod wishes;

use super::fixtures::resolution;
use super::{Action, Context, Launch, Observed, Plan, Resolution, audit, plan};
use crate::resource::fixtures::{ago, identity, launched};
use crate::resource::{Desired, Group, GroupName, Instance, LiveInstance};

fn group(desired: &mut Desired, name: &str, edit: impl FnOnce(&mut Group)) {
    edit(desired.groups.get_mut(&GroupName::new(name)).unwrap());
}

fn planned(desired: &Desired, observed: &Observed, context: &Context) -> Plan {
    planned_with(desired, observed, &resolution(desired), context)
}

fn planned_with(
    desired: &Desired,
    observed: &Observed,
    resolution: &Resolution,
    context: &Context,
) -> Plan {
    let plan = plan(desired, observed, resolution, context);
    assert_eq!(audit(&plan), []);
    plan
}

fn there(instance: &Instance, ordinals: &[u32]) -> Vec<LiveInstance> {
    launched(instance, &identity(instance, ordinals), 0, ago(3_600))
}

/// `verb address: reason` of every object, in the order of the steps.
fn words(plan: &Plan) -> Vec<String> {
    let mut words = Vec::new();
    for step in &plan.steps {
        let reason = step.reason.word();
        let names: Vec<String> = match &step.action {
            Action::Launch(launch) => vec![format!(
                "launch {}[{}]",
                launch.identity.group, launch.identity.ordinals
            )],
            Action::Update(change) => vec![format!("update {}", change.address)],
            Action::Restart(change) => vec![format!("restart {}", change.address)],
            Action::Terminate(doomed) => doomed
                .iter()
                .map(|one| format!("terminate {}", one.address))
                .collect(),
            Action::DeleteVolumes(ids) => ids.iter().map(|id| format!("delete {id}")).collect(),
            Action::Sync { address, .. } => vec![format!("sync {address}")],
            Action::Adopt(change) => vec![format!("adopt {}", change.address)],
            Action::SecurityGroup(group) => vec![format!("group {}", group.address)],
            Action::KeyPair(key) => vec![format!("import {}", key.address)],
            Action::PlacementGroup(group) => vec![format!("place {}", group.address)],
            Action::Retag(object) => vec![format!("retag {}", object.address)],
            Action::Introduce(introduction) => vec![format!("introduce {}", introduction.group)],
            Action::DeleteNetwork(objects) => objects
                .iter()
                .map(|one| format!("delete {}", one.address))
                .collect(),
            Action::CancelSpot(requests) => vec![format!("cancel {}", requests.join(", "))],
        };
        words.extend(names.into_iter().map(|name| format!("{name}: {reason}")));
    }
    words
}

fn launches(plan: &Plan) -> Vec<&Launch> {
    plan.steps
        .iter()
        .filter_map(|step| match &step.action {
            Action::Launch(launch) => Some(launch),
            Action::Update(_)
            | Action::Restart(_)
            | Action::Terminate(_)
            | Action::DeleteVolumes(_)
            | Action::Adopt(_)
            | Action::SecurityGroup(_)
            | Action::KeyPair(_)
            | Action::PlacementGroup(_)
            | Action::Retag(_)
            | Action::Introduce(_)
            | Action::DeleteNetwork(_)
            | Action::CancelSpot(_)
            | Action::Sync { .. } => None,
        })
        .collect()
}
