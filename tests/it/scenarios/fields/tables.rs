//! The rows that both clouds play.

use super::rows::Row;
use super::run::show;
use crate::support::both;

/// Shown on both clouds, and the same on both to the last word of the plan.
pub(super) const TOGETHER: &[Row] = &[
    Row::comes("data.*", "{}"),
    Row::goes("data.*", "{}").instead("goes", "new only"),
    Row::edit("data.*.from", "from: ../files/one", "from: ../files/two"),
    Row::edit(
        "data.*.to",
        "to: s3://lab-data/here",
        "to: s3://lab-data/there",
    ),
    Row::edit(
        "data.*.include",
        "include: ['*.png']",
        "include: ['*.png', '*.txt']",
    ),
    Row::edit("data.*.exclude", "exclude: ['*.png']", "exclude: ['*.txt']"),
    Row::edit("data.*.delete", "delete: never", "delete: extra"),
    Row::edit("data.*.archive", "archive: zip", "archive: tar.zst"),
    Row::goes("instances.*", "{}"),
    Row::comes("instances.*", "{}").instead("comes", "launches"),
    Row::edit("instances.*.count", "count: 2", "count: 1"),
    Row::edit("instances.*.count", "count: 1", "count: 2").instead("grows", "launches"),
    Row::edit(
        "instances.*.min",
        "{count: 2, min: 2}",
        "{count: 2, min: 1}",
    ),
    Row::edit(
        "instances.*.image.id",
        "image: {id: '{image two}'}",
        "image: {id: '{image one}'}",
    ),
    Row::edit(
        "instances.*.image.name",
        "image: {name: 'al2023-ami-2023*x86_64', owner: amazon}",
        "image: {name: 'al2023-ami-*x86_64', owner: amazon}",
    ),
    Row::edit(
        "instances.*.image.owner",
        "image: {name: 'al2023-ami-2023*x86_64', owner: amazon}",
        "image: {name: 'al2023-ami-2023*x86_64', owner: '{amazon by number}'}",
    ),
    Row::edit(
        "instances.*.image.ssm",
        "{type: [t3.small, t4g.small], image: {ssm: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64}}",
        "{type: [t3.small, t4g.small], image: {ssm: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64}}",
    ),
    Row::edit("instances.*.type", "type: t3.small", "type: t3.medium"),
    Row::edit(
        "instances.*.type",
        "type: t3.small",
        "type: [t3.medium, t3.small]",
    )
    .instead("listed", "new only"),
    Row::edit("instances.*.market", "market: on-demand", "market: spot"),
    Row::edit(
        "instances.*.market",
        "market: spot",
        "market: spot-then-on-demand",
    )
    .instead("as-bought", "new only"),
    Row::edit(
        "instances.*.max_price",
        "{market: spot, max_price: 0.50 USD}",
        "{market: spot, max_price: 0.60 USD}",
    ),
    Row::edit(
        "instances.*.wait_for_capacity",
        "wait_for_capacity: 10m",
        "wait_for_capacity: 20m",
    ),
    Row::edit(
        "instances.*.subnet",
        "subnet: '{subnet one}'",
        "subnet: '{subnet two}'",
    ),
    Row::edit("instances.*.subnet", "subnet: '{subnet one}'", "{}").instead("goes", "new only"),
    Row::edit("instances.*.zone", "zone: us-east-1a", "zone: us-east-1b"),
    Row::edit("instances.*.zone", "zone: us-east-1a", "{}").instead("goes", "new only"),
    Row::edit(
        "instances.*.public_address",
        "public_address: true",
        "public_address: false",
    ),
    Row::edit("instances.*.public_address", "public_address: true", "{}")
        .instead("goes", "new only"),
    Row::edit("instances.*.iam_profile", "{}", "iam_profile: trainer"),
    Row::edit("instances.*.iam_profile", "iam_profile: trainer", "{}").instead("goes", "in place"),
    Row::edit(
        "instances.*.security_groups",
        "security_groups: [training]",
        "security_groups: [training, inner]",
    ),
    Row::edit(
        "instances.*.security_groups",
        "security_groups: [training]",
        "{}",
    )
    .instead("goes", "new only"),
    Row::edit("instances.*.key", "key: alex", "key: robin"),
    Row::edit(
        "instances.*.ssh.from",
        "ssh: {from: 203.0.113.0/24}",
        "ssh: {from: 198.51.100.0/24}",
    ),
    Row::edit(
        "instances.*.ssh.public_key",
        "ssh: {from: 203.0.113.0/24, public_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK0wmN/Cr3JXqmLW7u+g9pTh+wyqDHpSQEIQczXkVx9q}",
        "ssh: {from: 203.0.113.0/24, public_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEZ6aOZh7uR3OUHBY1GWpJNODo9xmXKh/FodoN1dC6B3}",
    ),
    Row::edit(
        "instances.*.disk.size",
        "disk: {size: 20 GiB}",
        "disk: {size: 30 GiB}",
    ),
    Row::edit(
        "instances.*.disk.size",
        "disk: {size: 30 GiB}",
        "disk: {size: 20 GiB}",
    )
    .instead("shrinks", "replace"),
    Row::edit(
        "instances.*.disk.type",
        "disk: {size: 20 GiB}",
        "disk: {size: 20 GiB, type: gp2}",
    ),
    Row::edit(
        "instances.*.disk.iops",
        "disk: {size: 20 GiB}",
        "disk: {size: 20 GiB, iops: 4000}",
    ),
    Row::edit(
        "instances.*.disk.encrypted",
        "disk: {size: 20 GiB}",
        "disk: {size: 20 GiB, encrypted: true}",
    ),
    Row::edit(
        "instances.*.disk.encrypted",
        "disk: {size: 20 GiB, encrypted: true}",
        "disk: {size: 20 GiB, encrypted: false}",
    )
    .instead("off", "new only"),
    Row::edit(
        "instances.*.disk.keep",
        "disk: {size: 20 GiB, keep: true}",
        "disk: {size: 20 GiB, keep: false}",
    ),
    Row::edit(
        "instances.*.volumes.*",
        "{}",
        "volumes: {/dev/sdf: {size: 10 GiB}}",
    ),
    Row::edit(
        "instances.*.volumes.*",
        "volumes: {/dev/sdf: {size: 10 GiB}}",
        "{}",
    )
    .instead("goes", "replace"),
    Row::edit(
        "instances.*.volumes.*.size",
        "volumes: {/dev/sdf: {size: 10 GiB}}",
        "volumes: {/dev/sdf: {size: 20 GiB}}",
    ),
    Row::edit(
        "instances.*.volumes.*.size",
        "volumes: {/dev/sdf: {size: 20 GiB}}",
        "volumes: {/dev/sdf: {size: 10 GiB}}",
    )
    .instead("shrinks", "replace"),
    Row::edit(
        "instances.*.volumes.*.type",
        "volumes: {/dev/sdf: {size: 10 GiB}}",
        "volumes: {/dev/sdf: {size: 10 GiB, type: gp2}}",
    ),
    Row::edit(
        "instances.*.volumes.*.iops",
        "volumes: {/dev/sdf: {size: 10 GiB}}",
        "volumes: {/dev/sdf: {size: 10 GiB, iops: 4000}}",
    ),
    Row::edit(
        "instances.*.volumes.*.encrypted",
        "volumes: {/dev/sdf: {size: 10 GiB}}",
        "volumes: {/dev/sdf: {size: 10 GiB, encrypted: true}}",
    ),
    Row::edit(
        "instances.*.volumes.*.encrypted",
        "volumes: {/dev/sdf: {size: 10 GiB, encrypted: true}}",
        "volumes: {/dev/sdf: {size: 10 GiB, encrypted: false}}",
    )
    .instead("off", "new only"),
    Row::edit(
        "instances.*.volumes.*.keep",
        "volumes: {/dev/sdf: {size: 10 GiB, keep: true}}",
        "volumes: {/dev/sdf: {size: 10 GiB, keep: false}}",
    ),
    Row::edit(
        "instances.*.metadata.tokens",
        "metadata: {tokens: required}",
        "metadata: {tokens: optional}",
    ),
    Row::edit(
        "instances.*.metadata.hop_limit",
        "metadata: {hop_limit: 2}",
        "metadata: {hop_limit: 5}",
    ),
    Row::edit(
        "instances.*.user_data",
        "user_data: '#!/bin/bash'",
        "user_data: '#!/bin/sh'",
    ),
    Row::edit("instances.*.protect", "protect: false", "protect: true"),
    Row::edit(
        "instances.*.tags.*",
        "tags: {stage: one}",
        "tags: {stage: two}",
    ),
];

/// Shown on both clouds, and told differently by each.
pub(super) const APART: &[Row] = &[
    Row::edit("instances.*.gpu", "gpu: T4:1", "gpu: A10G:1"),
    Row::edit(
        "instances.*.gpu_memory",
        "gpu_memory: 16 GiB",
        "gpu_memory: 20 GiB..",
    ),
    Row::edit("instances.*.vcpus", "vcpus: '2'", "vcpus: '4'"),
    Row::edit("instances.*.vcpus", "vcpus: 2..4", "vcpus: ..8").instead("met", "in place"),
    Row::edit("instances.*.memory", "memory: ..2 GiB", "memory: 8 GiB.."),
    Row::edit(
        "instances.*.distributed",
        "distributed: false",
        "distributed: true",
    ),
    Row::edit(
        "instances.*.disk.throughput",
        "disk: {size: 20 GiB}",
        "disk: {size: 20 GiB, throughput: 250 MiB/s}",
    ),
    Row::edit(
        "instances.*.volumes.*.throughput",
        "volumes: {/dev/sdf: {size: 10 GiB}}",
        "volumes: {/dev/sdf: {size: 10 GiB, throughput: 250 MiB/s}}",
    ),
    Row::edit(
        "instances.*.metadata.enabled",
        "metadata: {enabled: true}",
        "metadata: {enabled: false}",
    ),
];

#[test]
fn a_change_of_each_key_does_what_the_guide_says() {
    both(|world| {
        show(world, TOGETHER, |world| {
            world.apply();
        });
    });
}

#[test]
fn a_change_of_each_key_that_the_clouds_tell_apart_does_what_the_guide_says() {
    both(|world| {
        show(world, APART, |world| {
            world.run(&["apply", "--yes"]).expect(0);
            world.nothing_to_do();
        });
    });
}
