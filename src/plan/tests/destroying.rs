//! Plans that end an environment.

use super::super::fixtures::{World, context, environment, observed};
use super::super::{Action, Context, Held, Mode, Observed, Plan, Reason, audit, plan_destroy};
use crate::resource::fixtures::{ago, full, identity, launched, live, plain};
use crate::resource::{EnvironmentName, InstanceState, LiveInstance, tag};

fn destroy(observed: &Observed, lift_protection: bool) -> Plan {
    let context = Context {
        lift_protection,
        ..context()
    };
    plan_destroy(&environment(), observed, &context)
}

fn doomed(plan: &Plan) -> Vec<(String, bool)> {
    plan.steps
        .iter()
        .filter_map(|step| step.action.doomed())
        .flatten()
        .map(|one| (one.id.to_string(), one.unprotect))
        .collect()
}

#[test]
fn everything_that_has_not_read_terminated_is_ended_and_seen_to_end() {
    let states = [
        (InstanceState::Pending, true),
        (InstanceState::Running, true),
        (InstanceState::Stopping, true),
        (InstanceState::Stopped, true),
        (InstanceState::ShuttingDown, true),
        (InstanceState::Unknown, true),
        (InstanceState::Terminated, false),
    ];
    for (state, expected) in states {
        let mut live = live(&plain("trainer"));
        live.state = state;
        let plan = destroy(&observed(&[live]), false);
        assert_eq!(!plan.steps.is_empty(), expected, "{state}");
        assert_eq!(audit(&plan), []);
        assert!(plan.steps.iter().all(|it| it.reason == Reason::Requested));
        assert_eq!((plan.mode, plan.lease), (Mode::Destroy, None));
    }
}

#[test]
fn duplicates_go_too_and_what_is_not_ours_stays() {
    let instance = plain("trainer");
    let one = identity(&instance, &[0]);
    let mut lives = launched(&instance, &one, 0, ago(60));
    lives.extend(launched(&instance, &one, 1, ago(50)));
    let mut unproven = launched(&instance, &one, 2, ago(40)).remove(0);
    unproven.client_token = None;
    let mut other = one;
    other.environment = EnvironmentName::new("other");
    let ours = lives.clone();
    lives.push(unproven.clone());
    lives.extend(launched(&instance, &other, 0, ago(30)));
    let plan = destroy(&observed(&lives), false);
    let mut expected: Vec<(String, bool)> =
        ours.iter().map(|it| (it.id.to_string(), false)).collect();
    let mut found = doomed(&plan);
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    let reason = "it was not launched with a token of ours".to_owned();
    let id = unproven.id;
    assert_eq!(plan.held, [Held::Unproven { id, reason }]);
}

#[test]
fn protection_holds_until_it_is_lifted() {
    let mut instance = plain("trainer");
    instance.protect = true;
    let lives: Vec<LiveInstance> = vec![live(&instance)];
    let plan = destroy(&observed(&lives), false);
    assert!(plan.steps.is_empty() && plan.held.len() == 1);
    let plan = destroy(&observed(&lives), true);
    assert_eq!(doomed(&plan), [(lives[0].id.to_string(), true)]);
    assert!(plan.held.is_empty());
}

#[test]
fn loose_volumes_go_and_those_of_others_stay() {
    let mut world = World::new([live(&full("trainer"))]);
    let mut volume = live(&plain("eval")).volumes["/dev/xvda"].as_ref().clone();
    volume.attached_to = None;
    world.loose_volume(volume.clone());
    let plan = destroy(&world.observe(), false);
    assert_eq!(plan.steps.len(), 2);
    let volumes = Action::DeleteVolumes(vec![volume.id.clone()]);
    assert_eq!(plan.steps[1].action, volumes);
    assert_eq!(audit(&plan), []);
    world.apply(&plan, &[0]);
    assert_eq!((world.alive().count(), world.volumes()), (0, 0));
    assert!(destroy(&world.observe(), false).steps.is_empty());
    volume.tags.remove(tag::VERSION);
    let mut seen = observed(&[]);
    seen.volumes = vec![volume.into()];
    assert!(destroy(&seen, false).steps.is_empty());
}
