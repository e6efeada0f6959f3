//! Training environments on AWS, kept as YAML in git.
//!
//! A planner compares what a spec asks for with what AWS has, people review the
//! difference, `apply` makes it so, and `destroy` proves that nothing is left.

pub mod lease;
#[cfg(feature = "aws")]
pub mod local;
pub mod plan;
pub mod resource;
pub mod spec;
pub mod sync;
