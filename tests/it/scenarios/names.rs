//! Names that change, and names that a command is limited to.

use serde_json::{Value, json};

use super::spec::{ids, trainers};
use crate::support::{World, both, embedded};

const SSH: &str = "ssh: {from: [203.0.113.0/24]}\nvolumes: {/dev/sdf: {size: 10 GiB}}";

/// The security groups of ours.
fn own_groups(world: &World) -> Vec<Value> {
    let groups = world.witness.ask("security_groups", &json!({}));
    serde_json::from_value(groups).unwrap()
}

/// The ids of a group's members, in the order of their numbers.
fn members(world: &World, group: &str, count: u32) -> Vec<Value> {
    (0..count)
        .map(|number| world.member(group, number)["id"].clone())
        .collect()
}

/// Fails unless a tag of ours says the new name on everything of ours.
#[track_caller]
fn all_called(world: &World, key: &str, name: &str) {
    let mut tags: Vec<Value> = Vec::new();
    for one in world.witness.alive("lab") {
        tags.push(one["tags"].clone());
        let interfaces = json!({"ids": one["interfaces"]});
        let told = world.witness.ask("interface_tags", &interfaces);
        tags.extend(told.as_array().unwrap().iter().cloned());
    }
    let disks = world.witness.volumes("lab");
    tags.extend(disks.iter().map(|disk| disk["tags"].clone()));
    let groups = own_groups(world);
    tags.extend(groups.iter().map(|group| group["tags"].clone()));
    // Two instances, two interfaces, four disks and a security group.
    assert_eq!(tags.len(), 9, "{tags:#?}");
    for tags in tags {
        assert_eq!(tags[key], name, "{tags:#}");
    }
}

#[test]
fn a_renamed_group_keeps_what_it_has() {
    both(|world| {
        world.spec(&trainers(2, SSH));
        world.apply();
        let before = ids(world, 0..2);
        let group = own_groups(world)[0]["id"].clone();
        let worker =
            |count: u32, more: &str| trainers(count, more).replace("  trainer:\n", "  worker:\n");

        let key_left_in = format!("{SSH}\nrenamed_from: trainer");
        world.spec(&worker(2, &key_left_in));
        let plan = world.plan();
        for words in [
            "group: trainer → worker",
            "0 to create",
            "0 to replace, 0 to delete",
        ] {
            assert!(plan.contains(words), "{words:?} is missing from:\n{plan}");
        }
        world.apply();
        world.nothing_to_do();
        assert_eq!(members(world, "worker", 2), before);
        all_called(world, "trainyard:group", "worker");
        world.spec(&worker(2, SSH));
        world.nothing_to_do();

        // Its security group goes on working under the new name, and so do launches.
        let wider = SSH.replace("/24]", "/24, 198.51.100.7/32]");
        world.spec(&worker(3, &wider));
        world.apply();
        let groups = own_groups(world);
        assert_eq!(groups.len(), 1, "{groups:#?}");
        assert_eq!(groups[0]["id"], group);
        assert_eq!(
            groups[0]["from"],
            json!(["198.51.100.7/32", "203.0.113.0/24"])
        );
        let third = world.member("worker", 2);
        let in_groups = world.witness.ask("group_ids", &json!({"id": third["id"]}));
        assert!(
            in_groups.as_array().unwrap().contains(&group),
            "{in_groups}"
        );

        // A new group of the old name is another group, with a security group of its own.
        let mut two = worker(3, &wider);
        two.push_str(trainers(1, SSH).trim_start_matches("instances:\n"));
        world.spec(&two);
        let plan = world.plan();
        assert!(plan.contains("2 to create, 0 to update"), "{plan}");
        world.apply();
        assert_eq!(members(world, "worker", 2), before);
        let groups = own_groups(world);
        assert_eq!(groups.len(), 2, "{groups:#?}");
        let new = world.member("trainer", 0);
        let in_groups = world.witness.ask("group_ids", &json!({"id": new["id"]}));
        assert!(
            !in_groups.as_array().unwrap().contains(&group),
            "{in_groups}"
        );
        world.run(&["destroy", "lab", "--yes"]).expect(0);
        assert_eq!(own_groups(world), Vec::<Value>::new());
    });
}

#[test]
fn a_renamed_environment_keeps_what_it_has() {
    both(|world| {
        let file = "environments/lab.yaml";
        let named = |head: &str, more: &str| {
            let body = trainers(2, more);
            format!(
                "version: 1\n{head}account: \"123456789012\"\nregion: us-east-1\nlease: 4h\n{body}"
            )
        };
        world.sandbox.write(file, named("name: old\n", SSH));
        world.run(&["apply", "--yes"]).expect(0);
        let before: Vec<Value> = world.witness.alive("old");
        let group = own_groups(world)[0]["id"].clone();

        let renamed = named("name: lab\nrenamed_from: old\n", SSH);
        world.sandbox.write(file, &renamed);
        let plan = world.plan();
        for words in [
            "name: old → lab",
            "0 to create",
            "0 to replace, 0 to delete",
        ] {
            assert!(plan.contains(words), "{words:?} is missing from:\n{plan}");
        }
        world.apply();
        assert_eq!(
            ids(world, 0..2),
            [before[0]["id"].clone(), before[1]["id"].clone()]
        );
        all_called(world, "trainyard:environment", "lab");
        assert_eq!(world.witness.instances("old"), Vec::<Value>::new());
        let status = world.run(&["status", "--format", "json"]).json();
        assert_eq!(
            status["environments"].as_array().unwrap().len(),
            1,
            "{status:#}"
        );
        world.sandbox.write(file, named("name: lab\n", SSH));
        world.nothing_to_do();
        assert_eq!(own_groups(world)[0]["id"], group);

        // Without `ssh` nobody may come in, although the security group has the old name.
        let without = SSH.lines().last().unwrap();
        world.sandbox.write(file, named("name: lab\n", without));
        world.apply();
        assert_eq!(own_groups(world)[0]["from"], json!([]));
        assert_eq!(
            ids(world, 0..2),
            [before[0]["id"].clone(), before[1]["id"].clone()]
        );
    });
}

#[test]
fn an_old_file_beside_the_renamed_one_is_refused() {
    both(|world| {
        world.spec(&trainers(1, ""));
        world.apply();
        let before = ids(world, 0..1);
        let old = world.sandbox.folder().join("environments/lab.yaml");
        let text = std::fs::read_to_string(&old).unwrap();
        let new = text.replace("name: lab\n", "name: next\nrenamed_from: lab\n");
        world.sandbox.write("environments/next.yaml", &new);
        for command in [&["validate"][..], &["plan"], &["apply", "--yes"]] {
            let refused = world.run(command);
            refused
                .expect(1)
                .says(&["T206", "renamed_from", "lab.yaml", "delete the file"]);
        }
        assert_eq!(ids(world, 0..1), before);

        // Two that claim one name are no better.
        let third = new.replace("name: next\n", "name: third\n");
        world.sandbox.write("environments/third.yaml", third);
        std::fs::remove_file(&old).unwrap();
        world.run(&["plan"]).expect(1).says(&["T206"]);
        std::fs::remove_file(world.sandbox.folder().join("environments/third.yaml")).unwrap();
        world.run(&["apply", "--yes"]).expect(0);
        assert_eq!(world.witness.alive("next")[0]["id"], before[0]);
        assert_eq!(world.witness.alive("lab"), Vec::<Value>::new());
        world.run(&["destroy", "next", "--yes"]).expect(0);
    });
}
/// Key pairs and placement groups are on the embedded cloud alone: moto has no placement groups.
#[test]
fn keys_and_placement_groups_go_with_a_renamed_environment() {
    embedded(|world| {
        let public =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK0wmN/Cr3JXqmLW7u+g9pTh+wyqDHpSQEIQczXkVx9q x";
        world.sandbox.write("environments/id.pub", public);
        let file = "environments/lab.yaml";
        let named = |head: &str, count: u32| {
            let more = "ssh: {from: [203.0.113.0/24], public_key: id.pub}\nplacement: cluster";
            let body = trainers(count, more).replace("t3.small", "m5.large");
            format!(
                "version: 1\n{head}account: \"123456789012\"\nregion: us-east-1\nlease: 4h\n{body}"
            )
        };
        world.sandbox.write(file, named("name: old\n", 2));
        world.run(&["apply", "--yes"]).expect(0);
        let placement = world.witness.ask("placement_groups", &json!({}));
        world
            .sandbox
            .write(file, named("name: lab\nrenamed_from: old\n", 2));
        world.apply();
        world.sandbox.write(file, named("name: lab\n", 3));
        world.apply();
        // The third joins the cluster of the first two.
        let now = world.witness.ask("placement_groups", &json!({}));
        let called = |all: &Value| all.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(called(&now), called(&placement));
        world.run(&["destroy", "lab", "--yes"]).expect(0);
        for command in ["placement_groups", "key_pairs"] {
            let left = world.witness.ask(command, &json!({}));
            assert_eq!(left, json!({}), "{command}");
        }
        assert_eq!(own_groups(world), Vec::<Value>::new());
    });
}

/// The new machines are of another type, so that their launch is not taken for the earlier one.
#[test]
fn a_new_environment_under_an_old_name_has_a_key_pair_of_its_own() {
    const PUBLIC: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK0wmN/Cr3JXqmLW7u+g9pTh+wyqDHpSQEIQczXkVx9q x";
    embedded(|world| {
        world.sandbox.write("environments/id.pub", PUBLIC);
        let named = |head: &str, count: u32| {
            let more = "ssh: {from: [203.0.113.0/24], public_key: id.pub}";
            let body = trainers(count, more);
            format!(
                "version: 1\n{head}account: \"123456789012\"\nregion: us-east-1\nlease: 4h\n{body}"
            )
        };
        let write = |file: &str, text: String| {
            world.sandbox.write(&format!("environments/{file}"), text);
        };
        write("lab.yaml", named("name: demo\n", 1));
        world.run(&["apply", "--yes"]).expect(0);
        write("lab.yaml", named("name: lab\nrenamed_from: demo\n", 1));
        world.run(&["apply", "--yes"]).expect(0);
        write("lab.yaml", named("name: lab\n", 2));
        let demo = named("name: demo\n", 1).replace("t3.small", "t3.large");
        write("demo.yaml", demo);
        world.run(&["apply", "--yes"]).expect(0);
        world.nothing_to_do();
        let keys = world.witness.ask("key_pairs", &json!({}));
        let keys: Vec<&String> = keys.as_object().unwrap().keys().collect();
        assert_eq!(keys.len(), 2, "{keys:?}");
        assert!(keys[0].starts_with("trainyard-demo-trainer-2-"), "{keys:?}");
        world.run(&["destroy", "demo", "--yes"]).expect(0);
    });
}

/// Moto answers at once and cannot be made to wait, so this is on the embedded cloud alone.
#[test]
fn a_killed_rename_is_finished_by_the_next_apply() {
    for (nth, when) in [(1, "after"), (2, "before"), (2, "after"), (3, "before")] {
        embedded(|world| {
            world.spec(&trainers(2, SSH));
            world.apply();
            let before = ids(world, 0..2);
            let more = format!("{SSH}\nrenamed_from: trainer");
            world.spec(&trainers(2, &more).replace("  trainer:\n", "  worker:\n"));
            world.apply_and_die("CreateTags", nth, when);
            world.run(&["apply", "--yes"]).expect(0);
            world.nothing_to_do();
            assert_eq!(members(world, "worker", 2), before);
            all_called(world, "trainyard:group", "worker");
        });
    }
}

#[test]
fn a_destroy_after_an_interrupted_renaming_names_what_has_the_old_name() {
    embedded(|world| {
        world.spec(&trainers(2, ""));
        let file = world.sandbox.folder().join("environments/lab.yaml");
        let text = std::fs::read_to_string(file).unwrap();
        let named = |head: &str| text.replace("name: lab\n", head);
        world
            .sandbox
            .write("environments/lab.yaml", named("name: old\n"));
        world.run(&["apply", "--yes"]).expect(0);
        let renamed = named("name: lab\nrenamed_from: old\n");
        world.sandbox.write("environments/lab.yaml", renamed);
        world.apply_and_die("CreateTags", 2, "before");

        let rest = "trainyard destroy old --region us-east-1 --account 123456789012";
        world
            .run(&["destroy", "lab", "--yes"])
            .expect(3)
            .says(&[rest, "1 instance"])
            .says_nothing_about(&["is gone"]);
        let rest: Vec<&str> = rest.split(' ').skip(1).chain(["--yes"]).collect();
        world.run(&rest).expect(0);
        world.run(&["destroy", "lab", "--yes"]).expect(0);
    });
}

#[test]
fn a_slip_in_the_name_before_is_noted_with_the_name_that_was_meant() {
    embedded(|world| {
        world.spec(&trainers(1, ""));
        world.apply();
        let renamed = |from: &str| {
            let more = format!("renamed_from: {from}");
            trainers(1, &more).replace("  trainer:\n", "  worker:\n")
        };
        for (from, words) in [
            ("trainr", "did you mean `renamed_from: trainer`?"),
            ("absent", "remove `renamed_from` if that is what you want"),
        ] {
            world.spec(&renamed(from));
            let plan = world.plan();
            let nothing = format!("nothing called `{from}` is there to be renamed; {words}");
            assert!(plan.contains(&nothing), "{plan}");
        }
        world.spec(&renamed("trainer"));
        let plan = world.plan();
        assert!(!plan.contains("to be renamed"), "{plan}");
    });
}
