use std::time::Duration;

use super::rig::{Answer, Rig, prompt};

fn state_of(answer: &Answer, which: &str) -> Vec<String> {
    let found = answer.all(which);
    let name = |text: &&str| {
        text.split("<name>")
            .nth(1)
            .and_then(|rest| rest.split('<').next().map(str::to_owned))
    };
    found.iter().filter_map(name).collect()
}

#[tokio::test]
async fn a_life_takes_its_time() {
    let rig = Rig::with(prompt());
    let launched = rig.launch("1", &[]).await;
    let id = launched.one("instanceId").to_owned();
    let ids = [id.clone()];
    let by_id = [("InstanceId.1", id.as_str())];
    assert_eq!(rig.states(&ids).await, ["pending"]);
    rig.pass(Duration::from_millis(599));
    assert_eq!(rig.states(&ids).await, ["pending"]);
    rig.pass(Duration::from_millis(1));
    assert_eq!(rig.states(&ids).await, ["running"]);

    let before = rig.ok("DescribeInstances", &by_id).await;
    rig.settle();
    let stopping = rig.ok("StopInstances", &by_id).await;
    assert_eq!(state_of(&stopping, "currentState"), ["stopping"]);
    assert_eq!(state_of(&stopping, "previousState"), ["running"]);
    rig.refused("StartInstances", &by_id, "IncorrectInstanceState")
        .await;
    rig.settle();
    assert_eq!(rig.states(&ids).await, ["stopped"]);
    let again = rig.ok("StopInstances", &by_id).await;
    assert_eq!(state_of(&again, "currentState"), ["stopped"]);
    assert!(
        rig.ok("DescribeInstances", &by_id)
            .await
            .all("ipAddress")
            .is_empty()
    );

    rig.ok("StartInstances", &by_id).await;
    assert_eq!(rig.states(&ids).await, ["pending"]);
    rig.settle();
    let after = rig.ok("DescribeInstances", &by_id).await;
    for changed in ["launchTime", "ipAddress", "dnsName"] {
        assert_ne!(before.one(changed), after.one(changed), "{changed}");
    }
    assert_eq!(
        before.one("privateIpAddress"),
        after.one("privateIpAddress")
    );
    let started = rig.ok("StartInstances", &by_id).await;
    assert_eq!(state_of(&started, "currentState"), ["running"]);

    rig.ok("TerminateInstances", &by_id).await;
    assert_eq!(rig.states(&ids).await, ["shutting-down"]);
    rig.settle();
    let over = rig.ok("DescribeInstances", &by_id).await;
    assert_eq!(over.states(), ["terminated"]);
    assert!(over.one("reason").starts_with("User initiated (2026-03-01"));
    assert!(over.all("networkInterfaceId").is_empty());
    rig.refused("StartInstances", &by_id, "IncorrectInstanceState")
        .await;
    let twice = rig.ok("TerminateInstances", &by_id).await;
    assert_eq!(state_of(&twice, "currentState"), ["terminated"]);
    rig.pass(Duration::from_hours(1));
    rig.refused("DescribeInstances", &by_id, "InvalidInstanceID.NotFound")
        .await;
}

#[tokio::test]
async fn a_launch_is_invisible_at_first() {
    let rig = Rig::new();
    let launched = rig.launch("1", &[]).await;
    let by_id = [("InstanceId.1", launched.one("instanceId"))];
    let unknown = "InvalidInstanceID.NotFound";
    rig.refused("DescribeInstances", &by_id, unknown).await;
    rig.refused("TerminateInstances", &by_id, unknown).await;
    assert!(rig.ok("DescribeInstances", &[]).await.states().is_empty());
    rig.pass(Duration::from_millis(200));
    assert_eq!(
        rig.ok("DescribeInstances", &by_id).await.states(),
        ["pending"]
    );
}

#[tokio::test]
async fn one_unknown_id_spares_all() {
    let rig = Rig::new();
    let ids = rig.running("1", &[]).await;
    let id = ids.first().expect("an instance");
    let nobody = "i-0123456789abcdef0";
    let fields = [("InstanceId.1", id.as_str()), ("InstanceId.2", nobody)];
    rig.refused("TerminateInstances", &fields, "InvalidInstanceID.NotFound")
        .await;
    let fields = [("InstanceId.1", id.as_str()), ("InstanceId.2", "*")];
    rig.refused("TerminateInstances", &fields, "InvalidInstanceID.Malformed")
        .await;
    rig.refused("TerminateInstances", &[], "MissingParameter")
        .await;
    assert_eq!(rig.states(&ids).await, ["running"]);
}

#[tokio::test]
async fn a_protected_instance_spares_its_zone() {
    for protection in ["DisableApiTermination", "DisableApiStop"] {
        let rig = Rig::new();
        let in_zone = |zone| [("Placement.AvailabilityZone", zone)];
        let mut ids = rig.running("1", &in_zone("eu-central-1a")).await;
        let protected = [
            ("Placement.AvailabilityZone", "eu-central-1a"),
            (protection, "true"),
        ];
        ids.extend(rig.running("1", &protected).await);
        ids.extend(rig.running("1", &in_zone("eu-central-1b")).await);
        let names = ["InstanceId.1", "InstanceId.2", "InstanceId.3"];
        let fields: Vec<(&str, &str)> = names
            .into_iter()
            .zip(ids.iter().map(String::as_str))
            .collect();
        rig.refused("TerminateInstances", &fields, "OperationNotPermitted")
            .await;
        rig.settle();
        let mut states = Vec::new();
        for id in &ids {
            states.extend(rig.states(std::slice::from_ref(id)).await);
        }
        assert_eq!(states, ["running", "running", "terminated"], "{protection}");

        let second = ids.get(1).expect("three").as_str();
        let off = format!("{protection}.Value");
        rig.ok(
            "ModifyInstanceAttribute",
            &[("InstanceId", second), (&off, "false")],
        )
        .await;
        rig.ok("TerminateInstances", &fields).await;
    }
}

#[tokio::test]
async fn what_needs_a_stopped_instance_says_so() {
    let rig = Rig::new();
    let ids = rig.running("1", &[]).await;
    let id = ids.first().expect("an instance").as_str();
    let wanted = [("InstanceId", id), ("InstanceType.Value", "t3.small")];
    rig.refused("ModifyInstanceAttribute", &wanted, "IncorrectInstanceState")
        .await;
    let data = [("InstanceId", id), ("UserData.Value", "aGk=")];
    rig.refused("ModifyInstanceAttribute", &data, "IncorrectInstanceState")
        .await;
    rig.ok("StopInstances", &[("InstanceId.1", id)]).await;
    rig.settle();
    rig.ok("ModifyInstanceAttribute", &wanted).await;
    rig.ok("ModifyInstanceAttribute", &data).await;
    let by_value = [
        ("InstanceId", id),
        ("Attribute", "instanceInitiatedShutdownBehavior"),
        ("Value", "terminate"),
    ];
    rig.ok("ModifyInstanceAttribute", &by_value).await;
    for (attribute, value) in [
        ("instanceType", "t3.small"),
        ("userData", "aGk="),
        ("instanceInitiatedShutdownBehavior", "terminate"),
        ("disableApiStop", "false"),
    ] {
        let fields = [("InstanceId", id), ("Attribute", attribute)];
        assert_eq!(
            rig.ok("DescribeInstanceAttribute", &fields)
                .await
                .one("value"),
            value
        );
    }
    let two = [
        ("InstanceId", id),
        ("UserData.Value", "aGk="),
        ("DisableApiStop.Value", "true"),
    ];
    rig.refused(
        "ModifyInstanceAttribute",
        &two,
        "InvalidParameterCombination",
    )
    .await;
}

#[tokio::test]
async fn metadata_options_that_are_not_named_stay() {
    let rig = Rig::new();
    let options = [
        ("MetadataOptions.HttpTokens", "required"),
        ("MetadataOptions.HttpPutResponseHopLimit", "2"),
    ];
    let ids = rig.running("1", &options).await;
    let id = ids.first().expect("an instance").as_str();
    rig.ok(
        "ModifyInstanceMetadataOptions",
        &[("InstanceId", id), ("InstanceMetadataTags", "enabled")],
    )
    .await;
    let seen = rig.ok("DescribeInstances", &[]).await;
    assert_eq!(seen.one("httpTokens"), "required");
    assert_eq!(seen.one("httpPutResponseHopLimit"), "2");
    assert_eq!(seen.one("instanceMetadataTags"), "enabled");
}

#[tokio::test]
async fn a_spot_instance_does_not_stop_and_keeps_its_request() {
    let rig = Rig::new();
    let spot = [("InstanceMarketOptions.MarketType", "spot")];
    let ids = rig.running("1", &spot).await;
    let id = ids.first().expect("an instance").as_str();
    let listed = rig.ok("DescribeSpotInstanceRequests", &[]).await;
    assert_eq!(listed.all("state"), ["active"]);
    rig.refused(
        "StopInstances",
        &[("InstanceId.1", id)],
        "UnsupportedOperation",
    )
    .await;
    let request = [(
        "SpotInstanceRequestId.1",
        listed.one("spotInstanceRequestId"),
    )];
    rig.ok("CancelSpotInstanceRequests", &request).await;
    assert_eq!(rig.states(&ids).await, ["running"]);
    assert_eq!(
        rig.ok("DescribeInstances", &[])
            .await
            .one("instanceLifecycle"),
        "spot"
    );
}
