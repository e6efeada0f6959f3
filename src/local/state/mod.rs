//! What the cloud holds: plain values, ordered, written to a file as they are.

mod cause;
mod elastic;
mod guest;
mod iam;
mod identifier;
mod instance;
mod loose_interface;
mod network;
mod placement_group;
mod region;
mod relaunch;
mod session;
mod settle;
mod stage;
mod volume;
mod world;

pub(crate) use cause::Cause;
pub(crate) use elastic::ElasticAddress;
pub(crate) use iam::{Device, Iam, Role, User};
pub(crate) use identifier::{derived_hex, is_well_formed};
pub(crate) use instance::{
    AttachedInterface, BlockDevice, Instance, InstanceState, Interface, Lifecycle, MetadataOptions,
    Past, Protection, ShutdownBehavior, Spot,
};
pub(crate) use loose_interface::LooseInterface;
pub(crate) use network::{KeyPair, Network, Rule, SecurityGroup, Subnet};
pub(crate) use placement_group::{PlacementGroup, Strategy};
pub(crate) use region::{Association, Buckets, Region, Tags, Token};
pub(crate) use session::{Session, SessionKind};
pub(crate) use stage::{Buying, Demand, Failing, Owner, Published, Shortage, Stage};
pub(crate) use volume::{Attachment, Modification, Volume, VolumeShape};
pub(crate) use world::World;
