//! What a plan looks at, what it refuses, and what it says besides its steps.

use super::super::fixtures::{address, context, desired, observed, plan_of, resolution};
use super::super::{Context, Held, Note, Refusal};
use super::{there, words};
use crate::resource::fixtures::{ago, full, identity, launched, live, now, plain};
use crate::resource::{EnvironmentName, InstanceState, LiveInstance, tag};

#[test]
fn an_environment_of_which_only_a_volume_is_left_is_named() {
    let mut volume = live(&plain("trainer")).volumes["/dev/xvda"]
        .as_ref()
        .clone();
    volume.attached_to = None;
    let mut seen = observed(&[]);
    seen.volumes = vec![volume.into()];
    let others = super::super::other_environments(&seen, &std::collections::BTreeSet::new());
    let [other] = &others[..] else {
        panic!("{others:?}");
    };
    assert_eq!((other.instances, other.loose_volumes), (0, 1));
}

#[test]
fn other_environments_are_nothing_to_a_plan() {
    let instance = plain("trainer");
    let mut identity = identity(&instance, &[0]);
    identity.environment = EnvironmentName::new("other");
    let mut lives = launched(&instance, &identity, 0, ago(99));
    lives[0].first_launched = None;
    let plan = plan_of(&desired(&[]), &observed(&lives));
    assert!(plan.steps.is_empty() && plan.held.is_empty());
    assert_eq!((plan.lease_ends, plan.refusal), (None, None));
    // Only its name differs, but by a prefix.
    let others =
        super::super::other_environments(&observed(&lives), &[EnvironmentName::new("othe")].into());
    assert_eq!(others[0].environment, "other");
    assert_eq!((others[0].instances, others[0].lease_ends), (1, None));
}

#[test]
fn protection_is_lifted_only_when_asked_and_never_for_what_the_spec_dropped() {
    let mut before = full("trainer");
    before.protect = true;
    let mut after = before.clone();
    after.key = None;
    let lives = there(&before, &[0, 1]);
    let desired = desired(&[(after, 1)]);
    let lifted = Context {
        lift_protection: true,
        ..context()
    };
    let held = |ordinal: usize, withheld: &str| Held::Protected {
        address: address("trainer", u32::try_from(ordinal).unwrap()),
        id: lives[ordinal].id.clone(),
        withheld: withheld.to_owned(),
    };
    let plan = plan_of(&desired, &observed(&lives));
    assert!(plan.steps.is_empty());
    assert_eq!(
        plan.held,
        [
            held(1, "not terminated (`count` is 1 now)"),
            held(0, "not replaced for key"),
        ]
    );
    let plan = super::super::plan(&desired, &observed(&lives), &resolution(&desired), &lifted);
    assert_eq!(plan.held, []);
    assert_eq!(
        words(&plan),
        [
            "terminate trainer[1]: count-lowered",
            "terminate trainer[0]: immutable",
            "launch trainer[0]: immutable"
        ]
    );
    let doomed: Vec<bool> = plan.replaced().map(|one| one.unprotect).collect();
    assert_eq!(doomed, [true]);
}

#[test]
fn a_lease_that_is_over_or_unreadable_refuses_the_plan() {
    let instance = plain("trainer");
    let refusal = |live: LiveInstance| {
        plan_of(&desired(&[(instance.clone(), 1)]), &observed(&[live])).refusal
    };
    let aged =
        |seconds: i64| launched(&instance, &identity(&instance, &[0]), 0, ago(seconds)).remove(0);
    assert_eq!(refusal(aged(43_199)), None);
    let over = Refusal::LeaseOver { ended: Some(now()) };
    assert_eq!(refusal(aged(43_200)), Some(over));
    let unreadable = Some(Refusal::LeaseOver { ended: None });
    let mut live = aged(10);
    live.tags.remove(tag::LEASE);
    assert_eq!(refusal(live.clone()), unreadable);
    live = aged(10);
    live.first_launched = None;
    assert_eq!(refusal(live.clone()), unreadable);
    // The dead hold nobody to anything.
    live.state = InstanceState::Terminated;
    assert_eq!(refusal(live), None);
}

#[test]
fn a_lease_that_was_edited_is_noted_and_not_changed() {
    let before = plain("trainer");
    let mut after = before.clone();
    after.lease = "3d".parse().unwrap();
    let plan = plan_of(&desired(&[(after, 1)]), &observed(&there(&before, &[0])));
    assert!(plan.is_empty());
    assert_eq!(
        plan.notes,
        [Note::KeepsLease {
            address: address("trainer", 0),
            lease: Some(before.lease),
        }]
    );
}
