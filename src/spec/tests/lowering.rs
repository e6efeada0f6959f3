//! A spec made complete and absolute.

use std::sync::Arc;

use super::{GOOD, lowered, with, with_group};
use crate::resource::{
    Address, Compare, DataPlace, Deletion, DeletionLimit, Disk, DiskKind, Encryption, GroupName,
    ImageSelector, Instance, MachineSelector, Market, Metadata, ObjectOptions, Placement,
    StorageClass, Tokens,
};
use crate::spec::lower::parse_bucket_prefix;

const SHARED: &str = "\
version: 1
account: \"999999999999\"
region: us-east-1
credentials: {profile: shared}
store: s3://shared-bucket/x
tags: {level: project, project: sketch, Name: from-project}
";

fn trainer(text: &str, shared: &str) -> Arc<Instance> {
    let desired = lowered(text, shared);
    let address = Address::Instance {
        group: GroupName::new("trainer"),
        ordinal: 0,
    };
    Arc::clone(&desired.instances[&address])
}

#[test]
fn what_is_not_said_has_its_documented_value() {
    let desired = lowered(GOOD, "version: 1");
    assert_eq!(desired.target.sign_in.profile, None);
    assert_eq!((desired.store, desired.instances.len()), (None, 1));
    let instance = trainer(GOOD, "version: 1");
    assert_eq!(instance.placement, Placement::Any);
    assert_eq!(
        instance.metadata,
        Metadata {
            tokens: Tokens::Required,
            hop_limit: 2,
            enabled: true
        }
    );
    assert!(!instance.protect && instance.disk.is_none() && instance.volumes.is_empty());
    assert_eq!(
        instance.tags,
        [("Name".into(), "demo-trainer".into())].into()
    );
}

#[test]
fn the_nearest_value_wins() {
    let own = lowered(GOOD, SHARED);
    assert_eq!(own.target.account.as_str(), "123456789012");
    assert_eq!(own.target.region.as_str(), "eu-central-1");
    assert_eq!(own.target.sign_in.profile.as_deref(), Some("shared"));
    assert_eq!(own.store.as_deref(), Some("s3://shared-bucket/x"));
    let text = GOOD.replace("account: \"123456789012\"\nregion: eu-central-1\n", "");
    let shared = lowered(&text, SHARED);
    assert_eq!(shared.target.account.as_str(), "999999999999");
    assert_eq!(shared.target.region.as_str(), "us-east-1");
    let text = format!("{GOOD}credentials: {{profile: own}}\nstore: s3://own-bucket\n");
    let own = lowered(&text, SHARED);
    assert_eq!(own.target.sign_in.profile.as_deref(), Some("own"));
    assert_eq!(own.store.as_deref(), Some("s3://own-bucket"));
}

#[test]
fn tags_of_the_group_go_before_the_environments_and_those_before_the_projects() {
    let text = format!(
        "{}tags: {{level: environment, owner: alex}}\n",
        with_group(&["tags: {level: group, Name: own}"])
    );
    let tags = &trainer(&text, SHARED).tags;
    let expected = [
        ("Name", "own"),
        ("level", "group"),
        ("owner", "alex"),
        ("project", "sketch"),
    ];
    let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(*tags, expected.into());
    assert_eq!(trainer(GOOD, SHARED).tags["level"], "project");
    assert_eq!(trainer(GOOD, SHARED).tags["Name"], "from-project");
}

#[test]
fn every_instance_of_a_group_is_the_same_value() {
    let desired = lowered(&with_group(&["count: 3"]), "version: 1");
    let names: Vec<String> = desired.instances.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["trainer[0]", "trainer[1]", "trainer[2]"]);
    let instances: Vec<&Arc<Instance>> = desired.instances.values().collect();
    assert!(instances.iter().all(|one| Arc::ptr_eq(one, instances[0])));
}

#[test]
fn every_key_of_a_group_arrives() {
    let text = with_group(&[
        "subnet: subnet-0123456789abcdef0",
        "iam_profile: trainer",
        "security_groups: [web, ssh]",
        "key: alex",
        "disk: {size: 1 TiB, type: io2, iops: 4000, encrypted: true}",
        "volumes: {/dev/sdf: {size: 9 GiB, throughput: 250 MiB/s, keep: true}}",
        "placement: cluster",
        "public_address: false",
        "metadata: {tokens: optional, hop_limit: 1, enabled: false}",
        "user_data: \"#!/bin/sh\"",
        "protect: true",
    ])
    .replace(
        "{id: ami-0123456789abcdef0}",
        "{name: deep*, owner: amazon}",
    );
    let disk = Disk {
        size: Some("1024 GiB".parse().unwrap()),
        kind: DiskKind::Io2,
        iops: Some(4_000),
        throughput: None,
        encrypted: Some(true),
        keep: false,
    };
    let volume = Disk {
        size: Some("9 GiB".parse().unwrap()),
        kind: DiskKind::Gp3,
        iops: None,
        throughput: Some("250 MiB/s".parse().unwrap()),
        encrypted: None,
        keep: true,
    };
    let expected = Instance {
        group: GroupName::new("trainer"),
        image: ImageSelector::Name {
            pattern: "deep*".to_owned(),
            owner: "amazon".to_owned(),
        },
        machine: MachineSelector::Types(vec!["g5.xlarge".to_owned()]),
        market: Market::OnDemand,
        max_price: None,
        wait: None,
        placement: Placement::Subnet("subnet-0123456789abcdef0".to_owned()),
        cluster: true,
        distributed: false,
        public_address: Some(false),
        iam_profile: Some("trainer".to_owned()),
        security_groups: ["ssh".to_owned(), "web".to_owned()].into(),
        key: Some("alex".to_owned()),
        ssh: None,
        disk: Some(disk),
        volumes: [("/dev/sdf".to_owned(), volume)].into(),
        metadata: Metadata {
            tokens: Tokens::Optional,
            hop_limit: 1,
            enabled: false,
        },
        user_data: Some("#!/bin/sh".to_owned()),
        protect: true,
        tags: [("Name".to_owned(), "demo-trainer".to_owned())].into(),
        lease: "12h".parse().unwrap(),
    };
    assert_eq!(*trainer(&text, "version: 1"), expected);
    let zone = with_group(&["zone: eu-central-1b"]);
    assert_eq!(
        trainer(&zone, "version: 1").placement,
        Placement::Zone("eu-central-1b".to_owned())
    );
    let ssm = with("{id: ami-0123456789abcdef0}", "{ssm: /a/b}");
    assert_eq!(
        trainer(&ssm, "version: 1").image,
        ImageSelector::Ssm("/a/b".to_owned())
    );
}

#[test]
fn folders_begin_where_the_spec_is() {
    let table = [
        ("x", "/repo/environments/x"),
        ("./x/./y", "/repo/environments/x/y"),
        ("../data", "/repo/environments/../data"),
        ("/abs/x/", "/abs/x"),
    ];
    for (from, expected) in table {
        let text =
            format!("{GOOD}data:\n  a: {{from: {from}, to: \"s3://bucket/p\", delete: extra}}\n");
        let desired = lowered(&text, "version: 1");
        let set = &desired.data[&Address::Data("a".to_owned())];
        assert_eq!(set.from.to_string(), expected);
        assert_eq!(set.delete, Deletion::Extra);
        let to = DataPlace::Prefix {
            bucket: "bucket".to_owned(),
            prefix: "p/".to_owned(),
        };
        assert_eq!(set.to, to);
    }
}

#[test]
fn a_data_set_says_its_limit_and_how_its_objects_are_stored() {
    let set = |more: &str| {
        let data = format!("{GOOD}data:\n  a: {{from: x, to: \"s3://bucket/p\"{more}}}\n");
        let desired = lowered(&data, "version: 1");
        desired.data[&Address::Data("a".to_owned())].clone()
    };
    assert_eq!(set("").max_delete, DeletionLimit::Percent(50));
    assert_eq!(set("").options, ObjectOptions::default());
    assert_eq!(set(", max_delete: 7").max_delete, DeletionLimit::Count(7));
    assert_eq!(
        set(", max_delete: 7%").max_delete,
        DeletionLimit::Percent(7)
    );
    let more = ", storage_class: DEEP_ARCHIVE, kms_key: alias/mine, request_payer: true";
    let expected = ObjectOptions {
        storage_class: Some(StorageClass::DeepArchive),
        encryption: Some(Encryption::Kms(Some("alias/mine".parse().unwrap()))),
        request_payer: true,
    };
    assert_eq!(set(more).options, expected);
}

#[test]
fn data_is_compared_as_the_spec_says() {
    for (line, expected) in [
        ("", Compare::Content),
        (", compare: content", Compare::Content),
        (", compare: size-mtime", Compare::SizeMtime),
        (", compare: size", Compare::Size),
    ] {
        let text = format!("{GOOD}data:\n  a: {{from: x, to: \"s3://bucket/p\"{line}}}\n");
        let desired = lowered(&text, "version: 1");
        let set = &desired.data[&Address::Data("a".to_owned())];
        assert_eq!(set.compare, expected, "{line}");
    }
}

#[test]
fn a_prefix_never_matches_a_sibling() {
    let table = [
        ("s3://bucket", Some(("bucket", ""))),
        ("s3://bucket/", Some(("bucket", ""))),
        ("s3://bucket/a", Some(("bucket", "a/"))),
        ("s3://bucket/a/", Some(("bucket", "a/"))),
        ("s3://bucket/a/b c", Some(("bucket", "a/b c/"))),
        ("s3://my.bucket-1/a", Some(("my.bucket-1", "a/"))),
        ("s3://bucket//a", None),
        ("s3://bucket/a//b", None),
        ("s3://bucket/a//", None),
        ("s3:///a", None),
        ("s3://", None),
        ("s3://ab/a", None),
        ("s3://Bucket/a", None),
        ("s3://-bucket/a", None),
        ("s3://bucket-/a", None),
        ("s3://bu_cket/a", None),
        ("S3://bucket/a", None),
        ("bucket/a", None),
    ];
    for (text, expected) in table {
        let expected = expected.map(|(bucket, prefix)| (bucket.to_owned(), prefix.to_owned()));
        assert_eq!(parse_bucket_prefix(text), expected, "{text}");
    }
    let longest = format!("s3://{}/a", "b".repeat(63));
    assert!(parse_bucket_prefix(&longest).is_some());
    let longer = format!("s3://{}/a", "b".repeat(64));
    assert!(parse_bucket_prefix(&longer).is_none());
}
