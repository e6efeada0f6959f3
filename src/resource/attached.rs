//! What somebody attached to an instance by hand, and what outlives it.

use super::{Address, InstanceId, VolumeId};

/// Something that is not ours, stays when its instance ends, and goes on costing money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// Where its instance stands.
    pub address: Address,
    /// Its instance.
    pub instance: InstanceId,
    /// What it is.
    pub what: AttachedKind,
}

/// What was attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttachedKind {
    /// A volume without our tags.
    Volume {
        /// The device that it is attached as.
        device: String,
        /// The volume and its size in GiB, where EC2 told them.
        volume: Option<(VolumeId, u32)>,
    },
    /// An elastic address.
    ElasticAddress {
        /// The address itself.
        public_address: String,
        /// Its id, where EC2 told it.
        allocation: Option<String>,
    },
}
