//! How many of a group run, where they stand, and what its members know of one another.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::spec::{SSM, keys};
use crate::support::Lab;

fn worker(count: u32, more: &str) -> String {
    let head = format!(
        "instances:\n  worker:\n    count: {count}\n    type: g5.2xlarge\n    image: {{ssm: {SSM}}}\n"
    );
    head + &keys(more)
}

fn numbers(lab: &Lab) -> Vec<u64> {
    let all = lab.each("ordinal");
    all.iter().map(|number| number.as_u64().unwrap()).collect()
}

#[test]
fn with_min_fewer_run_and_that_is_enough_until_min_is_raised() {
    let lab = Lab::new();
    lab.spec(&worker(6, "zone: us-east-1a\nmin: 3"));
    lab.refuse(&json!([{"left": 4}]));
    lab.plan(&["min", "3 of 6 will do"]);
    lab.apply(&["4 of 6 running, as `min` allows"]);
    assert_eq!(numbers(&lab), [0, 1, 2, 3]);
    let ids = lab.each("id");

    // There is room again, and nobody has asked for more.
    lab.refuse_nothing();
    let note = "note: worker has 4 of 6, which is enough for its `min` of 3; raise `min` to have the rest launched";
    lab.nothing_to_do(&[note]);
    lab.try_apply().expect(0).says(&["nothing to do"]);
    assert_eq!(lab.launches(), 0);

    lab.spec(&worker(6, "zone: us-east-1a\nmin: 5"));
    lab.plan(&["Plan: 2 to create"]);
    lab.apply(&["2 instances running"]);
    assert_eq!(numbers(&lab), [0, 1, 2, 3, 4, 5]);
    assert_eq!(lab.each("id")[..4], ids);
    lab.end();
}

#[test]
fn less_than_min_is_nothing_at_all() {
    let lab = Lab::new();
    lab.spec(&worker(6, "zone: us-east-1a\nmin: 3"));
    lab.refuse(&json!([{"left": 2}]));
    lab.try_apply().expect(1).says(&["nothing was launched"]);
    assert!(lab.witness.instances("lab").is_empty());
}

#[test]
fn with_min_enough_is_enough_after_some_have_ended() {
    let lab = Lab::new();
    lab.spec(&worker(6, "zone: us-east-1a\nmin: 3"));
    lab.refuse(&json!([{"left": 4}]));
    lab.apply(&[]);
    lab.refuse_nothing();
    let ids = lab.each("id");
    // One that ran is missing now, and comes back; what was never given does not.
    lab.witness.ask("terminate", &json!({"ids": [ids[1]]}));
    lab.plan(&["+ worker[1]  1 instance"]);
    lab.apply(&["1 instance running"]);
    assert_eq!(numbers(&lab), [0, 1, 2, 3]);
    lab.end();
}

#[test]
fn a_large_group_of_which_a_part_is_refused_is_ended_again() {
    let lab = Lab::new();
    lab.spec(&worker(150, "zone: us-east-1a"));
    // Room for the first batch or for the second, and never for both.
    lab.refuse(&json!([{"left": 120}]));
    lab.try_apply().expect(1).says(&[
        "AWS has no capacity now for g5.2xlarge on-demand in us-east-1a (",
        "another part of its group has no capacity, and the group is all or nothing",
    ]);
    assert_eq!(lab.launches(), 2);
    lab.expect_no_instance();
    lab.expect_nothing();
    let ended = lab.witness.instances("lab").len();
    assert!(ended == 100 || ended == 50, "{ended}");

    lab.refuse_nothing();
    lab.apply(&[]);
    assert_eq!(lab.members().len(), 150);
    lab.end();
}

#[test]
fn shrinking_ends_the_highest_numbers_and_growing_keeps_the_rest() {
    let lab = Lab::new();
    lab.spec(&worker(5, ""));
    lab.apply(&[]);
    let first = lab.each("id");
    lab.spec(&worker(2, ""));
    lab.plan(&["- worker[2-4]  3 instances terminated"]);
    lab.apply(&[]);
    assert_eq!(numbers(&lab), [0, 1]);
    assert_eq!(lab.each("id"), first[..2]);
    lab.spec(&worker(4, ""));
    lab.apply(&[]);
    assert_eq!(numbers(&lab), [0, 1, 2, 3]);
    let grown = lab.each("id");
    assert_eq!(grown[..2], first[..2]);
    assert!(!first.contains(&grown[2]) && !first.contains(&grown[3]));

    // A gap in the middle is filled under its old number.
    lab.witness.ask("terminate", &json!({"ids": [grown[1]]}));
    lab.apply(&[]);
    assert_eq!(numbers(&lab), [0, 1, 2, 3]);
    let filled = lab.each("id");
    assert_eq!((&filled[0], &filled[2..]), (&grown[0], &grown[2..]));
    lab.end();
}

fn placement_groups(lab: &Lab) -> Vec<Value> {
    let told = lab.witness.ask("own_placement_groups", &json!({}));
    serde_json::from_value(told).unwrap()
}

#[test]
fn a_cluster_stands_in_a_placement_group_of_ours_that_ends_with_it() {
    let lab = Lab::new();
    lab.spec(&worker(3, "placement: cluster"));
    lab.plan(&[
        "+ worker.placement  placement group trainyard-lab-worker",
        "close together, in the group trainyard-lab-worker",
    ]);
    lab.apply(&[]);
    let groups = placement_groups(&lab);
    assert_eq!(groups.len(), 1, "{groups:#?}");
    assert_eq!(groups[0]["strategy"], "cluster");
    assert_eq!(groups[0]["tags"]["trainyard:environment"], "lab");
    for one in lab.circumstances() {
        assert_eq!(one["placement_group"], groups[0]["name"], "{one:#}");
    }
    let zones: BTreeSet<String> = lab.each("zone").iter().map(Value::to_string).collect();
    assert_eq!(zones.len(), 1, "{zones:?}");

    // Growing goes into the same group, which is not made twice.
    lab.spec(&worker(4, "placement: cluster"));
    lab.apply(&[]);
    assert_eq!(lab.cloud.number_of("CreatePlacementGroup"), 0);
    assert_eq!(placement_groups(&lab), groups);
    assert_eq!(lab.circumstances().len(), 4);
    lab.end();
    assert_eq!(lab.cloud.number_of("DeletePlacementGroup"), 1);
}

#[test]
fn types_that_stand_in_no_cluster_are_left_out_with_the_reason() {
    let lab = Lab::new();
    let body = worker(2, "placement: cluster").replace("g5.2xlarge", "[t3.small, g5.2xlarge]");
    lab.spec(&body);
    lab.plan(&[
        "not tried",
        "t3.small: it cannot stand in a cluster placement group",
    ]);
    lab.apply(&[]);
    assert_eq!(lab.each("type"), ["g5.2xlarge", "g5.2xlarge"]);
    lab.end();

    let lab = Lab::new();
    lab.spec(&body.replace("[t3.small, g5.2xlarge]", "t3.small"));
    let planned = lab.run(&["plan"]);
    planned
        .expect(1)
        .says(&["it cannot stand in a cluster placement group"]);
}

/// What every member has been told, which is the same for all of them.
#[track_caller]
fn told(lab: &Lab) -> Vec<String> {
    let members = lab.members();
    let all: BTreeSet<String> = members
        .iter()
        .map(|one| {
            one["tags"]["trainyard:members"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(all.len(), 1, "{all:?}");
    let mut before = Vec::new();
    // An address leaves out the leading parts that it shares with the one before.
    for short in all.first().unwrap().split(',') {
        let missing = 4 - short.split('.').count();
        let head = before.last().map_or("", String::as_str);
        let parts: Vec<&str> = head.split('.').take(missing).chain([short]).collect();
        before.push(parts.join("."));
    }
    before
}

/// The private addresses in the order of numbers.
fn addresses(lab: &Lab) -> Vec<String> {
    let circumstances = lab.circumstances();
    let address = |id: &Value| {
        let one = circumstances.iter().find(|one| one["id"] == *id).unwrap();
        one["private_address"].as_str().unwrap().to_owned()
    };
    lab.each("id").iter().map(address).collect()
}

#[test]
fn the_members_of_a_distributed_group_are_told_of_all_and_told_anew_when_it_grows() {
    let lab = Lab::new();
    lab.spec(&worker(3, "distributed: true"));
    lab.apply(&["3 members told of one another"]);
    assert_eq!(told(&lab), addresses(&lab));
    for one in lab.circumstances() {
        assert_eq!(one["tags_in_metadata"], "enabled", "{one:#}");
    }
    // They reach one another, and nobody else comes in.
    let groups = lab.witness.ask("own_groups", &json!({}));
    let rules = &groups["trainyard-lab-worker"]["rules"];
    assert_eq!(*rules, json!(["-1 from a group (members of the group)"]));
    let data = lab.members()[0]["user_data"].as_str().unwrap().to_owned();
    assert!(data.contains("list trainyard:members"), "{data}");

    let before = addresses(&lab);
    lab.spec(&worker(5, "distributed: true"));
    lab.plan(&["3 members told of the group as it is then"]);
    lab.apply(&["5 members told of one another"]);
    assert_eq!(told(&lab), addresses(&lab));
    assert_eq!(told(&lab)[..3], before);

    lab.spec(&worker(2, "distributed: true"));
    lab.apply(&["2 members told of one another"]);
    assert_eq!(told(&lab), before[..2]);
    lab.end();
}

#[test]
fn a_member_that_is_replaced_is_told_of_to_the_others() {
    let lab = Lab::new();
    lab.spec(&worker(3, "distributed: true"));
    lab.apply(&[]);
    let before = told(&lab);
    let ids = lab.each("id");
    lab.witness.ask("terminate", &json!({"ids": [ids[1]]}));
    lab.plan(&["Plan: 1 to create"]);
    lab.apply(&["3 members told of one another"]);
    let after = told(&lab);
    assert_eq!(after, addresses(&lab));
    assert_eq!((&after[0], &after[2]), (&before[0], &before[2]));
    assert_ne!(after[1], before[1]);
    lab.end();
}

#[test]
fn somebody_who_takes_the_members_tag_away_is_made_up_for() {
    let lab = Lab::new();
    lab.spec(&worker(2, "distributed: true"));
    lab.apply(&[]);
    let id = lab.each("id")[1].clone();
    let tag = json!({"id": id, "key": "trainyard:members"});
    lab.witness.ask("untag", &tag);
    lab.plan(&["2 members told of the group"]);
    lab.apply(&["2 members told of one another"]);
    assert_eq!(told(&lab), addresses(&lab));
    lab.end();
}
