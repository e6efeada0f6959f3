//! The engine against a small S3 over real sockets.

mod archives;
mod archives_hostile;
mod archives_unknown;
mod batches;
mod both_ways;
mod branches;
mod buckets;
mod cancel;
mod copies;
mod deletions;
mod faults;
mod journals;
mod names;
mod regions;
mod roads;
mod scenarios;
mod server;
mod uploads;
mod wire;
mod world;
