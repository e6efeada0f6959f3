//! Whatever is wanted and whatever is there: one round of steps, and nothing is left to do.

use proptest::prelude::*;

use super::super::fixtures::{World, desired, doubled, environment, observed, plan_of, resolution};
use super::super::{Context, Plan, audit, plan, plan_destroy};
use crate::resource::fixtures::{ago, disk, full, identity, launched, plain, types};
use crate::resource::{
    Desired, EnvironmentName, ImageSelector, Instance, InstanceState, LiveInstance, Placement, tag,
};

/// How an instance of a group can be; number 0 is how most of them are.
fn variant(group: &str, number: u8) -> Instance {
    let mut it = full(group);
    match number {
        1 => it.machine = types(&["t3.nano"]),
        2 => it.image = ImageSelector::Ssm("/a/b".to_owned()),
        3 => it.key = None,
        4 => it.disk = Some(disk("200 GiB")),
        5 => it.disk = Some(disk("100 GiB")),
        6 => {
            it.tags.remove("owner");
            it.tags.insert("team".to_owned(), "vision".to_owned());
        }
        7 => it.protect = true,
        8 => it.security_groups = ["a".to_owned(), "b".to_owned()].into(),
        9 => it.user_data = None,
        10 => it.iam_profile = None,
        11 => it.metadata.hop_limit = 1,
        12 => it.volumes.clear(),
        13 => {
            it.volumes.insert("/dev/sdg".to_owned(), disk("9 GiB"));
        }
        14 => {
            it.volumes.insert("/dev/sdf".to_owned(), disk("600 GiB"));
        }
        15 => it.placement = Placement::Any,
        16 => it.placement = Placement::Zone("eu-central-1c".to_owned()),
        17 => return plain(group),
        _ => {}
    }
    it
}

const GROUPS: [&str; 3] = ["a", "b", "c"];

/// Some numbers of a group, launched in one call a while ago.
fn batch() -> impl Strategy<Value = Vec<LiveInstance>> {
    let numbers = prop::collection::btree_set(0_u32..6, 1..5);
    let fate = prop::collection::vec(0_u8..12, 5);
    let which = (0_usize..3, 0_u8..24, 0_u32..3, 60_i64..9_000);
    (which, numbers, fate).prop_map(|((group, number, incarnation, age), numbers, fate)| {
        let instance = variant(GROUPS[group], number);
        let numbers: Vec<u32> = numbers.into_iter().collect();
        let mut identity = identity(&instance, &numbers);
        if fate[0] == 11 {
            identity.environment = EnvironmentName::new("other");
        }
        let mut lives = launched(&instance, &identity, incarnation, ago(age));
        for (live, fate) in lives.iter_mut().zip(fate) {
            match fate {
                0 => live.state = InstanceState::Terminated,
                1 => live.state = InstanceState::Stopped,
                2 => live.state = InstanceState::ShuttingDown,
                3 => {
                    live.tags.remove(tag::SPEC);
                }
                4 => {
                    live.tags.insert("of-others".to_owned(), "x".to_owned());
                }
                5 => {
                    live.tags.remove("owner");
                }
                6 => live.iam_profile = Some("drifted".to_owned()),
                _ => {}
            }
        }
        lives
    })
}

fn any_desired() -> impl Strategy<Value = Desired> {
    prop::collection::vec((0_u8..24, 0_u32..6), 3).prop_map(|groups| {
        let groups: Vec<(Instance, u32)> = groups
            .into_iter()
            .zip(GROUPS)
            .map(|((number, count), group)| (variant(group, number), count))
            .collect();
        desired(&groups)
    })
}

fn any_lives() -> impl Strategy<Value = Vec<LiveInstance>> {
    prop::collection::vec(batch(), 0..5).prop_map(|batches| {
        let mut lives: Vec<LiveInstance> = batches.into_iter().flatten().collect();
        // One call for one token: two equal draws are one launch.
        lives.sort_by(|one, other| one.id.cmp(&other.id));
        lives.dedup_by(|one, other| one.id == other.id);
        lives
    })
}

fn plan_in(world: &World, desired: &Desired, lift_protection: bool) -> Plan {
    let context = Context {
        lift_protection,
        ..world.context()
    };
    plan(desired, &world.observe(), &resolution(desired), &context)
}

/// Instances that are not provably ours, or belong to somebody else, as they are.
fn of_others(world: &World) -> Vec<LiveInstance> {
    world
        .alive()
        .filter(|live| !live.tags.contains_key(tag::SPEC) || live.tags[tag::ENVIRONMENT] != "demo")
        .cloned()
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn after_a_plan_is_applied_nothing_is_left_to_do(
        desired in any_desired(),
        lives in any_lives(),
        lift_protection in any::<bool>(),
    ) {
        let mut world = World::new(lives);
        let foreign = of_others(&world);
        // The second round lifts a protection that the first one has just set off.
        for _ in 0..2 {
            let plan = plan_in(&world, &desired, lift_protection);
            prop_assert_eq!(audit(&plan), []);
            world.apply(&plan, &[0]);
            if !lift_protection {
                break;
            }
        }
        let again = plan_in(&world, &desired, lift_protection);
        prop_assert_eq!(&again.steps, &[]);
        world.pass(600);
        prop_assert_eq!(&plan_in(&world, &desired, lift_protection).steps, &[]);
        prop_assert_eq!(of_others(&world), foreign);
    }

    #[test]
    fn a_plan_does_not_depend_on_the_order_of_a_listing(
        desired in any_desired(),
        (lives, shuffled) in any_lives()
            .prop_flat_map(|lives| (Just(lives.clone()), Just(lives).prop_shuffle())),
    ) {
        let (one, other) = (observed(&lives), observed(&shuffled));
        let plan = plan_of(&desired, &one);
        prop_assert_eq!(&plan, &plan_of(&desired, &other));
        prop_assert_eq!(&plan, &plan_of(&desired, &one));
    }

    #[test]
    fn no_lag_of_a_listing_doubles_an_instance(
        counts in prop::collection::vec((0_u8..4, 1_u32..5), 1..6),
        mut lags in prop::collection::vec(0_i64..30, 1..9),
        pauses in prop::collection::vec(0_i64..20, 6),
        deaths in prop::collection::vec(0_usize..40, 6),
    ) {
        // A spec that somebody goes on editing and applying while listings lag.
        // Of every launch one instance is listed at once; a launch of which nothing
        // is listed can be told by its token alone, and an edit makes another one.
        lags[0] = 0;
        let mut world = World::new([]);
        let mut wanted = desired(&[]);
        for (((number, count), pause), death) in counts.into_iter().zip(pauses).zip(deaths) {
            wanted = desired(&[(variant("a", number), count)]);
            let plan = plan_in(&world, &wanted, false);
            world.apply(&plan, &lags);
            prop_assert_eq!(doubled(&world), []);
            world.kill(death);
            world.pass(pause);
            let plan = plan_in(&world, &wanted, false);
            world.apply(&plan, &lags);
            prop_assert_eq!(doubled(&world), []);
            world.pass(pause);
        }
        for _ in 0..3 {
            world.pass(31);
            let plan = plan_in(&world, &wanted, false);
            world.apply(&plan, &lags);
        }
        world.pass(31);
        prop_assert!(plan_in(&world, &wanted, false).is_empty());
        prop_assert_eq!(world.alive().count(), wanted.instances.len());
    }

    #[test]
    fn destroying_leaves_nothing_of_ours(lives in any_lives()) {
        let mut world = World::new(lives);
        let foreign = of_others(&world);
        let context = Context { lift_protection: true, ..world.context() };
        let plan = plan_destroy(&environment(), &world.observe(), &context);
        prop_assert_eq!(audit(&plan), []);
        world.apply(&plan, &[0]);
        prop_assert_eq!(world.alive().cloned().collect::<Vec<_>>(), foreign);
        let again = plan_destroy(&environment(), &world.observe(), &context);
        prop_assert_eq!(again.steps, []);
    }
}
