//! What an environment should be.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::{AccountId, Address, DataSet, EnvironmentName, Instance, Lease, Region};

/// Where an environment lives, and as whom it is reached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Target {
    /// The profile whose credentials are used; the default chain where there is none.
    pub profile: Option<String>,
    /// The account that must answer.
    pub account: AccountId,
    /// The region.
    pub region: Region,
}

/// What a spec asks for: complete, absolute, without defaults left to fill in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// The environment's name.
    pub environment: EnvironmentName,
    /// Where it lives.
    pub target: Target,
    /// How long it may live from launch.
    pub lease: Lease,
    /// A bucket prefix for what outlives the instances.
    pub store: Option<String>,
    /// The instances; those of a group share one value.
    pub instances: BTreeMap<Address, Arc<Instance>>,
    /// The data sets.
    pub data: BTreeMap<Address, DataSet>,
}
