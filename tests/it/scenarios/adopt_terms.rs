//! What a take-over by hand takes, what it leaves to others, and what it changes.

use serde_json::{Value, json};

use super::by_hand::{Surroundings, adopt, portrait};
use crate::support::{World, both};

/// A spec that somebody wrote by hand, which takes over one instance.
fn written(world: &World, id: &str, kind: &str, more: &str) {
    let image = portrait(world, id)["all"]["instance"]["ImageId"].clone();
    let image = image.as_str().unwrap();
    world.spec(&format!(
        "instances:\n  trainer:\n    adopt: [{id}]\n    type: {kind}\n    image: {{id: {image}}}\n    metadata: {{tokens: optional, hop_limit: 1}}\n{more}"
    ));
}

fn launch(world: &World, kind: &str, parameters: &Value) -> String {
    Surroundings::of(world)
        .launch(world, kind, parameters)
        .remove(0)
}

/// The id of the disk at a device.
fn disk(portrait: &Value, device: &str) -> String {
    let mappings = portrait["all"]["instance"]["BlockDeviceMappings"].as_array();
    let one = mappings.unwrap().iter();
    let mut at = one.filter(|one| one["DeviceName"] == device);
    let id = &at.next().unwrap()["Ebs"]["VolumeId"];
    id.as_str().unwrap().to_owned()
}

#[test]
fn a_data_disk_that_no_spec_names_stays_nobodys_and_outlives_destroy() {
    both(|world| {
        let data = json!({"BlockDeviceMappings": [
            {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 20, "VolumeType": "gp3", "DeleteOnTermination": false}},
            {"DeviceName": "/dev/sdg", "Ebs": {"VolumeSize": 10, "VolumeType": "gp3", "DeleteOnTermination": true}},
        ]});
        let id = launch(world, "t3.small", &data);
        written(world, &id, "t3.small", "");
        let before = portrait(world, &id);
        let (data, scratch) = (disk(&before, "/dev/sdf"), disk(&before, "/dev/sdg"));
        let planned = world.run(&["plan"]);
        planned
            .expect(0)
            .says(&[&data, "it stays nobody's"])
            .says_nothing_about(&[&scratch]);
        world.run(&["apply", "--yes"]).expect(0);
        world.nothing_to_do();
        let after = portrait(world, &id);
        assert_eq!(after["tags"][&data], before["tags"][&data], "{after:#}");
        assert_eq!(after["tags"][&scratch]["trainyard:adopted"], id);

        world.run(&["destroy", "lab", "--yes"]).expect(0);
        assert_eq!(portrait(world, &id)["state"], "terminated");
        let left = world.witness.ask("all_volumes", &json!({}));
        assert_eq!(left, json!([data]));
    });
}

fn protected(world: &World, id: &str) -> bool {
    // EC2 writes it small, moto's own store as Python does.
    let told = &portrait(world, id)["all"]["attributes"]["DisableApiTermination"];
    told.as_bool().unwrap()
}

#[test]
fn protection_becomes_what_the_spec_says() {
    both(|world| {
        let id = launch(world, "t3.small", &json!({}));
        written(world, &id, "t3.small", "    protect: true\n");
        world.run(&["plan"]).expect(0).says(&["protect"]);
        world.run(&["apply", "--yes"]).expect(0);
        assert!(protected(world, &id));
        world.nothing_to_do();
        world.run(&["destroy", "lab", "--yes"]).expect(5);
        world.run(&["release", "lab", "--yes"]).expect(0);

        // Given back, it is protected still, and another spec wants it otherwise.
        written(world, &id, "t3.small", "");
        world.run(&["plan"]).expect(0).says(&["protect"]);
        world.run(&["apply", "--yes"]).expect(0);
        assert!(!protected(world, &id));
        world.nothing_to_do();
        world.run(&["destroy", "lab", "--yes"]).expect(0);
    });
}

#[test]
fn a_boot_script_that_no_spec_will_have_is_told_of() {
    both(|world| {
        let place = Surroundings::of(world);
        let script = json!({"UserData": "#!/bin/sh\ntrue\n"});
        let with = place.launch(world, "t3.small", &script).remove(0);
        let without = place.launch(world, "t3.micro", &json!({})).remove(0);
        let words = |id: &str| format!("{id} has user data: its boot script has run");
        adopt(world, &[&with, &without], &["--name", "lab"])
            .expect(0)
            .says(&[&words(&with)])
            .says_nothing_about(&[&words(&without)]);
    });
}
