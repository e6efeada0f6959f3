//! Disks that outlive their instances: what stays and goes on costing money, and what goes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::action::Doomed;
use super::held::Note;
use super::observed::Observed;
use super::step::Step;
use crate::resource::{
    Address, EnvironmentName, GroupName, InstanceId, LiveInstance, LiveVolume, Ordinals, VolumeId,
    is_kept, tag, volume_claim,
};

/// What is called the root disk, whatever device the image gives it.
const ROOT: &str = "disk";

/// A volume, in what somebody has to know who decides whether it may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeFacts {
    /// The volume.
    pub id: VolumeId,
    /// Its size in GiB.
    pub gibibytes: u32,
    /// The device that it was, or those that it may have been.
    pub devices: Vec<String>,
    /// The group of the instance that it came with.
    pub group: Option<GroupName>,
    /// The number of that instance, or those of its launch.
    pub ordinals: Ordinals,
}

/// A disk that stays when its instance ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct StayingDisk {
    /// `disk` for the root disk, and the device of any other.
    pub device: String,
    /// Its size in GiB, where its volume is listed.
    pub gibibytes: Option<u32>,
}

impl VolumeFacts {
    /// What its tags say: all volumes of a launch carry the same ones.
    pub(super) fn of_loose(volume: &LiveVolume) -> Self {
        let text = |key: &str| volume.tags.get(key).map(String::as_str);
        let kept = text(tag::KEEP).unwrap_or_default().split(',');
        let devices = kept.filter(|device| !device.is_empty());
        let ordinals = text(tag::ORDINALS).and_then(|ordinals| ordinals.parse().ok());
        Self {
            id: volume.id.clone(),
            gibibytes: volume.gibibytes,
            devices: devices
                .map(|device| if device == "root" { ROOT } else { device })
                .map(str::to_owned)
                .collect(),
            group: text(tag::GROUP)
                .filter(|group| EnvironmentName::is_valid(group))
                .map(GroupName::new),
            ordinals: ordinals.unwrap_or_default(),
        }
    }

    fn of_attached(volume: &LiveVolume, address: &Address, device: &str) -> Self {
        let (group, ordinal) = match address {
            Address::Instance { group, ordinal } => (Some(group.clone()), Some(*ordinal)),
            Address::Data(_)
            | Address::Volume(_)
            | Address::SecurityGroup(_)
            | Address::KeyPair(_)
            | Address::PlacementGroup(_) => (None, None),
        };
        Self {
            id: volume.id.clone(),
            gibibytes: volume.gibibytes,
            devices: vec![device.to_owned()],
            group,
            ordinals: ordinal.into_iter().collect(),
        }
    }
}

/// A volume that is attached to nothing costs money, whether it was to be kept or not.
pub(super) fn loose_note(volume: &LiveVolume) -> Note {
    let facts = VolumeFacts::of_loose(volume);
    if is_kept(volume) {
        Note::KeptVolume(facts)
    } else {
        Note::LooseVolume(facts)
    }
}

/// The disks that stay when the instances that the steps end are gone.
pub(super) fn staying(steps: &[Step], observed: &Observed) -> Vec<Note> {
    let lives = by_id(observed);
    let doomed = steps.iter().filter_map(|step| step.action.doomed());
    doomed
        .flatten()
        .filter_map(|one| {
            let live = lives.get(&one.id)?;
            let disks: Vec<StayingDisk> = disks(live).map(|(disk, _)| disk).collect();
            stays(one, disks)
        })
        .collect()
}

/// What becomes of the kept disks of instances that end with their environment,
/// where the user wants such disks deleted: volumes of ours go, and others stay.
pub(super) fn going(
    doomed: &[Doomed],
    observed: &Observed,
    environment: &EnvironmentName,
) -> (Vec<VolumeFacts>, Vec<Note>) {
    let lives = by_id(observed);
    let mut gone = Vec::new();
    let mut notes = Vec::new();
    for one in doomed {
        let Some(live) = lives.get(&one.id) else {
            continue;
        };
        let mut stay = Vec::new();
        for (disk, volume) in disks(live) {
            let ours = volume.filter(|volume| {
                volume_claim(volume, &observed.account).as_ref() == Some(environment)
            });
            match ours {
                Some(volume) => {
                    gone.push(VolumeFacts::of_attached(volume, &one.address, &disk.device));
                }
                None => stay.push(disk),
            }
        }
        notes.extend(stays(one, stay));
    }
    (gone, notes)
}

fn stays(one: &Doomed, disks: Vec<StayingDisk>) -> Option<Note> {
    (!disks.is_empty()).then(|| Note::DisksStay {
        address: one.address.clone(),
        instance: one.id.clone(),
        disks,
    })
}

fn by_id(observed: &Observed) -> BTreeMap<&InstanceId, &Arc<LiveInstance>> {
    let lives = observed.instances.iter();
    lives.map(|live| (&live.id, live)).collect()
}

/// The disks of an instance that stay when it ends; one whose volume is not listed yet counts.
fn disks(live: &LiveInstance) -> impl Iterator<Item = (StayingDisk, Option<&LiveVolume>)> {
    let mut devices: BTreeSet<(bool, &String)> = BTreeSet::new();
    for device in &live.kept_devices {
        // The root disk comes first, as in a spec.
        devices.insert((live.root_device.as_ref() != Some(device), device));
    }
    devices.into_iter().map(|(is_further, device)| {
        let volume = live.volumes.get(device).map(Arc::as_ref);
        let name = if is_further { device } else { ROOT };
        let disk = StayingDisk {
            device: name.to_owned(),
            gibibytes: volume.map(|volume| volume.gibibytes),
        };
        (disk, volume)
    })
}
