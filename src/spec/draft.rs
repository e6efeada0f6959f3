//! A spec written from what runs: only what is not a default of ours.

use std::collections::{BTreeMap, BTreeSet};

use serde_yaml::{Mapping, Value};

use super::form::is_device;
use crate::resource::{
    AccountId, DiskKind, EnvironmentName, Lease, LiveInstance, LiveMetadata, LiveVolume, Purchase,
    Region, TAG_PREFIX, Tokens,
};

/// What a spec is written from.
#[derive(Debug)]
pub struct Draft<'a> {
    /// The environment's name.
    pub name: EnvironmentName,
    /// The account that it is in.
    pub account: AccountId,
    /// The region that it is in.
    pub region: Region,
    /// How long it may live.
    pub lease: Lease,
    /// The first group's name; further ones are numbered.
    pub group: String,
    /// What runs, with what only a question each can tell.
    pub instances: Vec<DraftInstance<'a>>,
}

/// One instance to take over.
#[derive(Debug)]
pub struct DraftInstance<'a> {
    /// As EC2 reported it, with its disks.
    pub live: &'a LiveInstance,
    /// Whether EC2 refuses to terminate it.
    pub protect: bool,
    /// Whether its subnet is a default one, so that its zone says all.
    pub default_subnet: bool,
}

impl Draft<'_> {
    /// The spec as YAML.
    pub fn text(&self) -> String {
        let mut root = Mapping::new();
        root.insert("version".into(), 1.into());
        root.insert("name".into(), self.name.as_str().into());
        root.insert("account".into(), self.account.as_str().into());
        root.insert("region".into(), self.region.as_str().into());
        root.insert("lease".into(), self.lease.to_string().into());
        root.insert("instances".into(), Value::Mapping(self.groups()));
        // A mapping of plain values can always be written.
        let text = serde_yaml::to_string(&root).unwrap_or_default();
        format!("# Taken over from what ran already: see `trainyard guide adopt`.\n{text}")
    }

    /// Instances that are alike but for their tags make one group.
    fn groups(&self) -> Mapping {
        let mut alike: Vec<(Mapping, Vec<&LiveInstance>)> = Vec::new();
        for instance in &self.instances {
            let keys = instance.keys();
            match alike.iter_mut().find(|(known, _)| *known == keys) {
                Some((_, members)) => members.push(instance.live),
                None => alike.push((keys, vec![instance.live])),
            }
        }
        let mut groups = Mapping::new();
        for (number, (keys, members)) in (1..).zip(alike) {
            let name = match number {
                1 => self.group.clone(),
                number => format!("{}-{number}", self.group),
            };
            let mut group = Mapping::new();
            let ids = members.iter().map(|live| Value::from(live.id.as_str()));
            group.insert("adopt".into(), Value::Sequence(ids.collect()));
            if members.len() > 1 {
                group.insert("count".into(), (members.len() as u64).into());
            }
            group.extend(keys);
            let tags = common_tags(&members);
            if !tags.is_empty() {
                group.insert("tags".into(), Value::Mapping(tags));
            }
            groups.insert(name.into(), Value::Mapping(group));
        }
        groups
    }
}

impl DraftInstance<'_> {
    /// The keys of its group, but for tags.
    fn keys(&self) -> Mapping {
        let live = self.live;
        let mut keys = Mapping::new();
        let image = Mapping::from_iter([("id".into(), live.image_id.as_str().into())]);
        keys.insert("image".into(), Value::Mapping(image));
        keys.insert("type".into(), live.instance_type.as_str().into());
        if live.purchase == Purchase::Spot {
            keys.insert("market".into(), "spot".into());
        }
        match (&live.subnet, &live.zone) {
            (Some(subnet), _) if !self.default_subnet => {
                keys.insert("subnet".into(), subnet.as_str().into());
            }
            (_, Some(zone)) => {
                keys.insert("zone".into(), zone.as_str().into());
            }
            (_, None) => {}
        }
        if let Some(profile) = &live.iam_profile {
            keys.insert("iam_profile".into(), profile.as_str().into());
        }
        security_groups(&mut keys, live, self.default_subnet);
        if let Some(key) = &live.key {
            keys.insert("key".into(), key.as_str().into());
        }
        disks(&mut keys, live);
        metadata(&mut keys, live.metadata);
        if self.protect {
            keys.insert("protect".into(), true.into());
        }
        keys
    }
}

/// The network's default group goes without saying; outside the default network only ids are plain.
fn security_groups(keys: &mut Mapping, live: &LiveInstance, by_name: bool) {
    let names: BTreeSet<&str> = live
        .security_groups
        .iter()
        .map(|group| {
            if by_name {
                group.name.as_str()
            } else {
                group.id.as_str()
            }
        })
        .collect();
    let only_default = live
        .security_groups
        .iter()
        .all(|group| group.name == "default");
    if !names.is_empty() && !only_default {
        let names = names.into_iter().map(Value::from).collect();
        keys.insert("security_groups".into(), Value::Sequence(names));
    }
}

fn disks(keys: &mut Mapping, live: &LiveInstance) {
    let kept = |device: &str| live.kept_devices.contains(device);
    if let Some((device, root)) = live.root_device.as_deref().zip(live.root_volume())
        && let Some(disk) = disk(root, kept(device))
    {
        keys.insert("disk".into(), Value::Mapping(disk));
    }
    let mut volumes = Mapping::new();
    for (device, volume) in &live.volumes {
        let root = live.root_device.as_ref() == Some(device);
        if let Some(disk) = disk(volume, kept(device)).filter(|_| !root && is_device(device)) {
            volumes.insert(device.as_str().into(), Value::Mapping(disk));
        }
    }
    if !volumes.is_empty() {
        keys.insert("volumes".into(), Value::Mapping(volumes));
    }
}

/// A disk's figures; a type that no spec can name is nobody's to judge.
fn disk(volume: &LiveVolume, keep: bool) -> Option<Mapping> {
    let kind = DiskKind::from_word(&volume.kind)?;
    let mut disk = Mapping::new();
    disk.insert("size".into(), format!("{} GiB", volume.gibibytes).into());
    if kind != DiskKind::Gp3 {
        disk.insert("type".into(), kind.as_str().into());
    }
    let usual = match kind {
        DiskKind::Gp3 => Some(3_000),
        DiskKind::Io1 | DiskKind::Io2 => None,
        // Their rates follow from their sizes.
        DiskKind::Gp2 | DiskKind::St1 | DiskKind::Sc1 => volume.iops,
    };
    if let Some(iops) = volume.iops.filter(|iops| Some(*iops) != usual) {
        disk.insert("iops".into(), iops.into());
    }
    let rate = volume
        .throughput
        .filter(|rate| kind == DiskKind::Gp3 && *rate != 125);
    if let Some(rate) = rate {
        disk.insert("throughput".into(), format!("{rate} MiB/s").into());
    }
    if volume.encrypted {
        disk.insert("encrypted".into(), true.into());
    }
    if keep {
        disk.insert("keep".into(), true.into());
    }
    Some(disk)
}

fn metadata(keys: &mut Mapping, live: Option<LiveMetadata>) {
    let Some(LiveMetadata {
        tokens,
        hop_limit,
        enabled,
    }) = live
    else {
        return;
    };
    let mut metadata = Mapping::new();
    if enabled {
        if tokens == Tokens::Optional {
            metadata.insert("tokens".into(), "optional".into());
        }
        if hop_limit != 2 {
            metadata.insert("hop_limit".into(), hop_limit.into());
        }
    } else {
        metadata.insert("enabled".into(), false.into());
    }
    if !metadata.is_empty() {
        keys.insert("metadata".into(), Value::Mapping(metadata));
    }
}

/// The tags that all of them have; what only some have stays on them, and is not the spec's.
fn common_tags(members: &[&LiveInstance]) -> Mapping {
    let Some(first) = members.first() else {
        return Mapping::new();
    };
    let speakable = |key: &str, value: &str| {
        let lower = key.to_ascii_lowercase();
        !lower.starts_with("aws:")
            && !lower.starts_with(TAG_PREFIX)
            && !value.chars().chain(key.chars()).any(char::is_control)
            && key.chars().count() <= 120
            && value.chars().count() <= 255
            && key
                .chars()
                .all(|one| one.is_alphanumeric() || " +-=._:/@".contains(one))
    };
    let common: BTreeMap<&String, &String> = first
        .tags
        .iter()
        .filter(|(key, value)| speakable(key, value))
        .filter(|(key, value)| {
            members
                .iter()
                .all(|live| live.tags.get(*key) == Some(*value))
        })
        .collect();
    common
        .into_iter()
        .map(|(key, value)| (key.as_str().into(), value.as_str().into()))
        .collect()
}

/// A name for an environment, from what somebody called a machine.
pub fn name_from(text: &str) -> Option<EnvironmentName> {
    let name: String = text
        .to_ascii_lowercase()
        .chars()
        .map(|one| {
            if one.is_ascii_alphanumeric() {
                one
            } else {
                '-'
            }
        })
        .skip_while(|one| !one.is_ascii_lowercase())
        .take(EnvironmentName::LONGEST)
        .collect();
    let name = name.trim_end_matches('-');
    EnvironmentName::is_valid(name).then(|| EnvironmentName::new(name))
}

#[cfg(test)]
#[path = "draft_tests.rs"]
mod tests;
