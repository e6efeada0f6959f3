use std::time::Duration;

use super::rig::Rig;

#[tokio::test]
async fn the_same_token_launches_once() {
    let rig = Rig::new();
    let first = rig.launch("2", &[("ClientToken", "one")]).await;
    // Still invisible, and yet the token finds it.
    let again = rig.launch("2", &[("ClientToken", "one")]).await;
    assert_eq!(first.all("instanceId"), again.all("instanceId"));
    assert_eq!(first.one("reservationId"), again.one("reservationId"));
    // In no order that anybody could rely on.
    assert_eq!(first.all("amiLaunchIndex"), ["1", "0"]);
    rig.settle();
    let later = rig.launch("2", &[("ClientToken", "one")]).await;
    assert_eq!(later.states(), ["running", "running"]);
    assert_eq!(later.all("clientToken"), ["one", "one"]);
    let listed = rig.ok("DescribeInstances", &[]).await;
    assert_eq!(listed.all("instanceId").len(), 2);
}

#[tokio::test]
async fn a_token_beside_other_parameters_is_refused() {
    let rig = Rig::new();
    rig.running("1", &[("ClientToken", "one")]).await;
    for change in [
        ("InstanceType", "t3.small"),
        ("TagSpecification.1.ResourceType", "instance"),
    ] {
        let answer = rig.launch("1", &[("ClientToken", "one"), change]).await;
        assert_eq!(answer.one("Code"), "IdempotentParameterMismatch");
    }
}

#[tokio::test]
async fn a_token_is_unique_in_its_zone_only() {
    let rig = Rig::new();
    let mut ids = Vec::new();
    for zone in ["eu-central-1a", "eu-central-1b", "eu-central-1a"] {
        let fields = [("ClientToken", "one"), ("Placement.AvailabilityZone", zone)];
        ids.extend(rig.running("1", &fields).await);
    }
    ids.extend(rig.running("1", &[("ClientToken", "one")]).await);
    assert_eq!(ids.first(), ids.get(2));
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3, "two zones and the region");
}

#[tokio::test]
async fn a_token_stays_burnt_longer_than_its_instances_are_listed() {
    let rig = Rig::new();
    let ids = rig.running("2", &[("ClientToken", "one")]).await;
    let fields: Vec<(&str, &str)> = ["InstanceId.1", "InstanceId.2"]
        .into_iter()
        .zip(ids.iter().map(String::as_str))
        .collect();
    rig.ok("TerminateInstances", fields.get(..1).expect("one"))
        .await;
    rig.settle();
    let half = rig.launch("2", &[("ClientToken", "one")]).await;
    let mut states = half.states();
    states.sort();
    assert_eq!(states, ["running", "terminated"]);

    rig.ok("TerminateInstances", &fields).await;
    let ending = rig.launch("2", &[("ClientToken", "one")]).await;
    assert!(ending.states().contains(&"shutting-down".to_owned()));
    rig.settle();
    for wait in [0, 2, 21] {
        rig.pass(Duration::from_hours(wait));
        let answer = rig.launch("2", &[("ClientToken", "one")]).await;
        assert_eq!(answer.one("Code"), "IdempotentInstanceTerminated");
    }
    assert!(
        rig.ok("DescribeInstances", &[])
            .await
            .all("instanceId")
            .is_empty()
    );
    rig.pass(Duration::from_hours(2));
    assert_eq!(rig.launch("2", &[("ClientToken", "one")]).await.status, 200);
}

#[tokio::test]
async fn a_refused_launch_spends_no_token() {
    let rig = Rig::new();
    let bad = [("ClientToken", "one"), ("KeyName", "nobody")];
    let refused = rig.launch("1", &bad).await;
    assert_eq!(refused.one("Code"), "InvalidKeyPair.NotFound");
    assert_eq!(rig.launch("1", &[("ClientToken", "one")]).await.status, 200);
}

#[tokio::test]
async fn a_token_has_at_most_64_characters() {
    let rig = Rig::new();
    let (fits, long) = ("t".repeat(64), "t".repeat(65));
    assert_eq!(rig.launch("1", &[("ClientToken", &fits)]).await.status, 200);
    for bad in [long.as_str(), "é"] {
        let refused = rig.launch("1", &[("ClientToken", bad)]).await;
        assert_eq!(refused.one("Code"), "InvalidClientToken");
    }
}

#[tokio::test]
async fn the_same_token_makes_one_volume() {
    let rig = Rig::new();
    let fields = [
        ("AvailabilityZone", "eu-central-1a"),
        ("Size", "10"),
        ("ClientToken", "v"),
    ];
    let first = rig.ok("CreateVolume", &fields).await;
    let again = rig.ok("CreateVolume", &fields).await;
    assert_eq!(first.one("volumeId"), again.one("volumeId"));
    let other = [
        ("AvailabilityZone", "eu-central-1a"),
        ("Size", "11"),
        ("ClientToken", "v"),
    ];
    rig.refused("CreateVolume", &other, "IdempotentParameterMismatch")
        .await;
}
