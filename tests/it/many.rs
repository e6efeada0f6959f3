//! Forty instances, from nothing and back to nothing, seen by boto3.

use serde_json::{Value, json};

use crate::support::{LocalCloud, Moto, Sandbox, Witness};

const FILE: &str = "environments/many.yaml";
const GROUPS: [(&str, usize); 3] = [("evaluator", 7), ("scheduler", 1), ("trainer", 32)];

/// Plays the life of `many.yaml` with these arguments behind each command.
fn live_and_die(sandbox: &Sandbox, more: &[&str], witness: impl Fn() -> Witness) {
    let run = |arguments: &[&str]| sandbox.run(&[arguments, more].concat());
    let planned = run(&["plan", FILE]);
    planned.expect(0).says(&["Plan: 40 to create"]);
    run(&["plan", FILE, "--detailed-exitcode"]).expect(2);
    run(&["apply", FILE, "--yes"]).expect(0);
    run(&["plan", FILE, "--detailed-exitcode"]).expect(0);
    let status = run(&["status", FILE, "--format", "json"]);
    check_status(&status.expect(0).json());

    let witness = witness();
    let there = witness.instances("many");
    assert_eq!(there.len(), 40);
    for (group, number) in GROUPS {
        let mut ordinals: Vec<u64> = there
            .iter()
            .filter(|one| one["tags"]["trainyard:group"] == group)
            .map(|one| one["ordinal"].as_u64().unwrap())
            .collect();
        ordinals.sort_unstable();
        let all: Vec<u64> = (0..number as u64).collect();
        assert_eq!(ordinals, all, "{group}");
    }
    for one in &there {
        check_instance(one);
    }
    check_volumes(&witness);
    let interfaces: Vec<&Value> = there
        .iter()
        .flat_map(|one| one["interfaces"].as_array().unwrap())
        .collect();
    assert_eq!(interfaces.len(), 40);

    let destroyed = run(&["destroy", "many", "--yes", "--region", "us-east-1"]);
    destroyed
        .expect(0)
        .says(&["many is gone: 40 instances read back as terminated"]);
    let left = witness.instances("many");
    assert_eq!(left.len(), 40);
    for one in left {
        assert_eq!(one["state"], "terminated", "{one:#}");
    }
    let volumes = witness.ask("all_volumes", &json!({}));
    assert_eq!(volumes, json!([]), "a volume is left");
}

fn check_status(status: &Value) {
    let environments = status["environments"].as_array().unwrap();
    assert_eq!(environments.len(), 1, "{status:#}");
    let many = &environments[0];
    assert_eq!(many["environment"], "many");
    assert_eq!(many["lease_over"], false);
    assert_eq!(many["drift"], "in sync");
    let instances = many["instances"].as_array().unwrap();
    assert_eq!(instances.len(), 40);
    for one in instances {
        assert_eq!(one["state"], "running", "{one:#}");
        assert_eq!(one["in_sync"], true, "{one:#}");
        let launched: jiff::Timestamp = one["launched"].as_str().unwrap().parse().unwrap();
        let ends: jiff::Timestamp = one["lease_ends"].as_str().unwrap().parse().unwrap();
        assert_eq!(ends.duration_since(launched).as_hours(), 6, "{one:#}");
    }
}

fn check_instance(one: &Value) {
    assert_eq!(one["state"], "running", "{one:#}");
    assert_eq!(one["shutdown"], "terminate", "{one:#}");
    let group = one["tags"]["trainyard:group"].as_str().unwrap();
    check_tags(&one["tags"], group);
    let (kind, profile, hops) = match group {
        "trainer" => ("g5.xlarge", json!("trainer"), 2),
        "evaluator" => ("m5.large", Value::Null, 2),
        "scheduler" => ("t3.small", Value::Null, 1),
        other => panic!("no group {other}"),
    };
    assert_eq!(one["type"], kind, "{one:#}");
    assert_eq!(one["profile"], profile, "{one:#}");
    let metadata = json!({"tokens": "required", "hops": hops, "endpoint": "enabled"});
    assert_eq!(one["metadata"], metadata, "{one:#}");
    check_disks(&one["disks"], group);
    check_user_data(one["user_data"].as_str().unwrap(), group);
}

/// Ownership, lease and the user's own tags, and no tag that nobody asked for.
fn check_tags(tags: &Value, group: &str) {
    for (key, value) in [
        ("trainyard:version", "1"),
        ("trainyard:environment", "many"),
        ("trainyard:account", "123456789012"),
        ("trainyard:group", group),
        ("trainyard:lease", "6h"),
        ("trainyard:incarnation", "0"),
        ("Name", &format!("many-{group}")),
        ("project", "sweep"),
        ("owner", "alex"),
    ] {
        assert_eq!(tags[key], value, "{key} in {tags:#}");
    }
    let role = match group {
        "scheduler" => Value::Null,
        group => json!(group),
    };
    assert_eq!(tags["role"], role, "{tags:#}");
    for (key, value) in tags.as_object().unwrap() {
        let known = ["Name", "project", "owner", "role"].contains(&key.as_str());
        assert!(known || key.starts_with("trainyard:"), "{key}: {value}");
    }
}

fn check_disks(disks: &Value, group: &str) {
    let disks = disks.as_object().unwrap();
    let expected: &[(&str, u64, bool)] = match group {
        "trainer" => &[("/dev/xvda", 60, true)],
        "evaluator" => &[("/dev/sdf", 40, false), ("/dev/xvda", 20, false)],
        _ => &[("/dev/xvda", 0, false)],
    };
    let devices: Vec<&str> = disks.keys().map(String::as_str).collect();
    let wanted: Vec<&str> = expected.iter().map(|(device, ..)| *device).collect();
    assert_eq!(devices, wanted, "{group}");
    for (device, size, encrypted) in expected {
        let disk = &disks[*device];
        assert_eq!(disk["ends_with_instance"], true, "{disk:#}");
        check_tags(&disk["tags"], group);
        // The scheduler's disk is as large as its image, which differs by cloud.
        if *size > 0 {
            assert_eq!(disk["size"], *size, "{disk:#}");
            assert_eq!(disk["type"], "gp3", "{disk:#}");
            assert_eq!(disk["encrypted"], *encrypted, "{disk:#}");
        }
    }
}

/// The first part arms the timer, in seconds from the boot; only then comes the user's own.
fn check_user_data(data: &str, group: &str) {
    let boundary = data.split('"').nth(1).unwrap();
    let parts: Vec<&str> = data.split(&format!("--{boundary}")).skip(1).collect();
    let first = parts[0];
    assert!(first.contains("text/cloud-boothook"), "{first}");
    assert!(first.contains("systemd-run"), "{first}");
    assert!(first.contains("poweroff"), "{first}");
    assert!(
        first.contains("21600"),
        "the lease is no 6 hours in:\n{first}"
    );
    let own = parts[1..].concat();
    assert_eq!(
        own.contains("#cloud-config\npackages: [git, tmux]\n"),
        group == "scheduler",
        "{data}"
    );
}

fn check_volumes(witness: &Witness) {
    let volumes = witness.volumes("many");
    assert_eq!(volumes.len(), 47);
    let all = witness.ask("all_volumes", &json!({}));
    assert_eq!(
        all.as_array().unwrap().len(),
        47,
        "a volume has no tag of ours"
    );
}

#[test]
fn many_lives_and_dies_on_moto() {
    let moto = Moto::start();
    let witness = Witness::of(moto.address(), "us-east-1");
    witness.ask("profile", &json!({"name": "trainer"}));
    let sandbox = Sandbox::at(moto.address());
    sandbox.copy(FILE);
    live_and_die(&sandbox, &["--settle", "1s"], || {
        Witness::of(moto.address(), "us-east-1")
    });
}

#[test]
fn many_lives_and_dies_on_the_embedded_cloud() {
    let cloud = LocalCloud::start();
    let sandbox = Sandbox::at(cloud.address());
    sandbox.copy(FILE);
    live_and_die(&sandbox, &["--settle", "1s"], || {
        Witness::of(cloud.address(), "us-east-1")
    });
}

#[test]
fn many_lives_and_dies_with_local() {
    let sandbox = Sandbox::new();
    sandbox.copy(FILE);
    let witness = || {
        let address = sandbox.folder().join(".trainyard/server.address");
        let text = std::fs::read_to_string(address).unwrap();
        let (address, _) = text.split_once(' ').unwrap();
        Witness::of(&format!("http://{address}"), "us-east-1")
    };
    live_and_die(&sandbox, &["--local"], witness);
}

#[test]
fn interfaces_carry_the_tags_of_their_instances() {
    let cloud = LocalCloud::start();
    let sandbox = Sandbox::at(cloud.address());
    sandbox.copy(FILE);
    let apply = ["apply", FILE, "--yes", "--settle", "1s"];
    sandbox.run(&apply).expect(0);
    let witness = Witness::of(cloud.address(), "us-east-1");
    let there = witness.instances("many");
    assert_eq!(there.len(), 40);
    for one in there {
        let tags = witness.ask("interface_tags", &json!({"ids": one["interfaces"]}));
        assert_eq!(tags, json!([one["tags"]]));
    }
}
