//! Where an object stands in its environment.

use std::fmt;

use serde::{Serialize, Serializer};

use super::{GroupName, VolumeId};

/// Kind and name of one object; it outlives a replacement of the object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    /// One entry of `data:`.
    Data(String),
    /// One instance of a group.
    Instance {
        /// The group's key under `instances:`.
        group: GroupName,
        /// Its number within the group, from 0.
        ordinal: u32,
    },
    /// A volume that outlived its instance.
    Volume(VolumeId),
    /// The security group of ours that goes with a group of instances.
    SecurityGroup(GroupName),
    /// A key pair of ours, imported for a group of instances.
    KeyPair(GroupName),
    /// The placement group of ours that a group of instances is launched into.
    PlacementGroup(GroupName),
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(name) => write!(formatter, "data.{name}"),
            Self::Instance { group, ordinal } => write!(formatter, "{group}[{ordinal}]"),
            Self::Volume(id) => write!(formatter, "volume.{id}"),
            Self::SecurityGroup(group) => write!(formatter, "{group}.security_group"),
            Self::KeyPair(group) => write!(formatter, "{group}.key"),
            Self::PlacementGroup(group) => write!(formatter, "{group}.placement"),
        }
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
