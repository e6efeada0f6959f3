//! Ctrl-C, once and twice.

use super::place::{Place, interrupt, lab, said, stall, start_talking, until_it_says};

#[test]
fn one_interrupt_while_instances_start_says_what_exists() {
    let place = Place::with(&lab(3, "trainer"));
    let arguments = ["apply", "--yes", "--settle", "1s"];
    let mut apply = start_talking(&place.sandbox, &arguments);
    place.arrived("ec2 RunInstances", 1);
    place.arrived("ec2 DescribeInstances", 2);
    interrupt(&apply);
    let code = apply.wait().unwrap().code();
    let said = said(&place.sandbox);
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("these exist, or may exist:"), "{said}");
    place.run(&["apply", "--yes"]).expect(0);
    place.exactly(3);
    // What was said to exist is what there is: the second run launched nothing.
    for one in place.witness.instances("lab") {
        assert!(said.contains(one["id"].as_str().unwrap()), "{said}");
    }
}

#[test]
fn one_interrupt_lets_a_stalled_launch_finish_and_says_what_exists() {
    let place = Place::with(&lab(3, "trainer"));
    place.cloud.order(&stall("RunInstances", 1, "before"));
    let arguments = ["apply", "--yes", "--settle", "1s"];
    let mut apply = start_talking(&place.sandbox, &arguments);
    place.arrived("ec2 RunInstances", 1);
    interrupt(&apply);
    until_it_says(&place.sandbox, "again to leave at once");
    // The client gives the attempt up after half a minute and asks again.
    let code = apply.wait().unwrap().code();
    let said = said(&place.sandbox);
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("these exist, or may exist:"), "{said}");
    let told: Vec<&str> = said
        .lines()
        .filter_map(|line| line.trim().split_once("  "))
        .map(|(first, _)| first)
        .filter(|first| first.starts_with("i-"))
        .collect();
    assert_eq!(told.len(), 3, "{said}");
    place.run(&["apply", "--yes"]).expect(0);
    place.exactly(3);
    for one in place.witness.instances("lab") {
        assert!(told.contains(&one["id"].as_str().unwrap()), "{said}");
    }
}

#[test]
fn a_second_interrupt_leaves_at_once() {
    // The group that is launched first is running by the time the other one stalls.
    let two = lab(1, "trainer").replace("instances:\n", "instances:\n  awaited:\n    type: t3.small\n    image: {ssm: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64}\n");
    let place = Place::with(&two);
    place.cloud.order(&stall("RunInstances", 2, "after"));
    let arguments = ["apply", "--yes", "--settle", "1s"];
    let mut apply = start_talking(&place.sandbox, &arguments);
    place.arrived("ec2 RunInstances", 2);
    until_it_says(&place.sandbox, "1 instance running");
    interrupt(&apply);
    until_it_says(&place.sandbox, "again to leave at once");
    assert!(apply.try_wait().unwrap().is_none(), "one was enough");
    interrupt(&apply);
    let code = apply.wait().unwrap().code();
    let said = said(&place.sandbox);
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("left at once"), "{said}");
    assert!(said.contains("to go on: trainyard apply"), "{said}");
    let running = said.split("left at once").nth(1).unwrap();
    let ids: Vec<String> = place
        .witness
        .instances("lab")
        .iter()
        .map(|one| one["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 2);
    assert!(
        ids.iter().any(|id| running.contains(id)),
        "the one that is known is missing from:\n{said}"
    );
    place.run(&["apply", "--yes"]).expect(0);
    assert_eq!(place.witness.alive("lab").len(), 2);
    place.run(&["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn an_interrupted_destroy_says_what_is_left() {
    let place = Place::with(&lab(3, "trainer"));
    place.run(&["apply", "--yes"]).expect(0);
    place.cloud.forget_requests();
    let arguments = ["destroy", "lab", "--yes", "--settle", "1s"];
    let mut destroy = start_talking(&place.sandbox, &arguments);
    place.arrived("ec2 TerminateInstances", 1);
    place.arrived("ec2 DescribeInstances", 2);
    interrupt(&destroy);
    let code = destroy.wait().unwrap().code();
    let said = said(&place.sandbox);
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("alive, or not known to be gone:"), "{said}");
    assert!(said.contains("to go on: trainyard destroy lab"), "{said}");
    for one in place.witness.instances("lab") {
        assert!(said.contains(one["id"].as_str().unwrap()), "{said}");
    }
    place.run(&["destroy", "lab", "--yes"]).expect(0);
    place.nothing();
}

#[test]
fn a_destroy_that_is_interrupted_while_it_watches_claims_nothing() {
    let place = Place::with(&lab(1, "trainer"));
    place.run(&["apply", "--yes"]).expect(0);
    let arguments = ["destroy", "lab", "--yes", "--settle", "60s"];
    let mut destroy = start_talking(&place.sandbox, &arguments);
    until_it_says(&place.sandbox, "because a listing may lag behind");
    interrupt(&destroy);
    let code = destroy.wait().unwrap().code();
    let said = said(&place.sandbox);
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("stopped before it was proven"), "{said}");
    assert!(!said.contains("is gone"), "{said}");
}
