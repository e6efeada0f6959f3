//! What was seen, and what was looked up, at one moment.

use std::collections::{BTreeMap, BTreeSet};

use crate::resource::{
    AccountId, Address, ImageSelector, LiveInstance, LiveVolume, Region, ResolvedImage,
};
use crate::sync::SyncPlan;

/// Everything of ours that one account and region reported: complete listings or nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The account that answered.
    pub account: AccountId,
    /// The region that was asked.
    pub region: Region,
    /// Instances that name an environment, of all environments.
    pub instances: Vec<LiveInstance>,
    /// Volumes that name an environment, of all environments.
    pub volumes: Vec<LiveVolume>,
    /// How the data sets of the environment at hand differ.
    pub data: BTreeMap<Address, SyncPlan>,
}

/// What must be looked up before the steps can be written down.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Images, with the instance types that they are to run on.
    pub images: BTreeMap<ImageSelector, BTreeSet<String>>,
    /// Instance types, each with the group that names it first.
    pub types: BTreeMap<String, String>,
    /// Security groups by id or name.
    pub security_groups: BTreeMap<String, String>,
    /// Subnets by id.
    pub subnets: BTreeMap<String, String>,
    /// Key pairs by name.
    pub keys: BTreeMap<String, String>,
    /// The smallest root disk, in GiB, that a group asks for by image.
    pub disks: BTreeMap<ImageSelector, (u32, String)>,
    /// The group that names an image first.
    pub image_groups: BTreeMap<ImageSelector, String>,
}

impl Wanted {
    /// Whether nothing has to be looked up.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What was looked up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resolution {
    /// Images by what the spec says.
    pub images: BTreeMap<ImageSelector, ResolvedImage>,
    /// Ids of security groups by what the spec says.
    pub security_groups: BTreeMap<String, String>,
}
