//! Which image a group runs, and on which machine it can.
//!
//! On the embedded cloud alone: images are published and withdrawn here, and moto
//! has neither orders for that nor the types with old GPUs.

use serde_json::{Value, json};

use super::spec::{SSM, ids, trainers};
use crate::support::{World, embedded};

const PATTERN: &str = "al2023-ami-2023*x86_64";
const NEWEST: &str = "al2023-ami-2023.8.20250808.1-kernel-6.1-x86_64";
const OPEN: &str = "Deep Learning OSS Nvidia Driver AMI GPU PyTorch 2.7 (Ubuntu 22.04)*";
const OLD: &str = "Deep Learning AMI (Amazon Linux)*";

/// Trainers of a type with an image, both as the spec writes them.
fn on(count: u32, kind: &str, image: &str) -> String {
    let disk = "disk: {size: 120 GiB}";
    trainers(count, disk)
        .replace("type: t3.small", kind)
        .replace(&format!("ssm: {SSM}"), image)
}

fn named(pattern: &str) -> String {
    format!("name: \"{pattern}\", owner: amazon")
}

/// Small trainers with the newest Amazon Linux.
fn small(count: u32) -> String {
    on(count, "type: t3.small", &named(PATTERN))
}

/// An image as its maker would publish it; its id.
#[track_caller]
fn publish(world: &World, name: &str, created: &str, more: &Value) -> Value {
    let mut image = json!({"name": name, "created": format!("{created}T00:00:00.000Z")});
    let more = more.as_object().unwrap().clone();
    image.as_object_mut().unwrap().extend(more);
    world.order("images", &image)["id"].clone()
}

fn next(world: &World) -> Value {
    let name = "al2023-ami-2023.9.20260101.0-kernel-6.1-x86_64";
    publish(world, name, "2026-01-01", &json!({}))
}

fn image_of(world: &World, number: u32) -> Value {
    world.trainer(number)["image"].clone()
}

/// Fails unless a spec is refused, at a place, before anything is asked for but answers.
#[track_caller]
fn refused(world: &World, body: &str, words: &[&str]) {
    world.spec(body);
    for command in [&["plan"][..], &["apply", "--yes"]] {
        let run = world.run(command);
        run.expect(1)
            .says(words)
            .says(&["--> environments/lab.yaml:"]);
    }
    assert_eq!(world.witness.alive("lab"), Vec::<Value>::new());
}

#[test]
fn an_image_is_looked_up_once_and_shown_with_its_name_and_date() {
    embedded(|world| {
        let groups: String = ["second", "third"]
            .iter()
            .map(|name| {
                let group = small(2).replace("  trainer:\n", &format!("  {name}:\n"));
                group.trim_start_matches("instances:\n").to_owned()
            })
            .collect();
        world.spec(&format!("{}{groups}", small(5)));
        world.asked("");
        let plan = world.plan();
        assert_eq!(world.asked("ec2 DescribeImages"), 1);
        for words in ["ami-", NEWEST, "x86_64", "made 2025-08-08", PATTERN] {
            assert!(plan.contains(words), "{words:?} is missing from:\n{plan}");
        }
    });
}

#[test]
fn a_newer_image_is_a_note_and_the_group_stays_of_one_kind() {
    embedded(|world| {
        for image in [named(PATTERN), format!("ssm: {SSM}")] {
            world.spec(&on(1, "type: t3.small", &image));
            world.apply();
            let old = image_of(world, 0);
            let newer = if image.starts_with("ssm") {
                let name = "al2023-ami-2023.9.20260202.0-kernel-6.1-x86_64";
                let id = publish(world, name, "2026-02-02", &json!({}));
                world.order("parameters", &json!({"name": SSM, "value": id}));
                id
            } else {
                next(world)
            };
            let id = newer.as_str().unwrap();
            let planned = world.run(&["plan", "--detailed-exitcode"]);
            planned
                .expect(0)
                .says(&[id, "is newer", "--upgrade-image", old.as_str().unwrap()]);

            world.spec(&on(3, "type: t3.small", &image));
            world.apply();
            assert_eq!(image_of(world, 2), old, "growing took another image");
            let before = ids(world, 0..3);
            let upgrade = ["plan", "--detailed-exitcode", "--upgrade-image"];
            world.run(&upgrade).expect(2).says(&["3 to replace", id]);
            assert_eq!(ids(world, 0..3), before);
            world.run(&["apply", "--yes", "--upgrade-image"]).expect(0);
            world.run(&upgrade).expect(0);
            world.nothing_to_do();
            for number in 0..3 {
                assert_eq!(image_of(world, number), newer);
            }
            let place = ["--region", "us-east-1", "--account", "123456789012"];
            world
                .run(&[&["destroy", "lab", "--yes"][..], &place].concat())
                .expect(0);
        }
    });
}

#[test]
fn a_withdrawn_image_stops_growing_and_nothing_else() {
    embedded(|world| {
        let newest = next(world);
        world.spec(&small(2));
        world.apply();
        assert_eq!(image_of(world, 0), newest);
        world.order("images", &json!({"deregister": newest}));

        // Nothing is launched, so nothing is missing.
        world.nothing_to_do();
        world.spec(&small(1));
        world.apply();
        world.spec(&small(3));
        let id = newest.as_str().unwrap();
        for command in [&["plan"][..], &["apply", "--yes"]] {
            let refused = world.run(command);
            refused
                .expect(1)
                .says(&[id, "--upgrade-image", "environments/lab.yaml:"]);
        }
        assert_eq!(world.witness.alive("lab").len(), 1);
        world.run(&["apply", "--yes", "--upgrade-image"]).expect(0);
        world.nothing_to_do();
        for number in 0..3 {
            assert_ne!(image_of(world, number), newest);
        }
    });
}

#[test]
fn a_deprecated_image_is_warned_of_and_launched() {
    embedded(|world| {
        let name = "team-base-2024";
        let deprecated = json!({"deprecated": "2025-01-01T00:00:00.000Z", "owner": "self"});
        let id = publish(world, name, "2024-01-01", &deprecated);
        for image in [
            format!("id: {}", id.as_str().unwrap()),
            format!("name: \"{name}\", owner: self"),
        ] {
            world.spec(&on(1, "type: t3.small", &image));
            let plan = world.run(&["plan"]);
            plan.expect(0)
                .says(&["is deprecated since 2025-01-01", name]);
        }
        world.apply();
        assert_eq!(image_of(world, 0), id);

        // One of the same pattern that is not given up goes first, though it is older.
        let older = publish(
            world,
            "team-base-2023",
            "2023-01-01",
            &json!({"owner": "self"}),
        );
        let image = "name: \"team-base-*\", owner: self";
        let other = on(1, "type: t3.small", image).replace("  trainer:\n", "  other:\n");
        world.spec(&other);
        world.apply();
        assert_eq!(world.member("other", 0)["image"], older);
    });
}

#[test]
fn what_the_image_cannot_run_on_is_refused_before_anything_is_launched() {
    embedded(|world| {
        let arm = named("al2023-ami-2023*arm64");
        refused(
            world,
            &on(1, "type: t3.small", &arm),
            &["T302", "arm64", "x86_64", "`t3.small`", "type: t3.small"],
        );
        refused(
            world,
            &on(1, "type: t4g.small", &named(PATTERN)),
            &["T302", "arm64", "x86_64", "`t4g.small`"],
        );
        // The image of the tutorials of today on the machine of those of 2018.
        refused(
            world,
            &on(1, "type: p3.2xlarge", &named(OPEN)),
            &[
                "T302",
                "open kernel modules",
                "V100",
                "Proprietary Nvidia Driver",
            ],
        );
        // The other way round: the image of then on a machine of today.
        refused(
            world,
            &on(1, "type: g5.xlarge", &named(OLD)),
            &["T302", "2021-10-07", "A10G"],
        );
        refused(
            world,
            &on(1, "type: [p3.2xlarge, p3.8xlarge]", &named(OPEN)),
            &["T302", "p3.2xlarge", "p3.8xlarge"],
        );
        assert_eq!(world.asked("ec2 RunInstances"), 0);
    });
}

#[test]
fn a_type_that_fits_is_taken_where_another_does_not() {
    embedded(|world| {
        world.spec(&on(1, "type: [p3.2xlarge, g5.xlarge]", &named(OPEN)));
        let plan = world.plan();
        for words in [
            "not tried",
            "p3.2xlarge",
            "open kernel modules",
            "V100",
            "g5.xlarge",
        ] {
            assert!(plan.contains(words), "{words:?} is missing from:\n{plan}");
        }
        world.apply();
        assert_eq!(world.trainer(0)["type"], "g5.xlarge");
    });
}

#[test]
fn the_image_of_2018_is_warned_of_and_launched() {
    embedded(|world| {
        world.spec(&on(1, "type: p3.2xlarge", &named(OLD)));
        let planned = world.run(&["plan"]);
        planned
            .expect(0)
            .says(&["note:", "2021-10-07", "use the image name"]);
        world.apply();
        assert_eq!(world.trainer(0)["type"], "p3.2xlarge");
    });
}

#[test]
fn a_need_takes_the_smallest_type_that_meets_it() {
    const PROPRIETARY: &str = "Deep Learning Proprietary Nvidia Driver AMI GPU PyTorch*";
    let need = "gpu: V100:1\n    gpu_memory: 16 GiB..\n    vcpus: 8..\n    memory: 60 GiB..";
    embedded(|world| {
        world.spec(&on(1, need, &named(PROPRIETARY)));
        let plan = world.plan();
        for words in ["p3.2xlarge", "for ", "V100", "not tried", "p3.8xlarge"] {
            assert!(plan.contains(words), "{words:?} is missing from:\n{plan}");
        }
        world.apply();
        assert_eq!(world.trainer(0)["type"], "p3.2xlarge");
        // The same need said in another order, or one that the type still meets, is no change.
        world.spec(&on(
            1,
            &need.replace("60 GiB..", "50 GiB.."),
            &named(PROPRIETARY),
        ));
        world.run(&["apply", "--yes"]).expect(0);
        world.nothing_to_do();
        assert_eq!(world.trainer(0)["type"], "p3.2xlarge");
    });
    embedded(|world| {
        for (kind, smallest) in [
            ("vcpus: 2..\n    memory: 8 GiB..", "t3.large"),
            ("gpu: A10G:4", "g5.12xlarge"),
        ] {
            let image = if kind.contains("gpu") { OPEN } else { PATTERN };
            world.spec(&on(1, kind, &named(image)));
            let plan = world.plan();
            assert!(plan.contains(smallest), "{plan}");
        }
        refused(
            world,
            &on(1, "gpu: V100:3", &named(PROPRIETARY)),
            &[
                "no type meets",
                "V100:3",
                "near it",
                "p3.8xlarge",
                "ask for less",
            ],
        );
        refused(
            world,
            &on(1, "gpu: V100:1", &named(OPEN)),
            &["no type meets", "open kernel modules"],
        );
    });
}

#[test]
fn one_group_names_its_type_while_another_states_its_need() {
    embedded(|world| {
        let head = named(PATTERN);
        let worker = named(OPEN);
        world.spec(&format!(
            "instances:\n  head:\n    type: m5.large\n    image: {{{head}}}\n  worker:\n    gpu: A10G:1\n    image: {{{worker}}}\n"
        ));
        world.run(&["apply", "--yes"]).expect(0);
        world.nothing_to_do();
        assert_eq!(world.member("head", 0)["type"], "m5.large");
        assert_eq!(world.member("worker", 0)["type"], "g5.xlarge");
    });
}
