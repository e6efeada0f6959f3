//! One situation a test: what is wanted, what is there, and what is to be done.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::super::fixtures::{
    SETTLE, World, address, context, desired, observed, plan_of, resolution,
};
use super::super::{
    Action, Context, Held, Launch, Note, Observed, Plan, Reason, Refusal, Resolution, Step, Verb,
    audit, plan, wanted,
};
use crate::resource::fixtures::{
    account, ago, full, group_id, identity, image, launched, live, now, plain, region, types,
};
use crate::resource::{
    AccountId, Address, Compare, DataPlace, DataSet, Deletion, DeletionLimit, Desired,
    EnvironmentName, GroupName, ImageSelector, Instance, InstanceState, LiveInstance,
    ObjectOptions, Region, VolumeId, tag,
};
use crate::sync::{
    Change as FileChange, Deleted, Origin, Place, Side, SkipReason, Skipped, SyncPlan,
    TooManyDeletions, Totals, Transfer, Withheld,
};

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

/// Instances of a group, launched an hour ago in one call.
fn there(instance: &Instance, ordinals: &[u32]) -> Vec<LiveInstance> {
    launched(instance, &identity(instance, ordinals), 0, ago(3_600))
}

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
fn more_deletions_than_a_data_set_allows_refuse_the_plan() {
    let refusal = |limit: &str, deletions: u64| {
        let mut files = files(&[]);
        files.same.files = 9;
        files.deletions = (0..deletions)
            .map(|number| Deleted {
                key: number.to_string(),
                bytes: 1,
                modified: now(),
            })
            .collect();
        let (mut desired, observed) = with_data(&[("set", files)]);
        for set in desired.data.values_mut() {
            set.max_delete = limit.parse().unwrap();
        }
        plan_of(&desired, &observed).refusal
    };
    assert_eq!(refusal("50%", 9), None);
    assert_eq!(refusal("1", 1), None);
    assert_eq!(refusal("0", 0), None);
    let excess = |deletions, allowed| {
        Some(Refusal::TooManyDeletions {
            address: Address::Data("set".to_owned()),
            excess: TooManyDeletions {
                deletions,
                there: 9 + deletions,
                allowed,
            },
        })
    };
    assert_eq!(refusal("50%", 11), excess(11, 10));
    assert_eq!(refusal("10%", 2), excess(2, 1));
    assert_eq!(refusal("0", 1), excess(1, 0));
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

fn data_set() -> DataSet {
    DataSet {
        from: DataPlace::Folder("/data".into()),
        to: DataPlace::Prefix {
            bucket: "bucket".to_owned(),
            prefix: "data/".to_owned(),
        },
        include: Vec::new(),
        exclude: Vec::new(),
        delete: Deletion::Never,
        archive: None,
        max_delete: DeletionLimit::default(),
        options: ObjectOptions::default(),
        compare: Compare::Content,
    }
}

fn files(keys: &[&str]) -> SyncPlan {
    SyncPlan {
        from: Place::Folder("/data".into()),
        to: Place::prefix("bucket", "data"),
        transfers: keys
            .iter()
            .map(|key| Transfer {
                key: (*key).to_owned(),
                bytes: 5,
                change: FileChange::New,
                origin: Origin::File { modified: now() },
            })
            .collect(),
        deletions: Vec::new(),
        withheld: None,
        same: Totals::default(),
        skipped: Vec::new(),
        kept: Totals::default(),
        leftovers: Vec::new(),
        archive: None,
        options: ObjectOptions::default(),
        case_conflicts: Vec::new(),
        region: None,
    }
}

fn with_data(names: &[(&str, SyncPlan)]) -> (Desired, Observed) {
    let (mut desired, mut observed) = (desired(&[]), observed(&[]));
    for (name, files) in names {
        let address = Address::Data((*name).to_owned());
        desired.data.insert(address.clone(), data_set());
        observed.data.insert(address, files.clone());
    }
    (desired, observed)
}

#[test]
fn files_that_differ_are_a_step_and_files_that_do_not_are_unchanged() {
    let (desired, observed) = with_data(&[("new", files(&["a", "b"])), ("same", files(&[]))]);
    let plan = plan_of(&desired, &observed);
    assert_eq!(words(&plan), ["sync data.new: files-differ"]);
    assert_eq!(plan.unchanged, [Address::Data("same".to_owned())]);
    let summary = plan.summary();
    assert_eq!((summary.transfer_files, summary.transfer_bytes), (2, 10));
    assert_eq!(audit(&plan), []);
}

#[test]
fn files_left_out_and_deletions_withheld_are_noted() {
    let mut files = files(&[]);
    files.skipped = vec![Skipped {
        key: "x".to_owned(),
        side: Side::From,
        reason: SkipReason::BrokenLink,
    }];
    files.withheld = Some(Withheld::UnreadableFolder("private".to_owned()));
    files.region = Some("us-west-2".to_owned());
    let (desired, observed) = with_data(&[("set", files)]);
    let address = Address::Data("set".to_owned());
    assert_eq!(
        plan_of(&desired, &observed).notes,
        [
            Note::FilesSkipped {
                address: address.clone(),
                count: 1,
                first: "x: the symbolic link leads nowhere".to_owned(),
            },
            Note::OtherRegion {
                address: address.clone(),
                region: "us-west-2".to_owned(),
            },
            Note::DeletionsWithheld {
                address,
                reason: "nothing is deleted, because the folder `private` cannot be read"
                    .to_owned(),
            },
        ]
    );
}

#[test]
fn files_of_the_source_that_cannot_be_read_are_held() {
    let mut files = files(&[]);
    let unreadable = Skipped {
        key: "x".to_owned(),
        side: Side::From,
        reason: SkipReason::UnreadableFile("permission denied".to_owned()),
    };
    files.skipped = vec![unreadable.clone(), unreadable];
    let (desired, mut observed) = with_data(&[("set", files)]);
    let plan = plan_of(&desired, &observed);
    let held = Held::Unreadable {
        address: Address::Data("set".to_owned()),
        count: 2,
        first: "x: cannot be read: permission denied".to_owned(),
    };
    assert_eq!(plan.held, [held]);
    assert!(plan.notes.is_empty() && !plan.is_empty());
    // At the target it is no loss.
    for files in observed.data.values_mut() {
        for skipped in &mut files.skipped {
            skipped.side = Side::To;
        }
    }
    let plan = plan_of(&desired, &observed);
    assert_eq!((plan.held.len(), plan.notes.len()), (0, 1));
}

#[test]
fn a_plan_is_the_same_whatever_the_order_of_the_listing() {
    // The instance of two volumes is not listed yet, and two others are loose.
    let mut live = live(&full("trainer"));
    let mut volumes = Vec::new();
    for (volume, seconds) in std::mem::take(&mut live.volumes).values().zip([5, 10]) {
        let mut attached = volume.as_ref().clone();
        attached.attached_at = Some(ago(seconds));
        let mut loose = attached.clone();
        loose.id = VolumeId::new(format!("vol-{seconds}"));
        loose.attached_to = None;
        volumes.extend([attached, loose].map(Arc::new));
    }
    let mut seen = observed(&[]);
    seen.volumes = volumes;
    let wanted = desired(&[(full("trainer"), 1)]);
    let plan = plan_of(&wanted, &seen);
    assert!(matches!(plan.held[0], Held::NotYetVisible { until, .. }
        if until == now() + SignedDuration::from_secs(SETTLE - 5)));
    seen.volumes.reverse();
    assert_eq!(plan_of(&wanted, &seen), plan);
}

#[test]
fn loose_volumes_of_ours_are_noted() {
    let mut live = live(&plain("trainer"));
    let mut volume = live.volumes.remove("/dev/xvda").unwrap().as_ref().clone();
    volume.attached_to = None;
    let mut seen = observed(&[]);
    seen.volumes = vec![volume.clone().into()];
    let plan = plan_of(&desired(&[]), &seen);
    assert!(plan.steps.is_empty());
    let Note::LooseVolume(facts) = &plan.notes[0] else {
        panic!("{:?}", plan.notes);
    };
    assert_eq!((&facts.id, facts.gibibytes), (&volume.id, 8));
    assert_eq!(facts.group, Some(GroupName::new("trainer")));
    volume.tags.remove(tag::ACCOUNT);
    seen.volumes = vec![volume.into()];
    assert_eq!(plan_of(&desired(&[]), &seen).notes, []);
}

#[test]
fn what_is_wanted_is_looked_up_and_nothing_else() {
    let mut subnet = full("eval");
    subnet.placement = crate::resource::Placement::Subnet("subnet-1".to_owned());
    let instance = full("trainer");
    let there = there(&instance, &[0]);
    let unchanged = desired(&[(instance.clone(), 1)]);
    // Only whether there is a newer image is asked for.
    let none = Resolution::default();
    let told = wanted(&unchanged, &observed(&there), &none, &context());
    assert!(told.images.values().all(|image| !image.needed), "{told:?}");
    assert_eq!(
        (told.types.len(), told.keys.len(), told.subnets.len()),
        (0, 0, 0)
    );
    let wanted_all = wanted(
        &desired(&[(subnet.clone(), 2), (instance.clone(), 1)]),
        &observed(&there),
        &none,
        &context(),
    );
    let eval = || "eval".to_owned();
    assert_eq!(wanted_all.types, [("g5.xlarge".to_owned(), eval())].into());
    assert_eq!(wanted_all.subnets, [("subnet-1".to_owned(), eval())].into());
    assert_eq!(wanted_all.keys, [("alex".to_owned(), eval())].into());
    assert_eq!(
        wanted_all.security_groups,
        [(
            (
                "training".to_owned(),
                super::super::Whereabouts::Subnet("subnet-1".to_owned())
            ),
            eval()
        )]
        .into()
    );
    let image = &wanted_all.images[&subnet.image];
    assert_eq!((&image.disk, image.needed), (&Some((150, eval())), true));
    assert_eq!(wanted_all.images.len(), 1);
    // A change asks for the new type alone.
    let mut larger = instance;
    larger.machine = types(&["g5.48xlarge"]);
    let wanted = wanted(
        &desired(&[(larger, 1)]),
        &observed(&there),
        &none,
        &context(),
    );
    // Both are looked at: another architecture would be a replacement.
    let types = ["g5.48xlarge", "g5.xlarge"].map(|name| (name.to_owned(), "trainer".to_owned()));
    assert_eq!(wanted.types, types.into());
    assert!(wanted.keys.is_empty());
}

#[test]
fn a_plan_is_for_the_account_and_region_of_the_spec() {
    let plan = plan_of(&desired(&[(plain("trainer"), 1)]), &observed(&[]));
    assert_eq!((&plan.account, &plan.region), (&account(), &region()));
    let identity = &launches(&plan)[0].identity;
    let place: (&AccountId, &Region) = (&identity.account, &identity.region);
    assert_eq!(place, (&account(), &region()));
}

#[test]
fn two_machines_that_see_the_same_launch_once() {
    let desired = desired(&[(full("trainer"), 3)]);
    let mut world = World::new([]);
    let (one, other) = (
        plan_of(&desired, &world.observe()),
        plan_of(&desired, &world.observe()),
    );
    world.apply(&one, &[0]);
    world.apply(&other, &[0]);
    assert_eq!(world.alive().count(), 3);
}

#[test]
fn every_step_has_a_number_of_its_own_from_one() {
    let mut after = full("a");
    after.key = None;
    let mut lives = there(&full("a"), &[0]);
    lives.extend(there(&plain("b"), &[0]));
    let plan = plan_of(&desired(&[(after, 2), (plain("c"), 1)]), &observed(&lives));
    let ids: Vec<u32> = plan.steps.iter().map(|step: &Step| step.id).collect();
    assert_eq!(ids, (1..=4).collect::<Vec<u32>>());
    assert!(Arc::strong_count(&launches(&plan)[0].instance) > 0);
}
