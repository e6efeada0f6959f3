//! The engine against a small S3 over real sockets.

mod archives;
mod archives_hostile;
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
