//! Looks at the meaning of one group.

use std::collections::BTreeMap;

use super::check_disk::{Figures, check_disk};
use super::check_network::check_ways_in;
use super::diagnostic::{Code, Diagnostic, SpecPath};
use super::model::{EnvironmentSpec, ProjectSpec};
use super::model_group::{GroupSpec, ImageSpec, MarketSpec};
use super::tag_rules::check_tags;
use crate::lease::{Boot, LARGEST_USER_DATA};
use crate::resource::{Lease, MOST_MEMBERS, MOST_TAGS, Wait, own_tag_count};

/// Everything that is wrong with a group of the right shape.
pub(super) fn check_group(
    spec: &EnvironmentSpec,
    project: &ProjectSpec,
    group: &GroupSpec,
    path: &SpecPath,
    found: &mut Vec<Diagnostic>,
) {
    image(&group.image, &path.key("image"), found);
    machine(group, path, found);
    market(spec, group, path, found);
    numbers(group, path, found);
    distributed(spec, project, group, (path, found));
    check_ways_in(group, path, found);
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

/// A machine is named by its type or by a need, and by one of the two.
fn machine(group: &GroupSpec, path: &SpecPath, found: &mut Vec<Diagnostic>) {
    let needs: Vec<&str> = [
        ("gpu", &group.gpu),
        ("gpu_memory", &group.gpu_memory),
        ("vcpus", &group.vcpus),
        ("memory", &group.memory),
    ]
    .into_iter()
    .filter_map(|(key, value)| value.as_ref().map(|_| key))
    .collect();
    match (group.types.0.is_empty(), needs.first()) {
        (true, None) => found.push(
            Diagnostic::at(
                path.clone(),
                Code::MissingKey,
                format!("the key `type` is missing in `{path}`"),
            )
            .help("add `type: g5.xlarge`, or say what is needed: `gpu: A10G:1`, `vcpus: 8..`, `memory: 60 GiB..`"),
        ),
        (false, Some(key)) => found.push(
            Diagnostic::at(
                path.the_key(key),
                Code::Combination,
                format!("`type` and `{key}` exclude each other"),
            )
            .help("a type says all that a need can say; remove one of the two"),
        ),
        (true, Some(_)) | (false, None) => {}
    }
}

/// What holds for spot instances only, and what does not hold for them.
fn market(spec: &EnvironmentSpec, group: &GroupSpec, path: &SpecPath, found: &mut Vec<Diagnostic>) {
    let may_be_spot = group.market != MarketSpec::OnDemand;
    if group.max_price.is_some() && !may_be_spot {
        found.push(
            Diagnostic::at(
                path.the_key("max_price"),
                Code::Combination,
                "`max_price` is for spot instances, and these are bought on demand",
            )
            .help("remove it, or write `market: spot`"),
        );
    }
    if group.protect && may_be_spot {
        // EC2 API, `ModifyInstanceAttribute`: not for Spot Instances.
        found.push(
            Diagnostic::at(
                path.the_key("protect"),
                Code::Combination,
                "a spot instance cannot have termination protection",
            )
            .help("remove `protect`, or write `market: on-demand`"),
        );
    }
    let wait = group
        .wait_for_capacity
        .as_deref()
        .and_then(|wait| wait.parse::<Wait>().ok());
    let lease = spec.lease.parse::<Lease>().ok();
    if let (Some(wait), Some(lease)) = (wait, lease)
        && wait.seconds() + Lease::SHORTEST.seconds() > lease.seconds()
    {
        found.push(
            Diagnostic::at(
                path.key("wait_for_capacity"),
                Code::OutOfRange,
                format!("waiting for {wait} leaves nothing of a lease of {lease}"),
            )
            .help("what is waited is taken off the lease: wait for less, or make the lease longer"),
        );
    }
}

fn numbers(group: &GroupSpec, path: &SpecPath, found: &mut Vec<Diagnostic>) {
    let count = group.count;
    if let Some(min) = group.min.filter(|min| *min > count) {
        found.push(
            Diagnostic::at(
                path.key("min"),
                Code::OutOfRange,
                format!("`min` is {min}, and `count` is {count}"),
            )
            .help("`min` is the fewest that will do, so it is at most `count`"),
        );
    }
    if group.adopt.len() as u64 > u64::from(count) {
        found.push(
            Diagnostic::at(
                path.key("adopt"),
                Code::OutOfRange,
                format!(
                    "{} instances are to be taken over, and `count` is {count}",
                    group.adopt.len()
                ),
            )
            .help(format!("write `count: {}`", group.adopt.len())),
        );
    }
}

/// Members learn of one another through their tags in the metadata service.
fn distributed(
    spec: &EnvironmentSpec,
    project: &ProjectSpec,
    group: &GroupSpec,
    (path, found): (&SpecPath, &mut Vec<Diagnostic>),
) {
    if !group.distributed {
        return;
    }
    if group.count > MOST_MEMBERS {
        found.push(
            Diagnostic::at(
                path.key("count"),
                Code::OutOfRange,
                format!("a distributed group has at most {MOST_MEMBERS} members"),
            )
            .help("their addresses are told in tags, and more do not fit; make several groups"),
        );
    }
    if !group.metadata.enabled {
        found.push(
            Diagnostic::at(
                path.key("distributed"),
                Code::Combination,
                "a distributed group learns its members from the metadata service, which is off",
            )
            .help("remove `enabled: false` from `metadata`"),
        );
    }
    // EC2 user guide, instance tags in the metadata service: fewer characters than in other tags.
    let plain =
        |character: char| character.is_ascii_alphanumeric() || "+-=.,_:@".contains(character);
    let servable = |key: &str| key.chars().all(plain) && ![".", "..", "_index"].contains(&key);
    let keys = project
        .tags
        .keys()
        .chain(spec.tags.keys())
        .chain(group.tags.keys());
    if let Some(key) = keys.into_iter().find(|key| !servable(key)) {
        found.push(
            Diagnostic::at(
                path.key("distributed"),
                Code::BadTag,
                format!("the tag `{key}` cannot be told by the metadata service"),
            )
            .help("in a distributed group a key is made of `a` to `z`, `A` to `Z`, digits and `+ - = . _ : @`"),
        );
    }
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
    let volumes = || group.volumes.values().any(|volume| volume.keep);
    let keep = group.disk.as_ref().is_some_and(|disk| disk.keep) || volumes();
    let single = [
        !group.volumes.is_empty(),
        keep,
        group.wait_for_capacity.is_some(),
        group.min.is_some(),
        // Taking over takes two.
        !group.adopt.is_empty(),
        !group.adopt.is_empty(),
    ];
    let single = single.into_iter().filter(|needed| *needed).count();
    let members = if group.distributed { group.count } else { 0 };
    let own = own_tag_count(&tags, single, members);
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
    let boot = Boot {
        seconds: lease.seconds(),
        distributed: group.distributed,
        user_data: group.user_data.as_deref(),
    };
    let size = boot.user_data().len();
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
