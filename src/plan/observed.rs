//! What was seen, and what was looked up, at one moment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::resource::{
    AccountId, Address, ImageSelector, LiveInstance, LiveVolume, Machine, Need, OwnNetwork, Region,
    ResolvedImage, SpotRequest,
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
    ///
    /// They are shared, because a plan names most of them again.
    pub instances: Vec<Arc<LiveInstance>>,
    /// Volumes that name an environment, of all environments.
    pub volumes: Vec<Arc<LiveVolume>>,
    /// What of ours there is besides, where it was looked at.
    pub network: Option<OwnNetwork>,
    /// Spot requests of ours, where they were looked at.
    pub spot_requests: Vec<SpotRequest>,
    /// How the data sets of the environment at hand differ.
    pub data: BTreeMap<Address, SyncPlan>,
}

/// An image that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WantedImage {
    /// The group that names it first.
    pub group: String,
    /// Whether something is launched from it; else it is only told of.
    pub needed: bool,
    /// The images that the group's members run: what they run already is no news.
    pub runs: BTreeSet<String>,
    /// Whether the group runs it and its spec does not say it: what it says may mean another by now.
    pub pinned: bool,
    /// The smallest root disk, in GiB, that a group asks for, and the group.
    pub disk: Option<(u32, String)>,
}

/// What must be looked up before the steps can be written down.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Images.
    pub images: BTreeMap<ImageSelector, WantedImage>,
    /// Instance types, each with the group that names it first.
    pub types: BTreeMap<String, String>,
    /// Needs that some type must meet.
    pub needs: Vec<Need>,
    /// Security groups by id or name, each with where it is to be worn.
    pub security_groups: BTreeMap<(String, Whereabouts), String>,
    /// Subnets by id.
    pub subnets: BTreeMap<String, String>,
    /// Key pairs by name.
    pub keys: BTreeMap<String, String>,
    /// Whether it must be known which network is the default one.
    pub default_network: bool,
    /// Volumes that are to change, by id: EC2 takes few changes a day.
    pub changed_volumes: BTreeSet<String>,
}

impl Wanted {
    /// Whether nothing has to be looked up.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A subnet, as far as a launch is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    /// The network that it is part of.
    pub network: String,
    /// Its zone.
    pub zone: String,
}

/// The network that something is wanted in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whereabouts {
    /// The one that a subnet is part of.
    Subnet(String),
    /// The default one.
    Default,
    /// This one, by its id.
    Network(String),
    /// Nobody knows.
    Unknown,
}

/// A security group that a spec names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundSecurityGroup {
    /// Such as `sg-0123456789abcdef0`.
    pub id: String,
    /// The network that it is in, where that is told.
    pub network: Option<String>,
}

impl FoundSecurityGroup {
    /// Whether an instance in a network can wear it, as far as that is known.
    pub fn fits(&self, network: Option<&str>) -> bool {
        let both = network.zip(self.network.as_deref());
        both.is_none_or(|(wanted, has)| wanted == has)
    }
}

/// What was looked up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resolution {
    /// Images by what the spec says.
    pub images: BTreeMap<ImageSelector, ResolvedImage>,
    /// Security groups by what the spec says: a name can stand for one in each network.
    pub security_groups: BTreeMap<String, Vec<FoundSecurityGroup>>,
    /// What EC2 says of instance types.
    pub machines: BTreeMap<String, Machine>,
    /// Subnets by id.
    pub subnets: BTreeMap<String, Subnet>,
    /// The default network.
    pub default_network: Option<String>,
    /// Volumes that cannot be changed now, with the reason.
    pub fixed_volumes: BTreeMap<String, String>,
    /// What nobody may ask AWS, and what the plan takes for possible because of that.
    pub untold: Vec<String>,
}

impl Resolution {
    /// The network of a place, where it is known.
    pub fn network_of<'a>(&'a self, place: &'a Whereabouts) -> Option<&'a str> {
        match place {
            Whereabouts::Subnet(subnet) => {
                let subnet = self.subnets.get(subnet);
                subnet.map(|subnet| subnet.network.as_str())
            }
            Whereabouts::Default => self.default_network.as_deref(),
            Whereabouts::Network(network) => Some(network),
            Whereabouts::Unknown => None,
        }
    }

    /// The id of the one security group that the spec means in a network.
    pub fn security_group(&self, name: &str, network: Option<&str>) -> Option<&str> {
        let all = self.security_groups.get(name)?.iter();
        let mut fitting = all.filter(|group| group.fits(network));
        let first = fitting.next()?;
        fitting.next().is_none().then_some(first.id.as_str())
    }
}
