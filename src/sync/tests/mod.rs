//! The engine against a small S3 over real sockets.

mod both_ways;
mod cancel;
mod copies;
mod deletions;
mod faults;
mod journals;
mod names;
mod server;
mod wire;
mod world;
