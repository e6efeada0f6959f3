//! What whole runs need: a place of their own, the binary, and clouds to run against.

mod cloud;
mod sandbox;

pub(crate) use cloud::LocalCloud;
pub(crate) use sandbox::{Run, Sandbox};
