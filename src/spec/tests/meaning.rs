//! What no schema can say.

use serde::Deserialize as _;

use super::super::model::EnvironmentSpec;
use super::super::repair::Repaired;
use super::super::schema::{SchemaKind, schema};
use super::super::shape::shape;
use super::{GOOD, lines, project, source, spec, with, with_group, wrong};
use crate::lease::{Boot, LARGEST_USER_DATA};
use crate::spec::{Code, check_environment};

#[test]
fn every_rule_has_its_code_and_its_place() {
    let table: &[(&[&str], &str)] = &[
        (
            &["zone: eu-central-1a", "subnet: subnet-0123456789abcdef0"],
            "T201 10:5: `subnet` and `zone` exclude each other",
        ),
        (
            &["zone: us-east-1a"],
            "T201 10:11: the zone `us-east-1a` is not in the region `eu-central-1`",
        ),
        // It begins with the region's name, and is in another one.
        (
            &["zone: eu-central-10a"],
            "T201 10:11: the zone `eu-central-10a` is not in the region `eu-central-1`",
        ),
        (
            &["tags: {\"aws:x\": y}"],
            "T202 10:12: the tag `aws:x` begins with `aws:`",
        ),
        (
            &["tags: {\"AWS:x\": y}"],
            "T202 10:12: the tag `AWS:x` begins with `aws:`",
        ),
        (
            &["tags: {\"Trainyard:lease\": y}"],
            "T202 10:12: the tag `Trainyard:lease` begins with `trainyard:`",
        ),
        (
            &["tags: {\"a,b\": y}"],
            "T202 10:12: the tag `a,b` holds `,`",
        ),
        (&["tags: {\"\": y}"], "T202 10:12: a tag has no key"),
        (
            &["disk: {size: 17 TiB, type: gp2}"],
            "T204 10:18: a gp2 disk cannot have 17408 GiB",
        ),
        (
            &["disk: {size: 125 GiB, type: st1}"],
            "T204 10:33: an instance cannot boot from an st1 disk",
        ),
        (
            &["volumes: {/dev/sdf: {size: 124 GiB, type: st1}}"],
            "T204 10:32: an st1 disk cannot have 124 GiB",
        ),
        (
            &["disk: {type: io2}"],
            "T204 10:11: an io2 disk needs its rate",
        ),
        (
            &["disk: {type: gp2, iops: 3000}"],
            "T204 10:23: a gp2 disk has no rate to set",
        ),
        (
            &["disk: {iops: 2999}"],
            "T204 10:18: a gp3 disk cannot have 2999 operations a second",
        ),
        (
            &["disk: {type: io1, iops: 64001}"],
            "T204 10:29: an io1 disk cannot have 64001 operations a second",
        ),
        (
            &["disk: {throughput: 124 MiB/s}"],
            "T204 10:24: a gp3 disk cannot have 124 MiB/s",
        ),
        (
            &["disk: {type: gp2, throughput: 125 MiB/s}"],
            "T204 10:23: a gp2 disk has no throughput to set",
        ),
        (
            &["volumes: {/dev/sdf: {size: 3 GiB, type: io1, iops: 100}}"],
            "T204 10:32: an io1 disk cannot have 3 GiB",
        ),
    ];
    for (more, expected) in table {
        assert_eq!(lines(&with_group(more)), [*expected]);
    }
}

#[test]
fn the_figures_at_their_bounds_are_good() {
    for line in [
        "disk: {size: 64 TiB}",
        "disk: {iops: 3000, throughput: 125 MiB/s}",
        "disk: {iops: 80000, throughput: 2000 MiB/s}",
        "disk: {size: 16384 GiB, type: gp2}",
        "disk: {size: 4 GiB, type: io1, iops: 100}",
        "volumes: {/dev/sdf: {size: 125 GiB, type: sc1}}",
        "zone: eu-central-1a",
    ] {
        assert_eq!(lines(&with_group(&[line])), Vec::<String>::new(), "{line}");
    }
}

#[test]
fn an_image_is_named_in_one_way() {
    let table = [
        ("{}", "T201 8:12: the image is not named"),
        (
            "{id: ami-0123456789abcdef0, ssm: /a}",
            "T201 8:40: the image is named by id and by ssm",
        ),
        (
            "{name: deep*}",
            "T201 8:19: an image's name needs its owner: anybody may publish an image of any name",
        ),
        (
            "{id: ami-0123456789abcdef0, owner: self}",
            "T201 8:40: `owner` goes with `name` only",
        ),
    ];
    for (image, expected) in table {
        let text = with("{id: ami-0123456789abcdef0}", image);
        assert_eq!(lines(&text), [expected]);
    }
    for image in ["{name: deep*, owner: amazon}", "{ssm: /aws/service/x}"] {
        let text = with("{id: ami-0123456789abcdef0}", image);
        assert_eq!(lines(&text), Vec::<String>::new());
    }
}

#[test]
fn account_and_region_may_be_shared_and_must_be_somewhere() {
    let text = GOOD
        .replace("account: \"123456789012\"\n", "")
        .replace("region: eu-central-1\n", "");
    assert_eq!(
        lines(&text),
        [
            "T103 1:1: the key `account` is missing",
            "T103 1:1: the key `region` is missing"
        ]
    );
    let shared = project("version: 1\naccount: \"123456789012\"\nregion: eu-central-1\n");
    assert_eq!(check_environment(&spec(&text), &shared), []);
}

#[test]
fn policy_holds() {
    let shared = project("version: 1\npolicy: {max_lease: 3h, max_instances: 2}\n");
    let found = |text: &str| -> Vec<String> {
        let found = check_environment(&spec(text), &shared);
        assert!(found.iter().all(|one| one.code == Code::Policy));
        found.into_iter().map(|one| one.summary).collect()
    };
    let good = with("12h", "3h");
    assert_eq!(found(&good), Vec::<String>::new());
    assert_eq!(
        found(&with("12h", "181m")),
        ["a lease of 3h1m is longer than this project allows"]
    );
    let three = format!("{good}    count: 3\n");
    assert_eq!(
        found(&three),
        ["3 instances are more than this project allows"]
    );
}

#[test]
fn an_environment_holds_something() {
    let text = &GOOD[..GOOD.find("instances:").unwrap()];
    assert_eq!(
        lines(text),
        ["T103 1:1: the environment has neither instances nor data"]
    );
}

fn with_data(lines: &[&str]) -> String {
    let mut text = format!("{GOOD}data:\n");
    for line in lines {
        text.push_str("  ");
        text.push_str(line);
        text.push('\n');
    }
    text
}

#[test]
fn meaning_is_told_of_its_own_place_beside_mistakes_of_shape() {
    let text = with_data(&["a: {from: x, to: \"s3://bucket/x\", exclude: [1, 2, ok, \"[\"]}"]);
    let value = source(&text).unwrap().parse().unwrap();
    let schema = schema(SchemaKind::Environment);
    let found = shape(&value, schema);
    assert_eq!(found.len(), 2);
    let repaired = Repaired::new(value, &found, schema);
    let spec = EnvironmentSpec::deserialize(repaired.value.clone()).unwrap();
    let more = check_environment(&spec, &project("version: 1"));
    let fair: Vec<String> = more
        .iter()
        .filter(|one| repaired.is_fair(one))
        .map(|one| one.path.as_ref().unwrap().to_string())
        .collect();
    assert_eq!(fair, ["data.a.exclude[3]"]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn data_goes_from_a_folder_to_a_bucket_or_back_or_from_bucket_to_bucket() {
    let table: &[(&[&str], &[&str])] = &[
        (&["a: {from: x, to: \"s3://bucket/x\"}"], &[]),
        (&["a: {from: \"s3://bucket\", to: ./x}"], &[]),
        (
            &["a: {from: x, to: y}"],
            &["T205 11:6: neither place is a bucket"],
        ),
        (
            &["a: {from: \"s3://bucket\", to: \"s3://bucket\"}"],
            &["T205 11:32: `s3://bucket` and `s3://bucket` overlap"],
        ),
        (
            &["a: {from: \"s3://bucket/x/y\", to: \"s3://bucket/x\"}"],
            &["T205 11:36: `s3://bucket/x/y` and `s3://bucket/x` overlap"],
        ),
        (
            &["a: {from: \"s3://bucket/x\", to: \"s3://bucket/xy\"}"],
            &[],
        ),
        (
            &["a: {from: \"s3://bucket\", to: \"s3://other-bucket\"}"],
            &[],
        ),
        (
            &["a: {from: x, to: \"s3://b\"}"],
            &["T205 11:20: `s3://b` is not a bucket and a prefix"],
        ),
        (
            &["a: {from: x, to: \"s3://bucket//x\"}"],
            &["T205 11:20: `s3://bucket//x` is not a bucket and a prefix"],
        ),
        (
            &["a: {from: x, to: \"s3://bucket/x\", archive: tar.zst}"],
            &[],
        ),
        (
            &["a: {from: x, to: \"s3://bucket/x\", archive: zip, compare: content}"],
            &[],
        ),
        (
            &["a: {from: x, to: \"s3://bucket/x\", archive: zip, compare: size}"],
            &["T205 11:60: the files of an archive are compared by content"],
        ),
        (
            &["a: {from: x, to: \"s3://bucket\", archive: zip}"],
            &["T205 11:20: an archive is named after its prefix, and this has none"],
        ),
        (
            &["a: {from: \"s3://bucket/\", to: x, archive: zip}"],
            &["T205 11:13: an archive is named after its prefix, and this has none"],
        ),
        (
            &["a: {from: ~/x, to: \"s3://bucket/x\"}"],
            &["T205 11:13: `~` means another folder for everybody who reads this spec"],
        ),
        (
            &["a: {from: x, to: \"s3://bucket/x\", exclude: [a, \"[\"]}"],
            &["T205 11:50: "],
        ),
        (
            &[
                "a: {from: x, to: \"s3://bucket/x\"}",
                "b: {from: y, to: \"s3://bucket/x/\"}",
            ],
            &["T205 12:20: another entry writes to the same place"],
        ),
        (
            &[
                "a: {from: \"s3://bucket/x\", to: ./out}",
                "b: {from: \"s3://bucket/y\", to: out/}",
            ],
            &["T205 12:34: another entry writes to the same place"],
        ),
        (
            &[
                "a: {from: x, to: \"s3://bucket/x\", max_delete: 0, storage_class: GLACIER_IR, kms_key: alias/aws/s3, request_payer: true}",
            ],
            &[],
        ),
        (
            &["a: {from: x, to: \"s3://bucket/x\", max_delete: 10%}"],
            &[],
        ),
        (
            &["a: {from: x, to: \"s3://bucket/x\", max_delete: -1}"],
            &["T106 11:49: `data.a.max_delete` is -1; it must be at least 0"],
        ),
        (
            &["a: {from: x, to: \"s3://bucket/x\", max_delete: 101%}"],
            &["T105 11:49: `data.a.max_delete` cannot be `101%`"],
        ),
        (
            &["a: {from: x, to: \"s3://bucket/x\", max_delete: \"10\"}"],
            &["T105 11:49: `data.a.max_delete` cannot be `10`"],
        ),
        (
            &["a: {from: x, to: \"s3://bucket/x\", max_delete: [1]}"],
            &["T102 11:49: "],
        ),
        (
            &["a: {from: x, to: \"s3://bucket/x\", storage_class: COLD}"],
            &["T104 11:52: "],
        ),
        (
            &["a: {from: x, to: \"s3://bucket/x\", kms_key: my key}"],
            &["T105 11:46: `data.a.kms_key` cannot be `my key`"],
        ),
        (
            &["a: {from: \"s3://arn:aws:s3:eu-central-1:123456789012:accesspoint/mine\", to: x}"],
            &["T205 11:13: "],
        ),
    ];
    for (data, expected) in table {
        let found = lines(&with_data(data));
        assert_eq!(found.len(), expected.len(), "{data:?}: {found:?}");
        for (found, expected) in found.iter().zip(*expected) {
            assert!(found.starts_with(expected), "{data:?}: {found}");
        }
    }
}

#[test]
fn tags_fit_ec2_together_with_ours() {
    let tags = |count: usize| {
        let list: Vec<String> = (0..count).map(|number| format!("k{number}: v")).collect();
        with_group(&[&format!("tags: {{{}}}", list.join(", "))])
    };
    // Fourteen are ours, and one is the name.
    assert_eq!(lines(&tags(35)), Vec::<String>::new());
    assert_eq!(
        lines(&tags(36)),
        ["T202 10:11: 37 tags and 14 of Trainyard's own are more than the 50 that EC2 takes"]
    );
    let key = |letters: usize| with_group(&[&format!("tags: {{{}: v}}", "k".repeat(letters))]);
    assert_eq!(lines(&key(120)), Vec::<String>::new());
    assert_eq!(
        lines(&key(121)),
        ["T202 10:12: a tag's key has 121 characters"]
    );
    let value = |letters: usize| with_group(&[&format!("tags: {{k: {}}}", "v".repeat(letters))]);
    assert_eq!(lines(&value(255)), Vec::<String>::new());
    assert_eq!(wrong(&value(256)).len(), 1);
}

#[test]
fn user_data_fits_to_the_last_byte() {
    let script = |letters: usize| format!("#!/bin/sh # {}", "x".repeat(letters));
    let text = |letters: usize| {
        let line = format!("user_data: \"{}\"", script(letters));
        with_group(&[&line])
    };
    let size = |text: &str| {
        let boot = Boot {
            seconds: 43_200,
            distributed: false,
            user_data: Some(text),
        };
        boot.user_data().len()
    };
    let room = LARGEST_USER_DATA - size(&script(0));
    assert_eq!(size(&script(room)), LARGEST_USER_DATA);
    assert_eq!(lines(&text(room)), Vec::<String>::new());
    assert_eq!(
        lines(&text(room + 1)),
        [
            "T203 10:16: the user data has 16385 bytes together with the lease's timer; EC2 takes 16384"
        ]
    );
}
