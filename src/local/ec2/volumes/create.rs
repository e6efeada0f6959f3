//! `CreateVolume` and `DeleteVolume`.

use super::super::identifiers::VOLUME;
use super::super::instances::{Claim, ScopeOfToken};
use super::super::{Call, done, tags};
use super::describe::volume_xml;
use super::shape::{Wish, shape};
use crate::local::catalogue::images;
use crate::local::state::Volume;
use crate::local::wire::{Refusal, Reply, Xml};

/// `CreateVolume`: once for a token.
pub(in super::super) fn create(call: &mut Call) -> Reply {
    let zone = call.form.required("AvailabilityZone")?;
    if call.region.network.in_zone(zone).is_none() {
        let message = format!("The zone '{zone}' does not exist.");
        return Err(Refusal::new("InvalidZone.NotFound", message));
    }
    let claim = Claim::read(call, &ScopeOfToken::Zone(zone.to_owned()))?;
    if let Some(claim) = &claim
        && let Some(used) = claim.used(call)?
    {
        let made = &used.made;
        let volume = call.region.volumes.get(made);
        return volume.map(|volume| one(call, volume)).ok_or_else(|| {
            let message = format!("The token made the volume '{made}', which was deleted");
            Refusal::new("IdempotentParameterMismatch", message)
        });
    }
    let volume = read(call, zone)?;
    let id = volume.id.clone();
    let tags = tags::specifications(&call.form, &["volume"])?;
    call.region.volumes.insert(id.clone(), volume);
    if let Some(tags) = tags.get("volume") {
        call.region.tags.insert(id.clone(), tags.clone());
    }
    if let Some(claim) = claim {
        claim.spend(call, &id, &[]);
    }
    match call.region.volumes.get(&id) {
        Some(volume) => Ok(one(call, volume)),
        None => Err(VOLUME.unknown(&[&id])),
    }
}

fn read(call: &mut Call, zone: &str) -> Result<Volume, Refusal> {
    let form = call.form.clone();
    let snapshot = form.text("SnapshotId");
    let least = snapshot.map(|id| snapshot_size(call, id)).transpose()?;
    let size = match (form.number::<u32>("Size")?, least) {
        (Some(size), Some(least)) if size < least => {
            return Err(Refusal::value(format!(
                "The size {size} is smaller than that of the snapshot, {least}"
            )));
        }
        (Some(size), _) => size,
        (None, Some(least)) => least,
        (None, None) => return Err(Refusal::missing("size or snapshot")),
    };
    let shape = shape(&Wish {
        kind: form.text("VolumeType").unwrap_or("gp2"),
        size,
        iops: form.number("Iops")?,
        throughput: form.number("Throughput")?,
    })?;
    let kms_key = form.text("KmsKeyId").map(str::to_owned);
    Ok(Volume {
        id: call.region.mint("vol"),
        shape,
        encrypted: form.flag("Encrypted")?.unwrap_or(kms_key.is_some()),
        kms_key,
        snapshot: snapshot.map(str::to_owned),
        zone: zone.to_owned(),
        created: call.now,
        attachment: None,
        modifications: Vec::new(),
    })
}

fn snapshot_size(call: &Call, id: &str) -> Result<u32, Refusal> {
    images(&call.region.account, &call.region.name, call.stage)
        .iter()
        .find(|image| image.snapshot == id)
        .map(|image| image.root_size)
        .ok_or_else(|| {
            let message = format!("The snapshot '{id}' does not exist.");
            Refusal::new("InvalidSnapshot.NotFound", message)
        })
}

fn one(call: &Call, volume: &Volume) -> Xml {
    let mut xml = Xml::default();
    volume_xml(&mut xml, call.region, volume);
    xml
}

/// `DeleteVolume`.
pub(in super::super) fn delete(call: &mut Call) -> Reply {
    let id = call.form.required("VolumeId")?;
    VOLUME.check(id)?;
    let volume = call.region.volumes.get(id);
    let volume = volume.ok_or_else(|| VOLUME.unknown(&[id]))?;
    if let Some(attachment) = &volume.attachment {
        let message = format!(
            "Volume {id} is currently attached to {}",
            attachment.instance
        );
        return Err(Refusal::new("VolumeInUse", message));
    }
    call.region.volumes.remove(id);
    call.region.tags.remove(id);
    for token in call.region.tokens.values_mut() {
        if token.made == id {
            token.ended = Some(call.now);
        }
    }
    Ok(done())
}
