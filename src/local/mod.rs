//! The embedded cloud: EC2, STS, SSM and S3 over the AWS wire protocols, in memory
//! or in a folder, on a loopback port or in process.
//!
//! It does what AWS does where that matters to an environment: client tokens,
//! states that take time, listings that lag, all-or-nothing terminations. It checks no
//! signatures, and of permissions only those of signing in: codes of MFA devices, what a
//! role asks of those who assume it, the token of a session, and its policy.

mod access;
mod catalogue;
mod cloud;
mod control;
mod date;
mod ec2;
mod federation;
mod identity;
mod incoming;
mod meddling;
mod order;
mod policy;
mod registration;
mod request_id;
pub mod s3;
mod server;
mod service;
mod settings;
mod ssm;
mod state;
mod sts;
mod truth;
mod weather;
mod wire;

#[cfg(test)]
mod tests;

pub use cloud::{Cloud, ObjectService};
pub use server::serve;
pub use settings::{Clock, Delays, OpenError, Settings};
pub use truth::{TrueGroup, TrueInstance, TrueVolume};
pub use weather::Weather;
