//! What was launched by hand is taken over, lives and ends like any other, or is given back.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::by_hand::{ByHand, Surroundings, adopt, many_tags, ours, portrait, tags};
use crate::support::{World, both};

/// Instances with nothing in common: what is special about each, its type and its parameters.
fn different(place: &Surroundings) -> [(&'static str, &'static str, Value); 10] {
    let subnet = &place.subnets[1]["id"];
    let zone = &place.subnets[2]["zone"];
    let tagged = |all: Value| json!([tags("instance", &all)]);
    let root = |ebs: Value| json!({"DeviceName": "/dev/xvda", "Ebs": ebs});
    [
        ("no tags at all", "t3.micro", json!({})),
        (
            "a subnet, a key and a profile",
            "t3.small",
            json!({"SubnetId": subnet, "KeyName": "alex", "IamInstanceProfile": {"Name": "trainer"},
                "TagSpecifications": tagged(json!({"Name": "Alex Training 1"}))}),
        ),
        (
            "two security groups and a fast root disk",
            "m5.large",
            json!({"SecurityGroupIds": place.groups,
                "BlockDeviceMappings": [root(json!({"VolumeSize": 50, "VolumeType": "gp3", "Iops": 4000, "Throughput": 250}))],
                "TagSpecifications": tagged(json!({"Name": "groups", "project": "sketch-to-ui"}))}),
        ),
        (
            "a data volume that stays, with tags of its own",
            "c5.xlarge",
            json!({"Placement": {"AvailabilityZone": zone},
                "BlockDeviceMappings": [
                    root(json!({"VolumeSize": 100, "VolumeType": "gp2"})),
                    {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 200, "VolumeType": "gp3", "Iops": 6000, "Throughput": 500, "DeleteOnTermination": false}},
                ],
                "TagSpecifications": [tags("instance", &json!({"Name": "data stays"})), tags("volume", &json!({"Name": "the data", "backup": "weekly"}))]}),
        ),
        (
            "a data volume that goes with it",
            "m5.xlarge",
            json!({"BlockDeviceMappings": [
                    root(json!({"VolumeSize": 30, "VolumeType": "gp3"})),
                    {"DeviceName": "/dev/sdg", "Ebs": {"VolumeSize": 500, "VolumeType": "st1", "DeleteOnTermination": true}},
                ],
                "TagSpecifications": tagged(json!({"Name": "data goes"}))}),
        ),
        (
            "the old metadata service",
            "t3.medium",
            json!({"MetadataOptions": {"HttpTokens": "optional", "HttpPutResponseHopLimit": 3, "HttpEndpoint": "enabled"},
                "TagSpecifications": tagged(json!({"Name": "old metadata"}))}),
        ),
        (
            "termination protection",
            "t3.large",
            json!({"DisableApiTermination": true, "TagSpecifications": tagged(json!({"Name": "kept by Ada"}))}),
        ),
        (
            "tags in other scripts and an empty one",
            "m5.large",
            json!({"TagSpecifications": tagged(json!({"Name": "größe-模型", "besitzer": "Jörg Müller", "所有者": "李", "empty": "", "yes": "no", "version": "1.0"}))}),
        ),
        (
            "many tags and user data",
            "t3.small",
            json!({"UserData": "#!/bin/bash\necho 'by hand'\n", "InstanceInitiatedShutdownBehavior": "terminate",
                "TagSpecifications": tagged(many_tags())}),
        ),
        (
            "an encrypted root disk",
            "c5.2xlarge",
            json!({"BlockDeviceMappings": [root(json!({"VolumeSize": 40, "VolumeType": "gp3", "Encrypted": true}))],
                "TagSpecifications": tagged(json!({"Name": "secret"}))}),
        ),
    ]
}

/// The ten, and what is special about a launch or a cloud; all made by boto3 alone.
fn by_hand(world: &World, place: &Surroundings) -> Vec<ByHand> {
    let mut launched = Vec::new();
    for (what, kind, parameters) in different(place) {
        let id = place.launch(world, kind, &parameters).remove(0);
        if what == "termination protection" {
            // moto forgets it at launch.
            world.witness.ask("protect", &json!({"id": id, "on": true}));
        }
        launched.push(ByHand { what, id });
    }
    // The second of one call: its number within its launch is not its number with us.
    let two = json!({"MinCount": 2, "MaxCount": 2, "TagSpecifications": [tags("instance", &json!({"Name": "second of two"}))]});
    let mut pair = place.launch(world, "t3.nano", &two);
    launched.push(ByHand {
        what: "the second of one launch",
        id: pair.remove(1),
    });
    launched.push(only_here(world, place));
    launched
}

/// What only one of the clouds can make.
fn only_here(world: &World, place: &Surroundings) -> ByHand {
    if world.is_local() {
        let spot = json!({"InstanceMarketOptions": {"MarketType": "spot"}});
        let id = place.launch(world, "g4dn.xlarge", &spot).remove(0);
        return ByHand {
            what: "spot, with a GPU",
            id,
        };
    }
    let network = world
        .witness
        .ask("network", &json!({"block": "10.9.0.0/24"}));
    let inside = json!({"SubnetId": network["subnet"], "SecurityGroupIds": [network["group"]]});
    let id = place.launch(world, "m5.large", &inside).remove(0);
    ByHand {
        what: "another network than the default one",
        id,
    }
}

/// One instance through its whole life with us: over, back, over again, and to its end.
fn lives_with_us(world: &World, one: &ByHand, name: &str) {
    let ByHand { what, id } = one;
    let before = portrait(world, id);
    adopt(world, &[id], &["--name", name])
        .expect(0)
        .says(&["changes nothing but tags", "to take over: trainyard apply"]);
    let file = format!("environments/{name}.yaml");
    world.run(&["validate", &file]).expect(0);
    says_only_what_is_special(world, one, &file);
    assert_eq!(
        portrait(world, id),
        before,
        "{what}: adopt itself changed it"
    );
    let planned = world.run(&["plan", &file, "--format", "json"]);
    let planned = planned.expect(0).json();
    only_takes_over(what, &planned, 1);

    world.run(&["apply", &file, "--yes"]).expect(0);
    let after = portrait(world, id);
    only_tags_differ(one, &before, &after);
    world.run(&["plan", &file, "--detailed-exitcode"]).expect(0);
    lease_counts_from_now(world, what, id, name, &after);

    let released = world.run(&["release", name, "--yes"]);
    released.expect(0).says(&["1 instance released"]);
    let back = portrait(world, id);
    assert_eq!(ours(&back), Vec::<String>::new(), "{what}");
    assert_eq!(without_ours(one, &before, &back), before["tags"], "{what}");
    assert_eq!(
        back["all"], before["all"],
        "{what}: giving it back changed it"
    );
    let status = world.run(&["status", "--format", "json"]).json();
    assert!(
        !status.to_string().contains(id.as_str()),
        "{what}: {status:#}"
    );

    // The spec still names it, so the next apply takes it over again.
    world.run(&["apply", &file, "--yes"]).expect(0);
    let ended = world.run(&[
        "destroy",
        name,
        "--yes",
        "--lift-protection",
        "--delete-kept",
    ]);
    ended.expect(0);
    assert_eq!(portrait(world, id)["state"], "terminated", "{what}");
    std::fs::remove_file(world.sandbox.folder().join(file)).unwrap();
}

/// Two of the specs in full, where the cloud tells all of a disk.
const WRITTEN: [(&str, &str); 2] = [
    (
        "a subnet, a key and a profile",
        "    type: t3.small
    zone: us-east-1b
    iam_profile: trainer
    key: alex
    disk:
      size: 8 GiB
    metadata:
      tokens: optional
      hop_limit: 1
    tags:
      Name: Alex Training 1
",
    ),
    (
        "a data volume that stays, with tags of its own",
        "    type: c5.xlarge
    zone: us-east-1c
    disk:
      size: 100 GiB
      type: gp2
    volumes:
      /dev/sdf:
        size: 200 GiB
        iops: 6000
        throughput: 500 MiB/s
        keep: true
    metadata:
      tokens: optional
      hop_limit: 1
    tags:
      Name: data stays
",
    ),
];

/// Fails if a spec says more than what is no default of ours.
#[track_caller]
fn says_only_what_is_special(world: &World, one: &ByHand, file: &str) {
    let written = std::fs::read_to_string(world.sandbox.folder().join(file)).unwrap();
    for default in [
        " count:",
        "market: on-demand",
        "type: gp3",
        "enabled: true",
        " min:",
    ] {
        assert!(!written.contains(default), "{default} in:\n{written}");
    }
    let expected = WRITTEN.iter().find(|(what, _)| *what == one.what);
    if let Some((_, expected)) = expected.filter(|_| world.is_local()) {
        let (head, body) = written.split_once("    type:").unwrap();
        let id = &one.id;
        assert!(
            head.contains(&format!("    adopt:\n    - {id}\n")),
            "{head}"
        );
        assert!(
            head.contains("\nlease: 12h\ninstances:\n  trainer:\n"),
            "{head}"
        );
        assert_eq!(format!("    type:{body}"), *expected);
    }
}

/// Fails unless a plan takes over so many instances and changes nothing but tags.
#[track_caller]
fn only_takes_over(what: &str, planned: &Value, number: usize) {
    let plan = &planned["plans"][0];
    let steps = plan["steps"].as_array().unwrap();
    assert_eq!(steps.len(), number, "{what}: {planned:#}");
    assert_eq!(plan["held"], json!([]), "{what}: {planned:#}");
    for step in steps {
        assert_eq!(step["reason"], "adopted", "{what}: {planned:#}");
        for change in step["action"]["changes"].as_array().unwrap() {
            let field = change["field"].as_str().unwrap();
            assert!(field.starts_with("tags."), "{what}: {change:#}");
        }
    }
}

/// Fails unless two portraits differ in tags of ours alone.
#[track_caller]
fn only_tags_differ(one: &ByHand, before: &Value, after: &Value) {
    let what = one.what;
    assert_eq!(before["all"], after["all"], "{what}");
    assert_eq!(before["state"], after["state"], "{what}");
    for tags in after["tags"].as_object().unwrap().values() {
        assert_eq!(tags["trainyard:adopted"], one.id, "{what}: {after:#}");
    }
    assert_eq!(without_ours(one, before, after), before["tags"], "{what}");
}

/// The tags of a portrait that are not ours; a name of ours is, where there was none.
fn without_ours(one: &ByHand, before: &Value, after: &Value) -> Value {
    let named = before["tags"][&one.id].get("Name").is_some();
    let mut without = after["tags"].clone();
    for (id, tags) in without.as_object_mut().unwrap() {
        let given = |key: &str| key == "Name" && *id == one.id && !named;
        let tags = tags.as_object_mut().unwrap();
        tags.retain(|key, _| !key.starts_with("trainyard:") && !given(key));
    }
    without
}

#[track_caller]
fn lease_counts_from_now(world: &World, what: &str, id: &str, name: &str, portrait: &Value) {
    let status = world.run(&["status", name, "--format", "json"]);
    let status = status.expect(0).json();
    let told = &status["environments"][0]["instances"][0];
    assert_eq!(told["id"], id, "{what}: {status:#}");
    assert_eq!(told["in_sync"], true, "{what}: {status:#}");
    let instant = |value: &Value| value.as_str().unwrap().parse::<Timestamp>().unwrap();
    let since = instant(&portrait["tags"][id]["trainyard:since"]);
    let lease = SignedDuration::try_from(Duration::from_hours(12)).unwrap();
    assert_eq!(instant(&told["lease_ends"]), since + lease, "{what}");
    assert!(since > instant(&told["launched"]), "{what}: {status:#}");
}

#[test]
fn ten_instances_launched_by_hand_are_taken_over_by_tags_alone() {
    both(|world| {
        world.sandbox.set("AWS_REGION", crate::support::REGION);
        let place = Surroundings::of(world);
        let all = by_hand(world, &place);
        // Side by side, because most of it is waiting.
        let world: &World = world;
        std::thread::scope(|scope| {
            for (number, one) in all.iter().enumerate() {
                scope.spawn(move || lives_with_us(world, one, &format!("taken-{number}")));
            }
        });
    });
}
