//! What differs between an instance as wanted and as it is.
//!
//! Only fields that the spec states are compared, so a default that EC2 filled
//! in is never a difference. The exceptions are `iam_profile` and `key`, whose
//! absence is a statement too: an instance that should have none must not have one. Each field's effect follows the EC2 API reference
//! and the create-only properties of CloudFormation's schema.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Disk, Effect, FieldChange, ImageSelector, Instance, InstanceState, LiveInstance, LiveVolume,
    Mark, Metadata, Placement, Tokens, Value,
};

/// The fields in which `live` is not what `desired` asks for.
///
/// The lease is not among them: the guest's timer was armed at launch.
pub fn diff(desired: &Instance, live: &LiveInstance, mark: &Mark) -> Vec<FieldChange> {
    let Instance {
        group: _,
        image,
        instance_type,
        placement,
        iam_profile,
        security_groups,
        key,
        disk,
        volumes,
        metadata,
        user_data,
        protect,
        tags,
        lease: _,
    } = desired;
    let mut changes = Changes(Vec::new());
    if matches!(live.state, InstanceState::Stopping | InstanceState::Stopped) {
        let before = Value::Text(live.state.to_string());
        changes.push(
            "state",
            before,
            Value::Text("running".to_owned()),
            Effect::Restart,
        );
    }
    diff_image(&mut changes, image, live, mark);
    changes.compare(
        "type",
        Value::Text(live.instance_type.clone()),
        Value::Text(instance_type.clone()),
        Effect::Restart,
    );
    diff_placement(&mut changes, placement, live);
    changes.compare(
        "iam_profile",
        Value::text(live.iam_profile.as_deref()),
        Value::text(iam_profile.as_deref()),
        Effect::InPlace,
    );
    diff_security_groups(&mut changes, security_groups, live);
    changes.compare(
        "key",
        Value::text(live.key.as_deref()),
        Value::text(key.as_deref()),
        Effect::Replace,
    );
    if let Some(disk) = disk {
        diff_disk(&mut changes, "disk", disk, live.root_volume());
    }
    diff_volumes(&mut changes, volumes, live, mark);
    diff_metadata(&mut changes, *metadata, live);
    if desired.user_data_digest() != mark.user_data {
        let before = match (&live.user_data, mark.user_data.as_str()) {
            (_, "none") => Value::Absent,
            (Some(text), _) => Value::Lines(text.clone()),
            (None, _) => Value::Unread,
        };
        let after = user_data.clone().map_or(Value::Absent, Value::Lines);
        changes.push("user_data", before, after, Effect::Replace);
    }
    changes.compare(
        "protect",
        Value::Bool(mark.protect),
        Value::Bool(*protect),
        Effect::InPlace,
    );
    diff_tags(&mut changes, tags, live, mark);
    changes.0
}

/// Whether every change can be made while the instance runs.
pub fn in_place_changes(changes: &[FieldChange]) -> bool {
    changes
        .iter()
        .all(|change| change.effect == Effect::InPlace)
}

struct Changes(Vec<FieldChange>);

impl Changes {
    fn push(&mut self, field: impl Into<String>, before: Value, after: Value, effect: Effect) {
        self.0.push(FieldChange {
            field: field.into(),
            before,
            after,
            effect,
        });
    }

    fn compare(&mut self, field: impl Into<String>, before: Value, after: Value, effect: Effect) {
        if before != after {
            self.push(field, before, after, effect);
        }
    }
}

fn diff_image(changes: &mut Changes, image: &ImageSelector, live: &LiveInstance, mark: &Mark) {
    if mark.image == image.tag_value() {
        return;
    }
    // Naming the very image that runs, by id, is no reason to replace it.
    if *image == ImageSelector::Id(live.image_id.clone()) {
        return;
    }
    changes.push(
        "image",
        Value::Text(mark.image.clone()),
        Value::Text(image.tag_value()),
        Effect::Replace,
    );
}

fn diff_placement(changes: &mut Changes, placement: &Placement, live: &LiveInstance) {
    let (field, before, after) = match placement {
        Placement::Any => return,
        Placement::Zone(zone) => ("zone", &live.zone, zone),
        Placement::Subnet(subnet) => ("subnet", &live.subnet, subnet),
    };
    changes.compare(
        field,
        Value::text(before.as_deref()),
        Value::Text(after.clone()),
        Effect::Replace,
    );
}

fn diff_security_groups(changes: &mut Changes, wanted: &BTreeSet<String>, live: &LiveInstance) {
    if wanted.is_empty() {
        return;
    }
    let has = |group: &String| {
        live.security_groups
            .iter()
            .any(|live| live.id == *group || live.name == *group)
    };
    let extra = live
        .security_groups
        .iter()
        .any(|group| !wanted.contains(&group.id) && !wanted.contains(&group.name));
    if wanted.iter().all(has) && !extra {
        return;
    }
    let before = live
        .security_groups
        .iter()
        .map(|group| group.name.clone())
        .collect();
    let after = wanted.iter().cloned().collect();
    changes.push(
        "security_groups",
        Value::List(before),
        Value::List(after),
        Effect::InPlace,
    );
}

fn diff_volumes(
    changes: &mut Changes,
    wanted: &BTreeMap<String, Disk>,
    live: &LiveInstance,
    mark: &Mark,
) {
    for (device, disk) in wanted {
        let field = format!("volumes.{device}");
        match live.volumes.get(device) {
            Some(volume) => diff_disk(changes, &field, disk, Some(volume)),
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

fn diff_metadata(changes: &mut Changes, wanted: Metadata, live: &LiveInstance) {
    let Some(live) = live.metadata else { return };
    let word = |tokens: Tokens| match tokens {
        Tokens::Required => "required",
        Tokens::Optional => "optional",
    };
    let Metadata {
        tokens,
        hop_limit,
        enabled,
    } = wanted;
    changes.compare(
        "metadata.enabled",
        Value::Bool(live.enabled),
        Value::Bool(enabled),
        Effect::InPlace,
    );
    if !enabled {
        // EC2 takes the other two only together with a service that answers.
        return;
    }
    changes.compare(
        "metadata.tokens",
        Value::Text(word(live.tokens).to_owned()),
        Value::Text(word(tokens).to_owned()),
        Effect::InPlace,
    );
    changes.compare(
        "metadata.hop_limit",
        Value::Int(i64::from(live.hop_limit)),
        Value::Int(i64::from(hop_limit)),
        Effect::InPlace,
    );
}

/// Tags merge three ways: those that the spec states, those that we once set, and those of others.
fn diff_tags(
    changes: &mut Changes,
    wanted: &BTreeMap<String, String>,
    live: &LiveInstance,
    mark: &Mark,
) {
    for (key, value) in wanted {
        changes.compare(
            format!("tags.{key}"),
            Value::text(live.tags.get(key).map(String::as_str)),
            Value::Text(value.clone()),
            Effect::InPlace,
        );
    }
    for key in mark.keys.iter().filter(|key| !wanted.contains_key(*key)) {
        changes.compare(
            format!("tags.{key}"),
            Value::text(live.tags.get(key).map(String::as_str)),
            Value::Absent,
            Effect::InPlace,
        );
    }
}

#[cfg(test)]
#[path = "instance_diff_tests.rs"]
mod tests;
