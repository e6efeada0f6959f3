//! The embedded cloud's S3.
//!
//! The `s3s` crate speaks the protocol; everything below it is ours. Keys live
//! in an ordered index, so that a page of a listing costs the same in a bucket
//! of ten keys and of ten million. Bytes live in files that are named by a
//! number, so that no key is too odd to be stored.
//!
//! Two things differ from the service on purpose. Signatures are not checked:
//! any credentials will do. And every bucket whose name starts with
//! `forbidden-` answers `403 AccessDenied` to everything, whether it exists or
//! not, so that a refusal can be rehearsed.

mod blob;
mod checksum;
mod chunked;
mod error;
mod headers;
mod index;
mod journal;
mod listing;
mod operations;
mod precondition;
mod receive;
mod record;
mod store;
#[cfg(test)]
mod tests;
mod wire;

pub use error::OpenError;
pub use store::{Clock, ObjectStore};
pub use wire::ObjectService;
