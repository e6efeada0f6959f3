//! Instances: from launch to termination.

mod attributes;
mod capacity;
mod describe;
mod devices;
mod launch;
mod lifecycle;
mod metadata;
mod modify;
mod placement;
mod refusals;
mod render;
mod run;
mod seen;
mod token;

pub(super) use attributes::describe_attribute;
pub(super) use describe::{describe, describe_status};
pub(super) use lifecycle::{start, stop, terminate};
pub(super) use metadata::{check_tags, modify_metadata};
pub(super) use modify::{modify_attribute, modify_interface};
pub(super) use render::interface;
pub(super) use run::run;
pub(super) use token::{Claim, ScopeOfToken};
