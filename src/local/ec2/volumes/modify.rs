//! `ModifyVolume` and `DescribeVolumesModifications`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::Call;
use super::super::filter::{Field, Filters, one};
use super::super::identifiers::VOLUME;
use super::super::page::Page;
use super::shape::{Wish, shape};
use crate::local::state::Modification;
use crate::local::wire::{Refusal, Reply, Xml, after, aws_time};

/// How often a volume may be modified, and within what time.
const MOST_MODIFICATIONS: usize = 4;
const WINDOW: Duration = Duration::from_hours(24);

/// `ModifyVolume`: a volume only grows, a few times a day.
pub(in super::super) fn modify(call: &mut Call) -> Reply {
    let id = call.form.required("VolumeId")?;
    let form = call.form.clone();
    let (now, pace) = (call.now, call.sight.delays.pending);
    VOLUME.check(id)?;
    let volume = call.region.volumes.get_mut(id);
    let volume = volume.ok_or_else(|| VOLUME.unknown(&[id]))?;
    let original = volume.shape.clone();
    let kind = form.text("VolumeType").unwrap_or(&original.kind);
    // Within a type the speed stays; another type brings its own.
    let same = kind == original.kind;
    let tunable = matches!(kind, "gp3" | "io1" | "io2");
    let kept = |speed: Option<u32>| speed.filter(|_| same && tunable);
    let size = form.number("Size")?.unwrap_or(original.size);
    if size < original.size {
        return Err(Refusal::value(format!(
            "New size cannot be smaller than existing size: {size} < {}",
            original.size
        )));
    }
    let target = shape(&Wish {
        kind,
        size,
        iops: form.number("Iops")?.or(kept(original.iops)),
        throughput: form.number("Throughput")?.or(kept(original.throughput)),
    })?;
    if let Some(last) = volume.modifications.last()
        && state(last, now, pace) != "completed"
    {
        let message = format!("Volume {id} cannot be modified in modification state OPTIMIZING");
        return Err(Refusal::new("IncorrectModificationState", message));
    }
    let recent = volume
        .modifications
        .iter()
        .filter(|past| after(past.started, WINDOW) > now)
        .count();
    if recent >= MOST_MODIFICATIONS {
        return Err(Refusal::new(
            "VolumeModificationRateExceeded",
            format!(
                "You've reached the maximum modification rate per volume limit. Volume {id} was \
                 modified {MOST_MODIFICATIONS} times within 24 hours."
            ),
        ));
    }
    let modification = Modification {
        original,
        target: target.clone(),
        started: now,
    };
    volume.shape = target;
    let mut xml = Xml::default();
    xml.node("volumeModification", |xml| {
        modification_xml(xml, id, &modification, state(&modification, now, pace));
    });
    volume.modifications.push(modification);
    Ok(xml)
}

struct Row<'a> {
    volume: &'a str,
    modification: &'a Modification,
    state: &'static str,
}

/// `DescribeVolumesModifications`: the latest of every volume.
pub(in super::super) fn describe_modifications(call: &mut Call) -> Reply {
    let fields: [Field<Row>; 4] = [
        ("volume-id", |row| one(row.volume)),
        ("modification-state", |row| one(row.state)),
        ("target-size", |row| one(row.modification.target.size)),
        ("target-volume-type", |row| {
            one(&row.modification.target.kind)
        }),
    ];
    let filters = Filters::read(&call.form, &fields)?;
    let page = Page::read(call, &(1..=500))?;
    let ids = call.form.values("VolumeId");
    let ids = VOLUME.check_all(&ids, |id| call.region.volumes.contains_key(id))?;
    let unmodified = ids.iter().find(|id| {
        let volume = call.region.volumes.get(**id);
        volume.is_some_and(|volume| volume.modifications.is_empty())
    });
    if let Some(id) = unmodified {
        let message = format!("Modification for volume '{id}' does not exist.");
        return Err(Refusal::new("InvalidVolumeModification.NotFound", message));
    }
    let mut found = BTreeMap::new();
    for (id, volume) in &call.region.volumes {
        let Some(modification) = volume.modifications.last() else {
            continue;
        };
        let row = Row {
            volume: id,
            modification,
            state: state(modification, call.now, call.sight.delays.pending),
        };
        let wanted = ids.is_empty() || ids.contains(&id.as_str());
        if wanted && filters.accept(&row, None, &fields) {
            found.insert(id.clone(), row);
        }
    }
    let (rows, next) = page.cut(found);
    let mut xml = Xml::default();
    xml.list("volumeModificationSet", rows, |xml, row| {
        modification_xml(xml, row.volume, row.modification, row.state);
    });
    xml.maybe("nextToken", next);
    Ok(xml)
}

/// A modification takes as long as a launch does.
fn state(modification: &Modification, now: jiff::Timestamp, pace: Duration) -> &'static str {
    if after(modification.started, pace) <= now {
        "completed"
    } else {
        "optimizing"
    }
}

fn modification_xml(xml: &mut Xml, volume: &str, modification: &Modification, state: &str) {
    let (target, original) = (&modification.target, &modification.original);
    xml.text("volumeId", volume)
        .text("modificationState", state)
        .text("targetSize", target.size)
        .maybe("targetIops", target.iops)
        .text("targetVolumeType", &target.kind)
        .maybe("targetThroughput", target.throughput)
        .text("originalSize", original.size)
        .maybe("originalIops", original.iops)
        .text("originalVolumeType", &original.kind)
        .maybe("originalThroughput", original.throughput)
        .text("progress", if state == "completed" { 100 } else { 0 })
        .text("startTime", aws_time(modification.started));
}
