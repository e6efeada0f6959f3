//! What is edited, and what has drifted.

use serde_json::{Value, json};

use super::spec::{DRIFTED, ids, trainers};
use crate::support::{both, embedded};

#[test]
fn tags_are_edited_in_place_and_those_of_others_are_kept() {
    both(|world| {
        world.spec(&trainers(2, "tags: {stage: one, phase: warm}"));
        world.apply();
        let before = ids(world, 0..2);
        let foreign = json!({"id": before[0], "key": "cost-centre", "value": "42"});
        world.witness.ask("tag", &foreign);
        world.nothing_to_do();

        world.spec(&trainers(2, "tags: {stage: two, team: vision}"));
        let plan = world.plan();
        for words in ["stage", "team", "phase", "2 to update"] {
            assert!(plan.contains(words), "{words:?} is missing from:\n{plan}");
        }
        world.apply();
        assert_eq!(ids(world, 0..2), before);
        for number in 0..2 {
            let tags = &world.trainer(number)["tags"];
            assert_eq!(tags["stage"], "two");
            assert_eq!(tags["team"], "vision");
            assert_eq!(tags["phase"], Value::Null, "a removed key stays: {tags}");
        }
        assert_eq!(world.trainer(0)["tags"]["cost-centre"], "42");
        assert_eq!(world.trainer(1)["tags"]["cost-centre"], Value::Null);
    });
}

#[test]
fn drift_is_named_and_repaired() {
    both(|world| {
        world.spec(&trainers(2, "tags: {stage: one, phase: warm}"));
        world.apply();
        let [first, second] = &ids(world, 0..2)[..] else {
            panic!("two instances were asked for");
        };
        let changed = json!({"id": first, "key": "stage", "value": "tampered"});
        world.witness.ask("tag", &changed);
        let removed = json!({"id": second, "key": "phase"});
        world.witness.ask("untag", &removed);

        let plan = world.plan();
        for words in [DRIFTED, "tampered", "2 to update"] {
            assert!(plan.contains(words), "{words:?} is missing from:\n{plan}");
        }
        let status = world.run(&["status", "lab", "--format", "json"]);
        let status = status.expect(0).json();
        let told = &status["environments"][0]["instances"];
        assert_eq!(told[0]["in_sync"], false, "{status:#}");
        world.apply();
        assert_eq!(world.trainer(0)["tags"]["stage"], "one");
        assert_eq!(world.trainer(1)["tags"]["phase"], "warm");

        let retyped = json!({"id": first, "type": "t3.medium"});
        world.witness.ask("retype", &retyped);
        let plan = world.plan();
        assert!(plan.contains(DRIFTED), "{plan}");
        assert!(plan.contains("1 to restart"), "{plan}");
        world.apply();
        assert_eq!(world.trainer(0)["type"], "t3.small");

        world.witness.ask("stop", &json!({"id": second}));
        assert!(world.plan().contains("stopped"));
        world.apply();
        assert_eq!(world.trainer(1)["state"], "running");
        assert_eq!(&world.trainer(1)["id"], second);
    });
}

#[test]
fn another_type_is_a_restart_and_keeps_the_instance() {
    both(|world| {
        world.spec(&trainers(2, ""));
        world.apply();
        let before = ids(world, 0..2);
        world.spec(&trainers(2, "").replace("t3.small", "t3.medium"));
        let plan = world.plan();
        assert!(plan.contains("⟳"), "{plan}");
        assert!(plan.contains("2 to restart"), "{plan}");
        world.apply();
        assert_eq!(ids(world, 0..2), before);
        for number in 0..2 {
            assert_eq!(world.trainer(number)["type"], "t3.medium");
            assert_eq!(world.trainer(number)["state"], "running");
        }
    });
}

#[test]
fn other_user_data_is_a_replacement_shown_as_a_unified_diff() {
    let script = |version: u32| {
        format!(
            "user_data: |\n  #!/bin/bash\n  echo begin\n  pip install torch=={version}\n  echo end"
        )
    };
    both(|world| {
        world.spec(&trainers(2, &script(1)));
        world.apply();
        let before = ids(world, 0..2);
        world.spec(&trainers(2, &script(2)));
        let plan = world.plan();
        for words in [
            "-/+",
            "@@",
            "-pip install torch==1",
            "+pip install torch==2",
            "2 to replace",
        ] {
            assert!(plan.contains(words), "{words:?} is missing from:\n{plan}");
        }
        world.apply();
        for (number, old) in (0..2).zip(&before) {
            let now = world.trainer(number);
            assert_ne!(&now["id"], old);
            assert_eq!(now["tags"]["trainyard:incarnation"], "1");
            let data = now["user_data"].as_str().unwrap();
            assert!(
                data.contains("torch==2") && !data.contains("torch==1"),
                "{data}"
            );
        }
        assert_eq!(world.witness.alive("lab").len(), 2);
        assert_eq!(world.witness.volumes("lab").len(), 2);

        // Taking it away altogether is a replacement, too.
        world.spec(&trainers(2, ""));
        assert!(world.plan().contains("2 to replace"));
        world.apply();
    });
}

#[test]
fn metadata_and_disks_change_in_place() {
    both(|world| {
        world.spec(&trainers(
            2,
            "disk: {size: 30 GiB, type: gp3}\nvolumes: {/dev/sdf: {size: 10 GiB}}",
        ));
        world.apply();
        let before = ids(world, 0..2);

        world.spec(&trainers(
            2,
            "disk: {size: 50 GiB, type: gp3}\nvolumes: {/dev/sdf: {size: 20 GiB}}\nmetadata: {hop_limit: 5, tokens: optional}",
        ));
        let plan = world.plan();
        for words in [
            "hop_limit",
            "tokens",
            "disk.size",
            "/dev/sdf",
            "2 to update",
        ] {
            assert!(plan.contains(words), "{words:?} is missing from:\n{plan}");
        }
        world.apply();
        assert_eq!(ids(world, 0..2), before);
        let now = world.trainer(1);
        assert_eq!(now["disks"]["/dev/xvda"]["size"], 50);
        assert_eq!(now["disks"]["/dev/sdf"]["size"], 20);
        let metadata = json!({"tokens": "optional", "hops": 5, "endpoint": "enabled"});
        assert_eq!(now["metadata"], metadata);
    });
}

#[test]
fn a_profile_is_taken_away_and_given_again() {
    both(|world| {
        world.spec(&trainers(1, "iam_profile: trainer"));
        world.apply();
        let before = ids(world, 0..1);
        world.spec(&trainers(1, ""));
        world.apply();
        assert_eq!(world.trainer(0)["profile"], Value::Null);
        world.spec(&trainers(1, "iam_profile: reader"));
        world.apply();
        assert_eq!(world.trainer(0)["profile"], "reader");
        assert_eq!(ids(world, 0..1), before);
    });
}

/// Only on the embedded cloud: moto changes the association that it is asked to
/// replace, and DescribeInstances goes on showing the old profile.
#[test]
fn a_profile_is_exchanged_for_another() {
    embedded(|world| {
        world.spec(&trainers(2, "iam_profile: trainer"));
        world.apply();
        let before = ids(world, 0..2);
        world.spec(&trainers(2, "iam_profile: reader"));
        assert!(world.plan().contains("iam_profile: trainer → reader"));
        world.apply();
        assert_eq!(world.trainer(0)["profile"], "reader");
        assert_eq!(world.trainer(1)["profile"], "reader");
        assert_eq!(ids(world, 0..2), before);
    });
}
