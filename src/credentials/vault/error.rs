//! Why a cache, or a file in it, is not used.

use std::error::Error as _;
use std::io;
use std::path::PathBuf;

use super::LARGEST;

/// Why the cache of credentials did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VaultError {
    /// The name is no digest.
    #[error("{0:?} cannot name cached credentials")]
    Name(String),
    /// The folder of the cache is not safe.
    #[error("no credentials are cached in {}, because it {why}", .folder.display())]
    Refused {
        /// The path of the folder.
        folder: PathBuf,
        /// What is wrong with it.
        why: Oddity,
    },
    /// A file of the cache is not safe or not whole.
    #[error("the cached credentials in {} are not used, because the file {why}", .path.display())]
    Odd {
        /// The path of the file.
        path: PathBuf,
        /// What is wrong with it.
        why: Oddity,
    },
    /// The folder cannot be made or opened.
    #[error("failed to open the credentials cache {}", .folder.display())]
    Folder {
        /// The path of the folder.
        folder: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The content does not fit.
    #[error("failed to cache credentials: {0} bytes are too many")]
    TooLarge(usize),
    /// The content cannot be encrypted.
    #[error("failed to encrypt credentials")]
    Seal,
    /// A file cannot be written.
    #[error("failed to write cached credentials to {}", .path.display())]
    Write {
        /// The path of the file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A file cannot be removed.
    #[error("failed to remove cached credentials from {}", .folder.display())]
    Remove {
        /// The path of the folder.
        folder: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The folder cannot be listed.
    #[error("failed to list the credentials cache {}", .folder.display())]
    List {
        /// The path of the folder.
        folder: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A lock cannot be taken.
    #[error("failed to lock the credentials cache {}", .folder.display())]
    Lock {
        /// The path of the folder.
        folder: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

impl VaultError {
    /// The error and its cause on one line.
    pub(super) fn sentence(&self) -> String {
        match self.source() {
            Some(cause) => format!("{self}: {cause}"),
            None => self.to_string(),
        }
    }
}

/// What is wrong with a file or a folder, as the end of a sentence about it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Oddity {
    /// A link may lead to anybody's file.
    #[error("is a symbolic link")]
    SymbolicLink,
    /// Something else is where a folder should be.
    #[error("is not a folder")]
    NotAFolder,
    /// A pipe, a device, a socket or a folder is where a file should be.
    #[error("is not a regular file")]
    NotAFile,
    /// Its owner decides what is in it.
    #[error("belongs to another user ({0})")]
    OtherOwner(u32),
    /// Others may have read or changed it.
    #[error("was open to other users (mode {0:04o})")]
    OpenToOthers(u32),
    /// It can be changed through a name outside of the folder.
    #[error("has {0} names")]
    SeveralNames(u64),
    /// It cannot be one of ours.
    #[error("has more than {LARGEST} bytes")]
    TooLarge,
    /// It is not what was written under this name.
    #[error("is damaged")]
    Damaged,
    /// The operating system does not give it.
    #[error("cannot be read ({0})")]
    Unreadable(io::Error),
}
