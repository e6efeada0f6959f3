//! The embedded cloud.

pub mod s3;
