use super::rig::Rig;

async fn published(rig: &Rig, order: &str) -> String {
    let answer = rig.control("POST", "images", order).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let (_, rest) = answer.body.split_once("ami-").expect("an id");
    format!("ami-{}", rest.trim_end_matches("\"}"))
}

fn named(pattern: &str) -> [(&str, &str); 2] {
    [("Filter.1.Name", "name"), ("Filter.1.Value.1", pattern)]
}

#[tokio::test]
async fn types_tell_of_disks_groups_and_markets() {
    let rig = Rig::new();
    let with_disks = [
        ("Filter.1.Name", "instance-storage-supported"),
        ("Filter.1.Value.1", "true"),
    ];
    let listed = rig.ok("DescribeInstanceTypes", &with_disks).await;
    for kind in listed.all("instanceType") {
        let family = kind.split('.').next().expect("a family");
        assert!(["g4dn", "p3dn", "p4d", "p5", "g5", "g6", "g6e"].contains(&family));
    }
    let of = |kind| [("InstanceType.1", kind)];
    let large = rig.ok("DescribeInstanceTypes", &of("p4d.24xlarge")).await;
    assert_eq!(large.one("totalSizeInGB"), "8000");
    assert!(large.one("supportedStrategies").contains("cluster"));
    assert!(large.one("supportedUsageClasses").contains("spot"));
    let small = rig.ok("DescribeInstanceTypes", &of("t3.micro")).await;
    assert_eq!(small.one("instanceStorageSupported"), "false");
    assert!(!small.one("supportedStrategies").contains("cluster"));
}

#[tokio::test]
async fn the_accelerators_are_those_of_aws() {
    let rig = Rig::new();
    for (kind, gpu) in [
        ("g6e.xlarge", Some(("L40S", "45776"))),
        ("p2.xlarge", Some(("K80", "12288"))),
        ("g3.4xlarge", Some(("M60", "8192"))),
        ("g5g.xlarge", Some(("T4g", "16384"))),
        ("inf2.xlarge", None),
        ("m5.2xlarge", None),
        ("m6g.large", None),
        ("c6g.large", None),
    ] {
        let told = rig
            .ok("DescribeInstanceTypes", &[("InstanceType.1", kind)])
            .await;
        let found = told.all("gpuInfo").first().map(|_| {
            let memory = told.one("totalGpuMemoryInMiB");
            (told.one("name"), memory)
        });
        assert_eq!(found, gpu, "{kind}");
    }
}

#[tokio::test]
async fn a_deprecated_image_of_somebody_else_is_hidden_unless_asked_for() {
    let rig = Rig::new();
    let order = r#"{"name":"old","created":"2020-01-01T00:00:00.000Z","deprecated":"2022-01-01T00:00:00.000Z"}"#;
    let id = published(&rig, order).await;
    let hidden = rig.ok("DescribeImages", &named("old")).await;
    assert!(hidden.all("imageId").is_empty());
    let mut wide = named("old").to_vec();
    wide.push(("IncludeDeprecated", "true"));
    let shown = rig.ok("DescribeImages", &wide).await;
    assert_eq!(shown.one("deprecationTime"), "2022-01-01T00:00:00.000Z");
    let by_id = rig.ok("DescribeImages", &[("ImageId.1", &id)]).await;
    assert_eq!(by_id.one("imageState"), "available");
    let mine = r#"{"name":"own","created":"2020-01-01T00:00:00.000Z","deprecated":"2022-01-01T00:00:00.000Z","owner":"self"}"#;
    published(&rig, mine).await;
    let shown = rig.ok("DescribeImages", &named("own")).await;
    assert_eq!(shown.one("imageOwnerId"), "123456789012");
}

#[tokio::test]
async fn the_newest_image_may_move() {
    let rig = Rig::new();
    let path = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";
    let alias = format!("resolve:ssm:{path}");
    let by_alias = [("ImageId", alias.as_str())];
    let before = rig.launch("1", &by_alias).await;
    let order =
        r#"{"name":"al2023-ami-2023.9-kernel-6.1-x86_64","created":"2026-01-01T00:00:00.000Z"}"#;
    let id = published(&rig, order).await;
    let move_to = format!(r#"{{"name":"{path}","value":"{id}"}}"#);
    let moved = rig.control("POST", "parameters", &move_to).await;
    assert_eq!(moved.status, 200);
    let after = rig.launch("1", &by_alias).await;
    assert_ne!(before.one("imageId"), after.one("imageId"));
    assert_eq!(after.one("imageId"), id);
}

#[tokio::test]
async fn an_image_that_is_gone_or_not_ready_is_not_launched() {
    let rig = Rig::new();
    let id = rig.image("al2023*x86_64").await;
    let order = format!(r#"{{"deregister":"{id}"}}"#);
    assert_eq!(rig.control("POST", "images", &order).await.status, 200);
    let refused = rig.launch("1", &[("ImageId", &id)]).await;
    assert_eq!(refused.one("Code"), "InvalidAMIID.Unavailable");
    let listed = rig.ok("DescribeImages", &[]).await;
    assert!(!listed.all("imageId").contains(&id.as_str()));

    let order = r#"{"name":"raw","created":"2026-01-01T00:00:00.000Z","state":"pending"}"#;
    let raw = published(&rig, order).await;
    let refused = rig.launch("1", &[("ImageId", &raw)]).await;
    assert_eq!(refused.one("Code"), "InvalidAMIID.Unavailable");
    let twice = rig.control("POST", "images", order).await;
    assert_eq!(twice.status, 400);
}

#[tokio::test]
async fn learning_images_come_for_every_system() {
    let rig = Rig::new();
    for (pattern, architecture) in [
        ("Deep Learning OSS*(Amazon Linux 2023) 20250803", "x86_64"),
        (
            "Deep Learning Proprietary*(Ubuntu 22.04) 20250319",
            "x86_64",
        ),
        ("Deep Learning ARM64 AMI OSS*(Ubuntu 22.04)*", "arm64"),
    ] {
        let found = rig.ok("DescribeImages", &named(pattern)).await;
        assert_eq!(found.all("imageId").len(), 1, "{pattern}");
        assert_eq!(found.one("architecture"), architecture);
    }
}
