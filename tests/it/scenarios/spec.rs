//! The specs that the scenarios share.

use serde_json::Value;

use crate::support::World;

/// The image of most scenarios, by the one parameter that both clouds have.
pub(super) const SSM: &str =
    "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";

/// What a plan says of a change that nobody made in the spec.
pub(super) const DRIFTED: &str = "it was changed on AWS, not in the spec";

/// A group of trainers: how many, and further keys, each as a line of its own.
///
/// The disk is stated, because the images of the two clouds differ in size.
pub(super) fn trainers(count: u32, more: &str) -> String {
    let mut body = format!(
        "instances:\n  trainer:\n    count: {count}\n    type: t3.small\n    image: {{ssm: {SSM}}}\n"
    );
    if !more.contains("disk:") {
        body.push_str("    disk: {size: 20 GiB}\n");
    }
    for line in more.lines() {
        body.push_str("    ");
        body.push_str(line);
        body.push('\n');
    }
    body
}

pub(super) fn ids(world: &World, numbers: std::ops::Range<u32>) -> Vec<Value> {
    numbers
        .map(|number| world.trainer(number)["id"].clone())
        .collect()
}

/// Further keys of a group, each as a line of its own.
pub(super) fn keys(more: &str) -> String {
    more.lines().flat_map(|line| ["    ", line, "\n"]).collect()
}
