use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::rig::{Rig, prompt};
use crate::local::Settings;

fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    owned.collect()
}

#[tokio::test]
async fn the_truth_has_what_no_listing_shows_yet() {
    let rig = Rig::new();
    let data = STANDARD.encode("#!/bin/sh\necho \u{e4}\n");
    let fields = [
        ("UserData", data.as_str()),
        ("ClientToken", "t1"),
        ("DisableApiStop", "true"),
        ("Placement.AvailabilityZone", "eu-central-1b"),
        ("TagSpecification.1.ResourceType", "instance"),
        ("TagSpecification.1.Tag.1.Key", "env"),
        ("TagSpecification.1.Tag.1.Value", "alex"),
    ];
    let launched = rig.launch("1", &fields).await;
    let listed = rig.ok("DescribeInstances", &[]).await;
    assert!(listed.states().is_empty());
    let truth = rig.cloud.truth();
    let [instance] = truth.as_slice() else {
        panic!("one instance, not {truth:?}");
    };
    assert_eq!(instance.account, "123456789012");
    assert_eq!(instance.region, "eu-central-1");
    assert_eq!(instance.id, launched.one("instanceId"));
    assert_eq!(instance.reservation, launched.one("reservationId"));
    assert_eq!(instance.zone, "eu-central-1b");
    assert_eq!((instance.state.as_str(), instance.ended), ("pending", None));
    assert_eq!(instance.client_token, "t1");
    assert_eq!(instance.tags, tags(&[("env", "alex")]));
    assert_eq!(instance.launch_tags, instance.tags);
    assert_eq!(
        instance.user_data.as_deref(),
        Some("#!/bin/sh\necho \u{e4}\n")
    );
    assert!(instance.protected);
    assert_eq!(instance.spot_request, None);
    assert_eq!(instance.security_groups, [launched.one("groupId")]);
}

#[tokio::test]
async fn the_truth_moves_with_the_clock_alone_and_forgets_nothing() {
    let rig = Rig::with(prompt());
    let ids = rig.running("1", &[]).await;
    let id = ids.first().expect("one").as_str();
    let new = [
        ("ResourceId.1", id),
        ("Tag.1.Key", "later"),
        ("Tag.1.Value", "1"),
    ];
    rig.ok("CreateTags", &new).await;
    rig.ok("TerminateInstances", &[("InstanceId.1", id)]).await;
    let of = |rig: &Rig| rig.cloud.truth().pop().expect("one");
    let ending = of(&rig);
    assert_eq!(ending.state, "shutting-down");
    assert_eq!(ending.tags, tags(&[("later", "1")]));
    assert_eq!(ending.launch_tags, tags(&[]));
    rig.settle();
    let ended = of(&rig);
    assert_eq!(ended.state, "terminated");
    assert_eq!(ended.ended, ending.ended, "the end is when it began");
    rig.pass(Duration::from_hours(30));
    assert!(rig.ok("DescribeInstances", &[]).await.states().is_empty());
    let past = of(&rig);
    assert_eq!((past.id.as_str(), past.ended), (id, ended.ended));
}

#[tokio::test]
async fn what_is_over_is_not_kept_for_whoever_has_no_control() {
    let rig = Rig::with(Settings {
        control: false,
        ..prompt()
    });
    let ids = rig.running("1", &[]).await;
    let id = ids.first().expect("one").as_str();
    rig.ok("TerminateInstances", &[("InstanceId.1", id)]).await;
    rig.pass(Duration::from_hours(2));
    assert_eq!(rig.cloud.truth(), []);
}

#[tokio::test]
async fn the_truth_has_volumes_groups_and_open_requests() {
    let mut rig = Rig::with(prompt());
    rig.move_to("us-east-1");
    let options = [
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
    let ids = rig.running("1", &options).await;
    let group = [
        ("GroupName", "g"),
        ("GroupDescription", "d"),
        ("TagSpecification.1.ResourceType", "security-group"),
        ("TagSpecification.1.Tag.1.Key", "env"),
        ("TagSpecification.1.Tag.1.Value", "alex"),
    ];
    rig.ok("CreateSecurityGroup", &group).await;

    let volumes = rig.cloud.true_volumes();
    let [volume] = volumes.as_slice() else {
        panic!("one volume, not {volumes:?}");
    };
    assert_eq!(volume.attached_to.as_ref(), ids.first());
    assert_eq!(volume.region, "us-east-1");
    let groups = rig.cloud.true_groups();
    let [group] = groups.as_slice() else {
        panic!("one group, not {groups:?}");
    };
    assert_eq!(
        (group.name.as_str(), group.region.as_str()),
        ("g", "us-east-1")
    );
    assert_eq!(group.tags, tags(&[("env", "alex")]));

    // The one that ended and its successor have one request.
    let id = ids.first().expect("one").as_str();
    rig.ok("TerminateInstances", &[("InstanceId.1", id)]).await;
    rig.settle();
    let truth = rig.cloud.truth();
    let requests: Vec<_> = truth
        .iter()
        .filter_map(|one| one.spot_request.clone())
        .collect();
    assert_eq!(requests.len(), 2);
    let open = rig.cloud.spot_requests_open();
    assert_eq!(open, requests[..1]);
    let cancel = [("SpotInstanceRequestId.1", open[0].as_str())];
    rig.ok("CancelSpotInstanceRequests", &cancel).await;
    assert!(rig.cloud.spot_requests_open().is_empty());
}

#[tokio::test]
async fn orders_are_given_in_process_as_over_the_endpoint() {
    let rig = Rig::with(Settings {
        control: false,
        ..prompt()
    });
    let ordered = rig.cloud.order("capacity", r#"[{"zone":"eu-central-1a"}]"#);
    assert_eq!(ordered, Ok(serde_json::json!({})));
    let zone = [("Placement.AvailabilityZone", "eu-central-1a")];
    let full = rig.launch("1", &zone).await;
    assert_eq!(full.one("Code"), "InsufficientInstanceCapacity");
    assert_eq!(
        rig.cloud.order("DELETE capacity", ""),
        Ok(serde_json::json!({}))
    );
    assert_eq!(rig.launch("1", &zone).await.status, 200);
    for (path, body) in [("capacity", "{}"), ("nothing", "[]"), ("DELETE images", "")] {
        assert!(rig.cloud.order(path, body).is_err(), "{path} {body}");
    }
}
