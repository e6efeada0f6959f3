//! The plan that ends an environment. It needs no spec.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::action::{Action, Doomed};
use super::context::Context;
use super::disks::{VolumeFacts, going, loose_note, staying};
use super::held::{Held, Note};
use super::inventory::Inventory;
use super::network::everything_of;
use super::observed::Observed;
use super::step::{Mode, Plan, Reason, Step, StepId};
use crate::lease::Deadline;
use crate::resource::{
    Claim, EnvironmentName, InstanceState, LiveVolume, SpotRequest, claim, is_kept, object_claim,
};

/// The steps that leave nothing of an environment.
///
/// Data in buckets is not part of an environment's life and stays.
pub fn plan_destroy(environment: &EnvironmentName, observed: &Observed, context: &Context) -> Plan {
    let inventory = Inventory::of(observed, environment);
    let mut held: Vec<Held> = inventory
        .unproven
        .iter()
        .map(|(id, reason)| Held::Unproven {
            id: id.clone(),
            reason: reason.clone(),
        })
        .collect();
    held.extend(inventory.late.keys().map(|id| Held::Unproven {
        id: id.clone(),
        reason: "only a volume that is attached to it is listed yet".to_owned(),
    }));
    let doomed = doomed(&inventory, context, &mut held);
    let mut steps = Sequence::default();
    let stray = stray_requests(environment, observed, &doomed);
    // Before anything ends: a request that is still open launches a successor.
    let cancelled = steps.push(Action::CancelSpot(stray), Reason::Requested, None);
    let (mut attached, remaining) = if context.delete_kept {
        going(&doomed, observed, environment)
    } else {
        Default::default()
    };
    let ended = steps.push(Action::Terminate(doomed), Reason::Requested, cancelled);
    let (loose, mut notes) = volumes(&inventory, context);
    steps.push(deletion(&loose), Reason::Leftover, None);
    attached.retain(|volume| loose.iter().all(|other| other.id != volume.id));
    // What is attached can go when its instance is gone.
    steps.push(deletion(&attached), Reason::Requested, ended);
    notes.extend(loose.into_iter().chain(attached).map(Note::VolumeGoes));
    if context.delete_kept {
        notes.extend(remaining);
    } else {
        notes.extend(staying(&steps.0, observed));
    }
    let network = everything_of(observed, environment);
    // While somebody is protected its groups are in use.
    if held.is_empty() {
        steps.push(Action::DeleteNetwork(network), Reason::Requested, ended);
    }
    Plan {
        environment: environment.clone(),
        account: observed.account.clone(),
        region: observed.region.clone(),
        mode: Mode::Destroy,
        made_at: context.now,
        lease: None,
        lease_ends: match inventory.deadline() {
            Some(Deadline::At(end)) => Some(end),
            Some(Deadline::Unreadable) | None => None,
        },
        steps: steps.0,
        held,
        notes,
        unchanged: Vec::new(),
        refusal: None,
    }
}

/// What is to be terminated; what is protected is held.
fn doomed(inventory: &Inventory<'_>, context: &Context, held: &mut Vec<Held>) -> Vec<Doomed> {
    let mut doomed = Vec::new();
    // Those that are shutting down already are part of the plan: the promise is
    // that they are seen terminated, whoever asked for it.
    let going = inventory.members.iter().flat_map(|(address, instances)| {
        instances
            .iter()
            .map(move |(live, mark)| (address, live, mark))
    });
    for (address, live, mark) in going {
        if live.state == InstanceState::Terminated {
            continue;
        }
        if mark.protect && !context.lift_protection {
            held.push(Held::Protected {
                address: address.clone(),
                id: live.id.clone(),
                withheld: "not terminated".to_owned(),
            });
            continue;
        }
        doomed.push(Doomed {
            address: address.clone(),
            id: live.id.clone(),
            replaced_because: Vec::new(),
            // What the user asked to be lifted is lifted everywhere: somebody may
            // have set the protection by hand.
            unprotect: context.lift_protection,
            spot_request: live.spot_request.clone(),
        });
    }
    doomed
}

/// Spot requests of the environment that belong to no instance that is ended here.
///
/// A request keeps its tags when the environment of its instance is renamed, and goes
/// with its instance.
fn stray_requests(
    environment: &EnvironmentName,
    observed: &Observed,
    doomed: &[Doomed],
) -> Vec<String> {
    let known: BTreeSet<&String> = doomed
        .iter()
        .filter_map(|one| one.spot_request.as_ref())
        .collect();
    observed
        .spot_requests
        .iter()
        .filter(|request| {
            let claimed = object_claim(&request.tags, &observed.account);
            claimed.is_some_and(|(name, _)| name == *environment)
                && !is_elsewhere(request, environment, observed)
        })
        .map(|request| request.id.clone())
        .filter(|id| !known.contains(id))
        .collect()
}

/// Whether a request launched what lives on in another environment.
fn is_elsewhere(request: &SpotRequest, environment: &EnvironmentName, observed: &Observed) -> bool {
    let Some(id) = &request.instance else {
        return false;
    };
    observed
        .instances
        .iter()
        .filter(|live| live.id == *id && live.state.is_alive())
        .any(|live| match claim(live, &observed.account) {
            Claim::Ours(mark) => mark.environment != *environment,
            Claim::Unproven { .. } | Claim::Foreign => false,
        })
}

/// The volumes to delete; those that were to be kept are kept, and told of.
fn volumes(inventory: &Inventory<'_>, context: &Context) -> (Vec<VolumeFacts>, Vec<Note>) {
    let (kept, loose): (Vec<&Arc<LiveVolume>>, Vec<&Arc<LiveVolume>>) = inventory
        .loose_volumes
        .iter()
        .copied()
        .partition(|volume| is_kept(volume) && !context.delete_kept);
    (
        loose
            .iter()
            .map(|volume| VolumeFacts::of_loose(volume))
            .collect(),
        kept.iter().map(|volume| loose_note(volume)).collect(),
    )
}

fn deletion(volumes: &[VolumeFacts]) -> Action {
    Action::DeleteVolumes(volumes.iter().map(|volume| volume.id.clone()).collect())
}

/// Steps one after another; an action of nothing is no step.
#[derive(Default)]
struct Sequence(Vec<Step>);

impl Sequence {
    fn push(&mut self, action: Action, reason: Reason, after: Option<StepId>) -> Option<StepId> {
        let is_nothing = match &action {
            Action::Terminate(doomed) => doomed.is_empty(),
            Action::DeleteVolumes(volumes) => volumes.is_empty(),
            Action::DeleteNetwork(objects) => objects.is_empty(),
            Action::CancelSpot(requests) => requests.is_empty(),
            Action::Launch(_)
            | Action::Update(_)
            | Action::Restart(_)
            | Action::Adopt(_)
            | Action::SecurityGroup(_)
            | Action::KeyPair(_)
            | Action::PlacementGroup(_)
            | Action::Retag(_)
            | Action::Introduce(_)
            | Action::Sync { .. } => false,
        };
        if is_nothing {
            return after;
        }
        let id = StepId::try_from(self.0.len()).unwrap_or(StepId::MAX) + 1;
        self.0.push(Step {
            id,
            action,
            reason,
            after: after.into_iter().collect(),
        });
        Some(id)
    }
}
