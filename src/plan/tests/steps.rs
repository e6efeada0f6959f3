//! One situation a test: what is wanted, what is there, and what is to be done.

use std::sync::Arc;

use jiff::SignedDuration;

use super::super::fixtures::{address, context, desired, observed, plan_of};
use super::super::{Action, Held, Observed, Reason, Resolution, Verb, audit, plan};
use super::{launches, there, words};
use crate::resource::fixtures::{
    ago, full, group_id, identity, image, launched, live, now, plain, types,
};
use crate::resource::{ImageSelector, Instance, InstanceState, LiveInstance, tag};

#[test]
fn what_is_missing_is_launched_in_one_call_a_group() {
    let desired = desired(&[(full("eval"), 1), (plain("trainer"), 3)]);
    let plan = plan_of(&desired, &observed(&[]));
    assert_eq!(
        words(&plan),
        ["launch eval[0]: missing", "launch trainer[0-2]: missing"]
    );
    let [eval, trainer] = launches(&plan)[..] else {
        panic!("two launches");
    };
    assert_eq!(eval.security_groups, [group_id("training")]);
    assert_eq!((trainer.incarnation, &trainer.image), (0, &image()));
    assert_eq!(eval.identity.place, "eu-central-1a");
    assert_eq!((plan.lease_ends, plan.lease), (None, Some(desired.lease)));
    assert_eq!(audit(&plan), []);
    assert_eq!(plan.summary().create, 4);
}

#[test]
fn what_is_as_wanted_is_left_alone() {
    let plan = plan_of(
        &desired(&[(full("trainer"), 2)]),
        &observed(&there(&full("trainer"), &[0, 1])),
    );
    assert_eq!(words(&plan), Vec::<String>::new());
    assert_eq!(
        plan.unchanged,
        [address("trainer", 0), address("trainer", 1)]
    );
    assert!(plan.is_empty() && plan.held.is_empty() && plan.notes.is_empty());
    let end = now().checked_add(SignedDuration::from_hours(11)).unwrap();
    assert_eq!((plan.lease_ends, plan.refusal), (Some(end), None));
}

#[test]
fn nothing_wanted_and_nothing_there_is_an_empty_plan() {
    let plan = plan_of(&desired(&[]), &observed(&[]));
    assert!(plan.is_empty() && plan.lease_ends.is_none());
}

type Edit = fn(&mut Instance);

#[test]
fn a_change_takes_the_gentlest_way_that_makes_all_of_it() {
    let before = full("trainer");
    let table: &[(&str, Edit)] = &[
        ("update trainer[0]: edited", |it| it.protect = true),
        ("restart trainer[0]: edited", |it| {
            it.protect = true;
            it.machine = types(&["t3.nano"]);
        }),
        ("terminate trainer[0]: immutable", |it| {
            it.protect = true;
            it.machine = types(&["t3.nano"]);
            it.key = None;
        }),
    ];
    for (expected, edit) in table {
        let mut after = before.clone();
        edit(&mut after);
        let plan = plan_of(&desired(&[(after, 1)]), &observed(&there(&before, &[0])));
        assert_eq!(words(&plan)[0], *expected);
        assert_eq!(audit(&plan), []);
    }
}

#[test]
fn drift_is_told_from_an_edit() {
    let instance = full("trainer");
    let mut live = live(&instance);
    live.tags.remove("owner");
    let plan = plan_of(
        &desired(&[(instance, 1)]),
        &observed(std::slice::from_ref(&live)),
    );
    assert_eq!(words(&plan), ["update trainer[0]: drifted"]);
}

#[test]
fn security_groups_of_a_change_are_resolved() {
    let before = full("trainer");
    let mut after = before.clone();
    after.security_groups = ["b".to_owned(), "a".to_owned()].into();
    let desired = desired(&[(after, 1)]);
    let observed = observed(&there(&before, &[0]));
    let plan = plan_of(&desired, &observed);
    let Action::Update(change) = &plan.steps[0].action else {
        panic!("an update");
    };
    assert_eq!(change.security_groups, [group_id("a"), group_id("b")]);
    let none = Resolution::default();
    let plan = super::super::plan(&desired, &observed, &none, &context());
    assert!(plan.steps.is_empty());
    assert_eq!(
        plan.held,
        [Held::Unresolved {
            address: address("trainer", 0),
            what: "the security group a".to_owned(),
        }]
    );
}

#[test]
fn a_replacement_launches_after_its_termination() {
    let before = full("trainer");
    let mut after = before.clone();
    after.key = Some("kim".to_owned());
    let mut live = there(&before, &[0, 1]);
    live.extend(there(&plain("other"), &[0]));
    // Number 2 is new and goes with the others of its group.
    let plan = plan_of(
        &desired(&[(after, 3), (plain("other"), 2)]),
        &observed(&live),
    );
    assert_eq!(
        words(&plan),
        [
            "terminate trainer[0]: immutable",
            "terminate trainer[1]: immutable",
            "launch other[1]: missing",
            "launch trainer[0-2]: immutable",
        ]
    );
    let [terminate, other, launch] = &plan.steps[..] else {
        panic!("three steps");
    };
    assert!(terminate.after.is_empty() && other.after.is_empty());
    assert_eq!(launch.after, [terminate.id].into());
    assert_eq!(launches(&plan)[1].incarnation, 1);
    let verbs: Vec<(String, Verb)> = plan
        .verbs()
        .into_iter()
        .map(|((address, _), verb)| (address.to_string(), verb))
        .collect();
    let expected = [
        ("other[1]".to_owned(), Verb::Create),
        ("trainer[0]".to_owned(), Verb::Replace),
        ("trainer[1]".to_owned(), Verb::Replace),
        ("trainer[2]".to_owned(), Verb::Create),
    ];
    assert_eq!(verbs, expected);
    assert_eq!(audit(&plan), []);
}

#[test]
fn nothing_is_terminated_for_a_replacement_that_cannot_be_launched() {
    let before = full("trainer");
    let mut after = before.clone();
    after.image = ImageSelector::Ssm("/no/such".to_owned());
    let none = Resolution::default();
    let plan = plan(
        &desired(&[(after, 1)]),
        &observed(&there(&before, &[0])),
        &none,
        &context(),
    );
    assert_eq!(words(&plan), Vec::<String>::new());
    assert_eq!(
        plan.held,
        [Held::Unresolved {
            address: address("trainer", 0),
            what: "the image ssm:/no/such".to_owned(),
        }]
    );
    assert!(!plan.is_empty(), "something is unsettled");
}

#[test]
fn what_the_spec_does_not_name_any_more_is_deleted() {
    let mut live = there(&plain("trainer"), &[0, 1, 2]);
    live.extend(there(&plain("old"), &[0]));
    let plan = plan_of(&desired(&[(plain("trainer"), 1)]), &observed(&live));
    assert_eq!(
        words(&plan),
        [
            "terminate old[0]: not-in-spec",
            "terminate trainer[1]: count-lowered",
            "terminate trainer[2]: count-lowered",
        ]
    );
    // One step for each reason.
    assert_eq!(plan.steps.len(), 2);
}

#[test]
fn among_duplicates_the_latest_incarnation_wins_then_the_oldest_then_the_lowest_id() {
    let instance = plain("trainer");
    let one = identity(&instance, &[0]);
    let at = |identity, incarnation, seconds| {
        launched(&instance, identity, incarnation, ago(seconds)).remove(0)
    };
    let desired = desired(&[(instance.clone(), 1)]);
    let doomed = |lives: &[LiveInstance]| -> Vec<String> {
        let plan = plan_of(&desired, &observed(lives));
        assert_eq!(plan.unchanged, [address("trainer", 0)]);
        assert_eq!(audit(&plan), []);
        plan.steps
            .iter()
            .flat_map(|step| match step.action.doomed() {
                Some(doomed) => {
                    assert_eq!(step.reason, Reason::Duplicate);
                    doomed.iter().map(|one| one.id.to_string()).collect()
                }
                None => vec![format!("{step:?}")],
            })
            .collect()
    };
    let loses = |loser: &LiveInstance, winner: &LiveInstance| {
        let id = [loser.id.to_string()];
        assert_eq!(doomed(&[loser.clone(), winner.clone()]), id);
        assert_eq!(doomed(&[winner.clone(), loser.clone()]), id);
    };
    // There is an incarnation only once the one before it has been seen to end.
    loses(&at(&one, 1, 900), &at(&one, 2, 300));
    // Two launches of one incarnation: with other siblings each.
    let other = identity(&instance, &[0, 1]);
    loses(&at(&other, 1, 300), &at(&one, 1, 900));
    loses(&at(&one, 1, 300), &at(&other, 1, 900));
    let (one, other) = (at(&one, 1, 900), at(&other, 1, 900));
    let (lower, higher) = if one.id < other.id {
        (&one, &other)
    } else {
        (&other, &one)
    };
    loses(higher, lower);
    // One that has ended is no rival.
    let mut ended = lower.clone();
    ended.state = InstanceState::Terminated;
    assert_eq!(doomed(&[ended, higher.clone()]), Vec::<String>::new());
}

#[test]
fn what_is_not_provably_ours_is_shown_and_left_alone() {
    let mut live = live(&plain("trainer"));
    live.tags.remove(tag::ACCOUNT);
    let plan = plan_of(&desired(&[]), &observed(std::slice::from_ref(&live)));
    assert!(plan.steps.is_empty());
    assert_eq!(
        plan.held,
        [Held::Unproven {
            id: live.id.clone(),
            reason: "its tag trainyard:account does not name this account".to_owned(),
        }]
    );
    live.state = InstanceState::Terminated;
    let plan = plan_of(&desired(&[]), &observed(&[live]));
    assert_eq!(plan.held, [], "the dead are no news");
}

#[test]
fn tags_copied_to_somebody_elses_instance_do_not_stop_a_launch() {
    let instance = plain("trainer");
    let mut live = live(&instance);
    live.client_token = Some("somebody-elses".to_owned());
    let plan = plan_of(&desired(&[(instance, 1)]), &observed(&[live]));
    assert_eq!(words(&plan), ["launch trainer[0]: missing"]);
    assert!(matches!(plan.held[..], [Held::Unproven { .. }]));
}

#[test]
fn nothing_is_launched_beside_an_instance_that_may_be_it() {
    let instance = plain("trainer");
    let mut live = live(&instance);
    live.tags.remove(tag::GROUP);
    let desired = desired(&[(instance, 1)]);
    let plan = plan_of(&desired, &observed(std::slice::from_ref(&live)));
    assert!(plan.steps.is_empty() && !plan.is_empty());
    let blocked = |by: &LiveInstance| Held::Blocked {
        address: address("trainer", 0),
        by: by.id.clone(),
    };
    assert_eq!(plan.held[1..], [blocked(&live)]);
    // Its volumes speak for it where its own tags are silent, or it is not listed at all.
    let whole = observed(std::slice::from_ref(&live));
    live.tags.clear();
    let seen = Observed {
        instances: vec![live.clone().into()],
        ..whole.clone()
    };
    let plan = plan_of(&desired, &seen);
    assert!(plan.steps.is_empty());
    assert_eq!(plan.held[1..], [blocked(&live)]);
    // What only a volume shows is late at first, and blocks its place when it stays away.
    let mut seen = Observed {
        instances: Vec::new(),
        ..whole.clone()
    };
    assert_eq!(plan_of(&desired, &seen).held, [blocked(&live)]);
    for volume in &mut seen.volumes {
        Arc::make_mut(volume).attached_at = Some(context().now);
    }
    let plan = plan_of(&desired, &seen);
    assert!(plan.steps.is_empty());
    assert!(
        matches!(plan.held[..], [Held::NotYetVisible { .. }]),
        "{:?}",
        plan.held
    );
    // Once it has ended, its place is free.
    live.state = InstanceState::Terminated;
    let seen = Observed {
        instances: vec![live.into()],
        ..whole
    };
    assert_eq!(
        words(&plan_of(&desired, &seen)),
        ["launch trainer[0]: missing"]
    );
}
