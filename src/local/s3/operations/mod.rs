//! The operations of the API, a file for each group.

mod attributes;
mod buckets;
mod copy;
pub(super) mod describe;
mod dispatch;
mod list;
mod multipart;
mod parts;
mod read;
mod uploads;
mod write;

pub(super) use dispatch::Operations;
