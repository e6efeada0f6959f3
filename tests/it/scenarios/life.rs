//! What comes, goes, and is left alone.

use serde_json::{Value, json};

use super::spec::{ids, trainers};
use crate::support::both;

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
        destroyed.expect(5).says(&["look at it by hand"]);
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

#[test]
fn data_goes_from_bucket_to_bucket_and_a_second_plan_is_empty() {
    let data = "data:\n  archive:\n    from: s3://lab-data/run\n    to: s3://lab-archive/2026/run\n    exclude: [\"*.tmp\"]\n    delete: extra\n";
    both(|world| {
        for name in ["lab-data", "lab-archive"] {
            world.witness.ask("bucket", &json!({"name": name}));
        }
        let put = |bucket: &str, key: &str, text: &str| {
            let one = json!({"bucket": bucket, "key": key, "text": text});
            world.witness.ask("put", &one);
        };
        for (key, text) in [
            ("run/model.pt", "weights"),
            ("run/logs/ä +%.txt", "log"),
            ("run/skip.tmp", "no"),
            ("runs/other", "theirs"),
        ] {
            put("lab-data", key, text);
        }
        put("lab-archive", "2026/run/model.pt", "WEIGHTS");
        put("lab-archive", "2026/run/old", "old");
        put("lab-archive", "2026/other", "theirs");
        world.spec(data);
        let plan = world.plan();
        assert!(
            plan.contains("1 new (3 B), 1 changed (7 B), 0 the same, 1 to delete"),
            "{plan}"
        );
        world.apply();
        let objects = world
            .witness
            .ask("objects", &json!({"bucket": "lab-archive"}));
        let expected = json!({
            "2026/other": "theirs",
            "2026/run/logs/ä +%.txt": "log",
            "2026/run/model.pt": "weights",
        });
        assert_eq!(objects, expected);
    });
}

#[test]
fn data_goes_up_and_down_as_one_object() {
    let data = "data:\n  images:\n    from: ../images\n    to: s3://lab-data/images\n    archive: zip\n  models:\n    from: s3://lab-data/images\n    to: ../models\n    archive: zip\n";
    both(|world| {
        world.witness.ask("bucket", &json!({"name": "lab-data"}));
        world.sandbox.write("images/a.png", "a");
        world
            .sandbox
            .write("images/sub folder/ä+%.txt", "odd ".repeat(10_000));
        // What comes down has to be there when it is planned.
        let up_only = data.split("  models").next().unwrap();
        world.spec(up_only);
        let plan = world.plan();
        let shown = "one zip, images.zip: 2 files (39.1 KiB), packed and sent whole";
        assert!(plan.contains(shown), "{plan}");
        world.apply();
        let objects = world.witness.ask("objects", &json!({"bucket": "lab-data"}));
        let keys: Vec<_> = objects.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["images.zip", "images.zip.manifest.json"]);
        let manifest = objects["images.zip.manifest.json"].as_str().unwrap();
        let manifest: Value = serde_json::from_str(manifest).unwrap();
        assert_eq!(manifest["files"][0]["path"], "a.png");
        assert_eq!(manifest["total"]["files"], 2);

        world.spec(data);
        world.apply();
        let read = |name: &str| std::fs::read_to_string(world.sandbox.folder().join(name)).unwrap();
        assert_eq!(read("models/a.png"), "a");
        assert_eq!(read("models/sub folder/ä+%.txt"), "odd ".repeat(10_000));
    });
}
