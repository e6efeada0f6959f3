//! Volumes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Size, type and performance of a volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VolumeShape {
    /// In GiB.
    pub(crate) size: u32,
    pub(crate) kind: String,
    pub(crate) iops: Option<u32>,
    /// In MiB/s.
    pub(crate) throughput: Option<u32>,
}

/// Where a volume is attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attachment {
    pub(crate) instance: String,
    pub(crate) device: String,
    pub(crate) delete_on_termination: bool,
    pub(crate) attached: Timestamp,
}

/// A change of a volume's shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Modification {
    pub(crate) original: VolumeShape,
    pub(crate) target: VolumeShape,
    pub(crate) started: Timestamp,
}

/// A volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Volume {
    pub(crate) id: String,
    pub(crate) shape: VolumeShape,
    pub(crate) encrypted: bool,
    pub(crate) kms_key: Option<String>,
    pub(crate) snapshot: Option<String>,
    pub(crate) zone: String,
    pub(crate) created: Timestamp,
    pub(crate) attachment: Option<Attachment>,
    /// Oldest first.
    pub(crate) modifications: Vec<Modification>,
}

impl Volume {
    /// The name that EC2 gives the state.
    pub(crate) fn status(&self) -> &'static str {
        if self.attachment.is_some() {
            "in-use"
        } else {
            "available"
        }
    }
}
