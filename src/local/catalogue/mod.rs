//! What the cloud sells: machine images and instance types.

mod images;
mod parameters;
mod types;

pub(crate) use images::{Image, images};
pub(crate) use parameters::parameter;
pub(crate) use types::{InstanceType, Storage, TYPES, instance_type};
