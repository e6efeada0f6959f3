//! Which disks of an instance are ours.

use super::ownership::tag;
use super::{Instance, LiveInstance, LiveVolume};

/// The disks of an instance that become ours when it is taken over, by device.
///
/// Those that end with it, and those that the spec speaks of. Any other one is data
/// that somebody means to outlive the instance: nobody has given it to us.
pub fn own_disks<'a>(
    instance: &'a Instance,
    live: &'a LiveInstance,
) -> impl Iterator<Item = (&'a String, &'a LiveVolume)> {
    let disks = live.volumes.iter();
    disks
        .filter(|(device, _)| is_own_disk(instance, live, device))
        .map(|(device, volume)| (device, volume.as_ref()))
}

/// The disks of an instance that stay nobody's when it is taken over, by device.
pub fn others_disks<'a>(
    instance: &'a Instance,
    live: &'a LiveInstance,
) -> impl Iterator<Item = (&'a String, &'a LiveVolume)> {
    let disks = live.volumes.iter();
    disks
        .filter(|(device, _)| !is_own_disk(instance, live, device))
        .map(|(device, volume)| (device, volume.as_ref()))
}

/// A device that the instance does not name is not known to end with it.
fn is_own_disk(instance: &Instance, live: &LiveInstance, device: &String) -> bool {
    let is_root = live.root_device.as_ref() == Some(device);
    let named = instance.volumes.contains_key(device) || is_root && instance.disk.is_some();
    named || live.devices.contains(device) && !live.kept_devices.contains(device)
}

/// Whether a volume of ours was asked to outlive its instance.
///
/// All volumes of a launch carry the same tags; those that were not to be kept
/// went with the instance, so one that is left and carries the tag is kept.
pub fn is_kept(volume: &LiveVolume) -> bool {
    volume
        .tags
        .get(tag::KEEP)
        .is_some_and(|kept| !kept.is_empty())
}
