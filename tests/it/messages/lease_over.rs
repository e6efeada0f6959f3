//! An environment past its lease, as a guest leaves it whose timer has failed. Time is
//! turned back in the state of an embedded cloud.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::stage::{SPEC, check_run, check_table};
use crate::support::{GOOD, Sandbox};

/// Takes three hours from every instant of a state, and the timer from every guest.
fn turn_back(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Ok(instant) = text.parse::<Timestamp>() {
                *text = (instant - SignedDuration::from_hours(3)).to_string();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(turn_back),
        Value::Object(map) => {
            // One that has booted has a deadline, and one that has not reads it there.
            map.retain(|key, _| !matches!(key.as_str(), "deadline" | "user_data"));
            map.values_mut().for_each(turn_back);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Turns time back in every file of the state.
fn age(folder: &Path) {
    let mut files = 0;
    for entry in std::fs::read_dir(folder.join(".trainyard/cloud")).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let mut state = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            turn_back(&mut state);
            std::fs::write(&path, state.to_string()).unwrap();
            files += 1;
        }
    }
    assert_ne!(files, 0, "no state in {}", folder.display());
}

#[test]
fn an_environment_past_its_lease_is_refused_and_named() {
    let sandbox = Sandbox::new();
    sandbox.write(SPEC, GOOD);
    sandbox.run(&["apply", "--local", "--yes"]).expect(0);
    sandbox.run(&["local", "stop"]).expect(0);
    age(&sandbox.folder());
    check_run(
        "plan_lease_over",
        sandbox.run(&["plan", "--local", "--quiet"]).expect(0),
    );
    let apply = sandbox.run(&["apply", "--local", "--yes", "--quiet"]);
    check_run("apply_lease_over", apply.expect(4));
    check_table(
        "status_lease_over",
        sandbox.run(&["status", "--local", "--quiet"]).expect(0),
    );
    let destroy = sandbox.run(&["destroy", "trial", "--local", "--yes", "--quiet"]);
    check_table("destroy_lease_over", destroy.expect(0));
    let plan = sandbox.run(&["plan", "--local", "--quiet"]);
    plan.expect(0).says(&["1 to create"]);
}
