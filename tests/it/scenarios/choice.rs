//! What a spec names: groups, images, places, and what it leaves open.

use serde_json::{Value, json};

use super::spec::{SSM, ids, trainers};
use crate::support::{both, on_moto};

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

/// The embedded cloud has the default network alone.
#[test]
fn a_security_group_is_one_of_the_network_of_the_instances() {
    on_moto(|world| {
        let network = json!({"block": "10.9.0.0/24"});
        let network = world.witness.ask("network", &network);
        world.witness.ask("group", &json!({"name": "training"}));
        let subnet = network["subnet"].as_str().unwrap();
        let inside =
            |groups: &str| trainers(1, &format!("subnet: {subnet}\nsecurity_groups: [{groups}]"));
        // Each network has a group named `default`, and the subnet says which one is meant.
        world.spec(&inside("default, inside"));
        world.run(&["apply", "--yes"]).expect(0);
        world.nothing_to_do();
        assert_eq!(world.trainer(0)["groups"], json!(["default", "inside"]));
        let id = &world.trainer(0)["id"];
        let worn = world.witness.ask("group_ids", &json!({"id": id}));
        assert!(worn.as_array().unwrap().contains(&network["group"]));

        // Nothing is ended for the sake of a launch that EC2 would refuse; nor is it changed.
        for spec in [
            inside("training").replace("t3.small", "t3.large"),
            inside("training"),
            trainers(2, "security_groups: [inside]"),
        ] {
            world.spec(&spec);
            world
                .run(&["plan"])
                .expect(1)
                .says(&["the security group `", "and the instances are in vpc-"]);
        }
        // A way in that is added is made where the instances are.
        world.spec(&inside("default, inside").replace(
            "    security_groups:",
            "    ssh: {from: 203.0.113.0/24}\n    security_groups:",
        ));
        world.run(&["apply", "--yes"]).expect(0);
        world.nothing_to_do();
    });
}
