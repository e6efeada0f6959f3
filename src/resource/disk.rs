//! The disks of an instance, as a spec wants them.

use serde::Serialize;

use super::{Size, Throughput};

/// A type of EBS volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DiskKind {
    /// General purpose, rates set apart from size.
    Gp3,
    /// General purpose, rates by size.
    Gp2,
    /// Provisioned rates.
    Io1,
    /// Provisioned rates, durable.
    Io2,
    /// Throughput on magnetic disks.
    St1,
    /// Cold storage on magnetic disks.
    Sc1,
}

impl DiskKind {
    /// Every kind, in the order in which they are offered.
    pub const ALL: [Self; 6] = [
        Self::Gp3,
        Self::Gp2,
        Self::Io1,
        Self::Io2,
        Self::St1,
        Self::Sc1,
    ];

    /// EC2's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gp3 => "gp3",
            Self::Gp2 => "gp2",
            Self::Io1 => "io1",
            Self::Io2 => "io2",
            Self::St1 => "st1",
            Self::Sc1 => "sc1",
        }
    }

    /// Whether an instance can boot from it (EBS user guide, volume types).
    pub const fn boots(self) -> bool {
        match self {
            Self::Gp3 | Self::Gp2 | Self::Io1 | Self::Io2 => true,
            Self::St1 | Self::Sc1 => false,
        }
    }

    /// How many operations a second may be asked for each GiB (EBS user guide, volume types).
    pub const fn iops_per_gibibyte(self) -> Option<u32> {
        match self {
            Self::Gp3 => Some(500),
            Self::Io1 => Some(50),
            Self::Io2 => Some(1_000),
            Self::Gp2 | Self::St1 | Self::Sc1 => None,
        }
    }

    /// How many operations a second may be asked of a disk of so many GiB.
    pub fn most_iops(self, gibibytes: u32) -> Option<u32> {
        let most = gibibytes.saturating_mul(self.iops_per_gibibyte()?);
        // A gp3 disk of any size has 3,000.
        Some(if self == Self::Gp3 {
            most.max(3_000)
        } else {
            most
        })
    }

    /// The kind that EC2's word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A disk as asked for; what is not stated is left to the image and to EC2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Disk {
    /// Its size; for a root disk at least the image's.
    pub size: Option<Size>,
    /// Its type.
    pub kind: DiskKind,
    /// Operations a second.
    pub iops: Option<u32>,
    /// Throughput, gp3 only.
    pub throughput: Option<Throughput>,
    /// Whether it is encrypted with the account's default key.
    pub encrypted: Option<bool>,
    /// Whether it stays when its instance ends.
    pub keep: bool,
}
