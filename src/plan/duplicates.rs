//! Two instances at one address: one of them goes.

use std::collections::BTreeSet;

use super::action::{Action, Doomed};
use super::inventory::Inventory;
use super::observed::Observed;
use super::step::{Plan, Reason, Step};
use crate::resource::Address;

/// The plan that ends all but one instance at each address that `plan` has launched, if there
/// is any to end. What the plan did not show is left alone.
///
/// A launch that was tried in several ways can come to double an instance when its
/// run was killed in between. Everybody ends the same ones: see [`Inventory`].
pub fn plan_duplicates(plan: &Plan, observed: &Observed) -> Option<Plan> {
    let inventory = Inventory::of(observed, &plan.environment);
    let launched: BTreeSet<Address> = plan
        .steps
        .iter()
        .filter_map(|step| {
            let Action::Launch(launch) = &step.action else {
                return None;
            };
            Some(launch.addresses())
        })
        .flatten()
        .collect();
    let doomed: Vec<Doomed> = inventory
        .members
        .iter()
        .filter(|(address, _)| launched.contains(address))
        .flat_map(|(address, instances)| {
            let alive = instances.iter().filter(|(live, _)| live.state.is_alive());
            alive.skip(1).map(move |(live, mark)| (address, live, mark))
        })
        // What is protected takes a word of the user's, at the next plan.
        .filter(|(_, _, mark)| !mark.protect)
        .map(|(address, live, _)| Doomed {
            address: address.clone(),
            id: live.id.clone(),
            replaced_because: Vec::new(),
            unprotect: false,
            spot_request: live.spot_request.clone(),
        })
        .collect();
    if doomed.is_empty() {
        return None;
    }
    let step = Step {
        id: 1,
        action: Action::Terminate(doomed),
        reason: Reason::Duplicate,
        after: BTreeSet::new(),
    };
    Some(Plan {
        steps: vec![step],
        held: Vec::new(),
        notes: Vec::new(),
        unchanged: Vec::new(),
        ..plan.clone()
    })
}
