//! Take-overs that are refused, interrupted, or of many instances at once.

use serde_json::{Value, json};

use super::by_hand::{Surroundings, adopt, ours, portrait, tags};
use crate::support::{Run, World, both, embedded};

fn spec_of(world: &World, name: &str) -> String {
    let file = format!("environments/{name}.yaml");
    std::fs::read_to_string(world.sandbox.folder().join(file)).unwrap()
}

fn named(name: &str) -> Value {
    json!([tags("instance", &json!({"Name": name, "team": "vision"}))])
}

/// Several alike and some unlike, in a region that is known.
fn some(world: &mut World) -> (Vec<String>, Vec<String>) {
    world.sandbox.set("AWS_REGION", crate::support::REGION);
    let place = Surroundings::of(world);
    let subnet = &place.subnets[0]["id"];
    let three = json!({"MinCount": 3, "MaxCount": 3, "SubnetId": subnet, "TagSpecifications": named("worker")});
    let alike = place.launch(world, "t3.small", &three);
    let mut other = Vec::new();
    for kind in ["t3.micro", "m5.large"] {
        let one = json!({"SubnetId": subnet, "TagSpecifications": named("other")});
        other.extend(place.launch(world, kind, &one));
    }
    (alike, other)
}

fn refs(ids: &[String]) -> Vec<&str> {
    ids.iter().map(String::as_str).collect()
}

#[test]
fn what_is_alike_becomes_one_group_and_what_is_not_several() {
    both(|world| {
        let (alike, other) = some(world);
        let before: Vec<Value> = alike.iter().map(|id| portrait(world, id)).collect();
        adopt(world, &refs(&alike), &["--name", "lab"]).expect(0);
        let spec = spec_of(world, "lab");
        assert!(spec.contains("count: 3"), "{spec}");
        assert_eq!(spec.matches("type:").count(), 1, "{spec}");
        let file = "environments/lab.yaml";
        world.run(&["apply", file, "--yes"]).expect(0);
        world.run(&["plan", file, "--detailed-exitcode"]).expect(0);
        for (id, before) in alike.iter().zip(&before) {
            assert_eq!(portrait(world, id)["all"], before["all"]);
        }

        // One more joins them, and one is made by us: they are of one kind.
        let grown = spec.replace("count: 3", "count: 4");
        world.sandbox.write(file, grown);
        world.run(&["apply", file, "--yes"]).expect(0);
        world.run(&["plan", file, "--detailed-exitcode"]).expect(0);
        assert_eq!(world.witness.alive("lab").len(), 4);
        // Shrinking takes the highest number, which was launched by us.
        world.sandbox.write(file, &spec);
        world.run(&["apply", file, "--yes"]).expect(0);
        let mut left: Vec<Value> = world.witness.alive("lab");
        left.retain(|one| !alike.contains(&one["id"].as_str().unwrap().to_owned()));
        assert_eq!(left, Vec::<Value>::new());

        let both_kinds = [&other[..]].concat();
        let arguments = ["--name", "mixed", "--group", "node"];
        adopt(world, &refs(&both_kinds), &arguments).expect(0);
        let spec = spec_of(world, "mixed");
        for words in ["  node:", "  node-2:", "t3.micro", "m5.large"] {
            assert!(spec.contains(words), "{words:?} is missing from:\n{spec}");
        }
        let file = "environments/mixed.yaml";
        world.run(&["apply", file, "--yes"]).expect(0);
        world.run(&["plan", file, "--detailed-exitcode"]).expect(0);

        // Only what is named is given up.
        let one = ["release", "mixed", "--target", "node-2", "--yes"];
        world.run(&one).expect(0).says(&["1 instance released"]);
        assert_eq!(world.witness.alive("mixed").len(), 1);
        world.run(&["destroy", "mixed", "--yes"]).expect(0);
        let states = other.iter().map(|id| portrait(world, id)["state"].clone());
        let states: Vec<Value> = states.collect();
        assert!(states.contains(&json!("running")), "{states:?}");
        assert!(states.contains(&json!("terminated")), "{states:?}");
    });
}

#[test]
fn what_cannot_be_taken_over_is_refused_and_nothing_is_written() {
    both(|world| {
        let (alike, other) = some(world);
        let [first, second, third] = &alike[..] else {
            panic!("three were launched");
        };
        let none = "i-0123456789abcdef0";
        let check = |run: Run, code: i32, words: &[&str]| {
            run.expect(code).says(words);
            let written = world.sandbox.folder().join("environments");
            assert!(!written.exists(), "something was written by\n{run}");
        };
        check(adopt(world, &[none], &[]), 1, &["no instance", none]);
        check(adopt(world, &[first, none], &[]), 1, &["no instance", none]);
        for bad in ["i-xyz", "vol-0123456789abcdef0", "worker", "i-", "i-*"] {
            check(adopt(world, &[bad], &[]), 64, &["no instance's id"]);
        }
        for bad in ["soon", "0h", "12", "-1h", "1000d"] {
            let lease = format!("--lease={bad}");
            let run = world.run(&["adopt", first, &lease]);
            check(run, 64, &["lease"]);
        }
        check(world.run(&["adopt", first]), 64, &["--lease"]);
        check(
            adopt(world, &[first], &["--name", "Not A Name"]),
            64,
            &["an environment's name", "starts with a small letter"],
        );
        check(
            adopt(world, &[first], &["--group", "Not A Name"]),
            64,
            &["cannot be a group's name"],
        );
        check(
            adopt(world, &[first], &["--account", "210987654321"]),
            4,
            &["nothing was read"],
        );
        world.witness.ask("stop", &json!({"id": second}));
        check(adopt(world, &[second], &[]), 4, &["is stopped", "start it"]);
        world.witness.ask("terminate", &json!({"ids": [third]}));
        let run = adopt(world, &[third], &[]);
        assert!([Some(1), Some(4)].contains(&run.code), "{run}");
        assert!(!world.sandbox.folder().join("environments").exists());

        // A file of somebody's is never written over.
        world.sandbox.write("environments/lab.yaml", "mine");
        let taken = adopt(world, &[first], &["--name", "lab"]);
        let words = "lab.yaml is there already; nothing was written";
        taken.expect(4).says(&[words, "--output", "--name"]);
        assert_eq!(spec_of(world, "lab"), "mine");
        let elsewhere = ["--name", "lab", "--output", "elsewhere/one.yaml"];
        adopt(world, &[first], &elsewhere).expect(0);
        let file = "elsewhere/one.yaml";
        world.run(&["apply", file, "--yes"]).expect(0);

        // What is ours already belongs to its environment.
        let again = adopt(world, &[first], &["--name", "second"]);
        again
            .expect(4)
            .says(&["belongs to the environment lab", "trainyard release lab"]);
        let taken = format!(
            "instances:\n  trainer:\n    adopt: [{first}]\n    type: t3.small\n    image: {{id: {}}}\n",
            portrait(world, first)["all"]["instance"]["ImageId"]
                .as_str()
                .unwrap()
        );
        let head =
            "version: 1\nname: thief\naccount: \"123456789012\"\nregion: us-east-1\nlease: 4h\n";
        world.sandbox.write("thief.yaml", format!("{head}{taken}"));
        let stolen = world.run(&["apply", "thief.yaml", "--yes"]);
        stolen.expect(4).says(&["belongs to the environment lab"]);
        // Another type than the spec says is neither changed nor replaced.
        let wrong = taken.replace(first.as_str(), &other[0]);
        world.sandbox.write("wrong.yaml", format!("{head}{wrong}"));
        let refused = world.run(&["apply", "wrong.yaml", "--yes"]);
        refused
            .expect(4)
            .says(&["is not taken over", "write `type: t3.micro`"]);
        assert_eq!(ours(&portrait(world, &other[0])), Vec::<String>::new());
        assert_eq!(portrait(world, &other[0])["state"], "running");
    });
}

#[test]
fn tags_copied_from_an_adopted_instance_prove_nothing() {
    both(|world| {
        let (alike, other) = some(world);
        adopt(world, &[&alike[0]], &["--name", "lab"]).expect(0);
        world.run(&["apply", "--yes"]).expect(0);
        let copied = json!({"source": alike[0], "target": other[0]});
        world.witness.ask("copy_tags", &copied);

        let status = world.run(&["status", "lab"]);
        status
            .expect(0)
            .says(&[&other[0], "names another instance"]);
        let planned = world.run(&["plan"]);
        planned.expect(0).says(&[&other[0], "it is left alone"]);
        let destroyed = world.run(&["destroy", "lab", "--yes"]);
        destroyed.expect(5).says(&[&other[0], "look at it by hand"]);
        assert_eq!(portrait(world, &alike[0])["state"], "terminated");
        assert_eq!(portrait(world, &other[0])["state"], "running");

        // Taken over by its own id it is as good as any other.
        let file = ["--name", "lab", "--output", "environments/own.yaml"];
        std::fs::remove_file(world.sandbox.folder().join("environments/lab.yaml")).unwrap();
        adopt(world, &[&other[0]], &file).expect(0);
        world.run(&["apply", "--yes"]).expect(0);
        world.nothing_to_do();
        world
            .run(&["status", "lab"])
            .expect(0)
            .says_nothing_about(&["names another"]);
    });
}

/// Moto answers at once and cannot be made to wait, so this is on the embedded cloud alone.
#[test]
fn a_killed_take_over_is_finished_by_the_next() {
    for (nth, when) in [(1, "before"), (1, "after"), (2, "before"), (2, "after")] {
        embedded(|world| {
            let (alike, _) = some(world);
            let id = alike[0].as_str();
            let before = portrait(world, id);
            adopt(world, &[id], &["--name", "lab"]).expect(0);
            world.apply_and_die("CreateTags", nth, when);
            world.run(&["apply", "--yes"]).expect(0);
            world.nothing_to_do();
            let after = portrait(world, id);
            assert_eq!(after["all"], before["all"]);
            assert_eq!(after["tags"][id]["trainyard:adopted"], id);
            for tags in after["tags"].as_object().unwrap().values() {
                assert_eq!(tags["trainyard:environment"], "lab", "{after:#}");
            }
        });
    }
}

#[test]
fn more_tags_than_ec2_allows_are_said_before_anything_is_done() {
    both(|world| {
        world.sandbox.set("AWS_REGION", crate::support::REGION);
        let place = Surroundings::of(world);
        let many = (0..45).map(|number| (format!("k{number}"), json!("v")));
        let many = Value::Object(many.collect());
        let parameters = json!({"TagSpecifications": [tags("instance", &many)]});
        let id = place.launch(world, "t3.micro", &parameters).remove(0);
        let before = portrait(world, &id);
        let refused = adopt(world, &[&id], &["--name", "lab"]);
        refused.expect(1).says(&["tags"]);
        assert_eq!(portrait(world, &id), before);
        assert!(
            !world
                .sandbox
                .folder()
                .join("environments/lab.yaml")
                .exists()
        );
    });
}
