//! An instance as EC2 reported it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::{InstanceId, Purchase, Tokens, VolumeId};

/// Where an instance is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceState {
    /// It is being started.
    Pending,
    /// It runs and is billed.
    Running,
    /// It is being stopped.
    Stopping,
    /// It is stopped; its disks are billed.
    Stopped,
    /// It is being terminated.
    ShuttingDown,
    /// It is gone for good.
    Terminated,
    /// EC2 said something that this version does not know.
    Unknown,
}

impl InstanceState {
    /// The state that EC2's word names.
    pub fn from_word(word: &str) -> Self {
        match word {
            "pending" => Self::Pending,
            "running" => Self::Running,
            "stopping" => Self::Stopping,
            "stopped" => Self::Stopped,
            "shutting-down" => Self::ShuttingDown,
            "terminated" => Self::Terminated,
            _ => Self::Unknown,
        }
    }

    /// Whether the instance can still cost anything or come back.
    ///
    /// A state that is not known counts as alive: unknown is never absent.
    pub const fn is_alive(self) -> bool {
        !matches!(self, Self::ShuttingDown | Self::Terminated)
    }
}

impl fmt::Display for InstanceState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
            Self::Unknown => "unknown",
        })
    }
}

/// A security group of an instance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LiveSecurityGroup {
    /// Such as `sg-0123456789abcdef0`.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// An EBS volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LiveVolume {
    /// Its id.
    pub id: VolumeId,
    /// `available`, `in-use`, `deleting` and so on.
    pub state: String,
    /// In GiB.
    pub gibibytes: u32,
    /// Such as `gp3`.
    pub kind: String,
    /// Operations a second, where reported.
    pub iops: Option<u32>,
    /// MiB a second, where reported.
    pub throughput: Option<u32>,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// The instance it is attached to.
    pub attached_to: Option<InstanceId>,
    /// Since when it is attached.
    pub attached_at: Option<Timestamp>,
    /// The device it is attached as.
    pub device: Option<String>,
    /// All its tags.
    pub tags: BTreeMap<String, String>,
}

/// The metadata options of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LiveMetadata {
    /// Whether session tokens are required.
    pub tokens: Tokens,
    /// Network hops an answer may travel.
    pub hop_limit: i32,
    /// Whether the service answers.
    pub enabled: bool,
}

/// What no listing tells of an instance, only a question each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveAttributes {
    /// Whether EC2 refuses to terminate it.
    pub protected: bool,
    /// Whether powering it off from inside terminates it; else it stops.
    pub ends_at_shutdown: bool,
}

/// One instance as EC2 reported it at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveInstance {
    /// Its id.
    pub id: InstanceId,
    /// Where it is in its life.
    pub state: InstanceState,
    /// Why it is there, in EC2's words.
    pub state_reason: Option<String>,
    /// The image it booted.
    pub image_id: String,
    /// Its type.
    pub instance_type: String,
    /// How it was bought.
    pub purchase: Purchase,
    /// The spot request that it came from.
    pub spot_request: Option<String>,
    /// The placement group that it was launched into.
    pub placement_group: Option<String>,
    /// Its availability zone.
    pub zone: Option<String>,
    /// Its subnet.
    pub subnet: Option<String>,
    /// The network that its subnet is part of.
    pub network: Option<String>,
    /// The name of its instance profile.
    pub iam_profile: Option<String>,
    /// Its network interfaces, by id.
    pub interfaces: BTreeSet<String>,
    /// The first of them, which cannot be taken off.
    pub primary_interface: Option<String>,
    /// The security groups of its primary interface.
    pub security_groups: BTreeSet<LiveSecurityGroup>,
    /// Its key pair.
    pub key: Option<String>,
    /// The device of its root disk.
    pub root_device: Option<String>,
    /// The devices that have a volume, as the instance itself says.
    pub devices: BTreeSet<String>,
    /// Those of them whose volume stays when the instance ends.
    pub kept_devices: BTreeSet<String>,
    /// Its volumes by device; one that a listing of volumes does not show yet is
    /// unknown, and its device stands in `devices` all the same.
    ///
    /// They are shared with the listing of volumes that they came in.
    pub volumes: BTreeMap<String, Arc<LiveVolume>>,
    /// Its metadata options, where reported.
    pub metadata: Option<LiveMetadata>,
    /// All its tags.
    pub tags: BTreeMap<String, String>,
    /// The token it was launched with.
    pub client_token: Option<String>,
    /// Its number within its RunInstances call.
    pub launch_index: usize,
    /// When it was first launched, as far as that can be known.
    ///
    /// The launch time that EC2 reports moves with every start; the attachment of
    /// the root disk and of the first network interface do not.
    pub first_launched: Option<Timestamp>,
    /// Those of its public addresses that belong to the account, and stay when it ends.
    pub elastic: BTreeSet<String>,
    /// Its public address.
    pub public_address: Option<String>,
    /// Its private address.
    pub private_address: Option<String>,
    /// Its user data as the user wrote it, where it was read.
    pub user_data: Option<String>,
    /// Who launches another one when it ends, such as an auto scaling group, in words.
    pub manager: Option<String>,
    /// What only a question each tells, where it was asked.
    pub attributes: Option<LiveAttributes>,
}

impl LiveInstance {
    /// The root disk, where the listing showed it.
    pub fn root_volume(&self) -> Option<&LiveVolume> {
        self.volumes
            .get(self.root_device.as_deref()?)
            .map(Arc::as_ref)
    }

    /// Whether powering it off is known to stop it only, and could end it instead.
    ///
    /// How a spot instance ends is settled in its request.
    pub fn stops_at_shutdown(&self) -> bool {
        let attributes = self.attributes.as_ref();
        self.purchase == Purchase::OnDemand
            && attributes.is_some_and(|attributes| !attributes.ends_at_shutdown)
    }
}
