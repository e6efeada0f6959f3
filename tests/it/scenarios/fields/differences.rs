//! Where moto is known to differ from AWS in what the rows and stories show.

/// The names of rows or the keys of stories, and why they are not shown on both clouds
/// alike: either by the embedded cloud alone, or by both without a comparison.
pub(super) const DIFFERENCES: &[(&[&str], &str)] = &[
    (
        &["placement"],
        "moto has no placement groups: CreatePlacementGroup is not implemented",
    ),
    (
        &[
            "disk-iops-goes",
            "disk-throughput-goes",
            "volumes-iops-goes",
            "volumes-throughput-goes",
        ],
        "moto forgets iops and throughput at launch, so there is nothing to leave as it is",
    ),
    (&["region"], "moto has Amazon's images in one region only"),
    (
        &["disk-throughput", "volumes-throughput"],
        "moto does not tell the throughput that every gp3 volume begins with",
    ),
    (
        &["gpu", "gpu-memory", "vcpus", "vcpus-met", "memory"],
        "moto sells a thousand types more, so the smallest that meets a need is another one",
    ),
    (
        &["distributed"],
        "the members' private addresses stand in a tag, and each cloud gives its own",
    ),
    (
        &["metadata-enabled"],
        "moto resets what a change of the metadata options does not name",
    ),
    (
        &["instances.*.adopt"],
        "what was launched by hand has each cloud's own disk, and its lease begins at that moment",
    ),
];
