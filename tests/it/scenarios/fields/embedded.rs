//! The rows that only the embedded cloud plays.

use super::rows::Row;
use super::run::show;
use crate::support::embedded;

/// Shown on the embedded cloud alone.
pub(super) const EMBEDDED: &[Row] = &[
    Row::edit(
        "instances.*.placement",
        "type: m5.large",
        "{type: m5.large, placement: cluster}",
    ),
    Row::edit(
        "instances.*.disk.iops",
        "disk: {size: 20 GiB, iops: 4000}",
        "disk: {size: 20 GiB}",
    )
    .instead("goes", "new only"),
    Row::edit(
        "instances.*.disk.throughput",
        "disk: {size: 20 GiB, throughput: 250 MiB/s}",
        "disk: {size: 20 GiB}",
    )
    .instead("goes", "new only"),
    Row::edit(
        "instances.*.volumes.*.iops",
        "volumes: {/dev/sdf: {size: 10 GiB, iops: 4000}}",
        "volumes: {/dev/sdf: {size: 10 GiB}}",
    )
    .instead("goes", "new only"),
    Row::edit(
        "instances.*.volumes.*.throughput",
        "volumes: {/dev/sdf: {size: 10 GiB, throughput: 250 MiB/s}}",
        "volumes: {/dev/sdf: {size: 10 GiB}}",
    )
    .instead("goes", "new only"),
];

#[test]
fn a_change_of_each_key_that_moto_does_not_know_does_what_the_guide_says() {
    embedded(|world| {
        show(world, EMBEDDED, |world| {
            world.apply();
        });
    });
}
