//! A launch token remembers for a day what it launched; what has become of that since is looked at.

use serde_json::json;

use super::spec::{SSM, keys};
use crate::support::Lab;

fn group(name: &str, more: &str) -> String {
    let head =
        format!("  {name}:\n    type: t3.small\n    zone: us-east-1a\n    image: {{ssm: {SSM}}}\n");
    head + &keys(more)
}

fn trainer(more: &str) -> String {
    format!("instances:\n{}", group("trainer", more))
}

#[test]
fn killed_after_a_launch_with_a_way_in_it_is_one_launch() {
    for when in ["before", "after"] {
        let lab = Lab::new();
        lab.spec(&trainer("count: 2\nssh: {from: 203.0.113.0/24}"));
        lab.cloud
            .order(&json!([{"action": "RunInstances", "nth": 1, "when": when, "do": "stall"}]));
        let mut apply = lab.sandbox.start(&["apply", "--yes", "--local"]);
        super::capacity::until_asked(&lab, 1);
        apply.kill().unwrap();
        apply.wait().unwrap();
        lab.cloud.no_faults();
        lab.try_apply().expect(0);
        lab.nothing_to_do(&[]);
        assert_eq!(lab.witness.instances("lab").len(), 2, "{when}");
        lab.end();
    }
}

#[test]
fn what_was_released_is_not_taken_for_what_is_launched_next() {
    let lab = Lab::new();
    lab.spec(&trainer("count: 2"));
    lab.apply(&[]);
    let before = lab.each("id");
    lab.run(&["release", "lab", "--yes"]).expect(0);
    lab.apply(&["2 instances running"]);
    lab.nothing_to_do(&[]);
    let after = lab.each("id");
    assert_eq!(after.len(), 2);
    assert!(
        after.iter().all(|id| !before.contains(id)),
        "{before:?} {after:?}"
    );
    lab.destroy(&[]).expect(0);
}

#[test]
fn a_new_group_under_a_name_that_was_given_up_is_launched() {
    let lab = Lab::new();
    lab.spec(&trainer(""));
    lab.apply(&[]);
    let renamed = group("worker", "renamed_from: trainer");
    lab.spec(&format!("instances:\n{renamed}"));
    lab.apply(&[]);
    let kept = lab.each("id");
    lab.spec(&format!(
        "instances:\n{}{}",
        group("worker", ""),
        group("trainer", "")
    ));
    lab.apply(&["✓ launch trainer[0]  1 instance running"]);
    lab.nothing_to_do(&[]);
    let all = lab.witness.alive("lab");
    assert!(
        all.len() == 2 && all.iter().any(|one| one["id"] == kept[0]),
        "{kept:?} {all:#?}"
    );
    lab.end();
}

#[test]
fn a_launch_that_was_refused_is_asked_for_again_with_another_min() {
    let lab = Lab::new();
    lab.spec(&trainer("count: 4\nmin: 3"));
    lab.refuse(&json!([{}]));
    lab.try_apply().expect(1);
    lab.refuse_nothing();
    lab.spec(&trainer("count: 4\nmin: 2"));
    lab.apply(&["4 instances running"]);
    lab.nothing_to_do(&[]);
    assert_eq!(lab.witness.instances("lab").len(), 4);
    lab.end();
}

#[test]
fn what_was_released_is_taken_over_again_with_a_lease_from_then() {
    let lab = Lab::new();
    lab.spec(&trainer("count: 2"));
    lab.apply(&[]);
    let one = lab.each("id")[1].as_str().unwrap().to_owned();
    lab.run(&["release", "lab", "--target", "trainer[1]", "--yes"])
        .expect(0);
    let region = ["--region", "us-east-1"];
    let adopt = ["adopt", &one, "--lease", "12h", "--name", "other"];
    lab.run(&[&adopt[..], &region].concat())
        .expect(0)
        .says(&["changes nothing but tags", "armed still goes off"]);
    lab.run(&["apply", "environments/other.yaml", "--yes"])
        .expect(0);
    lab.run(&["plan", "environments/other.yaml", "--detailed-exitcode"])
        .expect(0);
    let status = lab.run(&["status", "other", "--format", "json"]);
    let status = status.expect(0).json();
    let taken = &status["environments"][0]["instances"][0];
    assert_eq!(taken["id"], one.as_str(), "{status:#}");
    let time = |key: &str| -> jiff::Timestamp { taken[key].as_str().unwrap().parse().unwrap() };
    let lease = time("lease_ends").duration_since(time("launched"));
    assert!(lease > jiff::SignedDuration::from_hours(12), "{status:#}");
    lab.run(&["destroy", "other", "--yes"]).expect(0);
    lab.end();
}
