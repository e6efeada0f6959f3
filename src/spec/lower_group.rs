//! Makes a group of a checked spec complete and absolute.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::diagnostic::{Code, Diagnostic, SpecPath};
use super::lower::{SharedValues, join, lower_tags, quantity};
use super::model_group::{
    DiskKindSpec, DiskSpec, GroupSpec, ImageSpec, MarketSpec, MetadataSpec, PlacementSpec, SshSpec,
    TokensSpec, VolumeSpec,
};
use crate::resource::{
    Disk, DiskKind, GpuNeed, Group, GroupName, ImageSelector, Instance, InstanceId,
    MachineSelector, Market, Metadata, Need, ParseUnitError, Placement, PublicKeySource, Range,
    Ssh, SshSource, Tokens,
};

/// Lowers one group.
pub(super) fn lower_group(
    shared: &SharedValues<'_>,
    name: &str,
    group: &GroupSpec,
    found: &mut Vec<Diagnostic>,
) -> Group {
    let instance = lower_instance(shared, name, group, found);
    Group {
        instance: Arc::new(instance),
        count: group.count,
        min: group.min.filter(|min| *min < group.count),
        renamed_from: group.renamed_from.as_ref().map(GroupName::new),
        adopt: group.adopt.iter().map(InstanceId::new).collect(),
    }
}

fn lower_instance(
    shared: &SharedValues<'_>,
    name: &str,
    group: &GroupSpec,
    found: &mut Vec<Diagnostic>,
) -> Instance {
    let path = SpecPath::of_keys(&["instances", name]);
    let GroupSpec {
        renamed_from: _,
        adopt: _,
        count: _,
        min: _,
        image,
        types: _,
        gpu: _,
        gpu_memory: _,
        vcpus: _,
        memory: _,
        market,
        max_price,
        wait_for_capacity,
        placement,
        distributed,
        subnet,
        zone,
        public_address,
        iam_profile,
        security_groups,
        key,
        ssh,
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
        machine: lower_machine(group, &path, found),
        market: lower_market(*market),
        max_price: max_price
            .as_deref()
            .and_then(|price| quantity(price, &path.key("max_price"), found)),
        wait: wait_for_capacity
            .as_deref()
            .and_then(|wait| quantity(wait, &path.key("wait_for_capacity"), found)),
        placement: match (subnet, zone) {
            (Some(subnet), _) => Placement::Subnet(subnet.clone()),
            (None, Some(zone)) => Placement::Zone(zone.clone()),
            (None, None) => Placement::Any,
        },
        cluster: matches!(placement, Some(PlacementSpec::Cluster)),
        distributed: *distributed,
        public_address: *public_address,
        iam_profile: iam_profile.clone(),
        security_groups: security_groups.iter().cloned().collect(),
        key: key.clone(),
        ssh: ssh
            .as_ref()
            .map(|ssh| lower_ssh(ssh, shared.folder, &path.key("ssh"), found)),
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

fn lower_market(market: MarketSpec) -> Market {
    match market {
        MarketSpec::OnDemand => Market::OnDemand,
        MarketSpec::Spot => Market::Spot,
        MarketSpec::SpotThenOnDemand => Market::SpotThenOnDemand,
    }
}

fn lower_machine(
    group: &GroupSpec,
    path: &SpecPath,
    found: &mut Vec<Diagnostic>,
) -> MachineSelector {
    if !group.types.0.is_empty() {
        return MachineSelector::Types(group.types.0.clone());
    }
    let mut read = |key: &str, text: Option<&String>, parse: Parse<Range>| {
        text.and_then(|text| reading(text, &path.key(key), parse, found))
    };
    let gpu_memory = read("gpu_memory", group.gpu_memory.as_ref(), Range::parse_sizes);
    let vcpus = read("vcpus", group.vcpus.as_ref(), str::parse);
    let memory = read("memory", group.memory.as_ref(), Range::parse_sizes);
    let gpu = group
        .gpu
        .as_ref()
        .and_then(|text| reading(text, &path.key("gpu"), GpuNeed::parse_alternatives, found));
    MachineSelector::Need(Need {
        gpu: gpu.unwrap_or_default(),
        gpu_memory,
        vcpus,
        memory,
    })
}

/// What the word `anywhere` means.
const EVERYTHING: [&str; 2] = ["0.0.0.0/0", "::/0"];

type Parse<T> = fn(&str) -> Result<T, ParseUnitError>;

fn reading<T>(
    text: &str,
    path: &SpecPath,
    parse: Parse<T>,
    found: &mut Vec<Diagnostic>,
) -> Option<T> {
    parse(text)
        .map_err(|error| {
            let summary = format!("`{path}` cannot be `{text}`");
            found
                .push(Diagnostic::at(path.clone(), Code::BadForm, summary).help(error.to_string()));
        })
        .ok()
}

fn lower_ssh(ssh: &SshSpec, folder: &Path, path: &SpecPath, found: &mut Vec<Diagnostic>) -> Ssh {
    let SshSpec { from, public_key } = ssh;
    let mut sources = BTreeSet::new();
    for text in &from.0 {
        match text.as_str() {
            "me" => {
                sources.insert(SshSource::Me);
            }
            "anywhere" => {
                let all = EVERYTHING.iter().filter_map(|block| block.parse().ok());
                sources.extend(all.map(SshSource::Block));
            }
            block => {
                if let Some(block) = quantity(block, &path.key("from"), found) {
                    sources.insert(SshSource::Block(block));
                }
            }
        }
    }
    Ssh {
        from: sources,
        public_key: public_key
            .as_deref()
            .and_then(|key| lower_public_key(key, folder, &path.key("public_key"), found)),
    }
}

/// Whether a value is the key itself and not the name of a file.
pub(super) fn is_key_text(text: &str) -> bool {
    text.contains("PRIVATE KEY") || text.starts_with("ssh-") || text.starts_with("ecdsa-")
}

fn lower_public_key(
    text: &str,
    folder: &Path,
    path: &SpecPath,
    found: &mut Vec<Diagnostic>,
) -> Option<PublicKeySource> {
    if is_key_text(text) {
        return quantity(text, path, found).map(PublicKeySource::Text);
    }
    // Whose home `~` is, the spec cannot know.
    let file = if text.starts_with("~/") {
        text.into()
    } else {
        join(folder, text)
    };
    Some(PublicKeySource::File(file))
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
        keep,
    } = volume.clone();
    DiskSpec {
        size: Some(size),
        kind,
        iops,
        throughput,
        encrypted,
        keep,
    }
}

fn lower_disk(disk: &DiskSpec, path: &SpecPath, found: &mut Vec<Diagnostic>) -> Disk {
    let DiskSpec {
        size,
        kind,
        iops,
        throughput,
        encrypted,
        keep,
    } = disk;
    Disk {
        size: size
            .as_deref()
            .and_then(|size| quantity(size, &path.key("size"), found)),
        kind: DiskKind::from(*kind),
        iops: *iops,
        throughput: throughput
            .as_deref()
            .and_then(|rate| quantity(rate, &path.key("throughput"), found)),
        encrypted: *encrypted,
        keep: *keep,
    }
}

impl From<DiskKindSpec> for DiskKind {
    fn from(kind: DiskKindSpec) -> Self {
        match kind {
            DiskKindSpec::Gp3 => Self::Gp3,
            DiskKindSpec::Gp2 => Self::Gp2,
            DiskKindSpec::Io1 => Self::Io1,
            DiskKindSpec::Io2 => Self::Io2,
            DiskKindSpec::St1 => Self::St1,
            DiskKindSpec::Sc1 => Self::Sc1,
        }
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
