//! EC2: instances, volumes and what they need around them.

mod accesses;
mod addresses;
mod dispatch;
mod filter;
mod groups;
mod identifiers;
mod images;
mod instances;
mod interfaces;
mod keys;
mod network;
mod page;
mod placement_groups;
mod profiles;
mod rules;
mod sight;
mod spot;
mod tags;
mod throttle;
mod types;
mod volumes;

pub(super) use dispatch::answer;
use dispatch::{Call, done};
