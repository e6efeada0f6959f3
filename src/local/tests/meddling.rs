use super::rig::{Rig, prompt};

const ZONE: &str = "Placement.AvailabilityZone";

async fn order(rig: &Rig, path: &str, body: &str) {
    let (method, path) = path.split_once(' ').expect("a method");
    let answer = rig.control(method, path, body).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
}

#[tokio::test]
async fn while_a_zone_is_impaired_instances_are_told_by_id_only() {
    let mut rig = Rig::with(prompt());
    let here = rig.running("1", &[(ZONE, "eu-central-1a")]).await;
    let there = rig.running("1", &[(ZONE, "eu-central-1b")]).await;
    order(&rig, "POST outages", r#"[{"zone":"eu-central-1a"}]"#).await;
    let filter = [
        ("Filter.1.Name", "availability-zone"),
        ("Filter.1.Value.1", "eu-central-1b"),
    ];
    for action in [
        "DescribeInstances",
        "DescribeInstanceStatus",
        "DescribeVolumes",
    ] {
        for fields in [&[][..], &filter[..]] {
            let refused = rig.refused(action, fields, "Unavailable").await;
            assert_eq!(refused.status, 503, "{action}");
        }
    }
    assert_eq!(rig.states(&here).await, ["running"]);
    assert_eq!(rig.states(&there).await, ["running"]);
    let volume = rig.cloud.true_volumes().pop().expect("two").id;
    rig.ok("DescribeVolumes", &[("VolumeId.1", volume.as_str())])
        .await;

    let id = [("InstanceId.1", here.first().expect("one").as_str())];
    rig.ok("StopInstances", &id).await;
    rig.settle();
    rig.ok("StartInstances", &id).await;
    rig.settle();
    rig.ok("TerminateInstances", &id).await;
    rig.settle();
    assert_eq!(rig.states(&here).await, ["terminated"]);

    rig.move_to("us-east-1");
    rig.ok("DescribeInstances", &[]).await;
    rig.move_to("eu-central-1");
    order(&rig, "DELETE outages", "").await;
    assert_eq!(rig.ok("DescribeInstances", &[]).await.states().len(), 2);
}

#[tokio::test]
async fn nothing_is_launched_into_an_impaired_zone() {
    let rig = Rig::with(prompt());
    order(&rig, "POST outages", r#"[{"zone":"eu-central-1a"}]"#).await;
    let token = ("ClientToken", "t");
    let full = rig.launch("1", &[(ZONE, "eu-central-1a"), token]).await;
    assert_eq!(
        (full.status, full.one("Code")),
        (500, "InsufficientInstanceCapacity")
    );
    let message = full.one("Message");
    assert!(
        message.contains("choosing eu-central-1b, eu-central-1c."),
        "{message}"
    );
    for _ in 0..6 {
        let elsewhere = rig.launch("1", &[]).await;
        assert_ne!(elsewhere.one("availabilityZone"), "eu-central-1a");
    }
}

#[tokio::test]
async fn somebody_protects_an_instance() {
    let rig = Rig::with(prompt());
    let ids = rig.running("1", &[]).await;
    let id = ids.first().expect("one");
    let protect = |rest: &str| format!(r#"{{"instance":"{id}",{rest}}}"#);
    let call = [("InstanceId.1", id.as_str())];
    order(&rig, "POST protections", &protect(r#""termination":true"#)).await;
    rig.refused("TerminateInstances", &call, "OperationNotPermitted")
        .await;
    order(
        &rig,
        "POST protections",
        &protect(r#""termination":false,"stop":true"#),
    )
    .await;
    rig.refused("StopInstances", &call, "OperationNotPermitted")
        .await;
    order(&rig, "POST protections", &protect(r#""stop":false"#)).await;
    rig.ok("TerminateInstances", &call).await;
}

#[tokio::test]
async fn somebody_ends_an_instance_or_aws_takes_it_back() {
    let rig = Rig::with(prompt());
    for (fields, code) in [
        (
            &[("DisableApiTermination", "true")][..],
            "Client.UserInitiatedShutdown",
        ),
        (
            &[("InstanceMarketOptions.MarketType", "spot")][..],
            "Server.SpotInstanceTermination",
        ),
    ] {
        let ids = rig.running("1", fields).await;
        let id = ids.first().expect("one");
        let body = format!(r#"{{"instance":"{id}"}}"#);
        assert_eq!(
            rig.control("POST", "ends", &body).await.body,
            r#"{"ended":true}"#
        );
        let ending = rig.ok("DescribeInstances", &[("InstanceId.1", id)]).await;
        assert_eq!(ending.states(), ["shutting-down"]);
        let reason = ending.one("stateReason");
        assert!(reason.contains(&format!("<code>{code}</code>")), "{reason}");
        rig.settle();
        assert_eq!(
            rig.control("POST", "ends", &body).await.body,
            r#"{"ended":false}"#
        );
        assert_eq!(rig.states(&ids).await, ["terminated"]);
    }
}

#[tokio::test]
async fn a_launch_fails_on_its_way_and_burns_its_token() {
    let rig = Rig::with(prompt());
    let fail = r#"{"code":"Client.VolumeLimitExceeded"}"#;
    order(&rig, "POST fails", fail).await;
    let token = [("ClientToken", "t")];
    let launched = rig.launch("2", &token).await;
    assert_eq!(launched.states(), ["pending", "pending"]);
    rig.settle();
    let mut states = rig.ok("DescribeInstances", &[]).await.states();
    states.sort();
    assert_eq!(states, ["running", "terminated"]);
    let failed = [
        ("Filter.1.Name", "instance-state-name"),
        ("Filter.1.Value.1", "terminated"),
    ];
    let failed = rig.ok("DescribeInstances", &failed).await;
    let reason = failed.one("stateReason");
    assert!(
        reason.contains("<message>Client.VolumeLimitExceeded: Volume limit exceeded</message>"),
        "{reason}"
    );
    assert_eq!(rig.ok("DescribeVolumes", &[]).await.all("size").len(), 1);

    order(
        &rig,
        "POST fails",
        r#"{"code":"Server.InternalError","left":5}"#,
    )
    .await;
    let token = [("ClientToken", "u")];
    assert_eq!(rig.launch("1", &token).await.status, 200);
    rig.settle();
    let again = rig.launch("1", &token).await;
    assert_eq!(again.one("Code"), "IdempotentInstanceTerminated");
    order(&rig, "DELETE fails", "").await;
    let ids = rig.running("1", &[]).await;
    assert_eq!(rig.states(&ids).await, ["running"]);
}

#[tokio::test]
async fn somebody_edits_tags() {
    let rig = Rig::with(prompt());
    let tagged = [
        ("TagSpecification.1.ResourceType", "instance"),
        ("TagSpecification.1.Tag.1.Key", "env"),
        ("TagSpecification.1.Tag.1.Value", "alex"),
    ];
    let ids = rig.running("1", &tagged).await;
    let id = ids.first().expect("one");
    let body = format!(
        r#"{{"resource":"{id}","set":{{"aws:autoscaling:groupName":"g"}},"remove":["env"]}}"#
    );
    order(&rig, "POST retag", &body).await;
    let shown = rig.ok("DescribeInstances", &[]).await;
    assert_eq!(shown.all("key"), ["aws:autoscaling:groupName"]);
    let volume = rig.cloud.true_volumes().pop().expect("one").id;
    let body = format!(r#"{{"resource":"{volume}","set":{{"a":"b"}}}}"#);
    order(&rig, "POST retag", &body).await;
    assert_eq!(rig.ok("DescribeVolumes", &[]).await.all("key"), ["a"]);
}

#[tokio::test]
async fn what_is_not_there_cannot_be_meddled_with() {
    let rig = Rig::with(prompt());
    for (path, body) in [
        ("protections", r#"{"instance":"i-1"}"#),
        ("ends", r#"{"instance":"i-1"}"#),
        ("retag", r#"{"resource":"i-1","set":{"a":"b"}}"#),
        ("outages", r#"{"zone":"eu-central-1a"}"#),
        ("fails", r#"{"left":1}"#),
    ] {
        assert_eq!(rig.control("POST", path, body).await.status, 400, "{path}");
    }
}
