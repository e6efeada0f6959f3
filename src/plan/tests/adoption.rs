//! What was launched by hand is taken over by its tags.

use jiff::SignedDuration;

use super::super::fixtures::{context, desired, observed};
use super::super::{Action, Held, Reason};
use super::{group, launches, planned};
use crate::resource::fixtures::{full, live, mark, now};
use crate::resource::{Instance, InstanceState, LiveAttributes, LiveInstance};

fn by_hand(instance: &Instance) -> LiveInstance {
    let mut live = live(instance);
    live.client_token = None;
    live.tags = [("Name".to_owned(), "by hand".to_owned())].into();
    live.launch_index = 3;
    live.attributes = Some(LiveAttributes {
        protected: false,
        ends_at_shutdown: true,
    });
    for volume in live.volumes.values_mut() {
        std::sync::Arc::make_mut(volume).tags.clear();
    }
    live
}

#[test]
fn an_instance_is_taken_over_by_tags_alone_and_then_is_ours() {
    let instance = full("trainer");
    let foreign = by_hand(&instance);
    let mut wanted = desired(&[(instance.clone(), 1)]);
    group(&mut wanted, "trainer", |group| {
        group.adopt = vec![foreign.id.clone()];
    });
    let plan = planned(
        &wanted,
        &observed(std::slice::from_ref(&foreign)),
        &context(),
    );
    let [step] = &plan.steps[..] else {
        panic!("{plan:?}");
    };
    assert_eq!((&step.reason, plan.summary().create), (&Reason::Adopted, 0));
    let mut ours = foreign.clone();
    let place = (&wanted.environment, &crate::resource::fixtures::account());
    let since = now() - SignedDuration::from_hours(1);
    let tags = crate::resource::adoption_tags(&instance, &foreign, place, (0, since));
    ours.tags.extend(tags.clone());
    assert!(planned(&wanted, &observed(std::slice::from_ref(&ours)), &context()).is_empty());
    let end = crate::lease::deadline(&ours, &mark(&ours));
    assert_eq!(
        end.seconds_left(now()),
        Some(11 * 3_600),
        "the lease counts from then"
    );
    // The same tags on another machine prove nothing.
    let mut copy = by_hand(&instance);
    copy.id = crate::resource::InstanceId::new("i-0000000000000000f");
    copy.tags.extend(tags);
    let plan = planned(&wanted, &observed(&[ours, copy]), &context());
    assert!(
        matches!(plan.held[0], Held::Unproven { .. }),
        "{:?}",
        plan.held
    );
}

#[test]
fn protection_is_compared_with_what_ec2_says() {
    let fields = |protect: bool, attributes: Option<LiveAttributes>| {
        let instance = Instance {
            protect,
            ..full("trainer")
        };
        let mut foreign = by_hand(&instance);
        foreign.attributes = attributes;
        let mut wanted = desired(&[(instance, 1)]);
        group(&mut wanted, "trainer", |group| {
            group.adopt = vec![foreign.id.clone()];
        });
        let plan = planned(&wanted, &observed(&[foreign]), &context());
        let step = plan.steps.first()?;
        let Action::Adopt(change) = &step.action else {
            panic!("{step:?}");
        };
        let fields = change.changes.iter().map(|change| change.field.clone());
        Some(fields.filter(|field| !field.starts_with("tags.")).collect())
    };
    let asked = |protected, ends_at_shutdown| {
        Some(LiveAttributes {
            protected,
            ends_at_shutdown,
        })
    };
    let none: Vec<String> = Vec::new();
    assert_eq!(fields(true, asked(true, true)), Some(none.clone()));
    assert_eq!(fields(false, asked(false, false)), Some(none));
    let protect = Some(vec!["protect".to_owned()]);
    assert_eq!(fields(true, asked(false, true)), protect);
    assert_eq!(fields(false, asked(true, true)), protect);
    assert_eq!(fields(true, None), None, "unknown is not off");
}

#[test]
fn what_an_auto_scaling_group_manages_is_not_taken_over() {
    let instance = full("trainer");
    let mut foreign = by_hand(&instance);
    foreign.manager = Some("the auto scaling group workers".to_owned());
    let mut wanted = desired(&[(instance, 1)]);
    group(&mut wanted, "trainer", |group| {
        group.adopt = vec![foreign.id.clone()];
    });
    let plan = planned(&wanted, &observed(&[foreign]), &context());
    let [Held::NotAdopted { why, .. }] = &plan.held[..] else {
        panic!("{:?}", plan.held);
    };
    assert!(why.contains("the auto scaling group workers manages it"));
    assert_eq!(plan.steps, []);
}

/// So many tags of somebody else's.
fn others_tags(number: usize) -> impl Iterator<Item = (String, String)> {
    (0..number).map(|number| (format!("team:{number}"), "x".to_owned()))
}

#[test]
fn more_tags_than_ec2_takes_are_counted_before_anything_is_changed() {
    let instance = full("trainer");
    let mut foreign = by_hand(&instance);
    foreign.tags.extend(others_tags(40));
    // AWS does not count its own.
    let reserved = (0..9).map(|number| (format!("aws:{number}"), "x".to_owned()));
    foreign.tags.extend(reserved);
    let mut wanted = desired(&[(instance.clone(), 1)]);
    group(&mut wanted, "trainer", |group| {
        group.adopt = vec![foreign.id.clone()];
    });
    let place = (&wanted.environment, &crate::resource::fixtures::account());
    let written = crate::resource::adoption_tags(&instance, &foreign, place, (0, now()));
    let number = 40 + written.len();
    let plan = planned(&wanted, &observed(&[foreign.clone()]), &context());
    let [Held::NotAdopted { why, .. }] = &plan.held[..] else {
        panic!("{:?}", plan.held);
    };
    assert!(
        why.contains(&format!("it would carry {number} tags")),
        "{why}"
    );
    let few = |key: &String| !key.starts_with("team:") || key.len() < "team:10".len();
    foreign.tags.retain(|key, _| few(key));
    let disk = foreign.volumes.get_mut("/dev/sdf").unwrap();
    std::sync::Arc::make_mut(disk).tags.extend(others_tags(40));
    let plan = planned(&wanted, &observed(&[foreign.clone()]), &context());
    let Held::NotAdopted { why, .. } = &plan.held[0] else {
        panic!("{:?}", plan.held);
    };
    assert!(why.contains("its disk /dev/sdf would carry"), "{why}");
    let disk = foreign.volumes.get_mut("/dev/sdf").unwrap();
    std::sync::Arc::make_mut(disk).tags.clear();
    assert_eq!(planned(&wanted, &observed(&[foreign]), &context()).held, []);

    // What is ours can have got tags of others since.
    let mut ours = live(&instance);
    let free = 50 - ours.tags.len();
    ours.tags.extend(others_tags(free));
    let mut edited = instance.clone();
    edited.tags.insert("owner".to_owned(), "jo".to_owned());
    let plan = planned(
        &desired(&[(edited.clone(), 1)]),
        &observed(&[ours.clone()]),
        &context(),
    );
    assert_eq!((plan.held.len(), plan.steps.len()), (0, 1));
    edited.tags.insert("more".to_owned(), "x".to_owned());
    let plan = planned(&desired(&[(edited, 1)]), &observed(&[ours]), &context());
    let [Held::Unresolved { what, .. }] = &plan.held[..] else {
        panic!("{:?}", plan.held);
    };
    assert!(what.contains("would carry 51"), "{what}");
    assert_eq!(plan.steps, []);
}

#[test]
fn nothing_is_launched_in_the_place_of_what_is_to_be_taken_over() {
    let instance = full("trainer");
    let mut foreign = by_hand(&instance);
    let mut wanted = desired(&[(instance.clone(), 2)]);
    group(&mut wanted, "trainer", |group| {
        group.adopt = vec![foreign.id.clone()];
    });
    let why = |lives: &[LiveInstance]| {
        let plan = planned(&wanted, &observed(lives), &context());
        assert_eq!(launches(&plan)[0].identity.ordinals.to_string(), "1");
        let Held::NotAdopted { why, .. } = &plan.held[0] else {
            panic!("{:?}", plan.held);
        };
        why.clone()
    };
    assert!(why(&[]).contains("it is not there"));
    foreign.key = Some("other".to_owned());
    assert!(why(std::slice::from_ref(&foreign)).contains("`key: other`"));
    foreign.state = InstanceState::Terminated;
    assert!(why(&[foreign]).contains("it is not there"));
}
