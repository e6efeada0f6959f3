//! Looks at meaning: what a schema cannot say.

use std::collections::BTreeMap;

use super::check_data::{check_data, same_targets};
use super::check_group::check_group;
use super::diagnostic::{Code, Diagnostic, SpecPath};
use super::model::{EnvironmentSpec, ProjectSpec};
use super::tag_rules::check_tags;
use crate::resource::Lease;

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
    renames(spec, &mut found);
    adoptions(spec, &mut found);
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

/// A name before is somebody else's name or one's own: neither is a rename.
fn renames(spec: &EnvironmentSpec, found: &mut Vec<Diagnostic>) {
    if spec.renamed_from.as_ref() == Some(&spec.name) {
        found.push(same_name(SpecPath::of_keys(&["renamed_from"])));
    }
    let mut taken: BTreeMap<&String, &String> = BTreeMap::new();
    for (name, group) in &spec.instances {
        let Some(before) = &group.renamed_from else {
            continue;
        };
        let path = SpecPath::of_keys(&["instances", name, "renamed_from"]);
        if before == name {
            found.push(same_name(path));
        } else if spec.instances.contains_key(before) {
            let summary = format!("there is a group `{before}`, so it was not renamed");
            found.push(
                Diagnostic::at(path, Code::Combination, summary)
                    .help("remove `renamed_from`, or the group of the old name"),
            );
        } else if let Some(other) = taken.insert(before, name) {
            let summary = format!("`{other}` was `{before}` already");
            found.push(
                Diagnostic::at(path, Code::Combination, summary)
                    .help("one group follows another; remove one of the two"),
            );
        }
    }
}

fn same_name(path: SpecPath) -> Diagnostic {
    Diagnostic::at(path, Code::Combination, "this is the present name already")
        .help("write the name that it had before, or remove the key")
}

/// One instance has one place.
fn adoptions(spec: &EnvironmentSpec, found: &mut Vec<Diagnostic>) {
    let mut taken: BTreeMap<&String, &String> = BTreeMap::new();
    for (name, group) in &spec.instances {
        for (index, id) in group.adopt.iter().enumerate() {
            if let Some(other) = taken.insert(id, name)
                && other != name
            {
                let path = SpecPath::of_keys(&["instances", name, "adopt"]).index(index);
                let summary = format!("{id} is taken over by `{other}` already");
                found.push(
                    Diagnostic::at(path, Code::Combination, summary)
                        .help("keep it in one of the groups"),
                );
            }
        }
    }
}
