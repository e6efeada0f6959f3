//! What an environment should be.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::{
    AccountId, Address, DataSet, EnvironmentName, GroupName, Instance, InstanceId, Lease, Region,
    SignIn,
};

/// Where an environment lives, and as whom it is reached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Target {
    /// As whom.
    pub sign_in: SignIn,
    /// The account that must answer.
    pub account: AccountId,
    /// The region.
    pub region: Region,
}

/// What a spec says of a group beside what each of its instances is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What each of them is.
    pub instance: Arc<Instance>,
    /// How many there are to be.
    pub count: u32,
    /// The fewest that a launch may give; all of them where nothing is said.
    pub min: Option<u32>,
    /// The group's name before.
    pub renamed_from: Option<GroupName>,
    /// Instances to take over, by number.
    pub adopt: Vec<InstanceId>,
}

/// What a spec asks for: complete, absolute, without defaults left to fill in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// The environment's name.
    pub environment: EnvironmentName,
    /// Its name before.
    pub renamed_from: Option<EnvironmentName>,
    /// Where it lives.
    pub target: Target,
    /// How long it may live from launch.
    pub lease: Lease,
    /// A bucket prefix for what outlives the instances.
    pub store: Option<String>,
    /// The instances; those of a group share one value.
    pub instances: BTreeMap<Address, Arc<Instance>>,
    /// The groups that they belong to.
    pub groups: BTreeMap<GroupName, Group>,
    /// Where the caller's own address is asked for, where the project says it.
    pub address_service: Option<String>,
    /// The data sets.
    pub data: BTreeMap<Address, DataSet>,
}
