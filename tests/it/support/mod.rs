//! What whole runs need: a place of their own, the binary, and clouds to run against.

mod cloud;
mod sandbox;
mod spec;
mod tripwire;

pub(crate) use cloud::LocalCloud;
pub(crate) use sandbox::{Run, Sandbox};
pub(crate) use spec::{GOOD, change, good_but, good_with};
pub(crate) use tripwire::Tripwire;
