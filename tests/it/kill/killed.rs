//! SIGKILL, and what the next command makes of it.

use std::process::Child;

use serde_json::{Value, json};

use super::place::{LOOK, MOMENTS, Moment, PATIENCE, Place, kill, lab, stall};

#[test]
fn a_killed_apply_is_finished_by_the_next() {
    for moment in MOMENTS {
        for count in [1, 5] {
            let place = Place::with(&lab(count, "trainer"));
            place.apply_and_die(moment);
            place.run(&["apply", "--yes"]).expect(0);
            place.exactly(u64::from(count));
        }
    }
}

#[test]
fn killed_twice_it_is_still_one_launch() {
    for moment in MOMENTS {
        let place = Place::with(&lab(5, "trainer"));
        place.apply_and_die(Moment::AfterTheLaunch);
        place.apply_and_die_if_it_gets_there(moment);
        place.run(&["apply", "--yes"]).expect(0);
        place.exactly(5);
    }
}

#[test]
fn destroy_ends_what_a_killed_apply_left() {
    for moment in MOMENTS {
        let place = Place::with(&lab(5, "trainer"));
        place.apply_and_die(moment);
        place.run(&["destroy", "lab", "--yes"]).expect(0);
        place.nothing();
    }
}

#[test]
fn a_killed_destroy_is_finished_by_the_next() {
    for when in ["before", "after"] {
        let place = Place::with(&lab(3, "trainer"));
        place.run(&["apply", "--yes"]).expect(0);
        place.cloud.forget_requests();
        place.cloud.order(&stall("TerminateInstances", 1, when));
        let mut destroy = place.sandbox.start(&["destroy", "lab", "--yes"]);
        place.arrived("ec2 TerminateInstances", 1);
        kill(&mut destroy);
        place.cloud.no_faults();
        place.run(&["destroy", "lab", "--yes"]).expect(0);
        place.nothing();
    }
}

#[test]
fn a_second_apply_beside_a_stalled_one_launches_nothing_twice() {
    for moment in MOMENTS {
        let place = Place::with(&lab(5, "trainer"));
        let mut first = place.stalled_apply(moment);
        place.run(&["apply", "--yes"]).expect(0);
        place.exactly(5);
        kill(&mut first);
        place.exactly(5);
    }
}

#[test]
fn applies_at_the_same_time_launch_once() {
    let place = Place::with(&lab(5, "trainer"));
    let applies: Vec<Child> = (0..4)
        .map(|_| place.sandbox.start(&["apply", "--yes", "--settle", "1s"]))
        .collect();
    for mut apply in applies {
        assert!(apply.wait().unwrap().success());
    }
    place.exactly(5);
}

#[test]
fn an_apply_that_finds_instances_starting_waits_until_they_run() {
    let place = Place::with(&lab(2, "trainer"));
    place.apply_and_die(Moment::AfterTheLaunch);
    // Now the instances are listed, and do not run yet.
    for _ in 0..PATIENCE {
        if place.witness.instances("lab").len() == 2 {
            break;
        }
        std::thread::sleep(LOOK);
    }
    place.run(&["apply", "--yes"]).expect(0);
    for one in place.witness.instances("lab") {
        assert_eq!(one["state"], "running", "{one:#}");
    }
    place.exactly(2);
}

#[test]
fn a_lost_answer_is_asked_for_again_within_one_run() {
    let place = Place::with(&lab(5, "trainer"));
    let lost = json!([{"action": "RunInstances", "nth": 1, "when": "after", "do": "drop"}]);
    place.cloud.order(&lost);
    place.run(&["apply", "--yes"]).expect(0);
    place.exactly(5);
}

#[test]
fn listings_that_cannot_be_read_are_never_taken_for_nothing() {
    let place = Place::with(&lab(2, "trainer"));
    place.run(&["apply", "--yes"]).expect(0);
    let refused: Vec<Value> = (1..=3)
        .map(|nth| {
            json!({"action": "DescribeInstances", "nth": nth, "when": "before",
                "do": {"error": {"code": "UnauthorizedOperation", "status": 403, "message": "no"}}})
        })
        .collect();
    place.cloud.order(&json!(refused));
    let destroyed = place.run(&["destroy", "lab", "--yes"]);
    destroyed
        .expect(5)
        .says(&["whether anything is left is not known"]);
    place.cloud.no_faults();
    place.exactly(2);
    place.cloud.order(&json!(refused));
    place.run(&["plan"]).expect(1);
    place.cloud.no_faults();
}
