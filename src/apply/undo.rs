//! What has to go again when a group is all or nothing and a part of it has no capacity.

use std::collections::{BTreeMap, BTreeSet};

use super::perform::{StepError, StepErrorKind};
use super::report::{ApplyReport, Outcome};
use crate::plan::{Action, Doomed, Plan, Reason, Step};
use crate::resource::{Address, GroupName, InstanceId};

/// The plan that ends what was launched of groups whose launch came to nothing in another part.
///
/// Large groups are launched in several calls. Only a refusal that says for certain
/// that nothing was launched counts: after any other error the next run goes on.
pub fn undo(plan: &Plan, report: &ApplyReport) -> Option<Plan> {
    let refused = refused_groups(plan, report);
    let mut doomed: BTreeMap<&GroupName, Vec<Doomed>> = BTreeMap::new();
    for step in &plan.steps {
        let Action::Launch(launch) = &step.action else {
            continue;
        };
        let group = &launch.identity.group;
        let Some(Outcome::Done(done)) = report.outcomes.get(&step.id) else {
            continue;
        };
        if !refused.contains(group) {
            continue;
        }
        let numbers: Vec<u32> = launch.identity.ordinals.iter().collect();
        for live in &done.instances {
            let Some(ordinal) = numbers.get(live.launch_index) else {
                continue;
            };
            doomed.entry(group).or_default().push(Doomed {
                address: Address::Instance {
                    group: group.clone(),
                    ordinal: *ordinal,
                },
                id: live.id.clone(),
                replaced_because: Vec::new(),
                unprotect: launch.instance.protect,
                spot_request: live.spot_request.clone(),
            });
        }
    }
    if doomed.is_empty() {
        return None;
    }
    let steps = (1..).zip(doomed.into_values()).map(|(id, doomed)| Step {
        id,
        action: Action::Terminate(doomed),
        reason: Reason::AllOrNothing,
        after: BTreeSet::new(),
    });
    Some(Plan {
        steps: steps.collect(),
        held: Vec::new(),
        notes: Vec::new(),
        unchanged: Vec::new(),
        ..plan.clone()
    })
}

/// Groups without a `min` of which a part was refused for lack of capacity or by a limit.
fn refused_groups<'a>(plan: &'a Plan, report: &ApplyReport) -> BTreeSet<&'a GroupName> {
    plan.steps
        .iter()
        .filter_map(|step| {
            let Action::Launch(launch) = &step.action else {
                return None;
            };
            let all = launch.least as usize == launch.identity.ordinals.len();
            let certain = matches!(
                report.outcomes.get(&step.id),
                Some(Outcome::Failed(error))
                    if matches!(error.kind, StepErrorKind::Capacity | StepErrorKind::Quota)
            );
            (all && certain).then_some(&launch.identity.group)
        })
        .collect()
}

/// Takes back the word that what was ended again had been done.
///
/// What could not be ended lives on, and is named as alive.
pub fn disown(report: &mut ApplyReport, rest: &Plan, ended: &ApplyReport) {
    let mut doomed: BTreeMap<&InstanceId, (bool, Reason)> = BTreeMap::new();
    for step in &rest.steps {
        let gone = matches!(ended.outcomes.get(&step.id), Some(Outcome::Done(_)));
        let ids = step.action.doomed().unwrap_or_default().iter();
        doomed.extend(ids.map(|one| (&one.id, (gone, step.reason.clone()))));
    }
    for outcome in report.outcomes.values_mut() {
        let Outcome::Done(done) = outcome else {
            continue;
        };
        let ids = done.instances.iter().map(|live| &live.id);
        let known: Vec<_> = ids.filter_map(|id| Some((id, doomed.get(id)?))).collect();
        let Some((_, (_, reason))) = known.first() else {
            continue;
        };
        let alive = known.iter().filter(|(_, (gone, _))| !gone);
        let alive: Vec<_> = alive
            .map(|(id, _)| (id.to_string(), "to be ended".to_owned()))
            .collect();
        let all_or_nothing = *reason == Reason::AllOrNothing;
        let kind = if all_or_nothing {
            StepErrorKind::Capacity
        } else {
            StepErrorKind::Rejected
        };
        let mut error = StepError::new(kind, reason.text().as_ref());
        error.help = (!all_or_nothing).then(|| {
            "run the same command again: what has the place may differ from the spec".to_owned()
        });
        *outcome = Outcome::Failed(error.alive(alive));
    }
}
