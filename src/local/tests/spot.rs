use super::rig::{Rig, prompt};

const OPTIONS: &str = "InstanceMarketOptions.SpotOptions";

/// What a launch on the spot market says, with options of its own.
fn spot<'a>(options: &'a [(String, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![("InstanceMarketOptions.MarketType", "spot")];
    fields.extend(options.iter().map(|(name, value)| (name.as_str(), *value)));
    fields
}

fn option<'a>(name: &str, value: &'a str) -> (String, &'a str) {
    (format!("{OPTIONS}.{name}"), value)
}

fn persistent() -> [(String, &'static str); 2] {
    [
        option("SpotInstanceType", "persistent"),
        option("InstanceInterruptionBehavior", "stop"),
    ]
}

#[tokio::test]
async fn terms_that_aws_does_not_take_are_refused() {
    let rig = Rig::new();
    let (value, combination) = ("InvalidParameterValue", "InvalidParameterCombination");
    for (options, code) in [
        (vec![option("MaxPrice", "0.0009")], value),
        (vec![option("MaxPrice", "cheap")], value),
        (vec![option("MaxPrice", "NaN")], value),
        (vec![option("SpotInstanceType", "forever")], value),
        (vec![option("SpotInstanceType", "persistent")], combination),
        (
            vec![option("InstanceInterruptionBehavior", "stop")],
            combination,
        ),
    ] {
        let refused = rig.launch("1", &spot(&options)).await;
        assert_eq!(refused.one("Code"), code, "{options:?}");
    }
    let protected = [
        ("InstanceMarketOptions.MarketType", "spot"),
        ("DisableApiTermination", "true"),
    ];
    let refused = rig.launch("1", &protected).await;
    assert_eq!(refused.one("Code"), combination);
    let fair = [option("MaxPrice", "0.001")];
    assert_eq!(rig.launch("1", &spot(&fair)).await.status, 200);
}

#[tokio::test]
async fn a_persistent_request_launches_again() {
    let rig = Rig::new();
    let options = persistent();
    let mut fields = spot(&options);
    fields.extend([
        ("TagSpecification.1.ResourceType", "spot-instances-request"),
        ("TagSpecification.1.Tag.1.Key", "env"),
        ("TagSpecification.1.Tag.1.Value", "alex"),
    ]);
    let ids = rig.running("1", &fields).await;
    let first = ids.first().expect("one").as_str();
    let request = rig.ok("DescribeSpotInstanceRequests", &[]).await;
    assert_eq!(
        (request.one("type"), request.one("state")),
        ("persistent", "active")
    );
    rig.ok("TerminateInstances", &[("InstanceId.1", first)])
        .await;
    let open = rig.ok("DescribeSpotInstanceRequests", &[]).await;
    assert_eq!(open.one("state"), "open");
    rig.settle();

    let by_tag = [("Filter.1.Name", "tag:env"), ("Filter.1.Value.1", "alex")];
    let next = rig.ok("DescribeInstances", &by_tag).await;
    assert_eq!(next.states(), ["running"]);
    assert_ne!(next.one("instanceId"), first);
    let active = rig.ok("DescribeSpotInstanceRequests", &[]).await;
    assert_eq!(active.one("instanceId"), next.one("instanceId"));
    assert_eq!(
        active.all("spotInstanceRequestId"),
        request.all("spotInstanceRequestId")
    );
    assert_eq!(rig.ok("DescribeVolumes", &[]).await.all("size"), ["8"]);
    rig.pass(std::time::Duration::from_hours(2));
    let later = rig.ok("DescribeSpotInstanceRequests", &[]).await;
    assert!(later.body.contains("<value>alex</value>"));
}

#[tokio::test]
async fn a_request_that_is_cancelled_first_launches_no_more() {
    let rig = Rig::new();
    let ids = rig.running("1", &spot(&persistent())).await;
    let request = rig.ok("DescribeSpotInstanceRequests", &[]).await;
    let cancel = [(
        "SpotInstanceRequestId.1",
        request.one("spotInstanceRequestId"),
    )];
    rig.ok("CancelSpotInstanceRequests", &cancel).await;
    assert_eq!(rig.states(&ids).await, ["running"]);
    let id = [("InstanceId.1", ids.first().expect("one").as_str())];
    rig.ok("TerminateInstances", &id).await;
    rig.settle();
    let all = rig.ok("DescribeInstances", &[]).await;
    assert_eq!(all.states(), ["terminated"]);
}

#[tokio::test]
async fn a_stopped_instance_ends_with_its_request() {
    let rig = Rig::with(prompt());
    let ids = rig.running("1", &spot(&persistent())).await;
    let id = ids.first().expect("one").as_str();
    rig.ok("StopInstances", &[("InstanceId.1", id)]).await;
    rig.settle();
    let change = [("InstanceId", id), ("InstanceType.Value", "t3.small")];
    rig.refused("ModifyInstanceAttribute", &change, "UnsupportedOperation")
        .await;
    let request = rig.ok("DescribeSpotInstanceRequests", &[]).await;
    assert_eq!(request.one("state"), "disabled");
    let cancel = [(
        "SpotInstanceRequestId.1",
        request.one("spotInstanceRequestId"),
    )];
    rig.ok("CancelSpotInstanceRequests", &cancel).await;
    rig.settle();
    assert_eq!(rig.states(&ids).await, ["terminated"]);
}

#[tokio::test]
async fn a_one_time_instance_cannot_be_stopped_or_changed_or_protected() {
    let rig = Rig::new();
    let ids = rig.running("1", &spot(&[])).await;
    let id = ids.first().expect("one").as_str();
    rig.refused(
        "StopInstances",
        &[("InstanceId.1", id)],
        "UnsupportedOperation",
    )
    .await;
    let change = [("InstanceId", id), ("InstanceType.Value", "t3.small")];
    rig.refused("ModifyInstanceAttribute", &change, "IncorrectInstanceState")
        .await;
    let protect = [("InstanceId", id), ("DisableApiTermination.Value", "true")];
    rig.refused("ModifyInstanceAttribute", &protect, "UnsupportedOperation")
        .await;
    rig.ok("TerminateInstances", &[("InstanceId.1", id)]).await;
    rig.settle();
    let all = rig.ok("DescribeInstances", &[]).await;
    assert_eq!(all.states(), ["terminated"]);
}
