//! Buying on the spot market: once, at a limit, and with nothing that is launched again.

use serde_json::{Value, json};

use super::spec::{SSM, keys};
use crate::support::Lab;

fn trainer(count: u32, more: &str) -> String {
    let head = format!(
        "instances:\n  trainer:\n    count: {count}\n    type: g5.2xlarge\n    zone: us-east-1a\n    image: {{ssm: {SSM}}}\n"
    );
    head + &keys(more)
}

/// How the living instances were bought.
fn bought(lab: &Lab) -> Vec<Value> {
    let all = lab.circumstances();
    all.iter().map(|one| one["bought"].clone()).collect()
}

fn requests(lab: &Lab) -> Vec<Value> {
    let told = lab.witness.ask("spot_requests", &json!({}));
    told.as_object().unwrap().values().cloned().collect()
}

/// Fails unless spot requests are cancelled before instances are ended.
#[track_caller]
fn cancelled_first(lab: &Lab) {
    let requests = lab.cloud.requests();
    let first = |action: &str| {
        let place = requests.iter().position(|one| one == action);
        place.unwrap_or_else(|| panic!("no {action} in {requests:?}"))
    };
    let cancelled = first("ec2 CancelSpotInstanceRequests");
    assert!(cancelled < first("ec2 TerminateInstances"), "{requests:#?}");
}

/// Launches our machine once more by hand, with all its tags, and by a persistent request.
fn launch_by_hand(lab: &Lab) -> Value {
    let model = &lab.members()[0];
    let mut tags = model["tags"].clone();
    tags["trainyard:ordinals"] = json!("1");
    let token = model["token"].as_str().unwrap();
    let arguments = json!({
        "image": model["image"],
        "token": format!("{}-by-hand", &token[..40]),
        "tags": tags,
    });
    lab.witness.ask("persistent", &arguments)
}

#[test]
fn spot_instances_are_asked_for_once_at_a_limit_and_wear_our_tags() {
    let lab = Lab::new();
    lab.spec(&trainer(2, "market: spot\nmax_price: 1.20 USD"));
    lab.plan(&["spot, at most 1.20 USD an hour"]);
    lab.apply(&["2 instances running"]);
    assert_eq!(lab.launches(), 1);
    assert_eq!(bought(&lab), ["spot", "spot"]);
    let requests = requests(&lab);
    assert_eq!(requests.len(), 2);
    for request in &requests {
        assert_eq!(request["type"], "one-time", "{request:#}");
        assert_eq!(request["interruption"], "terminate", "{request:#}");
        let price: f64 = request["price"].as_str().unwrap().parse().unwrap();
        assert!((price - 1.2).abs() < 1e-9, "{request:#}");
        let tags = &request["tags"];
        assert_eq!(tags["trainyard:environment"], "lab", "{request:#}");
        assert_eq!(tags["trainyard:account"], "123456789012", "{request:#}");
        assert_eq!(tags["trainyard:group"], "trainer", "{request:#}");
    }
    lab.end();
    cancelled_first(&lab);
}

#[test]
fn without_a_limit_no_price_is_sent() {
    let lab = Lab::new();
    lab.spec(&trainer(1, "market: spot"));
    lab.apply(&[]);
    assert_eq!(requests(&lab)[0]["price"], Value::Null);
    lab.end();
}

#[test]
fn where_there_is_no_spot_capacity_it_is_bought_on_demand() {
    let lab = Lab::new();
    lab.spec(&trainer(2, "market: spot-then-on-demand"));
    lab.refuse(&json!([{"market": "spot"}]));
    lab.apply(&[
        "2 instances running: g5.2xlarge on-demand in us-east-1a; no capacity for g5.2xlarge spot in us-east-1a (There is no Spot capacity available that matches your request. (InsufficientInstanceCapacity))",
    ]);
    assert_eq!(lab.launches(), 2);
    assert_eq!(bought(&lab), ["on-demand", "on-demand"]);
    assert!(requests(&lab).is_empty());

    // Spot is free again, and what runs is as good as it.
    lab.refuse_nothing();
    lab.nothing_to_do(&[]);
    lab.end();
}

#[test]
fn where_there_is_spot_capacity_nothing_is_bought_on_demand() {
    let lab = Lab::new();
    lab.spec(&trainer(1, "market: spot-then-on-demand"));
    lab.apply(&["1 instance running: g5.2xlarge spot in us-east-1a"]);
    assert_eq!(lab.launches(), 1);
    assert_eq!(bought(&lab), ["spot"]);
    lab.end();
}

#[test]
fn a_price_that_is_too_low_moves_on_and_a_spent_limit_stops() {
    for (code, launches, exit) in [
        ("SpotMaxPriceTooLow", 2, 0),
        ("MaxSpotInstanceCountExceeded", 1, 1),
    ] {
        let lab = Lab::new();
        lab.spec(&trainer(1, "market: spot-then-on-demand"));
        lab.refuse(&json!([{"market": "spot", "code": code}]));
        lab.try_apply().expect(exit).says(&[code]);
        assert_eq!(lab.launches(), launches, "{code}");
        let running = usize::from(exit == 0);
        assert_eq!(lab.members().len(), running, "{code}");
        lab.end();
    }
}

#[test]
fn an_instance_that_aws_took_back_is_launched_again() {
    let lab = Lab::new();
    lab.spec(&trainer(2, "market: spot"));
    lab.apply(&[]);
    let before = lab.each("id");
    lab.witness.ask("terminate", &json!({"ids": [before[1]]}));
    lab.plan(&["Plan: 1 to create"]);
    lab.apply(&[]);
    let after = lab.each("id");
    assert_eq!(after[0], before[0]);
    assert_ne!(after[1], before[1]);
    assert_eq!(bought(&lab), ["spot", "spot"]);
    lab.end();
}

#[test]
fn a_persistent_request_made_by_hand_has_no_successor() {
    let lab = Lab::new();
    lab.spec(&trainer(1, "market: spot"));
    lab.apply(&[]);
    let second = launch_by_hand(&lab);
    let standing = |kind: &str| {
        let all = requests(&lab);
        all.iter().filter(|one| one["type"] == kind).count()
    };
    assert_eq!((standing("persistent"), standing("one-time")), (1, 1));
    lab.plan(&["trainer[1]", second.as_str().unwrap()]);
    lab.end();
    cancelled_first(&lab);
    assert_eq!(lab.witness.instances("lab").len(), 2, "a successor");
    for request in requests(&lab) {
        assert_eq!(request["state"], "cancelled", "{request:#}");
    }
}

#[test]
fn a_request_whose_instance_is_gone_is_cancelled_before_it_launches_again() {
    let lab = Lab::new();
    lab.spec(&trainer(1, "market: spot"));
    lab.apply(&[]);
    let second = launch_by_hand(&lab);
    lab.witness.ask("terminate", &json!({"ids": [second]}));
    // The request is open now, and whatever it launches is ours by its tags.
    lab.end();
    cancelled_first(&lab);
    for request in requests(&lab) {
        assert_ne!(request["state"], "open", "{request:#}");
        assert_ne!(request["state"], "active", "{request:#}");
    }
}
