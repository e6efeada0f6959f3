//! The wire against the embedded cloud, on a loopback port of each test's own.

mod errors;
mod launching;
mod rig;
mod terminating;
