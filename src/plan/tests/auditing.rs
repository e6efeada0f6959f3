//! The second look finds what the first must never do.

use std::sync::Arc;

use super::super::fixtures::{desired, observed, plan_of};
use super::super::{Action, Launch, Mode, Plan, Reason, audit};
use crate::resource::fixtures::{full, identity, launched, plain};
use crate::resource::{AccountId, EnvironmentName, Instance, VolumeId};

/// A plan with a step of every kind but files: update, replacement, deletion, launch.
fn sound() -> Plan {
    let mut replaced = full("replaced");
    let mut updated = full("updated");
    let lives = [&replaced, &updated, &plain("gone")].map(|instance| {
        let identity = identity(instance, &[0, 1]);
        launched(instance, &identity, 0, crate::resource::fixtures::ago(600))
    });
    replaced.key = None;
    updated.tags.clear();
    let desired = desired(&[(replaced, 2), (updated, 2), (plain("new"), 2)]);
    plan_of(&desired, &observed(&lives.concat()))
}

fn rules(plan: &Plan) -> Vec<&'static str> {
    audit(plan).into_iter().map(|found| found.rule).collect()
}

fn launch(plan: &mut Plan) -> &mut Launch {
    plan.steps
        .iter_mut()
        .find_map(|step| {
            if let Action::Launch(launch) = &mut step.action
                && launch.identity.group.as_str() == "new"
            {
                Some(launch)
            } else {
                None
            }
        })
        .unwrap()
}

fn instance(plan: &mut Plan) -> &mut Instance {
    Arc::make_mut(&mut launch(plan).instance)
}

/// The place of the first step for which this holds.
fn place(plan: &Plan, is_meant: impl Fn(&Action) -> bool) -> usize {
    plan.steps
        .iter()
        .position(|step| is_meant(&step.action))
        .unwrap()
}

fn is_update(action: &Action) -> bool {
    matches!(action, Action::Update(_))
}

fn is_end(action: &Action) -> bool {
    matches!(action, Action::Terminate(_))
}

#[test]
fn a_sound_plan_passes() {
    let plan = sound();
    assert_eq!(rules(&plan), Vec::<&str>::new());
    assert!(plan.steps.len() >= 6);
}

type Break = fn(&mut Plan);

/// Breaks exactly this rule, however often.
fn breaks(table: &[(&str, Break)]) {
    for (rule, damage) in table {
        let mut plan = sound();
        damage(&mut plan);
        let found = rules(&plan);
        assert!(found.contains(rule), "{rule}: {found:?}");
        assert!(found.iter().all(|one| one == rule), "{rule}: {found:?}");
    }
}

#[test]
fn broken_rules_of_launches_and_order_are_named() {
    breaks(&[
        ("a step waits for a later one", |plan| {
            plan.steps.reverse();
        }),
        ("a step waits for a later one", |plan| {
            let own = plan.steps[0].id;
            plan.steps[0].after = [own].into();
        }),
        ("two steps have one number", |plan| {
            plan.steps[1].id = plan.steps[0].id;
            let last = plan.steps.last_mut().unwrap();
            last.after.clear();
        }),
        ("a launch of nothing", |plan| {
            launch(plan).identity.ordinals = [].into_iter().collect();
        }),
        ("a launch while destroying", |plan| {
            plan.mode = Mode::Destroy;
        }),
        ("a launch for another environment", |plan| {
            launch(plan).identity.environment = EnvironmentName::new("other");
        }),
        ("a launch in another account", |plan| {
            launch(plan).identity.account = AccountId::new("999999999999");
        }),
        ("two launches for one address", |plan| {
            let mut step = plan.steps.last().unwrap().clone();
            step.id = 99;
            plan.steps.push(step);
        }),
        ("more tags than EC2 takes", |plan| {
            let tags = (0..50).map(|number| (format!("k{number}"), String::new()));
            instance(plan).tags.extend(tags);
        }),
        ("a longer tag than EC2 takes", |plan| {
            let even = (0..300).map(|number| number * 2);
            launch(plan).identity.ordinals = even.collect();
        }),
        ("a longer tag than EC2 takes", |plan| {
            instance(plan).tags.insert("k".repeat(128), String::new());
        }),
        ("more security groups than an interface takes", |plan| {
            launch(plan).security_groups = vec![String::new(); 17];
        }),
        ("more user data than EC2 takes", |plan| {
            instance(plan).user_data = Some("#".repeat(16_384));
        }),
    ]);
}

#[test]
fn broken_rules_of_changes_and_ends_are_named() {
    breaks(&[
        ("a change of nothing", |plan| {
            let place = place(plan, is_update);
            if let Action::Update(change) = &mut plan.steps[place].action {
                change.changes.clear();
            }
        }),
        ("a change to another environment", |plan| {
            let place = place(plan, is_update);
            if let Action::Update(change) = &mut plan.steps[place].action {
                change.environment = EnvironmentName::new("other");
            }
        }),
        ("a termination of nothing", |plan| {
            let place = place(plan, is_end);
            plan.steps[place].action = Action::Terminate(Vec::new());
        }),
        ("two terminations of one instance", |plan| {
            let place = place(plan, is_end);
            if let Action::Terminate(doomed) = &mut plan.steps[place].action {
                doomed.push(doomed[0].clone());
            }
        }),
        ("a deletion of nothing", |plan| {
            plan.steps[0].action = Action::DeleteVolumes(Vec::new());
            plan.steps[0].reason = Reason::Leftover;
        }),
        ("an action without a fitting reason", |plan| {
            let place = place(plan, is_end);
            plan.steps[place].reason = Reason::Missing;
        }),
        ("an action without a fitting reason", |plan| {
            let place = place(plan, is_update);
            plan.steps[place].reason = Reason::Requested;
        }),
        ("an action without a fitting reason", |plan| {
            plan.steps[0].action = Action::DeleteVolumes(vec![VolumeId::new("vol-1")]);
            plan.steps[0].reason = Reason::Duplicate;
        }),
    ]);
}
