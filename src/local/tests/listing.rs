use std::collections::BTreeSet;

use super::rig::Rig;

#[tokio::test]
async fn pages_count_instances_and_split_reservations() {
    let rig = Rig::new();
    rig.running("12", &[]).await;
    rig.running("5", &[]).await;
    let mut seen = BTreeSet::new();
    let mut sizes = Vec::new();
    let mut token = String::new();
    loop {
        let page = rig
            .ok(
                "DescribeInstances",
                &[("MaxResults", "7"), ("NextToken", &token)],
            )
            .await;
        sizes.push(page.all("instanceId").len());
        seen.extend(page.all("instanceId").into_iter().map(str::to_owned));
        match page.all("nextToken").first() {
            Some(next) => (*next).clone_into(&mut token),
            None => break,
        }
    }
    assert_eq!(sizes, [7, 7, 3]);
    assert_eq!(seen.len(), 17);
}

#[tokio::test]
async fn a_page_survives_what_happens_between() {
    let rig = Rig::new();
    let ids = rig.running("10", &[]).await;
    let first = rig.ok("DescribeInstances", &[("MaxResults", "5")]).await;
    let token = first.one("nextToken").to_owned();
    let last = first
        .all("instanceId")
        .last()
        .copied()
        .expect("five")
        .to_owned();
    rig.ok("TerminateInstances", &[("InstanceId.1", last.as_str())])
        .await;
    rig.pass(std::time::Duration::from_hours(2));
    let second = rig
        .ok(
            "DescribeInstances",
            &[("MaxResults", "5"), ("NextToken", &token)],
        )
        .await;
    assert_eq!(second.all("instanceId"), ids.get(5..).expect("ten"));
}

#[tokio::test]
async fn pages_that_make_no_sense_are_refused() {
    let rig = Rig::new();
    let ids = rig.running("6", &[]).await;
    let id = ids.first().expect("six").as_str();
    rig.refused(
        "DescribeInstances",
        &[("MaxResults", "4")],
        "InvalidParameterValue",
    )
    .await;
    let both = [("MaxResults", "5"), ("InstanceId.1", id)];
    rig.refused("DescribeInstances", &both, "InvalidParameterCombination")
        .await;
    let page = rig.ok("DescribeInstances", &[("MaxResults", "5")]).await;
    let token = page.one("nextToken").to_owned();
    for bad in ["x", "AAAA", &format!("{token}A"), "\u{1f480}"] {
        rig.refused(
            "DescribeInstances",
            &[("NextToken", bad)],
            "InvalidNextToken",
        )
        .await;
    }
    rig.refused(
        "DescribeVolumes",
        &[("NextToken", &token)],
        "InvalidNextToken",
    )
    .await;
}

#[tokio::test]
async fn filters_are_globs_of_case() {
    let rig = Rig::new();
    let tag = |value| {
        [
            ("TagSpecification.1.ResourceType", "instance"),
            ("TagSpecification.1.Tag.1.Key", "env"),
            ("TagSpecification.1.Tag.1.Value", value),
        ]
    };
    for value in ["alex-1", "alex-2", "a*", "Alex-3"] {
        rig.running("1", &tag(value)).await;
    }
    for (filter, pattern, count) in [
        ("tag:env", "alex-?", 2),
        ("tag:env", "a\\*", 1),
        ("tag:env", "*", 4),
        ("tag:env", "ALEX*", 0),
        ("tag:ENV", "*", 0),
        ("tag-key", "e*", 4),
        ("tag-key", "none", 0),
        ("instance-state-name", "running", 4),
        ("instance-type", "t3.*", 4),
        ("availability-zone", "eu-central-1?", 4),
        ("group-name", "default", 4),
        ("client-token", "none", 0),
    ] {
        let fields = [("Filter.1.Name", filter), ("Filter.1.Value.1", pattern)];
        let found = rig.ok("DescribeInstances", &fields).await;
        assert_eq!(found.all("instanceId").len(), count, "{filter}={pattern}");
    }
    let two = [
        ("Filter.1.Name", "tag:env"),
        ("Filter.1.Value.1", "alex-1"),
        ("Filter.1.Value.2", "alex-2"),
        ("Filter.2.Name", "instance-state-name"),
        ("Filter.2.Value.1", "stopped"),
    ];
    assert!(rig.ok("DescribeInstances", &two).await.states().is_empty());
}

#[tokio::test]
async fn a_filter_that_is_not_known_is_refused_everywhere() {
    let rig = Rig::new();
    for action in [
        "DescribeInstances",
        "DescribeVolumes",
        "DescribeTags",
        "DescribeImages",
        "DescribeInstanceTypes",
        "DescribeSubnets",
        "DescribeVpcs",
        "DescribeAvailabilityZones",
        "DescribeSecurityGroups",
        "DescribeKeyPairs",
        "DescribeNetworkInterfaces",
        "DescribeSpotInstanceRequests",
        "DescribeIamInstanceProfileAssociations",
    ] {
        let fields = [
            ("Filter.1.Name", "moon-phase"),
            ("Filter.1.Value.1", "full"),
        ];
        rig.refused(action, &fields, "InvalidParameterValue").await;
        let empty = [("Filter.1.Name", "tag:x")];
        rig.refused(action, &empty, "InvalidParameterValue").await;
    }
}

#[tokio::test]
async fn images_are_found_by_name_and_owner() {
    let rig = Rig::new();
    let named = |pattern| {
        [
            ("Filter.1.Name", "name"),
            ("Filter.1.Value.1", pattern),
            ("Owner.1", "amazon"),
        ]
    };
    let learning = rig
        .ok(
            "DescribeImages",
            &named("Deep Learning AMI (Amazon Linux)*"),
        )
        .await;
    assert_eq!(
        learning.all("imageId").len(),
        4,
        "the deprecated one is not shown"
    );
    let mine = rig.ok("DescribeImages", &[("Owner.1", "self")]).await;
    assert_eq!(mine.all("name"), ["team-trainer-2025-05"]);
    let deprecated = [
        ("IncludeDeprecated", "true"),
        ("Filter.1.Name", "name"),
        ("Filter.1.Value.1", "*20.0"),
    ];
    assert_eq!(
        rig.ok("DescribeImages", &deprecated)
            .await
            .all("imageId")
            .len(),
        1
    );
    rig.refused(
        "DescribeImages",
        &[("ImageId.1", "ami-0123456789abcdef0")],
        "InvalidAMIID.NotFound",
    )
    .await;
    let paged = rig.ok("DescribeImages", &[("MaxResults", "3")]).await;
    assert_eq!(
        (paged.all("imageId").len(), paged.all("nextToken").len()),
        (3, 1)
    );
}

#[tokio::test]
async fn types_say_what_they_have() {
    let rig = Rig::new();
    let one = rig
        .ok("DescribeInstanceTypes", &[("InstanceType.1", "p3.8xlarge")])
        .await;
    assert_eq!(one.one("defaultVCpus"), "32");
    assert_eq!((one.one("name"), one.one("count")), ("V100", "4"));
    rig.refused(
        "DescribeInstanceTypes",
        &[("InstanceType.1", "x9.huge")],
        "InvalidInstanceType",
    )
    .await;
    let zones = rig
        .ok(
            "DescribeInstanceTypeOfferings",
            &[
                ("LocationType", "availability-zone"),
                ("Filter.1.Name", "instance-type"),
                ("Filter.1.Value.1", "g5.xlarge"),
            ],
        )
        .await;
    assert_eq!(
        zones.all("location"),
        ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
    );
}

#[tokio::test]
async fn regions_know_nothing_of_each_other() {
    let mut rig = Rig::new();
    let ids = rig.running("1", &[]).await;
    rig.move_to("us-east-1");
    assert!(rig.ok("DescribeInstances", &[]).await.states().is_empty());
    let by_id = [("InstanceId.1", ids.first().expect("one").as_str())];
    rig.refused("TerminateInstances", &by_id, "InvalidInstanceID.NotFound")
        .await;
    let launched = rig.launch("1", &[]).await;
    assert!(
        launched
            .one("dnsName")
            .ends_with(".compute-1.amazonaws.com")
    );
}
