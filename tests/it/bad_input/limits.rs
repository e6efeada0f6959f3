//! Limits of EC2: each is told in the plan at the latest, before anything is launched.

use serde_json::json;

use super::scene::{SPEC, Scene, accepted, refused};
use crate::support::{GOOD, Witness, change, good_but, good_with};

/// So many texts, each made of its number, with commas between them.
fn listed(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect::<Vec<_>>().join(", ")
}

/// [`GOOD`] with so many tags in place of its one.
fn with_tags(count: usize, name: &str) -> String {
    let tags = listed(count, |number| format!("{name}{number}: x"));
    good_but(
        "tags:\n  project: trial\n",
        &format!("tags: {{{tags}, Name: trial}}\n"),
    )
}

/// What AWS's answers show to be beyond a limit: `plan` and `apply` say so and change nothing.
#[track_caller]
fn beyond(spec: &str, words: &[&str]) {
    Scene::new(spec)
        .refused(1)
        .says(words)
        .says(&["nothing was changed"]);
}

#[test]
fn more_security_groups_than_an_interface_takes_are_refused() {
    let groups = |count| listed(count, |number| format!("group-{number}"));
    let named = |count| format!("security_groups: [{}]", groups(count));
    refused(good_with(&named(17))).says(&["error[T106]", "security_groups", "has 17"]);
    accepted(good_with(&named(16)));
    // The group that Trainyard makes is one of them.
    let words = [
        "error[T106]: 16 security groups and the one for",
        "are more than the 16 that EC2 takes",
        "name at most 15",
    ];
    for more in ["ssh: {from: me}", "distributed: true"] {
        refused(good_with(&format!("{}\n{more}", named(16)))).says(&words);
        accepted(good_with(&format!("{}\n{more}", named(15))));
    }
}

#[test]
fn more_sources_than_a_security_group_takes_are_refused() {
    let sources = |count| listed(count, |number| format!("203.0.{number}.0/24"));
    let ssh = |count| good_with(&format!("ssh: {{from: [{}]}}", sources(count)));
    refused(ssh(21)).says(&["error[T106]", "ssh.from", "21"]);
    accepted(ssh(20));
}

#[test]
fn magnetic_disks_do_not_boot() {
    for kind in ["st1", "sc1"] {
        refused(good_but("20 GiB", &format!("200 GiB, type: {kind}"))).says(&[
            &format!("error[T204]: an instance cannot boot from an {kind} disk"),
            "choose gp3",
        ]);
        accepted(good_with(&format!(
            "volumes: {{/dev/sdf: {{size: 200 GiB, type: {kind}}}}}"
        )));
    }
}

#[test]
fn sizes_that_a_type_of_disk_does_not_have_are_refused() {
    for (figures, words) in [
        (
            "3 GiB, type: io1, iops: 100",
            "an io1 disk cannot have 3 GiB",
        ),
        (
            "3 GiB, type: io2, iops: 100",
            "an io2 disk cannot have 3 GiB",
        ),
        ("16385 GiB, type: gp2", "a gp2 disk cannot have 16385 GiB"),
        ("16385 GiB, type: io1, iops: 100", "an io1 disk cannot have"),
        ("124 GiB, type: st1", "an st1 disk cannot have 124 GiB"),
        ("16385 GiB, type: sc1", "an sc1 disk cannot have 16385 GiB"),
    ] {
        let volume = format!("volumes: {{/dev/sdf: {{size: {figures}}}}}");
        refused(good_with(&volume)).says(&["error[T204]", words]);
    }
}

#[test]
fn rates_that_a_size_does_not_carry_are_refused() {
    for (figures, words) in [
        ("20 GiB, iops: 10001", "at most 10000: 500 for each GiB"),
        (
            "20 GiB, type: io1, iops: 1001",
            "at most 1000: 50 for each GiB",
        ),
        (
            "20 GiB, type: io2, iops: 20001",
            "at most 20000: 1000 for each GiB",
        ),
        ("20 GiB, throughput: 751 MiB/s", "add `iops: 3004`"),
    ] {
        refused(good_but("20 GiB", figures)).says(&["error[T204]", words]);
    }
    for figures in [
        "20 GiB, iops: 10000",
        "1 GiB, iops: 3000",
        "20 GiB, type: io1, iops: 1000",
        "20 GiB, throughput: 750 MiB/s",
    ] {
        accepted(good_but("20 GiB", figures));
    }
}

#[test]
fn a_rate_that_the_images_own_size_does_not_carry_is_refused() {
    beyond(
        &good_but("{size: 20 GiB}", "{iops: 16000}"),
        &[
            "error[T302]: a disk of 8 GiB cannot have 16000 operations a second",
            "environments/trial.yaml:14:18",
            "it has at most 4000; add a `size`",
        ],
    );
    // A disk that is there has its own size.
    let scene = Scene::new(&good_but("{size: 20 GiB}", "{iops: 3000}"));
    scene.sandbox.run(&["apply", "--yes", SPEC]).expect(0);
    scene.cloud.forget_requests();
    let spec = good_but("{size: 20 GiB}", "{iops: 16000}");
    scene.sandbox.write(SPEC, spec);
    scene.refused(1).says(&["error[T302]: a disk of 8 GiB"]);
}

#[test]
fn more_disks_than_an_instance_takes_are_refused() {
    let disks = |count| {
        let disks = listed(count, |number| {
            let letter = char::from(b'b' + u8::try_from(number).unwrap());
            format!("/dev/sd{letter}: {{size: 1 GiB}}")
        });
        good_with(&format!("volumes: {{{disks}}}"))
    };
    refused(disks(21)).says(&["error[T106]", "volumes` has 21 entries; it may have 20"]);
    accepted(disks(20));
}

#[test]
fn what_a_spot_instance_cannot_have_is_refused() {
    refused(good_with("market: spot\nmax_price: 0.0009 USD"))
        .says(&["error[T105]", "a price is at least 0.001 USD an hour"]);
    accepted(good_with("market: spot\nmax_price: 0.001 USD"));
    refused(good_with("max_price: 1 USD")).says(&["error[T201]", "is for spot instances"]);
    for market in ["spot", "spot-then-on-demand"] {
        refused(good_with(&format!("market: {market}\nprotect: true")))
            .says(&["error[T201]: a spot instance cannot have termination protection"]);
    }
}

#[test]
fn names_longer_than_ec2_takes_are_refused() {
    for (key, longest) in [("key", 255), ("iam_profile", 128)] {
        let named = |length: usize| good_with(&format!("{key}: {}", "k".repeat(length)));
        refused(named(longest + 1)).says(&["error[T105]", key]);
        accepted(named(longest));
    }
    let group = |length: usize| good_with(&format!("security_groups: [{}]", "g".repeat(length)));
    refused(group(256)).says(&["error[T105]", "256 characters; it may have 255"]);
    accepted(group(255));
}

#[test]
fn lists_longer_than_a_request_takes_are_refused() {
    let ids = |count| listed(count, |number| format!("i-{number:017x}"));
    let adopt = good_with(&format!("adopt: [{}]", ids(1_001)));
    refused(adopt).says(&["error[T106]", "adopt` has 1001"]);
    let types = |count| listed(count, |number| format!("m5.{number}xlarge"));
    let many = |count| good_but("m5.large", &format!("[{}]", types(count)));
    refused(many(21)).says(&["error[T106]", "type` has 21"]);
    accepted(many(20));
}

#[test]
fn figures_of_the_metadata_service_are_bounded() {
    for hops in [0, 65] {
        refused(good_with(&format!("metadata: {{hop_limit: {hops}}}"))).says(&["error[T106]"]);
    }
    accepted(good_with("metadata: {hop_limit: 64}"));
}

#[test]
fn tags_that_the_metadata_service_cannot_tell_are_refused() {
    for key in ["cost centre", "team/blue", "straße", "..", "_index"] {
        let tags = |more: &str| good_with(&format!("tags: {{\"{key}\": x}}\n{more}"));
        refused(tags("distributed: true")).says(&[
            &format!("error[T202]: the tag `{key}` cannot be told by the metadata service"),
            "a key is made of",
        ]);
        accepted(tags("distributed: false"));
    }
    accepted(good_with(
        "tags: {\"a+b-c=d.e_f:g@h\": x}\ndistributed: true",
    ));
}

#[test]
fn more_members_than_tags_can_tell_are_refused() {
    let count = |count| {
        good_but(
            "count: 1",
            &format!("count: {count}\n    distributed: true"),
        )
    };
    refused(count(257)).says(&["error[T106]", "at most 256 members"]);
    accepted(count(256));
}

#[test]
fn room_for_the_script_of_a_distributed_group_is_counted() {
    let line = "x".repeat(100);
    let script = |lines: usize| {
        let text = format!("\n  #{line}").repeat(lines);
        good_with(&format!("user_data: |\n  #!/bin/bash{text}"))
    };
    let fits = |spec: &str| {
        let sandbox = crate::support::Sandbox::new();
        sandbox.write(SPEC, spec);
        sandbox.run(&["validate", SPEC]).code == Some(0)
    };
    let most = (0..160).rev().find(|lines| fits(&script(*lines))).unwrap();
    refused(format!("{}    distributed: true\n", script(most)))
        .says(&["error[T203]: the user data has", "EC2 takes 16384"]);
}

#[test]
fn waits_beyond_reason_are_refused() {
    refused(good_with("wait_for_capacity: 25h")).says(&["error[T105]", "from 1m to 24h"]);
    refused(good_with("wait_for_capacity: 115m"))
        .says(&["error[T106]", "leaves nothing of a lease of 2h"]);
}

#[test]
fn a_zone_that_does_not_offer_the_type_is_refused() {
    beyond(
        &good_with("zone: eu-central-1z"),
        &[
            "error[T302]: eu-central-1z does not offer `m5.large`",
            "choose one of them, or name no place at all",
        ],
    );
}

#[test]
fn tags_from_elsewhere_count_when_a_spec_adds_more() {
    let scene = Scene::new(GOOD);
    scene.sandbox.run(&["apply", "--yes", SPEC]).expect(0);
    let witness = Witness::of(scene.cloud.address(), "eu-central-1");
    let id = witness.alive("trial")[0]["id"].clone();
    for number in 0..20 {
        let key = format!("elsewhere{number}");
        witness.ask("tag", &json!({"id": id, "key": key, "value": "x"}));
    }
    scene.cloud.forget_requests();
    scene.sandbox.write(SPEC, with_tags(25, "tag"));
    scene.refused(1).says(&[
        "error[T302]: i-",
        "tags, and EC2 takes 50",
        "that the instance has from elsewhere, or some of the spec's",
    ]);
}

#[test]
fn tags_from_elsewhere_count_when_an_instance_is_taken_over() {
    let scene = Scene::new(GOOD);
    let witness = Witness::of(scene.cloud.address(), "eu-central-1");
    let pattern = json!({"owner": "amazon", "pattern": "al2023-ami-2023*x86_64"});
    let image = witness.ask("images", &pattern)[0]["id"].clone();
    let tags: Vec<_> = (0..45)
        .map(|number| json!({"Key": format!("elsewhere{number}"), "Value": "x"}))
        .collect();
    let parameters = json!({
        "ImageId": image,
        "InstanceType": "m5.large",
        "TagSpecifications": [{"ResourceType": "instance", "Tags": tags}],
    });
    let ids = witness.ask("launch_by_hand", &json!({"parameters": parameters}));
    let id = ids[0].as_str().unwrap();
    scene.cloud.forget_requests();
    let spec = change(GOOD, "    disk: {size: 20 GiB}\n", "");
    let spec = format!("{spec}    metadata: {{tokens: optional, hop_limit: 1}}\n");
    scene
        .sandbox
        .write(SPEC, format!("{spec}    adopt: [{id}]\n"));
    let held = format!("! trainer[0]: {id} is not taken over: it would carry");
    let plan = ["plan", "--detailed-exitcode", SPEC];
    let planned = scene.sandbox.run(&plan);
    planned.expect(2).says(&[&held, "and EC2 takes 50"]);
    scene
        .sandbox
        .run(&["apply", "--yes", SPEC])
        .expect(4)
        .says(&[&held]);
    scene.cloud.expect_untouched();
}

#[test]
fn tags_are_exchanged_though_old_and_new_together_are_too_many() {
    let scene = Scene::new(&with_tags(25, "old"));
    scene.sandbox.run(&["apply", "--yes", SPEC]).expect(0);
    scene.sandbox.write(SPEC, with_tags(25, "new"));
    scene.sandbox.run(&["apply", "--yes", SPEC]).expect(0);
    let plan = ["plan", "--detailed-exitcode", SPEC];
    scene.sandbox.run(&plan).expect(0);
}

#[test]
fn the_longest_of_everything_fits_together() {
    let name = "n".repeat(40);
    let disks = listed(18, |number| {
        let letter = char::from(b'f' + u8::try_from(number).unwrap());
        format!("/dev/sd{letter}: {{size: 1 GiB, keep: true}}")
    });
    let types = listed(19, |number| format!("m{number}-{}.large", "x".repeat(20)));
    let spec = good_but("name: trial", &format!("name: {name}"))
        .replace("trainer:", &format!("{name}:"))
        .replace("m5.large", &format!("[{types}, m5.large]"))
        .replace(
            "project: trial",
            &format!("{}: {}", "k".repeat(120), "v".repeat(255)),
        );
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBKXpJ8bBJwqLr9QmC7vHkUqZ0m3lJ0u4T1cB2o0x9aF";
    let spec = format!(
        "{spec}    distributed: true\n    placement: cluster\n    volumes: {{{disks}}}\n    ssh: {{from: [203.0.113.0/24], public_key: {key}}}\n"
    );
    let scene = Scene::new(&spec);
    scene.sandbox.run(&["apply", "--yes", SPEC]).expect(0);
    let plan = ["plan", "--detailed-exitcode", SPEC];
    scene.sandbox.run(&plan).expect(0);
}
