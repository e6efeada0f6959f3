//! Looks at meaning: what a schema cannot say.

use std::collections::BTreeMap;

use super::check_data::{check_data, same_targets};
use super::check_disk::{Figures, check_disk};
use super::diagnostic::{Code, Diagnostic, SpecPath};
use super::model::{EnvironmentSpec, GroupSpec, ImageSpec, ProjectSpec};
use super::tag_rules::{MOST_TAGS, check_tags};
use crate::lease::{LARGEST_USER_DATA, boot_user_data};
use crate::resource::{Lease, own_tag_count};

/// Everything that is wrong with an environment of the right shape.
pub fn check_environment(spec: &EnvironmentSpec, project: &ProjectSpec) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let root = SpecPath::default();
    shared_keys(spec, project, &mut found);
    check_tags(&spec.tags, &root.key("tags"), &mut found);
    policy(spec, project, &mut found);
    for (name, data) in &spec.data {
        check_data(data, &root.key("data").key(name), &mut found);
    }
    same_targets(&spec.data, &mut found);
    for (name, group) in &spec.instances {
        check_group(
            spec,
            project,
            group,
            &root.key("instances").key(name),
            &mut found,
        );
    }
    if spec.instances.is_empty() && spec.data.is_empty() {
        found.push(
            Diagnostic::at(
                root,
                Code::MissingKey,
                "the environment has neither instances nor data",
            )
            .help("add a group under `instances:`, or an entry under `data:`"),
        );
    }
    found
}

fn shared_keys(spec: &EnvironmentSpec, project: &ProjectSpec, found: &mut Vec<Diagnostic>) {
    for (key, missing, example) in [
        (
            "account",
            spec.account.is_none() && project.account.is_none(),
            "\"123456789012\"",
        ),
        (
            "region",
            spec.region.is_none() && project.region.is_none(),
            "eu-central-1",
        ),
    ] {
        if missing {
            found.push(
                Diagnostic::at(
                    SpecPath::of_keys(&[key]),
                    Code::MissingKey,
                    format!("the key `{key}` is missing"),
                )
                .help(format!(
                    "add `{key}: {example}` here, or to `trainyard.yaml` for all environments"
                )),
            );
        }
    }
}

fn policy(spec: &EnvironmentSpec, project: &ProjectSpec, found: &mut Vec<Diagnostic>) {
    let Some(policy) = &project.policy else {
        return;
    };
    let limit = policy
        .max_lease
        .as_deref()
        .and_then(|text| text.parse::<Lease>().ok());
    let lease = spec.lease.parse::<Lease>().ok();
    if let (Some(limit), Some(lease)) = (limit, lease)
        && lease > limit
    {
        found.push(
            Diagnostic::at(
                SpecPath::of_keys(&["lease"]),
                Code::Policy,
                format!("a lease of {lease} is longer than this project allows"),
            )
            .help(format!("`policy.max_lease` in `trainyard.yaml` is {limit}")),
        );
    }
    let instances: u64 = spec
        .instances
        .values()
        .map(|group| u64::from(group.count))
        .sum();
    if let Some(limit) = policy.max_instances
        && instances > u64::from(limit)
    {
        found.push(
            Diagnostic::at(
                SpecPath::of_keys(&["instances"]),
                Code::Policy,
                format!("{instances} instances are more than this project allows"),
            )
            .help(format!(
                "`policy.max_instances` in `trainyard.yaml` is {limit}"
            )),
        );
    }
}

fn check_group(
    spec: &EnvironmentSpec,
    project: &ProjectSpec,
    group: &GroupSpec,
    path: &SpecPath,
    found: &mut Vec<Diagnostic>,
) {
    image(&group.image, &path.key("image"), found);
    if group.subnet.is_some() && group.zone.is_some() {
        found.push(
            Diagnostic::at(
                path.the_key("zone"),
                Code::Combination,
                "`subnet` and `zone` exclude each other",
            )
            .help("a subnet lies in one zone already; remove `zone`"),
        );
    }
    let region = spec.region.as_deref().or(project.region.as_deref());
    if let (Some(zone), Some(region)) = (&group.zone, region)
        && zone.strip_suffix(|letter: char| letter.is_ascii_lowercase()) != Some(region)
    {
        found.push(
            Diagnostic::at(
                path.key("zone"),
                Code::Combination,
                format!("the zone `{zone}` is not in the region `{region}`"),
            )
            .help(format!("write a zone such as `{region}a`")),
        );
    }
    if let Some(disk) = &group.disk {
        check_disk(&Figures::of_root(disk), &path.key("disk"), found);
    }
    for (device, volume) in &group.volumes {
        check_disk(
            &Figures::of_volume(volume),
            &path.key("volumes").key(device),
            found,
        );
    }
    check_tags(&group.tags, &path.key("tags"), found);
    tag_count(spec, project, group, path, found);
    user_data(spec, group, path, found);
}

fn tag_count(
    spec: &EnvironmentSpec,
    project: &ProjectSpec,
    group: &GroupSpec,
    path: &SpecPath,
    found: &mut Vec<Diagnostic>,
) {
    let mut tags = BTreeMap::from([("Name".to_owned(), String::new())]);
    for key in project
        .tags
        .keys()
        .chain(spec.tags.keys())
        .chain(group.tags.keys())
    {
        tags.insert(key.clone(), String::new());
    }
    let own = own_tag_count(&tags, !group.volumes.is_empty());
    if tags.len() + own > MOST_TAGS {
        let place = if group.tags.is_empty() {
            SpecPath::of_keys(&["tags"])
        } else {
            path.key("tags")
        };
        let summary = format!(
            "{} tags and {own} of Trainyard's own are more than the {MOST_TAGS} that EC2 takes",
            tags.len()
        );
        found.push(Diagnostic::at(place, Code::BadTag, summary).help("remove some"));
    }
}

fn user_data(
    spec: &EnvironmentSpec,
    group: &GroupSpec,
    path: &SpecPath,
    found: &mut Vec<Diagnostic>,
) {
    let Ok(lease) = spec.lease.parse::<Lease>() else {
        return;
    };
    let size = boot_user_data(lease, group.user_data.as_deref()).len();
    if size > LARGEST_USER_DATA {
        found.push(
            Diagnostic::at(
                path.key("user_data"),
                Code::BadUserData,
                format!("the user data has {size} bytes together with the lease's timer; EC2 takes {LARGEST_USER_DATA}"),
            )
            .help("keep the script in the bucket and fetch it from a short one"),
        );
    }
}

fn image(image: &ImageSpec, path: &SpecPath, found: &mut Vec<Diagnostic>) {
    let given: Vec<&str> = [
        ("id", &image.id),
        ("name", &image.name),
        ("ssm", &image.ssm),
    ]
    .into_iter()
    .filter_map(|(key, value)| value.as_ref().map(|_| key))
    .collect();
    match given.as_slice() {
        [_] => {}
        [] => found.push(
            Diagnostic::at(path.clone(), Code::Combination, "the image is not named")
                .help("give one of `id`, `name` with `owner`, and `ssm`"),
        ),
        [_, second, ..] => found.push(
            Diagnostic::at(
                path.the_key(second),
                Code::Combination,
                format!("the image is named by {}", given.join(" and by ")),
            )
            .help("keep one of them"),
        ),
    }
    if image.name.is_some() && image.owner.is_none() {
        found.push(
            Diagnostic::at(
                path.key("name"),
                Code::Combination,
                "an image's name needs its owner: anybody may publish an image of any name",
            )
            .help("add `owner: amazon`, `owner: self` or an account"),
        );
    }
    if image.owner.is_some() && image.name.is_none() {
        found.push(
            Diagnostic::at(
                path.the_key("owner"),
                Code::Combination,
                "`owner` goes with `name` only",
            )
            .help("remove it, or add `name`"),
        );
    }
}
