//! Training environments on AWS, kept as YAML in git.
//!
//! A planner compares what a spec asks for with what AWS has, people review the
//! difference, `apply` makes it so, and `destroy` proves that nothing is left.

#[cfg(feature = "aws")]
pub mod apply;
#[cfg(feature = "aws")]
pub mod cli;
#[cfg(feature = "aws")]
pub mod cloud;
#[cfg(feature = "aws")]
pub mod credentials;
pub mod guide;
pub mod lease;
#[cfg(feature = "aws")]
pub mod local;
pub mod plan;
pub mod render;
pub mod resource;
pub mod spec;
pub mod sync;
