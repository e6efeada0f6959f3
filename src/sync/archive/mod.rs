//! A data set that travels as one object.
//!
//! Up, the files of a folder are packed while they are read and sent while they are packed:
//! no copy is made on the way. Beside the archive lies its manifest, which says what is in
//! it; it is written last, and it is believed only for the revision of the archive that it
//! names. Down, what differs is unpacked under the rules of every download (see `target`).
//!
//! [`Archive`] and [`Packing`] are values and need no network.

#[cfg(feature = "aws")]
mod cache;
#[cfg(feature = "aws")]
mod entries;
#[cfg(feature = "aws")]
mod execute;
#[cfg(feature = "aws")]
mod folder;
mod kind;
#[cfg(feature = "aws")]
mod manifest;
#[cfg(feature = "aws")]
mod pack;
mod packing;
#[cfg(feature = "aws")]
mod pipe;
#[cfg(feature = "aws")]
mod ranges;
#[cfg(feature = "aws")]
mod remote;
#[cfg(feature = "aws")]
mod scan;
#[cfg(feature = "aws")]
mod send;
#[cfg(feature = "aws")]
mod survey;
#[cfg(feature = "aws")]
mod unpack;
#[cfg(feature = "aws")]
mod writer;
#[cfg(feature = "aws")]
mod zip_format;
#[cfg(feature = "aws")]
mod zip_read;
#[cfg(feature = "aws")]
mod zip_write;

pub use kind::Archive;
pub use packing::{ArchiveNote, ArchiveWork, Packing};

#[cfg(feature = "aws")]
pub(super) use execute::execute;
#[cfg(feature = "aws")]
pub(super) use survey::survey;
