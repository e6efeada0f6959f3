//! The plan that ends an environment. It needs no spec.

use std::collections::BTreeSet;

use super::inventory::Inventory;
use super::observed::Observed;
use super::planner::Context;
use super::step::{Action, Doomed, Held, Mode, Plan, Reason, Step};
use crate::lease::Deadline;
use crate::resource::{EnvironmentName, InstanceState};

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
        });
    }
    let mut steps = Vec::new();
    if !doomed.is_empty() {
        let action = Action::Terminate(doomed);
        steps.push(Step {
            id: 1,
            action,
            reason: Reason::Requested,
            after: BTreeSet::new(),
        });
    }
    let volumes: Vec<_> = inventory
        .loose_volumes
        .iter()
        .map(|volume| volume.id.clone())
        .collect();
    if !volumes.is_empty() {
        let id = if steps.is_empty() { 1 } else { 2 };
        let action = Action::DeleteVolumes(volumes);
        steps.push(Step {
            id,
            action,
            reason: Reason::Leftover,
            after: BTreeSet::new(),
        });
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
        steps,
        held,
        notes: Vec::new(),
        unchanged: Vec::new(),
        refusal: None,
    }
}
