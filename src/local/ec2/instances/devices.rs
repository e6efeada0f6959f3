//! The block devices of a launch.

use std::collections::BTreeSet;

use super::super::volumes::{Wish, shape};
use crate::local::catalogue::Image;
use crate::local::state::VolumeShape;
use crate::local::wire::{Node, Refusal};

/// A volume that a launch makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Device {
    pub(super) name: String,
    pub(super) shape: VolumeShape,
    pub(super) encrypted: bool,
    pub(super) kms_key: Option<String>,
    pub(super) snapshot: Option<String>,
    pub(super) delete_on_termination: bool,
}

/// Puts together the root of the image and what the call maps. The root comes
/// first, whether the call names it or not.
pub(super) fn read(form: &Node, image: &Image) -> Result<Vec<Device>, Refusal> {
    let mut root = None;
    let mut others = Vec::new();
    let mut seen = BTreeSet::new();
    for mapping in form.items("BlockDeviceMapping") {
        let name = mapping.required("DeviceName")?;
        if !seen.insert(name) {
            return Err(bad(format!("Duplicate device name '{name}'")));
        }
        let is_root = name == image.root_device;
        if mapping.has("NoDevice") {
            if is_root {
                return Err(bad(format!("The root device '{name}' cannot be left out")));
            }
            continue;
        }
        if mapping.has("VirtualName") {
            continue;
        }
        let device = device(name, &mapping.node("Ebs"), image, is_root)?;
        if is_root {
            root = Some(device);
        } else {
            others.push(device);
        }
    }
    let root = match root {
        Some(root) => root,
        None => device(
            image.root_device,
            &form.node("BlockDeviceMapping.0"),
            image,
            true,
        )?,
    };
    others.insert(0, root);
    Ok(others)
}

fn device(name: &str, ebs: &Node, image: &Image, is_root: bool) -> Result<Device, Refusal> {
    let snapshot = match ebs.text("SnapshotId") {
        Some(id) if id == image.snapshot => Some(id),
        Some(id) => {
            let message = format!("The snapshot '{id}' does not exist.");
            return Err(Refusal::new("InvalidSnapshot.NotFound", message));
        }
        None => is_root.then_some(image.snapshot.as_str()),
    };
    let least = snapshot.map(|_| image.root_size);
    let size = match (ebs.number::<u32>("VolumeSize")?, least) {
        (Some(size), Some(least)) if size < least => {
            return Err(bad(format!(
                "Volume of size {size}GB is smaller than snapshot '{}', expect size >= {least}GB",
                image.snapshot
            )));
        }
        (Some(size), _) => size,
        (None, Some(least)) => least,
        (None, None) => {
            return Err(Refusal::missing(
                "ebs.volumeSize or ebs.snapshotId for each block device",
            ));
        }
    };
    let shape = shape(&Wish {
        kind: ebs.text("VolumeType").unwrap_or("gp3"),
        size,
        iops: ebs.number("Iops")?,
        throughput: ebs.number("Throughput")?,
    })?;
    let kms_key = ebs.text("KmsKeyId").map(str::to_owned);
    let encrypted = ebs.flag("Encrypted")?.unwrap_or(kms_key.is_some());
    Ok(Device {
        name: name.to_owned(),
        shape,
        encrypted,
        kms_key,
        snapshot: snapshot.map(str::to_owned),
        delete_on_termination: ebs.flag("DeleteOnTermination")?.unwrap_or(true),
    })
}

fn bad(message: String) -> Refusal {
    Refusal::new("InvalidBlockDeviceMapping", message)
}
