//! What differs between the disks of an instance as wanted and as they are.

use std::collections::BTreeMap;

use super::instance_diff::Changes;
use super::{Disk, Effect, LiveInstance, LiveVolume, Mark, Value};

/// The root disk; what the spec does not say of it stays as it is.
pub(super) fn diff_root(changes: &mut Changes, disk: Option<&Disk>, live: &LiveInstance) {
    let Some(disk) = disk else { return };
    diff_disk(changes, "disk", disk, live.root_volume());
    if let Some(device) = &live.root_device {
        diff_keep(changes, "disk", disk.keep, (live, device));
    }
}

/// Whether a disk stays when its instance ends; a device that is not named yet is unknown.
fn diff_keep(
    changes: &mut Changes,
    field: &str,
    wanted: bool,
    (live, device): (&LiveInstance, &str),
) {
    if live.devices.contains(device) {
        changes.compare(
            format!("{field}.keep"),
            Value::Bool(live.kept_devices.contains(device)),
            Value::Bool(wanted),
            Effect::InPlace,
        );
    }
}

pub(super) fn diff_volumes(
    changes: &mut Changes,
    wanted: &BTreeMap<String, Disk>,
    live: &LiveInstance,
    mark: &Mark,
) {
    for (device, disk) in wanted {
        let field = format!("volumes.{device}");
        match live.volumes.get(device) {
            Some(volume) => {
                diff_disk(changes, &field, disk, Some(volume.as_ref()));
                diff_keep(changes, &field, disk.keep, (live, device));
            }
            // The listing of volumes may lag behind that of instances, and an
            // instance that is being started may not name its devices yet.
            None if live.devices.is_empty() || live.devices.contains(device) => {}
            None => changes.push(
                field,
                Value::Absent,
                Value::text(disk.size.map(|size| size.to_string()).as_deref()),
                Effect::Replace,
            ),
        }
    }
    // A volume that somebody attached by hand, or that the image brought along,
    // is not the spec's to judge; one that it once asked for is.
    for device in mark
        .volumes
        .iter()
        .filter(|device| !wanted.contains_key(*device))
    {
        let before = live.volumes.get(device);
        let before = before.map(|volume| format!("{} GiB", volume.gibibytes));
        changes.push(
            format!("volumes.{device}"),
            Value::Text(before.unwrap_or_else(|| "there".to_owned())),
            Value::Absent,
            Effect::Replace,
        );
    }
}

fn diff_disk(changes: &mut Changes, field: &str, disk: &Disk, live: Option<&LiveVolume>) {
    // A volume that the listing has not shown yet is unknown, not different.
    let Some(live) = live else { return };
    let Disk {
        size,
        kind,
        iops,
        throughput,
        encrypted,
        keep: _,
    } = disk;
    if let Some(size) = size {
        // A volume can only grow (EC2 API, `ModifyVolume`).
        let effect = if size.gibibytes() > live.gibibytes {
            Effect::InPlace
        } else {
            Effect::Replace
        };
        changes.compare(
            format!("{field}.size"),
            Value::Text(format!("{} GiB", live.gibibytes)),
            Value::Text(size.to_string()),
            effect,
        );
    }
    changes.compare(
        format!("{field}.type"),
        Value::Text(live.kind.clone()),
        Value::Text(kind.as_str().to_owned()),
        Effect::InPlace,
    );
    if let Some(iops) = iops {
        changes.compare(
            format!("{field}.iops"),
            Value::int(live.iops.map(i64::from)),
            Value::Int(i64::from(*iops)),
            Effect::InPlace,
        );
    }
    if let Some(throughput) = throughput {
        let before = live.throughput.map(|rate| format!("{rate} MiB/s"));
        changes.compare(
            format!("{field}.throughput"),
            Value::text(before.as_deref()),
            Value::Text(throughput.to_string()),
            Effect::InPlace,
        );
    }
    // An account can encrypt everything by default, whatever a launch says; so
    // only the lack of encryption is a difference.
    if *encrypted == Some(true) {
        changes.compare(
            format!("{field}.encrypted"),
            Value::Bool(live.encrypted),
            Value::Bool(true),
            Effect::Replace,
        );
    }
}
