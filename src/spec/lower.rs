//! Makes a checked spec complete and absolute.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::diagnostic::{Code, Diagnostic, SpecPath};
use super::model::{
    DataSpec, DeleteSpec, DiskKindSpec, DiskSpec, EnvironmentSpec, GroupSpec, ImageSpec,
    MetadataSpec, ProjectSpec, TagValue, TokensSpec, VolumeSpec,
};
use crate::resource::{
    AccountId, Address, DataPlace, DataSet, Deletion, Desired, Disk, DiskKind, EnvironmentName,
    GroupName, ImageSelector, Instance, Lease, Metadata, ParseUnitError, Placement, Region, Target,
    Tokens,
};

/// Lowers a spec that passed every check.
///
/// `folder` is the one that holds the spec: its relative paths start there.
///
/// # Errors
///
/// One diagnostic for each quantity that cannot be read, which no checked spec has.
pub fn lower(
    spec: &EnvironmentSpec,
    project: &ProjectSpec,
    folder: &Path,
) -> Result<Desired, Vec<Diagnostic>> {
    let mut found = Vec::new();
    let lease = quantity::<Lease>(&spec.lease, &SpecPath::of_keys(&["lease"]), &mut found);
    let (account, region) = shared(spec, project, &mut found);
    let mut instances = BTreeMap::new();
    if let Some(lease) = lease {
        for (name, group) in &spec.instances {
            let shared = SharedValues {
                spec,
                project,
                lease,
            };
            let instance = Arc::new(lower_group(&shared, name, group, &mut found));
            for ordinal in 0..group.count {
                let address = Address::Instance {
                    group: GroupName::new(name),
                    ordinal,
                };
                instances.insert(address, Arc::clone(&instance));
            }
        }
    }
    let data = spec
        .data
        .iter()
        .map(|(name, data)| (Address::Data(name.clone()), lower_data(data, folder)))
        .collect();
    let (Some(lease), true) = (lease, found.is_empty()) else {
        return Err(found);
    };
    let credentials = spec.credentials.as_ref().or(project.credentials.as_ref());
    Ok(Desired {
        environment: EnvironmentName::new(&spec.name),
        target: Target {
            profile: credentials.and_then(|credentials| credentials.profile.clone()),
            account: AccountId::new(account),
            region: Region::new(region),
        },
        lease,
        store: spec.store.clone().or_else(|| project.store.clone()),
        instances,
        data,
    })
}

fn shared(
    spec: &EnvironmentSpec,
    project: &ProjectSpec,
    found: &mut Vec<Diagnostic>,
) -> (String, String) {
    let mut take = |key: &str, own: &Option<String>, shared: &Option<String>| {
        own.clone().or_else(|| shared.clone()).unwrap_or_else(|| {
            found.push(Diagnostic::at(
                SpecPath::of_keys(&[key]),
                Code::MissingKey,
                format!("the key `{key}` is missing"),
            ));
            String::new()
        })
    };
    (
        take("account", &spec.account, &project.account),
        take("region", &spec.region, &project.region),
    )
}

fn quantity<T>(text: &str, path: &SpecPath, found: &mut Vec<Diagnostic>) -> Option<T>
where
    T: std::str::FromStr<Err = ParseUnitError>,
{
    text.parse()
        .map_err(|error: ParseUnitError| {
            let summary = format!("`{path}` cannot be `{text}`");
            found
                .push(Diagnostic::at(path.clone(), Code::BadForm, summary).help(error.to_string()));
        })
        .ok()
}

struct SharedValues<'a> {
    spec: &'a EnvironmentSpec,
    project: &'a ProjectSpec,
    lease: Lease,
}

fn lower_group(
    shared: &SharedValues<'_>,
    name: &str,
    group: &GroupSpec,
    found: &mut Vec<Diagnostic>,
) -> Instance {
    let path = SpecPath::of_keys(&["instances", name]);
    let GroupSpec {
        count: _,
        image,
        instance_type,
        subnet,
        zone,
        iam_profile,
        security_groups,
        key,
        disk,
        volumes,
        metadata,
        user_data,
        protect,
        tags,
    } = group;
    Instance {
        group: GroupName::new(name),
        image: lower_image(image),
        instance_type: instance_type.clone(),
        placement: match (subnet, zone) {
            (Some(subnet), _) => Placement::Subnet(subnet.clone()),
            (None, Some(zone)) => Placement::Zone(zone.clone()),
            (None, None) => Placement::Any,
        },
        iam_profile: iam_profile.clone(),
        security_groups: security_groups.iter().cloned().collect(),
        key: key.clone(),
        disk: disk
            .as_ref()
            .map(|disk| lower_disk(disk, &path.key("disk"), found)),
        volumes: volumes
            .iter()
            .map(|(device, volume)| {
                let path = path.key("volumes").key(device);
                (device.clone(), lower_disk(&root_like(volume), &path, found))
            })
            .collect(),
        metadata: lower_metadata(metadata),
        user_data: user_data.clone(),
        protect: *protect,
        tags: lower_tags(shared, name, tags),
        lease: shared.lease,
    }
}

fn lower_image(image: &ImageSpec) -> ImageSelector {
    let ImageSpec {
        id,
        name,
        owner,
        ssm,
    } = image;
    match (id, name, ssm) {
        (Some(id), _, _) => ImageSelector::Id(id.clone()),
        (None, Some(name), _) => ImageSelector::Name {
            pattern: name.clone(),
            owner: owner.clone().unwrap_or_else(|| "self".to_owned()),
        },
        (None, None, parameter) => ImageSelector::Ssm(parameter.clone().unwrap_or_default()),
    }
}

/// A further disk has every figure of a root disk, and its size is always stated.
fn root_like(volume: &VolumeSpec) -> DiskSpec {
    let VolumeSpec {
        size,
        kind,
        iops,
        throughput,
        encrypted,
    } = volume.clone();
    DiskSpec {
        size: Some(size),
        kind,
        iops,
        throughput,
        encrypted,
    }
}

fn lower_disk(disk: &DiskSpec, path: &SpecPath, found: &mut Vec<Diagnostic>) -> Disk {
    let DiskSpec {
        size,
        kind,
        iops,
        throughput,
        encrypted,
    } = disk;
    Disk {
        size: size
            .as_deref()
            .and_then(|size| quantity(size, &path.key("size"), found)),
        kind: match kind {
            DiskKindSpec::Gp3 => DiskKind::Gp3,
            DiskKindSpec::Gp2 => DiskKind::Gp2,
            DiskKindSpec::Io1 => DiskKind::Io1,
            DiskKindSpec::Io2 => DiskKind::Io2,
            DiskKindSpec::St1 => DiskKind::St1,
            DiskKindSpec::Sc1 => DiskKind::Sc1,
        },
        iops: *iops,
        throughput: throughput
            .as_deref()
            .and_then(|rate| quantity(rate, &path.key("throughput"), found)),
        encrypted: *encrypted,
    }
}

fn lower_metadata(metadata: &MetadataSpec) -> Metadata {
    let MetadataSpec {
        tokens,
        hop_limit,
        enabled,
    } = metadata;
    Metadata {
        tokens: match tokens {
            TokensSpec::Required => Tokens::Required,
            TokensSpec::Optional => Tokens::Optional,
        },
        hop_limit: *hop_limit,
        enabled: *enabled,
    }
}

/// The project's tags, then the environment's, then the group's; the nearest wins.
fn lower_tags(
    shared: &SharedValues<'_>,
    group: &str,
    own: &BTreeMap<String, TagValue>,
) -> BTreeMap<String, String> {
    let name = format!("{}-{group}", shared.spec.name);
    let mut tags = BTreeMap::from([("Name".to_owned(), name)]);
    for level in [&shared.project.tags, &shared.spec.tags, own] {
        tags.extend(
            level
                .iter()
                .map(|(key, TagValue(value))| (key.clone(), value.clone())),
        );
    }
    tags
}

fn lower_data(data: &DataSpec, folder: &Path) -> DataSet {
    let DataSpec {
        from,
        to,
        include,
        exclude,
        delete,
    } = data;
    let place = |text: &str| match parse_bucket_prefix(text) {
        Some((bucket, prefix)) => DataPlace::Prefix { bucket, prefix },
        None => DataPlace::Folder(join(folder, text)),
    };
    DataSet {
        from: place(from),
        to: place(to),
        include: include.clone(),
        exclude: exclude.clone(),
        delete: match delete {
            DeleteSpec::Never => Deletion::Never,
            DeleteSpec::Extra => Deletion::Extra,
        },
    }
}

/// Joins without a `./` in the middle, so that messages read well.
fn join(folder: &Path, text: &str) -> std::path::PathBuf {
    folder.join(text).components().collect()
}

/// Whether text is `s3://BUCKET` or `s3://BUCKET/PREFIX`.
pub(super) fn is_bucket_prefix(text: &str) -> bool {
    parse_bucket_prefix(text).is_some()
}

/// Bucket and prefix; the prefix is empty or ends with `/`, so that it never matches a sibling.
pub(super) fn parse_bucket_prefix(text: &str) -> Option<(String, String)> {
    let rest = text.strip_prefix("s3://")?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    let edges = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = bucket.as_bytes();
    let good = (3..=63).contains(&bucket.len())
        && bucket.bytes().all(allowed)
        && edges(bytes.first())
        && edges(bytes.last());
    if !good || prefix.starts_with('/') || prefix.contains("//") {
        return None;
    }
    let prefix = match prefix.trim_end_matches('/') {
        "" => String::new(),
        prefix => format!("{prefix}/"),
    };
    Some((bucket.to_owned(), prefix))
}
