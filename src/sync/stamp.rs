//! What tells one content of a file from another without reading it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;

use jiff::Timestamp;

/// What tells one content of a file from another without reading it.
///
/// Whoever writes to a file changes its time of modification, and whoever sets that back
/// changes the time of the inode's change (`stat(2)`, `utimensat(2)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) device: u64,
    pub(super) inode: u64,
    /// In bytes.
    pub(super) size: u64,
    /// Seconds and nanoseconds since 1970.
    pub(super) modified: (i64, i64),
    pub(super) changed: (i64, i64),
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// The second of a time as a stamp has it: the last one that had begun, before 1970 too.
pub(super) fn second(time: Timestamp) -> i64 {
    let whole = time.as_second();
    if time.subsec_nanosecond() < 0 {
        whole - 1
    } else {
        whole
    }
}
