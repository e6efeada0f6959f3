//! What is proof, what is none, and that what we write is proof.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::fixtures::{
    ENVIRONMENT, account, ago, attempt, full, identity, launched, live, mark, plain,
};
use super::super::{
    AccountId, EnvironmentName, ImageSelector, Instance, LONGEST_VALUE, LiveInstance, Ordinals,
    others_disks, own_disks, own_tag_count, owned_tags,
};
use super::{Claim, TAG_PREFIX, claim, tag, volume_claim};

type Damage = fn(&mut LiveInstance);

fn put(live: &mut LiveInstance, key: &str, value: &str) {
    live.tags.insert(key.to_owned(), value.to_owned());
}

#[test]
fn a_gap_in_the_proof_is_unproven_and_says_which() {
    let table: &[(&str, Damage)] = &[
        ("its tag trainyard:version is missing", |it| {
            it.tags.remove(tag::VERSION);
        }),
        ("its tag trainyard:version is of another version", |it| {
            put(it, tag::VERSION, "2");
        }),
        (
            "its tag trainyard:account does not name this account",
            |it| {
                it.tags.remove(tag::ACCOUNT);
            },
        ),
        (
            "its tag trainyard:account does not name this account",
            |it| {
                put(it, tag::ACCOUNT, "999999999999");
            },
        ),
        (
            "its tag trainyard:environment is no environment's name",
            |it| {
                put(it, tag::ENVIRONMENT, "de*o");
            },
        ),
        (
            "its tag trainyard:environment is no environment's name",
            |it| {
                put(it, tag::ENVIRONMENT, "");
            },
        ),
        ("it was not launched with a token of ours", |it| {
            it.client_token = None;
        }),
        ("it was not launched with a token of ours", |it| {
            it.client_token = Some("terraform-1".to_owned());
        }),
        ("its tag trainyard:group is missing", |it| {
            it.tags.remove(tag::GROUP);
        }),
        ("its tag trainyard:group is no group's name", |it| {
            put(it, tag::GROUP, "A");
        }),
        ("its tag trainyard:ordinals is missing", |it| {
            it.tags.remove(tag::ORDINALS);
        }),
        ("its tag trainyard:ordinals cannot be read", |it| {
            put(it, tag::ORDINALS, "0-");
        }),
        // The launch index points behind the numbers of the launch.
        ("its tag trainyard:ordinals cannot be read", |it| {
            it.launch_index = 1;
        }),
        ("its tag trainyard:incarnation is missing", |it| {
            it.tags.remove(tag::INCARNATION);
        }),
        ("its tag trainyard:incarnation cannot be read", |it| {
            put(it, tag::INCARNATION, "-1");
        }),
        ("its tag trainyard:image is missing", |it| {
            it.tags.remove(tag::IMAGE);
        }),
        ("its tag trainyard:user-data is missing", |it| {
            it.tags.remove(tag::USER_DATA);
        }),
        ("its tag trainyard:spec is missing", |it| {
            it.tags.remove(tag::SPEC);
        }),
    ];
    for (expected, damage) in table {
        let mut live = live(&full("trainer"));
        damage(&mut live);
        match claim(&live, &account()) {
            Claim::Unproven { reason, .. } => assert_eq!(reason, *expected),
            other @ (Claim::Ours(_) | Claim::Foreign) => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn what_does_not_name_us_is_foreign() {
    let mut live = live(&full("trainer"));
    live.tags.remove(tag::ENVIRONMENT);
    assert_eq!(claim(&live, &account()), Claim::Foreign);
    live.tags.clear();
    assert_eq!(claim(&live, &account()), Claim::Foreign);
}

#[test]
fn another_account_owns_nothing_here() {
    let live = live(&full("trainer"));
    let other = AccountId::new("999999999999");
    assert!(matches!(claim(&live, &other), Claim::Unproven { .. }));
    let volume = &live.volumes["/dev/sdf"];
    assert_eq!(volume_claim(volume, &other), None);
    assert!(volume_claim(volume, &account()).is_some());
}

#[test]
fn volumes_need_every_part_of_the_proof_too() {
    let whole = live(&full("trainer")).volumes["/dev/sdf"].clone();
    for key in [tag::VERSION, tag::ACCOUNT, tag::ENVIRONMENT] {
        let mut volume = whole.as_ref().clone();
        volume.tags.remove(key);
        assert_eq!(volume_claim(&volume, &account()), None, "{key}");
    }
}

#[test]
fn what_is_no_part_of_the_proof_may_be_missing() {
    let mut live = live(&full("trainer"));
    for key in [tag::LEASE, tag::PROTECT, tag::KEYS] {
        live.tags.remove(key);
    }
    let mark = mark(&live);
    assert_eq!((mark.lease, mark.protect), (None, false));
    assert!(mark.keys.is_empty());
    put(&mut live, tag::LEASE, "12 parsecs");
    assert_eq!(super::super::fixtures::mark(&live).lease, None);
}

#[test]
fn the_launch_index_picks_the_number() {
    let instance = plain("trainer");
    let ordinals: Vec<u32> = launched(&instance, &identity(&instance, &[2, 3, 7]), 4, ago(60))
        .iter()
        .map(|live| mark(live).ordinal)
        .collect();
    assert_eq!(ordinals, [2, 3, 7]);
}

#[test]
fn retagging_sets_what_differs_and_removes_what_was_ours() {
    let before = full("trainer");
    let mut live = live(&before);
    put(&mut live, "billing", "7");
    put(&mut live, "trainyard:keys.1", "left,over");
    let mut after = before.clone();
    after.tags.remove("owner");
    after.tags.insert("team".to_owned(), "vision".to_owned());
    after.protect = true;
    let environment = EnvironmentName::new(ENVIRONMENT);
    let place = (&environment, "g5.xlarge");
    let (set, remove) = mark(&live).retag(&after, place, &live.tags);
    assert_eq!(
        set,
        BTreeMap::from([
            ("team".to_owned(), "vision".to_owned()),
            (tag::KEYS.to_owned(), "Name,team".to_owned()),
            (tag::SPEC.to_owned(), after.spec_digest()),
            (tag::PROTECT.to_owned(), "true".to_owned()),
        ])
    );
    let keys = ["left", "over", "owner", "trainyard:keys.1"];
    assert_eq!(remove, keys.map(str::to_owned).into());
    // Done once, there is nothing left to do.
    live.tags.retain(|key, _| !remove.contains(key));
    live.tags.extend(set);
    let environment = EnvironmentName::new(ENVIRONMENT);
    let place = (&environment, "g5.xlarge");
    let (set, remove) = mark(&live).retag(&after, place, &live.tags);
    assert_eq!((set, remove), (BTreeMap::new(), BTreeSet::new()));
}

#[test]
fn a_long_list_of_keys_is_split_and_comes_back() {
    let mut instance = plain("trainer");
    for number in 0..12 {
        let key = format!("{number:02}{}", "k".repeat(98));
        instance.tags.insert(key, "value".to_owned());
    }
    let live = live(&instance);
    assert!(live.tags.contains_key("trainyard:keys.5"));
    let parts = live
        .tags
        .iter()
        .filter(|(key, _)| key.starts_with(tag::KEYS));
    for (key, value) in parts {
        assert!(value.len() <= LONGEST_VALUE, "{key}");
    }
    let keys: BTreeSet<String> = instance.tags.keys().cloned().collect();
    assert_eq!(mark(&live).keys, keys);
}

#[test]
fn letters_of_several_bytes_count_once() {
    // EC2's limits are in characters: 120 of them are 360 bytes here, and fit.
    let mut instance = plain("trainer");
    instance.tags.insert("鍵".repeat(120), "value".to_owned());
    assert_eq!(own_tag_count(&instance.tags, 0, 0), 14);
    let keys: BTreeSet<String> = instance.tags.keys().cloned().collect();
    let live = live(&instance);
    assert_eq!(mark(&live).keys, keys);
    assert!(
        live.tags
            .values()
            .all(|value| value.chars().count() <= LONGEST_VALUE)
    );
}

fn any_instance() -> impl Strategy<Value = Instance> {
    let key = prop_oneof![
        4 => "[A-Za-z0-9 +=._:/@-]{1,120}",
        1 => "[äöü鍵é]{1,120}",
        // A spec cannot hold these; the tags must be safe from them all the same.
        1 => prop::sample::select(vec![
            tag::ENVIRONMENT, tag::ACCOUNT, tag::LEASE, tag::ORDINALS, tag::SPEC, tag::VERSION,
            tag::GROUP, tag::INCARNATION, tag::IMAGE, tag::USER_DATA, tag::PROTECT,
        ]).prop_map(str::to_owned),
    ];
    let tags = prop::collection::btree_map(key, ".{0,255}", 0..45);
    let image = prop_oneof![
        "ami-[0-9a-f]{8,17}".prop_map(ImageSelector::Id),
        ".{3,300}".prop_map(ImageSelector::Ssm),
    ];
    let group = "[a-z][a-z0-9-]{0,39}";
    let others = (any::<bool>(), prop::option::of(".{0,99}"), 10_u64..43_200);
    (group, image, tags, others).prop_map(|(group, image, tags, others)| {
        let (protect, user_data, minutes) = others;
        Instance {
            image,
            tags,
            protect,
            user_data,
            lease: format!("{}h{}m", minutes / 60, minutes % 60)
                .parse()
                .unwrap(),
            ..full(&group)
        }
    })
}

proptest! {
    #[test]
    fn what_we_tag_is_ours(
        instance in any_instance(),
        numbers in prop::collection::btree_set(0_u32..99_999, 1..9),
        incarnation in any::<u32>(),
    ) {
        let numbers: Vec<u32> = numbers.into_iter().collect();
        let identity = identity(&instance, &numbers);
        for (live, ordinal) in launched(&instance, &identity, incarnation, ago(9))
            .iter()
            .zip(&numbers)
        {
            let mark = mark(live);
            prop_assert_eq!(&mark.environment, &identity.environment);
            prop_assert_eq!(&mark.group, &instance.group);
            prop_assert_eq!(mark.ordinal, *ordinal);
            prop_assert_eq!(&mark.siblings, &numbers.iter().copied().collect::<Ordinals>());
            prop_assert_eq!(mark.incarnation, incarnation);
            prop_assert_eq!(mark.lease, Some(instance.lease));
            prop_assert_eq!(&mark.image, &instance.image.tag_value());
            prop_assert_eq!(mark.user_data, instance.user_data_digest());
            prop_assert_eq!(mark.spec, instance.spec_digest());
            prop_assert_eq!(mark.protect, instance.protect);
            prop_assert_eq!(mark.keys, instance.tags.keys().cloned().collect());
        }
    }

    #[test]
    fn what_the_check_allows_fits_ec2(instance in any_instance()) {
        let users: BTreeMap<String, String> = instance
            .tags
            .iter()
            .filter(|(key, _)| !key.starts_with(TAG_PREFIX))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let allowed = users.len() + own_tag_count(&users, 1, 0) <= 50;
        let instance = Instance { tags: users, ..instance };
        let tags = owned_tags(&instance, &identity(&instance, &[0]), u32::MAX, &attempt(&instance));
        prop_assert!(!allowed || tags.len() <= 50, "{} tags", tags.len());
        for (key, value) in &tags {
            prop_assert!(key.chars().count() <= 127, "{}", key);
            prop_assert!(value.chars().count() <= LONGEST_VALUE, "{}: {}", key, value);
        }
    }

    #[test]
    fn retagging_ends_after_one_round(before in any_instance(), after in any_instance()) {
        let mut users = (before, after);
        users.0.tags.retain(|key, _| !key.starts_with(TAG_PREFIX));
        users.1.tags.retain(|key, _| !key.starts_with(TAG_PREFIX));
        let (before, after) = users;
        let mut live = live(&before);
        live.tags.entry("of-others".to_owned()).or_insert_with(|| "kept".to_owned());
        let environment = EnvironmentName::new(ENVIRONMENT);
    let place = (&environment, "g5.xlarge");
    let (set, remove) = mark(&live).retag(&after, place, &live.tags);
        prop_assert!(set.keys().all(|key| !remove.contains(key)));
        live.tags.retain(|key, _| !remove.contains(key));
        live.tags.extend(set);
        prop_assert_eq!(mark(&live).retag(&after, place, &live.tags), Default::default());
        prop_assert_eq!(mark(&live).keys, after.tags.keys().cloned().collect());
        prop_assert!(live.tags.contains_key("of-others"));
    }
}

#[test]
fn a_disk_that_outlives_its_instance_is_taken_over_only_where_the_spec_names_it() {
    let instance = full("trainer");
    let mut live = live(&instance);
    live.kept_devices = live.devices.clone();
    let named: Vec<&String> = own_disks(&instance, &live)
        .map(|(device, _)| device)
        .collect();
    assert_eq!(named, ["/dev/sdf", "/dev/xvda"]);
    let silent = plain("trainer");
    assert_eq!(own_disks(&silent, &live).count(), 0);
    assert_eq!(others_disks(&silent, &live).count(), 2);
    live.kept_devices.clear();
    assert_eq!(own_disks(&silent, &live).count(), 2);
    // What the instance does not name yet is not known to end with it.
    live.devices.clear();
    assert_eq!(own_disks(&silent, &live).count(), 0);
}
