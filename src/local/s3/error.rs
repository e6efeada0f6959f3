//! What can go wrong when a store is opened.

use std::io;
use std::path::PathBuf;

/// Says why a folder could not be opened as an object store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder, or the one for contents inside it, could not be made.
    #[error("failed to create the object store folder {}", path.display())]
    CreateFolder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The lock file could not be opened or locked.
    #[error("failed to lock the object store with {}", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process serves this folder already.
    #[error("the object store is in use by another process (it holds {})", path.display())]
    InUse {
        /// The lock file that the other process holds.
        path: PathBuf,
    },
    /// The index could not be read.
    #[error("failed to read the object index {}", path.display())]
    ReadIndex {
        /// The index file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The index was read and makes no sense.
    #[error("the object index {} is damaged at line {line}: {reason}", path.display())]
    DamagedIndex {
        /// The index file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with the line.
        reason: String,
    },
    /// The compacted index could not be written.
    #[error("failed to write the object index {}", path.display())]
    WriteIndex {
        /// The index file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder of contents could not be read or tidied.
    #[error("failed to read the object contents in {}", path.display())]
    ReadContents {
        /// The folder or the file in it.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A content that the index names is not there, or not whole.
    #[error("the object content {} is damaged: the index has {expected} bytes, the file {found}", path.display())]
    DamagedContent {
        /// The file.
        path: PathBuf,
        /// The size in bytes that the index has.
        expected: u64,
        /// The size in bytes that was found; 0 when the file is missing.
        found: u64,
    },
}
