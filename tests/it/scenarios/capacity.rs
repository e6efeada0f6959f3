//! What a launch does where AWS has no capacity, a limit is used up, or it is killed in between.

use std::time::Duration;

use serde_json::{Value, json};

use super::spec::{SSM, keys};
use crate::support::Lab;

/// How often something that is certain to come is looked for; far longer than it takes.
const PATIENCE: u32 = 6_000;
const LOOK: Duration = Duration::from_millis(10);

/// One group with a machine to choose, and further keys, each as a line of its own.
fn trainer(kinds: &str, more: &str) -> String {
    let head = format!("instances:\n  trainer:\n    type: {kinds}\n    image: {{ssm: {SSM}}}\n");
    head + &keys(more)
}

/// Waits until so many launches were asked for.
#[track_caller]
pub(super) fn until_asked(lab: &Lab, times: usize) {
    for _ in 0..PATIENCE {
        if lab.launches() >= times {
            return;
        }
        std::thread::sleep(LOOK);
    }
    panic!("no {times} launches were asked for");
}

#[test]
fn the_third_candidate_runs_where_the_first_two_have_no_capacity() {
    let lab = Lab::new();
    lab.spec(&trainer(
        "[p3.2xlarge, g5.2xlarge, c5.2xlarge]",
        "zone: us-east-1a",
    ));
    lab.refuse(&json!([{"type": "p3.2xlarge"}, {"type": "g5.2xlarge"}]));
    lab.plan(&["p3.2xlarge, else g5.2xlarge, else c5.2xlarge"]);
    lab.apply(&[
        "✓ launch trainer[0]  1 instance running: c5.2xlarge on-demand in us-east-1a; no capacity for g5.2xlarge on-demand in us-east-1a (We currently do not have sufficient g5.2xlarge capacity in the Availability Zone you requested (us-east-1a).",
        "(InsufficientInstanceCapacity)), p3.2xlarge on-demand in us-east-1a (We currently do not have sufficient p3.2xlarge capacity",
    ]);
    // Each candidate was asked for once: a lack of capacity is no fault to ride out.
    assert_eq!(lab.launches(), 3);
    let members = lab.members();
    assert_eq!(members.len(), 1);
    assert_eq!(members[0]["type"], "c5.2xlarge");
    assert_eq!(members[0]["tags"]["trainyard:type"], "c5.2xlarge");
    assert_eq!(lab.witness.instances("lab").len(), 1);

    // The better type is free again: that is no difference.
    lab.refuse_nothing();
    lab.nothing_to_do(&[]);
    lab.end();
}

#[test]
fn a_type_is_asked_for_without_a_zone_then_in_each_zone_and_then_comes_the_next_type() {
    let lab = Lab::new();
    lab.spec(&trainer("[p3.2xlarge, g5.2xlarge]", "count: 2"));
    lab.plan(&["wherever EC2 has room, then us-east-1a, then us-east-1b"]);
    lab.refuse(&json!([
        {"type": "p3.2xlarge"},
        {"type": "g5.2xlarge", "unpinned": true},
        {"type": "g5.2xlarge", "zone": "us-east-1a"},
    ]));
    lab.apply(&[
        "2 instances running: g5.2xlarge on-demand in us-east-1b; no capacity for",
        "p3.2xlarge on-demand (We currently do not have sufficient p3.2xlarge capacity in zones",
        "p3.2xlarge on-demand in us-east-1a (",
        "p3.2xlarge on-demand in us-east-1b (",
        "g5.2xlarge on-demand in us-east-1a (",
    ]);
    assert_eq!(lab.launches(), 3 + 2 + 1);
    assert_eq!(lab.each("type"), ["g5.2xlarge", "g5.2xlarge"]);
    assert_eq!(lab.each("zone"), ["us-east-1b", "us-east-1b"]);
    assert_eq!(lab.witness.instances("lab").len(), 2);
    lab.end();
}

#[test]
fn where_everything_is_refused_nothing_is_launched_and_every_candidate_is_named() {
    let lab = Lab::new();
    let kinds = "[p3.2xlarge, g5.2xlarge]";
    lab.spec(&trainer(kinds, "zone: us-east-1a"));
    lab.refuse(&json!([{}]));
    let applied = lab.try_apply();
    applied.expect(1).says(&[
        "AWS has no capacity now for g5.2xlarge on-demand in us-east-1a (We currently do not have sufficient g5.2xlarge capacity in the Availability Zone you requested (us-east-1a).",
        "p3.2xlarge on-demand in us-east-1a (We currently do not have sufficient p3.2xlarge capacity",
        "help: nothing was launched: name more types, leave the zone open, add `wait_for_capacity: 45m`, or run the command again later",
    ]);
    applied.says_nothing_about(&["these exist, or may exist"]);
    assert_eq!(lab.launches(), 2);
    assert!(lab.witness.instances("lab").is_empty());

    lab.refuse_nothing();
    lab.apply(&[]);
    assert_eq!(lab.launches(), 1);
    assert_eq!(lab.each("type"), ["p3.2xlarge"]);
    lab.end();
}

#[test]
fn a_launch_that_waited_runs_for_less_by_what_it_waited() {
    let lab = Lab::new();
    let keys = "zone: us-east-1a\nwait_for_capacity: 3h";
    lab.spec(&trainer("p3.2xlarge", keys));
    lab.refuse(&json!([{}]));
    let mut apply = lab.sandbox.start(&["apply", "--yes", "--local"]);
    until_asked(&lab, 2);
    lab.refuse_nothing();
    assert!(apply.wait().unwrap().success());
    lab.nothing_to_do(&[]);

    let members = lab.members();
    assert_eq!(members.len(), 1);
    let tags = &members[0]["tags"];
    let waited: i64 = tags["trainyard:waited"].as_str().unwrap().parse().unwrap();
    assert!(waited >= 180 && waited % 180 == 0, "{waited}");
    assert_eq!(tags["trainyard:lease"], "4h");
    let left = 4 * 3600 - waited;
    let data = members[0]["user_data"].as_str().unwrap();
    assert!(data.contains(&left.to_string()), "no {left} in:\n{data}");
    assert!(!data.contains("14400"), "{data}");

    let status = lab.run(&["status", "lab", "--format", "json"]);
    let status = status.expect(0).json();
    let one = &status["environments"][0]["instances"][0];
    let launched: jiff::Timestamp = one["launched"].as_str().unwrap().parse().unwrap();
    let ends: jiff::Timestamp = one["lease_ends"].as_str().unwrap().parse().unwrap();
    assert_eq!(ends.duration_since(launched).as_secs(), left, "{status:#}");
    lab.end();
}

#[test]
fn a_launch_that_waited_in_vain_says_so() {
    let lab = Lab::new();
    let keys = "zone: us-east-1a\nwait_for_capacity: 6m";
    lab.spec(&trainer("p3.2xlarge", keys));
    lab.refuse(&json!([{}]));
    let applied = lab.try_apply();
    applied.expect(1).says(&[
        "AWS has no capacity now for p3.2xlarge on-demand in us-east-1a (",
        "help: nothing was launched: name more types, leave the zone open, or run the command again later",
    ]);
    // The first round, and one behind each of two pauses.
    assert_eq!(lab.launches(), 3);
    assert!(lab.witness.instances("lab").is_empty());
}

#[test]
fn a_limit_that_is_used_up_stops_at_once_and_is_named_with_how_to_raise_it() {
    let lab = Lab::new();
    lab.spec(&trainer("[p3.2xlarge, g5.2xlarge]", ""));
    lab.refuse(&json!([{"type": "p3.2xlarge", "code": "VcpuLimitExceeded"}]));
    let applied = lab.try_apply();
    applied.expect(1).says(&[
        "You have requested more vCPU capacity than your current vCPU limit of 0 allows",
        "(VcpuLimitExceeded) (the limit \"Running On-Demand P instances\")",
        "aws service-quotas request-service-quota-increase --service-code ec2 --quota-code L-417A185B --region us-east-1 --desired-value N",
    ]);
    applied.says_nothing_about(&["g5.2xlarge on-demand (", "these exist"]);
    assert_eq!(lab.launches(), 1);
    assert!(lab.witness.instances("lab").is_empty());
}

#[test]
fn what_is_no_lack_of_capacity_tries_no_other_candidate() {
    for code in ["UnauthorizedOperation", "InvalidParameterValue"] {
        let lab = Lab::new();
        lab.spec(&trainer("[p3.2xlarge, g5.2xlarge]", ""));
        lab.refuse(&json!([{"type": "p3.2xlarge", "code": code}]));
        lab.try_apply().expect(1).says(&[code]);
        assert_eq!(lab.launches(), 1, "{code}");
        assert!(lab.witness.instances("lab").is_empty());
    }
}

/// The stall of a launch, by which number it has.
fn stall(nth: u32, when: &str) -> Value {
    json!([{"action": "RunInstances", "nth": nth, "when": when, "do": "stall"}])
}

#[test]
fn killed_at_the_second_candidate_it_is_still_one_launch() {
    for when in ["before", "after"] {
        for free_again in [false, true] {
            let lab = Lab::new();
            let keys = "zone: us-east-1a\ncount: 3";
            lab.spec(&trainer("[p3.2xlarge, g5.2xlarge]", keys));
            lab.refuse(&json!([{"type": "p3.2xlarge"}]));
            lab.cloud.order(&stall(2, when));
            let mut apply = lab.sandbox.start(&["apply", "--yes", "--local"]);
            until_asked(&lab, 2);
            apply.kill().unwrap();
            apply.wait().unwrap();
            lab.cloud.no_faults();
            if free_again {
                lab.refuse_nothing();
            }
            // A fresh instance is not listed at once, and the better type may be free
            // by now: then both are launched, and one of the two is ended.
            lab.try_apply().expect(0);
            lab.nothing_to_do(&[]);
            assert_eq!(lab.members().len(), 3, "{when}, {free_again}");
            if !free_again {
                assert_eq!(lab.witness.instances("lab").len(), 3, "{when}");
                assert_eq!(lab.each("type"), ["g5.2xlarge"; 3]);
            }
            lab.end();
        }
    }
}

#[test]
fn the_second_batch_does_not_ask_where_the_first_was_refused() {
    let lab = Lab::new();
    lab.spec(&trainer("g5.2xlarge", "count: 150"));
    lab.refuse(&json!([{"unpinned": true}, {"zone": "us-east-1a"}]));
    lab.apply(&[
        "✓ launch trainer[0-99]  100 instances running: g5.2xlarge on-demand in us-east-1b; no capacity for",
        "✓ launch trainer[100-149]  50 instances running: g5.2xlarge on-demand in us-east-1b; no capacity for",
    ]);
    // Without a zone once, in the first zone once, and in the second for each batch.
    assert_eq!(lab.launches(), 1 + 1 + 2);
    assert_eq!(lab.members().len(), 150);
    lab.end();
}
