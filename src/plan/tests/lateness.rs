//! Who is late and who is dead, and how launches are parted.

use jiff::{SignedDuration, Timestamp};

use super::super::fixtures::{SETTLE, address, desired, observed, plan_of};
use super::super::{Held, Reason, audit};
use super::{launches, there, words};
use crate::resource::fixtures::{ago, identity, launched, plain};
use crate::resource::{GroupName, InstanceState};

/// The settle window's end for what was launched so many seconds ago.
fn settled(seconds: i64) -> Timestamp {
    ago(seconds)
        .checked_add(SignedDuration::from_secs(SETTLE))
        .unwrap()
}

#[test]
fn siblings_that_are_late_are_waited_for_and_not_launched_again() {
    let instance = plain("trainer");
    let desired = desired(&[(instance.clone(), 3)]);
    let lives = |seconds| launched(&instance, &identity(&instance, &[0, 1, 2]), 0, ago(seconds));
    let plan = plan_of(&desired, &observed(&lives(10)[1..2]));
    assert!(plan.steps.is_empty() && !plan.is_empty());
    let late = |ordinal| Held::NotYetVisible {
        address: address("trainer", ordinal),
        until: settled(10),
    };
    assert_eq!(plan.held, [late(0), late(2)]);
    // After the window their absence is believed.
    let plan = plan_of(&desired, &observed(&lives(SETTLE)[1..2]));
    assert_eq!(words(&plan), ["launch trainer[0,2]: missing"]);
    assert_eq!(plan.held, []);
}

#[test]
fn late_siblings_of_a_renamed_group_are_waited_for_under_its_new_name() {
    let before = plain("worker");
    let mut renamed = desired(&[(plain("trainer"), 2)]);
    let group = renamed.groups.get_mut(&GroupName::new("trainer")).unwrap();
    group.renamed_from = Some(GroupName::new("worker"));
    let lives = launched(&before, &identity(&before, &[0, 1]), 0, ago(5));
    let plan = plan_of(&renamed, &observed(&lives[..1]));
    assert_eq!(
        plan.held,
        [Held::NotYetVisible {
            address: address("trainer", 1),
            until: settled(5),
        }]
    );
}

#[test]
fn a_sibling_is_late_even_if_those_that_are_seen_have_ended() {
    let instance = plain("trainer");
    let mut lives = launched(&instance, &identity(&instance, &[0, 1]), 0, ago(5));
    lives[0].state = InstanceState::Terminated;
    let plan = plan_of(&desired(&[(instance, 2)]), &observed(&lives[..1]));
    assert_eq!(words(&plan), ["launch trainer[0]: missing"]);
    assert_eq!(
        plan.held,
        [Held::NotYetVisible {
            address: address("trainer", 1),
            until: settled(5),
        }]
    );
}

#[test]
fn a_sibling_is_late_even_if_an_earlier_incarnation_of_it_is_seen() {
    // Replaced a moment ago: the old ones are listed as terminated, and of the
    // new ones only the first is listed yet.
    let instance = plain("trainer");
    let identity = identity(&instance, &[0, 1]);
    let mut lives = launched(&instance, &identity, 0, ago(9_000));
    for live in &mut lives {
        live.state = InstanceState::Terminated;
    }
    lives.push(launched(&instance, &identity, 1, ago(5)).remove(0));
    let plan = plan_of(&desired(&[(instance, 2)]), &observed(&lives));
    assert_eq!(words(&plan), Vec::<String>::new());
    assert_eq!(
        plan.held,
        [Held::NotYetVisible {
            address: address("trainer", 1),
            until: settled(5),
        }]
    );
}

#[test]
fn the_dead_raise_the_incarnation() {
    let instance = plain("trainer");
    let mut lives = launched(&instance, &identity(&instance, &[0, 1]), 3, ago(9_000));
    for (live, state) in lives
        .iter_mut()
        .zip([InstanceState::Terminated, InstanceState::ShuttingDown])
    {
        live.state = state;
    }
    let desired = desired(&[(instance, 3)]);
    let plan = plan_of(&desired, &observed(&lives));
    assert_eq!(words(&plan), ["launch trainer[0-2]: missing"]);
    assert_eq!(launches(&plan)[0].incarnation, 4);
    // A reader that has forgotten them begins at 0; EC2 has not, and the launch steps on.
    assert_eq!(
        launches(&plan_of(&desired, &observed(&[])))[0].incarnation,
        0
    );
}

#[test]
fn launches_are_batches_of_a_hundred_by_number() {
    let instance = plain("trainer");
    let missing: Vec<u32> = (0..205).filter(|ordinal| *ordinal != 150).collect();
    let there = there(&instance, &[150]);
    let plan = plan_of(&desired(&[(instance, 205)]), &observed(&there));
    assert_eq!(
        words(&plan),
        [
            "launch trainer[0-99]: missing",
            "launch trainer[100-149,151-199]: missing",
            "launch trainer[200-204]: missing",
        ]
    );
    let launched: Vec<u32> = launches(&plan)
        .iter()
        .flat_map(|launch| launch.identity.ordinals.iter())
        .collect();
    assert_eq!(launched, missing);
    let tokens: std::collections::BTreeSet<String> = launches(&plan)
        .iter()
        .map(|launch| launch.identity.token(launch.incarnation))
        .collect();
    assert_eq!(tokens.len(), 3);
}

#[test]
fn a_launch_with_more_gaps_than_a_tag_can_name_is_parted() {
    let instance = plain("trainer");
    // Two of three are missing everywhere: that is the longest way to write a hundred.
    let alive: Vec<u32> = (0..1_000).filter(|ordinal| ordinal % 3 == 2).collect();
    let missing: Vec<u32> = (0..1_000).filter(|ordinal| ordinal % 3 != 2).collect();
    let plan = plan_of(
        &desired(&[(instance.clone(), 1_000)]),
        &observed(&there(&instance, &alive)),
    );
    assert_eq!(audit(&plan), []);
    let calls = launches(&plan);
    let launched: Vec<u32> = calls
        .iter()
        .flat_map(|launch| launch.identity.ordinals.iter())
        .collect();
    assert_eq!(launched, missing);
    for launch in &calls {
        let attempt = launch.attempts(0).next().unwrap();
        let tags = launch.tags(&attempt, launch.incarnation);
        assert!(tags.values().all(|value| value.len() <= 255), "{tags:?}");
    }
    // No more calls than the text needs.
    assert!((11..=20).contains(&calls.len()), "{}", calls.len());
}

#[test]
fn a_batch_that_replaces_nothing_waits_for_nothing() {
    let before = plain("trainer");
    let mut after = before.clone();
    after.key = Some("kim".to_owned());
    let plan = plan_of(&desired(&[(after, 101)]), &observed(&there(&before, &[0])));
    let [terminate, first, second] = &plan.steps[..] else {
        panic!("three steps");
    };
    assert_eq!(first.after, [terminate.id].into());
    assert_eq!(first.reason, Reason::Immutable);
    assert!(second.after.is_empty());
    assert_eq!(second.reason, Reason::Missing);
}
