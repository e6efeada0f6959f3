//! Whole runs of the real binary, in one test binary: the SDK is linked once.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod bad_input;
mod cp;
mod demo;
mod examples;
mod kill;
mod many;
mod messages;
mod process;
mod project;
mod requests;
mod scale;
mod scenarios;
mod schema;
mod servers;
mod sign_in;
mod simulation;
mod support;
mod sync;
