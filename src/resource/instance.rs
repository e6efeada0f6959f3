//! The instances of a group, as a spec wants them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Digest, GroupName, ImageSelector, Lease, Size, Throughput};

/// Where an instance may run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// Wherever EC2 puts it in the default network.
    Any,
    /// In one availability zone, such as `eu-central-1a`.
    Zone(String),
    /// In one subnet, by id.
    Subnet(String),
}

impl Placement {
    /// The subnet or zone asked for, or nothing.
    pub fn place(&self) -> &str {
        match self {
            Self::Any => "",
            Self::Zone(place) | Self::Subnet(place) => place,
        }
    }
}

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
}

/// Whether the metadata service needs a session token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tokens {
    /// IMDSv2 only.
    Required,
    /// IMDSv1 is answered too.
    Optional,
}

/// The instance metadata service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// Whether session tokens are required.
    pub tokens: Tokens,
    /// How many network hops an answer may travel, 1 to 64; containers need 2.
    pub hop_limit: u8,
    /// Whether the service answers at all.
    pub enabled: bool,
}

/// One instance of a group; all instances of a group are equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Instance {
    /// The group it belongs to.
    pub group: GroupName,
    /// What it boots.
    pub image: ImageSelector,
    /// Such as `g5.xlarge`.
    pub instance_type: String,
    /// Where it may run.
    pub placement: Placement,
    /// The name of its instance profile.
    pub iam_profile: Option<String>,
    /// Ids or names; empty leaves the network's default group.
    pub security_groups: BTreeSet<String>,
    /// The name of an EC2 key pair.
    pub key: Option<String>,
    /// The root disk, where the spec says anything of it.
    pub disk: Option<Disk>,
    /// Further disks by device name, made at launch and deleted with the instance.
    pub volumes: BTreeMap<String, Disk>,
    /// The instance metadata service.
    pub metadata: Metadata,
    /// The user's own boot script or cloud-config, unrendered.
    pub user_data: Option<String>,
    /// Whether EC2's termination protection is on.
    pub protect: bool,
    /// The user's tags, with a `Name`.
    pub tags: BTreeMap<String, String>,
    /// How long it may live from launch.
    pub lease: Lease,
}

impl Instance {
    /// Fingerprint of everything that a difference can be seen in.
    ///
    /// It stands in a tag: where it equals the spec's and a field differs all the
    /// same, somebody changed the instance, not the spec. The lease is not part
    /// of it, since the guest's timer cannot follow an edit.
    pub fn spec_digest(&self) -> String {
        let Self {
            group,
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
        } = self;
        let machine = (group, image, instance_type, placement, iam_profile);
        let access = (security_groups, key, metadata, protect);
        Digest::of(&(machine, access, disk, volumes, user_data, tags)).short()
    }

    /// Fingerprint of the user's boot script; `none` where there is none.
    pub fn user_data_digest(&self) -> String {
        match &self.user_data {
            Some(text) => Digest::of_bytes(text.as_bytes()).short(),
            None => "none".to_owned(),
        }
    }
}
