//! `DescribeVolumes`.

use super::super::Call;
use super::super::filter::{Field, Filters, maybe, one};
use super::super::identifiers::VOLUME;
use super::super::page::Page;
use super::attach::attachment_xml;
use crate::local::state::{Attachment, Region, Volume};
use crate::local::wire::{Reply, Xml, aws_time};

fn fields() -> [Field<Volume>; 12] {
    [
        ("volume-id", |volume| one(&volume.id)),
        ("status", |volume| one(volume.status())),
        ("size", |volume| one(volume.shape.size)),
        ("volume-type", |volume| one(&volume.shape.kind)),
        ("availability-zone", |volume| one(&volume.zone)),
        ("encrypted", |volume| one(volume.encrypted)),
        ("snapshot-id", |volume| maybe(volume.snapshot.as_ref())),
        ("create-time", |volume| one(aws_time(volume.created))),
        ("attachment.instance-id", |volume| {
            attached(volume, |at| at.instance.clone())
        }),
        ("attachment.device", |volume| {
            attached(volume, |at| at.device.clone())
        }),
        ("attachment.status", |volume| {
            attached(volume, |_| "attached".to_owned())
        }),
        ("attachment.delete-on-termination", |volume| {
            attached(volume, |at| at.delete_on_termination.to_string())
        }),
    ]
}

fn attached(volume: &Volume, value: fn(&Attachment) -> String) -> Vec<String> {
    maybe(volume.attachment.as_ref().map(value))
}

/// `DescribeVolumes`.
pub(in super::super) fn describe(call: &mut Call) -> Reply {
    let fields = fields();
    let filters = Filters::read(&call.form, &fields)?;
    let page = Page::read(call, &(5..=1000))?;
    let ids = call.form.values("VolumeId");
    page.refuse_with_ids("volumeSet", &ids)?;
    call.refuse_while_impaired(&ids)?;
    let region: &Region = call.region;
    let ids = VOLUME.check_all(&ids, |id| region.volumes.contains_key(id))?;
    let (sight, by_tags) = (call.sight, filters.name_tags());
    let found = region
        .volumes
        .iter()
        .filter(|(id, _)| ids.is_empty() || ids.contains(&id.as_str()))
        .filter(|(_, volume)| !(by_tags && sight.misses_tags_of_volume(volume)))
        .filter(|(id, volume)| filters.accept(*volume, region.tags_of(id), &fields))
        .map(|(id, volume)| (id.clone(), volume))
        .collect();
    let (volumes, next) = page.cut(found);
    let mut xml = Xml::default();
    xml.list("volumeSet", volumes, |xml, volume| {
        volume_xml(xml, region, volume);
    });
    xml.maybe("nextToken", next);
    Ok(xml)
}

/// Writes a volume.
pub(super) fn volume_xml(xml: &mut Xml, region: &Region, volume: &Volume) {
    xml.text("volumeId", &volume.id)
        .text("size", volume.shape.size)
        .text("snapshotId", volume.snapshot.as_deref().unwrap_or_default())
        .text("availabilityZone", &volume.zone)
        .text("status", volume.status())
        .text("createTime", aws_time(volume.created))
        .list("attachmentSet", &volume.attachment, |xml, attachment| {
            attachment_xml(xml, &volume.id, attachment, "attached");
        })
        .text("volumeType", &volume.shape.kind)
        .maybe("iops", volume.shape.iops)
        .maybe("throughput", volume.shape.throughput)
        .text("encrypted", volume.encrypted)
        .maybe("kmsKeyId", volume.kms_key.as_ref())
        .text("multiAttachEnabled", false)
        .tags(region.tags_of(&volume.id));
}
