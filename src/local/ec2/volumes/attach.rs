//! `AttachVolume` and `DetachVolume`.

use super::super::Call;
use super::super::identifiers::{INSTANCE, VOLUME};
use crate::local::state::{Attachment, BlockDevice, InstanceState};
use crate::local::wire::{Refusal, Reply, Xml, aws_time};

/// `AttachVolume`. A volume that is attached later outlives its instance.
pub(in super::super) fn attach(call: &mut Call) -> Reply {
    let id = call.form.required("VolumeId")?;
    let device = call.form.required("Device")?;
    let instance_id = call.form.required("InstanceId")?;
    let now = call.now;
    VOLUME.check(id)?;
    let volume = call.region.volumes.get(id);
    let volume = volume.ok_or_else(|| VOLUME.unknown(&[id]))?;
    let zone = volume.zone.clone();
    if let Some(attachment) = &volume.attachment {
        let message = format!("{id} is already attached to {}", attachment.instance);
        return Err(Refusal::new("VolumeInUse", message));
    }
    let instance = call.known_instance(instance_id)?;
    if !matches!(
        instance.state(),
        InstanceState::Running | InstanceState::Stopped
    ) {
        let message = format!("Instance '{instance_id}' is not 'running'.");
        return Err(Refusal::new("IncorrectState", message));
    }
    if instance.zone != zone {
        let message = format!(
            "The volume '{id}' is not in the same availability zone as instance '{instance_id}'"
        );
        return Err(Refusal::new("InvalidVolume.ZoneMismatch", message));
    }
    if instance.devices.iter().any(|known| known.device == device) {
        return Err(Refusal::value(format!(
            "Invalid value '{device}' for unixDevice. Attachment point {device} is already in use"
        )));
    }
    instance.devices.push(BlockDevice {
        device: device.to_owned(),
        volume: id.to_owned(),
        delete_on_termination: false,
        attached: now,
    });
    let attachment = Attachment {
        instance: instance_id.to_owned(),
        device: device.to_owned(),
        delete_on_termination: false,
        attached: now,
    };
    let mut xml = Xml::default();
    attachment_xml(&mut xml, id, &attachment, "attached");
    if let Some(volume) = call.region.volumes.get_mut(id) {
        volume.attachment = Some(attachment);
    }
    Ok(xml)
}

/// `DetachVolume`.
pub(in super::super) fn detach(call: &mut Call) -> Reply {
    let id = call.form.required("VolumeId")?;
    VOLUME.check(id)?;
    let (instance, device) = (call.form.text("InstanceId"), call.form.text("Device"));
    if let Some(instance) = instance {
        INSTANCE.check(instance)?;
    }
    let volume = call.region.volumes.get_mut(id);
    let volume = volume.ok_or_else(|| VOLUME.unknown(&[id]))?;
    let Some(attachment) = volume.attachment.clone() else {
        let message = format!("Volume '{id}' is in the 'available' state.");
        return Err(Refusal::new("IncorrectState", message));
    };
    let elsewhere = instance.is_some_and(|instance| instance != attachment.instance)
        || device.is_some_and(|device| device != attachment.device);
    if elsewhere {
        let message = format!("The volume '{id}' is not attached there.");
        return Err(Refusal::new("InvalidAttachment.NotFound", message));
    }
    if let Some(instance) = call.region.instances.get_mut(&attachment.instance) {
        let is_root = instance.root_device == attachment.device;
        if is_root && instance.state() != InstanceState::Stopped {
            let message = format!(
                "Unable to detach root volume '{id}' from instance '{}'",
                instance.id
            );
            return Err(Refusal::new("OperationNotPermitted", message));
        }
        instance.devices.retain(|device| device.volume != id);
    }
    if let Some(volume) = call.region.volumes.get_mut(id) {
        volume.attachment = None;
    }
    let mut xml = Xml::default();
    attachment_xml(&mut xml, id, &attachment, "detached");
    Ok(xml)
}

/// Writes an attachment.
pub(super) fn attachment_xml(xml: &mut Xml, volume: &str, attachment: &Attachment, status: &str) {
    xml.text("volumeId", volume)
        .text("instanceId", &attachment.instance)
        .text("device", &attachment.device)
        .text("status", status)
        .text("attachTime", aws_time(attachment.attached))
        .text("deleteOnTermination", attachment.delete_on_termination);
}
