//! Tags that are ours, AWS's, too long, or too many.

use super::scene::{accepted, refused};
use crate::support::{good_but, good_with};

#[test]
fn our_own_tags_are_refused() {
    for key in [
        "trainyard:environment",
        "trainyard:lease",
        "trainyard:",
        "Trainyard:x",
        "TRAINYARD:X",
    ] {
        refused(good_but("project: trial", &format!("\"{key}\": mine"))).says(&[
            &format!("error[T202]: the tag `{key}` begins with `trainyard:`"),
            "environments/trial.yaml:7:3",
            "written by Trainyard alone",
        ]);
        refused(good_with(&format!("tags: {{\"{key}\": mine}}"))).says(&["error[T202]"]);
    }
}

#[test]
fn tags_of_aws_are_refused() {
    for key in [
        "aws:name",
        "AWS:name",
        "aWs:",
        "aws:cloudformation:stack-name",
    ] {
        refused(good_but("project: trial", &format!("\"{key}\": mine"))).says(&[
            &format!("error[T202]: the tag `{key}` begins with `aws:`"),
            "AWS keeps that prefix to itself",
        ]);
    }
}

#[test]
fn tags_that_only_look_like_ours_are_accepted() {
    accepted(good_but(
        "project: trial",
        "trainyard: x\n  awsome: y\n  my-trainyard:z: w",
    ));
}

#[test]
fn more_tags_than_ec2_takes_are_refused() {
    let many = |number: usize| {
        (0..number).fold(String::new(), |tags, index| {
            format!("{tags}  tag{index}: x\n")
        })
    };
    refused(good_but("  project: trial\n", &many(51)))
        .says(&["error[T106]: `tags` has 51 entries"]);
    // Together with the name and our own, fifty are too many already.
    refused(good_but("  project: trial\n", &many(50))).says(&[
        "error[T202]",
        "51 tags and",
        "of Trainyard's own are more than the 50 that EC2 takes",
    ]);
    accepted(good_but("  project: trial\n", &many(20)));
}

#[test]
fn tags_of_all_levels_are_counted_together() {
    let level = |from: usize| {
        (from..from + 25)
            .map(|index| format!("tag{index}: x"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let spec = good_but(
        "tags:\n  project: trial\n",
        &format!("tags: {{{}}}\n", level(0)),
    );
    refused(format!("{spec}    tags: {{{}}}\n", level(25))).says(&["error[T202]", "51 tags and"]);
}

#[test]
fn long_keys_and_values_are_refused() {
    refused(good_but(
        "project: trial",
        &format!("{}: trial", "k".repeat(121)),
    ))
    .says(&["error[T", "121 characters", "at most 120"]);
    refused(good_but(
        "project: trial",
        &format!("project: {}", "v".repeat(256)),
    ))
    .says(&["error[T", "256 characters", "255"]);
    refused(good_but("project: trial", "\"\": trial")).says(&["error[T"]);
    accepted(good_but(
        "project: trial",
        &format!("{}: {}", "k".repeat(120), "v".repeat(255)),
    ));
}

#[test]
fn characters_that_a_tag_cannot_hold_are_refused() {
    for key in ["a*b", "a?b", "a,b", "a{b}", "a\\b"] {
        refused(good_but("project: trial", &format!("'{key}': trial")))
            .says(&["error[T202]: the tag", "letters, digits, spaces"]);
    }
}
