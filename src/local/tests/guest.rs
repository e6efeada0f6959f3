use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::rig::{Answer, Rig, prompt};
use crate::lease::Boot;

/// From a launch to the first instant of `running`.
const PENDING: Duration = Duration::from_millis(600);

fn user_data(seconds: u64) -> String {
    let boot = Boot {
        seconds,
        distributed: true,
        user_data: Some("#!/bin/sh\n  deadline=$(( $(date +%s) + 5 ))\npoweroff\n"),
    };
    STANDARD.encode(boot.user_data())
}

/// Launches an instance with a lease of an hour, and gives its id in its first
/// instant of `running`.
async fn leased(rig: &Rig, fields: &[(&str, &str)]) -> String {
    let data = user_data(3600);
    let mut all = vec![("UserData", data.as_str())];
    all.extend(fields);
    let launched = rig.launch("1", &all).await;
    rig.pass(PENDING);
    launched.one("instanceId").to_owned()
}

async fn seen(rig: &Rig, id: &str) -> Answer {
    rig.ok("DescribeInstances", &[("InstanceId.1", id)]).await
}

const TERMINATE: (&str, &str) = ("InstanceInitiatedShutdownBehavior", "terminate");

#[tokio::test]
async fn the_lease_ends_an_instance_though_it_is_protected() {
    let rig = Rig::with(prompt());
    let protected = [TERMINATE, ("DisableApiTermination", "true")];
    let id = leased(&rig, &protected).await;
    rig.pass(Duration::from_millis(3_599_999));
    assert_eq!(seen(&rig, &id).await.states(), ["running"]);
    rig.pass(Duration::from_millis(1));
    let ending = seen(&rig, &id).await;
    assert_eq!(ending.states(), ["shutting-down"]);
    let reason = ending.one("stateReason");
    assert!(
        reason.contains("<code>Client.InstanceInitiatedShutdown</code>"),
        "{reason}"
    );
    assert!(ending.all("ipAddress").is_empty());
    rig.settle();
    assert_eq!(seen(&rig, &id).await.states(), ["terminated"]);
    assert!(rig.ok("DescribeVolumes", &[]).await.all("size").is_empty());
}

#[tokio::test]
async fn the_end_has_its_own_instant_whenever_somebody_looks() {
    let rig = Rig::with(prompt());
    leased(&rig, &[TERMINATE]).await;
    let created = rig.cloud.truth().pop().expect("one").created;
    rig.pass(Duration::from_mins(90));
    let ended = rig.cloud.truth().pop().expect("one");
    assert_eq!(ended.state, "terminated");
    let end = created + PENDING + Duration::from_hours(1);
    assert_eq!(ended.ended, Some(end));
}

#[tokio::test]
async fn a_restart_neither_extends_nor_forgets_the_lease() {
    let rig = Rig::with(prompt());
    let id = leased(&rig, &[TERMINATE]).await;
    let one = [("InstanceId.1", id.as_str())];
    rig.pass(Duration::from_mins(50));
    rig.ok("StopInstances", &one).await;
    rig.pass(Duration::from_mins(5));
    rig.ok("StartInstances", &one).await;
    rig.pass(Duration::from_mins(5) - Duration::from_millis(1));
    assert_eq!(seen(&rig, &id).await.states(), ["running"]);
    rig.pass(Duration::from_millis(1));
    assert_eq!(seen(&rig, &id).await.states(), ["shutting-down"]);
}

#[tokio::test]
async fn a_stopped_instance_outlives_its_lease_until_it_starts() {
    let rig = Rig::with(prompt());
    let id = leased(&rig, &[TERMINATE]).await;
    let one = [("InstanceId.1", id.as_str())];
    rig.ok("StopInstances", &one).await;
    rig.pass(Duration::from_hours(5));
    assert_eq!(seen(&rig, &id).await.states(), ["stopped"]);
    rig.ok("StartInstances", &one).await;
    rig.pass(PENDING + Duration::from_millis(999));
    assert_eq!(seen(&rig, &id).await.states(), ["running"]);
    rig.pass(Duration::from_millis(1));
    assert_eq!(seen(&rig, &id).await.states(), ["shutting-down"]);
}

#[tokio::test]
async fn without_the_behavior_to_terminate_the_lease_only_stops() {
    let rig = Rig::with(prompt());
    let id = leased(&rig, &[]).await;
    rig.pass(Duration::from_hours(1));
    let stopping = seen(&rig, &id).await;
    assert_eq!(stopping.states(), ["stopping"]);
    assert!(
        stopping
            .one("stateReason")
            .contains("Client.InstanceInitiatedShutdown")
    );
    rig.settle();
    assert_eq!(seen(&rig, &id).await.states(), ["stopped"]);
}

#[tokio::test]
async fn a_line_of_the_users_own_script_ends_nothing() {
    let rig = Rig::with(prompt());
    let script = STANDARD.encode("#!/bin/sh\ndeadline=$(( $(date +%s) + 5 ))\npoweroff\n");
    let ids = rig.running("1", &[("UserData", &script)]).await;
    rig.pass(Duration::from_hours(1));
    assert_eq!(rig.states(&ids).await, ["running"]);
}

#[tokio::test]
async fn a_successor_of_a_spot_instance_has_a_lease_of_its_own() {
    let rig = Rig::with(prompt());
    let spot = [
        TERMINATE,
        ("InstanceMarketOptions.MarketType", "spot"),
        (
            "InstanceMarketOptions.SpotOptions.SpotInstanceType",
            "persistent",
        ),
        (
            "InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior",
            "stop",
        ),
    ];
    leased(&rig, &spot).await;
    rig.pass(Duration::from_mins(150));
    let mut lives: Vec<(String, i64)> = rig
        .cloud
        .truth()
        .into_iter()
        .map(|one| (one.state, one.created.as_second()))
        .collect();
    lives.sort_by_key(|(_, created)| *created);
    let states: Vec<&str> = lives.iter().map(|(state, _)| state.as_str()).collect();
    assert_eq!(states, ["terminated", "terminated", "running"]);
}
