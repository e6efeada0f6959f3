//! What whole runs need: a place of their own, the binary, and clouds to run against.

mod cloud;
mod moto;
mod python;
mod sandbox;
mod witness;
mod world;

pub(crate) use cloud::LocalCloud;
pub(crate) use moto::Moto;
pub(crate) use sandbox::{Run, Sandbox};
pub(crate) use witness::Witness;
pub(crate) use world::{World, both, embedded};
