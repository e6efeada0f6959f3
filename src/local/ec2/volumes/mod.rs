//! Volumes.

mod attach;
mod create;
mod describe;
mod modify;
mod shape;

pub(super) use attach::{attach, detach};
pub(super) use create::{create, delete};
pub(super) use describe::describe;
pub(super) use modify::{describe_modifications, modify};
pub(super) use shape::{Wish, shape};
