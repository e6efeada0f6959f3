//! The wire against the embedded cloud, on a loopback port of each test's own.

mod answers;
mod changing;
mod errors;
mod introducing;
mod launching;
mod networking;
mod rig;
mod terminating;
