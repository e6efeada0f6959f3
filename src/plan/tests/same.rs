//! One plan, whatever the order and whoever asks.

use std::sync::Arc;

use jiff::SignedDuration;

use super::super::fixtures::{SETTLE, World, context, desired, observed, plan_of};
use super::super::{Held, Note, Resolution, Step, wanted};
use super::{launches, there};
use crate::resource::fixtures::{account, ago, full, live, now, plain, region, types};
use crate::resource::{AccountId, GroupName, Region, VolumeId, tag};

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
