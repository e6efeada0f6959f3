use super::rig::Rig;

const ZONE: &str = "Placement.AvailabilityZone";

async fn refuse(rig: &Rig, refusals: &str) {
    let answer = rig.control("POST", "capacity", refusals).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn a_launch_into_a_full_zone_is_refused_as_aws_does() {
    let rig = Rig::new();
    refuse(&rig, r#"[{"type":"t3.micro","zone":"eu-central-1a"}]"#).await;
    let full = rig.launch("1", &[(ZONE, "eu-central-1a")]).await;
    assert_eq!(
        (full.status, full.one("Code")),
        (500, "InsufficientInstanceCapacity")
    );
    assert!(
        full.one("Message")
            .contains("choosing eu-central-1b, eu-central-1c")
    );
    assert_eq!(
        rig.launch("1", &[(ZONE, "eu-central-1b")]).await.status,
        200
    );
    let other = [(ZONE, "eu-central-1a"), ("InstanceType", "t3.small")];
    assert_eq!(rig.launch("1", &other).await.status, 200);
    rig.control("DELETE", "capacity", "").await;
    assert_eq!(
        rig.launch("1", &[(ZONE, "eu-central-1a")]).await.status,
        200
    );
}

#[tokio::test]
async fn every_other_refusal_is_the_callers() {
    for code in [
        "VcpuLimitExceeded",
        "InstanceLimitExceeded",
        "MaxSpotInstanceCountExceeded",
        "Unsupported",
        "SpotMaxPriceTooLow",
    ] {
        let rig = Rig::new();
        refuse(&rig, &format!(r#"[{{"code":"{code}"}}]"#)).await;
        let refused = rig.launch("1", &[]).await;
        assert_eq!((refused.status, refused.one("Code")), (400, code));
    }
}

#[tokio::test]
async fn an_unpinned_launch_goes_where_there_is_room() {
    let rig = Rig::new();
    refuse(
        &rig,
        r#"[{"zone":"eu-central-1a"},{"zone":"eu-central-1b"}]"#,
    )
    .await;
    for _ in 0..6 {
        let launched = rig.launch("1", &[]).await;
        assert_eq!(launched.one("availabilityZone"), "eu-central-1c");
    }
    refuse(&rig, r#"[{"zone":"eu-central-1c"}]"#).await;
    let refused = rig.launch("1", &[]).await;
    assert_eq!(refused.one("Code"), "InsufficientInstanceCapacity");
}

#[tokio::test]
async fn a_refusal_may_be_for_unpinned_launches_alone() {
    let rig = Rig::new();
    refuse(&rig, r#"[{"unpinned":true}]"#).await;
    assert_eq!(rig.launch("1", &[]).await.status, 500);
    for zone in ["eu-central-1a", "eu-central-1b", "eu-central-1c"] {
        assert_eq!(rig.launch("1", &[(ZONE, zone)]).await.status, 200);
    }
}

#[tokio::test]
async fn a_market_has_a_capacity_of_its_own() {
    let rig = Rig::new();
    let spot = [("InstanceMarketOptions.MarketType", "spot")];
    refuse(&rig, r#"[{"market":"spot"}]"#).await;
    assert_eq!(rig.launch("1", &spot).await.status, 500);
    assert_eq!(rig.launch("1", &[]).await.status, 200);
    rig.control("DELETE", "capacity", "").await;
    refuse(&rig, r#"[{"market":"on-demand"}]"#).await;
    assert_eq!(rig.launch("1", &spot).await.status, 200);
    assert_eq!(rig.launch("1", &[]).await.status, 500);
}

#[tokio::test]
async fn what_is_left_is_launched_and_no_more() {
    let rig = Rig::new();
    refuse(&rig, r#"[{"zone":"eu-central-1a","left":3}]"#).await;
    let here = (ZONE, "eu-central-1a");
    assert_eq!(rig.launch("4", &[here]).await.status, 500);
    let some = rig.launch("1", &[here, ("MaxCount", "2")]).await;
    assert_eq!(some.all("instanceId").len(), 2);
    let rest = rig.launch("1", &[here, ("MaxCount", "5")]).await;
    assert_eq!(rest.all("instanceId").len(), 1);
    assert_eq!(rig.launch("1", &[here]).await.status, 500);
}

#[tokio::test]
async fn a_token_stays_bound_to_the_launch_that_found_no_capacity() {
    let rig = Rig::new();
    refuse(&rig, "[{}]").await;
    let token = ("ClientToken", "one");
    assert_eq!(rig.launch("1", &[token]).await.status, 500);
    rig.control("DELETE", "capacity", "").await;
    let other = rig
        .launch("1", &[token, ("InstanceType", "t3.small")])
        .await;
    assert_eq!(other.one("Code"), "IdempotentParameterMismatch");
    let same = rig.launch("1", &[token]).await;
    assert_eq!(same.status, 200);
    let again = rig.launch("1", &[token]).await;
    assert_eq!(again.one("instanceId"), same.one("instanceId"));
}

#[tokio::test]
async fn a_stopped_instance_needs_capacity_to_start() {
    let rig = Rig::new();
    let ids = rig.running("1", &[]).await;
    let id = [("InstanceId.1", ids.first().expect("one").as_str())];
    rig.ok("StopInstances", &id).await;
    rig.settle();
    refuse(&rig, r#"[{"type":"t3.micro"}]"#).await;
    rig.refused("StartInstances", &id, "InsufficientInstanceCapacity")
        .await;
    rig.control("DELETE", "capacity", "").await;
    rig.ok("StartInstances", &id).await;
}

#[tokio::test]
async fn a_refusal_that_makes_no_sense_is_refused() {
    let rig = Rig::new();
    for bad in ["", "{}", r#"[{"market":"flea"}]"#, r#"[{"typo":"x"}]"#] {
        let answer = rig.control("POST", "capacity", bad).await;
        assert_eq!(answer.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn a_type_is_launched_only_where_it_is_offered() {
    let mut rig = Rig::new();
    rig.move_to("us-east-1");
    let offered = |kind| {
        [
            ("LocationType", "availability-zone"),
            ("Filter.1.Name", "instance-type"),
            ("Filter.1.Value.1", kind),
        ]
    };
    for (kind, zones) in [
        ("p3.2xlarge", vec!["us-east-1a", "us-east-1b"]),
        ("p5.48xlarge", vec!["us-east-1a"]),
    ] {
        let answer = rig
            .ok("DescribeInstanceTypeOfferings", &offered(kind))
            .await;
        assert_eq!(answer.all("location"), zones, "{kind}");
    }
    let here = [
        ("Filter.1.Name", "location"),
        ("Filter.1.Value.1", "us-east-1"),
        ("Filter.2.Name", "instance-type"),
        ("Filter.2.Value.1", "p4d.24xlarge"),
    ];
    let answer = rig.ok("DescribeInstanceTypeOfferings", &here).await;
    assert_eq!(answer.all("location"), ["us-east-1"]);

    let kind = ("InstanceType", "p3.2xlarge");
    let refused = rig.launch("1", &[kind, (ZONE, "us-east-1c")]).await;
    assert_eq!(refused.one("Code"), "Unsupported");
    assert_eq!(
        refused.one("Message"),
        "Your requested instance type (p3.2xlarge) is not supported in your requested Availability \
         Zone (us-east-1c). Please retry your request by not specifying an Availability Zone or \
         choosing us-east-1a, us-east-1b."
    );
    for _ in 0..6 {
        let launched = rig.launch("1", &[kind]).await;
        assert_ne!(launched.one("availabilityZone"), "us-east-1c");
    }
}

#[tokio::test]
async fn a_lack_of_capacity_says_more_than_a_zone_without_the_type() {
    let rig = Rig::new();
    refuse(&rig, r#"[{"type":"p5.48xlarge"}]"#).await;
    for token in ["a", "b", "c", "d", "e", "f"] {
        let fields = [("InstanceType", "p5.48xlarge"), ("ClientToken", token)];
        let refused = rig.launch("1", &fields).await;
        assert_eq!(refused.one("Code"), "InsufficientInstanceCapacity");
    }
}

#[tokio::test]
async fn capacity_advice_names_only_zones_with_room() {
    let rig = Rig::new();
    refuse(
        &rig,
        r#"[{"zone":"eu-central-1a"},{"zone":"eu-central-1b"}]"#,
    )
    .await;
    let refused = rig.launch("1", &[(ZONE, "eu-central-1a")]).await;
    assert!(refused.one("Message").ends_with("choosing eu-central-1c."));
}
