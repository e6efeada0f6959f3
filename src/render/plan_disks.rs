//! Disks that outlive their instances, in words.

use std::collections::BTreeMap;

use super::escape::escape;
use super::style::warn;
use super::words::{gibibytes_words, ordinals_of, plural};
use crate::plan::{Doomed, Note, Plan, StayingDisk, VolumeFacts};
use crate::resource::{Address, GroupName, InstanceId, VolumeId};

/// What a plan's notes say of the disks of what its steps end or delete.
#[derive(Default)]
pub(super) struct Disks<'a> {
    staying: BTreeMap<&'a InstanceId, &'a [StayingDisk]>,
    volumes: BTreeMap<&'a VolumeId, &'a VolumeFacts>,
}

impl<'a> Disks<'a> {
    pub(super) fn of(plan: &'a Plan) -> Self {
        let mut found = Self::default();
        for note in &plan.notes {
            if let Note::DisksStay {
                address: _,
                instance,
                disks,
            } = note
            {
                found.staying.insert(instance, disks);
            }
            if let Note::VolumeGoes(facts) = note {
                found.volumes.insert(&facts.id, facts);
            }
        }
        found
    }

    /// One line for each set of disks that stay alike, such as `t[0-1] disk 50 GiB, /dev/sdg 1 TiB`.
    pub(super) fn kept_lines<'b>(&self, doomed: impl IntoIterator<Item = &'b Doomed>) -> String {
        let mut alike: BTreeMap<&[StayingDisk], Vec<&Address>> = BTreeMap::new();
        for one in doomed {
            if let Some(disks) = self.staying.get(&one.id) {
                alike.entry(disks).or_default().push(&one.address);
            }
        }
        alike
            .into_iter()
            .fold(String::new(), |text, (disks, addresses)| {
                let disks: Vec<String> = disks.iter().map(disk_words).collect();
                let words = format!(
                    "kept, and goes on costing money: {} {}",
                    ordinals_of(addresses),
                    escape(&disks.join(", "))
                );
                text + &format!("      {}\n", warn(&words))
            })
    }

    /// What a replacement costs: the disks that are kept are not lost.
    pub(super) fn loss<'b>(&self, doomed: impl IntoIterator<Item = &'b Doomed>) -> &'static str {
        let any_kept = doomed
            .into_iter()
            .any(|one| self.staying.contains_key(&one.id));
        if any_kept {
            "what is on the disks that are not kept is lost"
        } else {
            "what is on the disks is lost"
        }
    }

    /// Size, device and owner of a volume that a step deletes, where they are known.
    pub(super) fn facts(&self, volume: &VolumeId) -> Option<String> {
        self.volumes.get(volume).map(|facts| facts_words(facts))
    }
}

/// What is said of kept disks that are attached to nothing: once for each group.
pub fn kept_words<'a>(volumes: impl IntoIterator<Item = &'a VolumeFacts>) -> Vec<String> {
    loose_words(
        volumes,
        (
            "was kept as its spec says and costs money",
            "`destroy --delete-kept` deletes it",
        ),
        (
            "were kept as their spec says and cost money",
            "`destroy --delete-kept` deletes them",
        ),
    )
}

/// What is said of volumes that nobody wanted to stay and that are attached to nothing.
pub(super) fn left_words<'a>(volumes: impl IntoIterator<Item = &'a VolumeFacts>) -> Vec<String> {
    loose_words(
        volumes,
        (
            "is ours and attached to nothing, and costs money",
            "`destroy` deletes it",
        ),
        (
            "are ours and attached to nothing, and cost money",
            "`destroy` deletes them",
        ),
    )
}

fn loose_words<'a>(
    volumes: impl IntoIterator<Item = &'a VolumeFacts>,
    one_is: (&str, &str),
    many_are: (&str, &str),
) -> Vec<String> {
    let mut groups: BTreeMap<Option<&GroupName>, Vec<&VolumeFacts>> = BTreeMap::new();
    for volume in volumes {
        groups
            .entry(volume.group.as_ref())
            .or_default()
            .push(volume);
    }
    let words = groups.into_iter().map(|(group, volumes)| {
        if let [one] = volumes[..] {
            let (is, deletes) = one_is;
            return format!("{} ({}) {is}; {deletes}", one.id, facts_words(one));
        }
        let sizes = volumes.iter().map(|volume| u64::from(volume.gibibytes));
        let gibibytes: u64 = sizes.sum();
        let number = plural(volumes.len() as u64, "volume");
        let of = group.map_or_else(String::new, |group| format!(" of {group}"));
        let listed: Vec<String> = volumes
            .iter()
            .map(|volume| format!("{} ({})", volume.id, facts_words(volume)))
            .collect();
        let (are, delete) = many_are;
        format!(
            "{number}{of}, {} in all, {are}; {delete}: {}",
            gibibytes_words(gibibytes),
            listed.join(", ")
        )
    });
    words.collect()
}

/// Such as `40 GiB, /dev/sdf of trainer[0]`.
fn facts_words(volume: &VolumeFacts) -> String {
    let VolumeFacts {
        id: _,
        gibibytes,
        devices,
        group,
        ordinals,
    } = volume;
    let mut words = gibibytes_words(u64::from(*gibibytes));
    if !devices.is_empty() {
        words = format!("{words}, {}", devices.join(" or "));
    }
    if let Some(group) = group {
        words = format!("{words} of {group}");
        if !ordinals.is_empty() {
            words = format!("{words}[{ordinals}]");
        }
    }
    words
}

fn disk_words(disk: &StayingDisk) -> String {
    let size = disk.gibibytes.map(u64::from);
    let size = size.map_or_else(|| "of unknown size".to_owned(), gibibytes_words);
    format!("{} {size}", disk.device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_no_disk_has_are_added_up_all_the_same() {
        let facts = |id: &str| VolumeFacts {
            id: VolumeId::new(id),
            gibibytes: u32::MAX,
            devices: Vec::new(),
            group: None,
            ordinals: crate::resource::Ordinals::default(),
        };
        let words = left_words(&[facts("vol-1"), facts("vol-2")]);
        assert!(words[0].contains("8589934590 GiB in all"), "{words:?}");
    }
}
