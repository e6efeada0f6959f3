//! The same stories on the embedded cloud and on moto, compared step by step.
//!
//! `both` plays each on a fresh pair of clouds. After every apply the plan is
//! empty; what was planned and what boto3 sees there must be equal on both.

use serde_json::{Value, json};

use crate::support::{World, both, embedded};

/// The image of most scenarios, by the one parameter that both clouds have.
const SSM: &str = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";

/// What a plan says of a change that nobody made in the spec.
const DRIFTED: &str = "it was changed on AWS, not in the spec";

/// A group of trainers: how many, and further keys, each as a line of its own.
///
/// The disk is stated, because the images of the two clouds differ in size.
fn trainers(count: u32, more: &str) -> String {
    let mut body = format!(
        "instances:\n  trainer:\n    count: {count}\n    type: t3.small\n    image: {{ssm: {SSM}}}\n"
    );
    if !more.contains("disk:") {
        body.push_str("    disk: {size: 20 GiB}\n");
    }
    for line in more.lines() {
        body.push_str("    ");
        body.push_str(line);
        body.push('\n');
    }
    body
}

fn ids(world: &World, numbers: std::ops::Range<u32>) -> Vec<Value> {
    numbers
        .map(|number| world.trainer(number)["id"].clone())
        .collect()
}

#[test]
fn a_group_is_created_grown_shrunk_and_removed() {
    both(|world| {
        world.spec(&trainers(2, ""));
        world.plan();
        assert!(world.apply().contains("2 instances running"));
        let first = ids(world, 0..2);

        world.spec(&trainers(4, ""));
        assert!(world.plan().contains("Plan: 2 to create, 0 to update"));
        world.apply();
        assert_eq!(ids(world, 0..2), first, "growing touched what was there");
        assert_eq!(world.trainer(3)["tags"]["trainyard:ordinals"], "2-3");

        world.spec(&trainers(1, ""));
        assert!(world.plan().contains("3 to delete"));
        world.apply();
        assert_eq!(ids(world, 0..1), first[..1], "shrinking took a low number");
        assert_eq!(world.witness.alive("lab").len(), 1);
        assert_eq!(world.witness.volumes("lab").len(), 1);

        // Growing again launches what has been there before: its next incarnation.
        world.spec(&trainers(3, ""));
        world.apply();
        assert_eq!(world.trainer(1)["tags"]["trainyard:incarnation"], "1");

        world.spec(&trainers(1, "").replace("trainer:", "other:"));
        world.apply();
        assert_eq!(world.witness.alive("lab").len(), 1);
        world.member("other", 0);
    });
}

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
        let states = &status["environments"][0]["instances"];
        assert_eq!(states[0]["in_sync"], false, "{status:#}");
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
fn what_was_terminated_behind_our_back_comes_back_once() {
    both(|world| {
        world.spec(&trainers(3, ""));
        world.apply();
        let before = ids(world, 0..3);
        world.witness.ask("terminate", &json!({"ids": [before[1]]}));
        let plan = world.plan();
        assert!(plan.contains("1 to create"), "{plan}");
        world.apply();
        let after = ids(world, 0..3);
        assert_eq!((&after[0], &after[2]), (&before[0], &before[2]));
        assert_ne!(after[1], before[1]);
        assert_eq!(world.trainer(1)["tags"]["trainyard:incarnation"], "1");
        assert_eq!(world.trainer(0)["tags"]["trainyard:incarnation"], "0");

        world.witness.ask("terminate", &json!({"ids": after}));
        world.apply();
        for number in 0..3 {
            assert_eq!(world.trainer(number)["tags"]["trainyard:incarnation"], "2");
        }
        assert_eq!(world.witness.alive("lab").len(), 3);
    });
}

#[test]
fn protection_is_set_kept_and_lifted() {
    both(|world| {
        world.spec(&trainers(2, "protect: true"));
        world.apply();
        if world.is_local() {
            assert_eq!(world.trainer(0)["protected"], true);
        } else {
            // moto forgets it at launch, so it is set as AWS would have it.
            for id in ids(world, 0..2) {
                world.witness.ask("protect", &json!({"id": id, "on": true}));
            }
        }
        let before = ids(world, 0..2);

        // Neither shrinking nor destroying passes over it.
        world.spec(&trainers(1, "protect: true"));
        let plan = world.run(&["plan"]);
        plan.expect(0).says(&["protected", "trainer[1]"]);
        world.run(&["apply", "--yes"]).says(&["protected"]);
        let refused = world.run(&["destroy", "lab", "--yes", "--region", "us-east-1"]);
        refused.expect(5).says(&["--lift-protection"]);
        assert_eq!(ids(world, 0..2), before);

        world.spec(&trainers(2, "protect: false"));
        assert!(world.plan().contains("protect"));
        world.apply();
        for number in 0..2 {
            assert_eq!(world.trainer(number)["protected"], false);
        }
        world.spec(&trainers(1, "protect: true"));
        world.apply();
        assert_eq!(world.trainer(0)["protected"], true);
        assert_eq!(world.trainer(0)["id"], before[0]);
        assert_eq!(world.witness.alive("lab").len(), 1);
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

#[test]
fn without_a_word_the_root_disk_is_gp3_and_as_large_as_the_image() {
    both(|world| {
        world.spec(&trainers(1, "").replace("    disk: {size: 20 GiB}\n", ""));
        world.run(&["apply", "--yes"]).expect(0);
        world.nothing_to_do();
        let disk = &world.trainer(0)["disks"]["/dev/xvda"];
        assert_eq!(disk["type"], "gp3", "{disk:#}");
        let image = if world.is_local() { 8 } else { 15 };
        assert_eq!(disk["size"], image, "{disk:#}");
    });
}

#[test]
fn security_groups_are_named_by_name_and_by_id() {
    both(|world| {
        let mut ids_of = Vec::new();
        for name in ["training", "inner"] {
            let id = world.witness.ask("group", &json!({"name": name}));
            let id = id.as_str().unwrap().to_owned();
            world.call(&id, name);
            ids_of.push(id);
        }
        world.spec(&trainers(1, "security_groups: [training]"));
        world.apply();
        assert_eq!(world.trainer(0)["groups"], json!(["training"]));
        let before = ids(world, 0..1);

        // The same group by its id is no difference to make.
        world.spec(&trainers(1, &format!("security_groups: [{}]", ids_of[0])));
        world.nothing_to_do();

        world.spec(&trainers(
            1,
            &format!("security_groups: [{}, training]", ids_of[1]),
        ));
        assert!(world.plan().contains("security_groups"));
        world.apply();
        assert_eq!(world.trainer(0)["groups"], json!(["inner", "training"]));
        assert_eq!(ids(world, 0..1), before);
    });
}

#[test]
fn images_are_found_by_id_by_name_and_by_parameter() {
    const PATTERN: &str = "al2023-ami-2023*x86_64";
    both(|world| {
        let by_pattern = json!({"owner": "amazon", "pattern": PATTERN});
        let images = world.witness.ask("images", &by_pattern);
        let newest = images[0]["id"].as_str().unwrap().to_owned();
        world.call(&newest, "the newest image");
        let by = |image: &str| trainers(1, "").replace(&format!("ssm: {SSM}"), image);

        world.spec(&by(&format!("name: \"{PATTERN}\", owner: amazon")));
        world.apply();
        assert_eq!(world.trainer(0)["image"], newest.as_str());
        let before = ids(world, 0..1);

        // The very image that runs, by its id, is no reason to replace it.
        world.spec(&by(&format!("id: {newest}")));
        world.nothing_to_do();
        assert_eq!(ids(world, 0..1), before);

        world.spec(&by(&format!("ssm: {SSM}")));
        assert!(world.plan().contains("1 to replace"));
        world.apply();
        world.spec(&by(&format!("id: {newest}")).replace("trainer:", "second:"));
        world.apply();
        assert_eq!(world.member("second", 0)["image"], newest.as_str());
    });
}

#[test]
fn subnet_zone_and_key_are_where_the_spec_says() {
    both(|world| {
        let subnets = world.witness.ask("subnets", &json!({}));
        let subnet = subnets[1]["id"].as_str().unwrap().to_owned();
        world.call(&subnet, "the second subnet");
        world.witness.ask("key", &json!({"name": "alex"}));
        world.spec(&trainers(2, &format!("subnet: {subnet}\nkey: alex")));
        world.apply();
        assert_eq!(world.trainer(1)["subnet"], subnet.as_str());
        assert_eq!(world.trainer(1)["key"], "alex");

        world.spec(&trainers(2, "zone: us-east-1c"));
        let plan = world.plan();
        assert!(plan.contains("2 to replace"), "{plan}");
        world.apply();
        assert_eq!(world.trainer(0)["zone"], "us-east-1c");
        assert_eq!(world.trainer(0)["key"], Value::Null);
    });
}

#[test]
fn nothing_of_others_is_touched() {
    both(|world| {
        let by_pattern = json!({"owner": "amazon", "pattern": "al2023-ami-2023*x86_64"});
        let images = world.witness.ask("images", &by_pattern);
        // One that has nothing to do with us, and one that wears our tags without the proof.
        for tags in [
            json!({"Name": "lab-trainer", "project": "lab"}),
            json!({"trainyard:environment": "lab", "trainyard:version": "1",
                "trainyard:account": "123456789012", "trainyard:group": "trainer",
                "trainyard:ordinals": "0", "trainyard:incarnation": "0", "trainyard:lease": "4h"}),
        ] {
            world
                .witness
                .ask("launch", &json!({"image": images[0]["id"], "tags": tags}));
        }
        world.spec(&trainers(1, ""));
        let planned = world.run(&["plan"]);
        planned.expect(0).says(&[
            "1 to create",
            "names this environment, but",
            "it is left alone",
        ]);
        world.run(&["apply", "--yes"]).says(&["1 instance running"]);
        let destroyed = world.run(&["destroy", "lab", "--yes", "--region", "us-east-1"]);
        destroyed.expect(5).says(&["end it by hand"]);
        let alive = world.witness.alive("lab");
        assert_eq!(alive.len(), 1, "{alive:#?}");
        assert_eq!(alive[0]["tags"]["Name"], Value::Null);
        world
            .witness
            .ask("terminate", &json!({"ids": [alive[0]["id"]]}));
    });
}

#[test]
fn a_volume_that_would_be_left_is_removed_by_destroy() {
    both(|world| {
        world.spec(&trainers(1, ""));
        world.apply();
        let mut tags = world.trainer(0)["tags"].clone();
        tags["Name"] = json!("left over");
        world
            .witness
            .ask("loose_volume", &json!({"size": 5, "tags": tags}));
        assert_eq!(world.witness.volumes("lab").len(), 2);
        // `both` destroys, and fails when a volume is left.
    });
}

#[test]
fn data_goes_up_and_down_and_what_is_extra_goes_away() {
    let data = |delete: &str| {
        format!(
            "data:\n  images:\n    from: ../images\n    to: s3://lab-data/images\n    exclude: [\"*.tmp\"]\n    delete: {delete}\n  models:\n    from: s3://lab-data/models\n    to: ../models\n"
        )
    };
    both(|world| {
        world.witness.ask("bucket", &json!({"name": "lab-data"}));
        let big = "0123456789abcdef".repeat(640 * 1024);
        for (key, text) in [
            ("models/best.bin", "weights"),
            ("models/deep/er/log.txt", ""),
            ("images/old.png", "old"),
            ("images-of-others/one.png", "theirs"),
        ] {
            let one = json!({"bucket": "lab-data", "key": key, "text": text});
            world.witness.ask("put", &one);
        }
        world.sandbox.write("images/a.png", "a");
        world.sandbox.write("images/sub folder/ä+%.png", "odd");
        world.sandbox.write("images/big.bin", &big);
        world.sandbox.write("images/skip.tmp", "no");

        world.spec(&data("never"));
        let plan = world.plan();
        assert!(plan.contains("5 files"), "{plan}");
        world.apply();
        let objects = world.witness.ask("objects", &json!({"bucket": "lab-data"}));
        assert_eq!(objects["images/a.png"], "a");
        assert_eq!(objects["images/sub folder/ä+%.png"], "odd");
        assert!(objects["images/big.bin"] == big.as_str());
        assert_eq!(objects["images/skip.tmp"], Value::Null);
        assert_eq!(objects["images/old.png"], "old");
        let read = |name: &str| std::fs::read_to_string(world.sandbox.folder().join(name)).unwrap();
        assert_eq!(read("models/best.bin"), "weights");
        assert_eq!(read("models/deep/er/log.txt"), "");

        world.sandbox.write("images/a.png", "changed");
        std::fs::remove_file(world.sandbox.folder().join("images/big.bin")).unwrap();
        world.spec(&data("extra"));
        let plan = world.plan();
        assert!(
            plan.contains("old.png") || plan.contains("2 deleted"),
            "{plan}"
        );
        world.apply();
        let objects = world.witness.ask("objects", &json!({"bucket": "lab-data"}));
        assert_eq!(objects["images/a.png"], "changed");
        for gone in ["images/old.png", "images/big.bin"] {
            assert_eq!(objects[gone], Value::Null, "{gone} is still there");
        }
        // A prefix ends where its folder does.
        assert_eq!(objects["images-of-others/one.png"], "theirs");
        assert_eq!(objects["models/best.bin"], "weights");
    });
}
