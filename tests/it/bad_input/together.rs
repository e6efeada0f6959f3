//! All mistakes of one spec at once.

use std::collections::BTreeSet;

use super::scene::{SPEC, refused, refused_in};
use crate::support::Sandbox;

const MISTAKES: &str = "\
version: 1
name: Trial
regoin: eu-central-1
lease: 12 parsecs
tags: {aws:owner: me}
data:
  up: {from: here, to: there}
instances:
  trainer:
    count: 0
    type: m5.large
    zone: eu-central-1a
    subnet: subnet-0123456789abcdef0
    image: {ssm: /aws/service/x}
    disk: {type: gp2, iops: 3000}
    metadata: {tokens: maybe}
    protect: 7
";

#[test]
fn ten_kinds_of_mistakes_are_told_at_once() {
    let run = refused(MISTAKES);
    let codes: BTreeSet<&str> = run
        .stderr
        .lines()
        .filter_map(|line| line.strip_prefix("error[")?.split(']').next())
        .collect();
    let wanted = [
        "T101", "T102", "T103", "T104", "T105", "T106", "T107", "T201", "T202", "T204", "T205",
    ];
    assert_eq!(codes, wanted.into(), "{run}");
    run.says(&["12 mistakes in 1 file; nothing was changed"]);
}

#[test]
fn mistakes_stand_in_the_order_of_lines() {
    let run = refused(MISTAKES);
    let lines: Vec<u32> = run
        .stderr
        .lines()
        .filter_map(|line| {
            line.split_once(&format!("--> {SPEC}:"))?
                .1
                .split(':')
                .next()
        })
        .map(|line| line.parse().unwrap())
        .collect();
    assert!(lines.is_sorted(), "{lines:?}");
    assert_eq!(lines.len(), 12, "{run}");
}

#[test]
fn the_same_mistakes_are_there_for_programs() {
    let sandbox = Sandbox::new();
    sandbox.write(SPEC, MISTAKES);
    let run = sandbox.run(&["validate", "--format", "json", SPEC]);
    run.expect(1);
    let json = run.json();
    let list = json.as_array().unwrap();
    assert_eq!(list.len(), 12, "{run}");
    for one in list {
        assert_eq!(one["file"], SPEC);
        assert!(one["line"].is_u64() && one["column"].is_u64(), "{one}");
        assert!(one["code"].as_str().unwrap().starts_with('T'), "{one}");
        assert_ne!(one["message"], "", "{one}");
    }
}

#[test]
fn a_good_spec_does_not_hide_a_bad_one() {
    let sandbox = Sandbox::new();
    sandbox.write("environments/good.yaml", crate::support::GOOD);
    sandbox.write("environments/other.yaml", MISTAKES);
    refused_in(sandbox, "environments").says(&["12 mistakes in 1 file"]);
}
