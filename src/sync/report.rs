//! What executing a plan tells while it runs and at its end.

#[cfg(feature = "files")]
use std::error::Error;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

#[cfg(feature = "aws")]
use super::limits::Limits;
use super::plan::Totals;

/// How many requests are in flight at most unless somebody says otherwise.
const DEFAULT_CONCURRENCY: usize = 256;

/// What a run is told from outside.
#[derive(Clone, Copy)]
pub struct Control<'a> {
    /// Is called with each event, in no order across files; must not block.
    pub progress: &'a (dyn Fn(Progress) + Send + Sync),
    /// Is asked several times a second whether to stop.
    pub cancelled: &'a (dyn Fn() -> bool + Send + Sync),
    /// How many requests may be in flight at most; 0 counts as 1. A run begins with fewer and
    /// finds out how many it takes.
    pub concurrency: usize,
    /// The folder that keeps what is known of files from one run to the next.
    pub journals: Option<&'a Path>,
    /// The region of the source's bucket, where both ends are in buckets; without one the
    /// bucket is asked.
    pub source_region: Option<&'a str>,
    /// How objects are copied from bucket to bucket; tests lower it.
    #[cfg(feature = "aws")]
    pub(super) limits: Limits,
}

impl<'a> Control<'a> {
    /// Listens and may stop, with up to 256 requests in flight.
    pub fn new(
        progress: &'a (dyn Fn(Progress) + Send + Sync),
        cancelled: &'a (dyn Fn() -> bool + Send + Sync),
    ) -> Self {
        Self {
            progress,
            cancelled,
            concurrency: DEFAULT_CONCURRENCY,
            journals: None,
            source_region: None,
            #[cfg(feature = "aws")]
            limits: Limits::S3,
        }
    }
}

impl fmt::Debug for Control<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Control")
            .field("concurrency", &self.concurrency)
            .finish_non_exhaustive()
    }
}

/// One event of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// A file is being moved.
    Started {
        /// Its relative key.
        key: String,
        /// Its size in bytes.
        bytes: u64,
    },
    /// This many bytes more have arrived.
    Moved {
        /// Number of bytes.
        bytes: u64,
    },
    /// This many bytes that were counted have to be moved again.
    Rewound {
        /// Number of bytes.
        bytes: u64,
    },
    /// A file is there, whole and checked.
    Finished {
        /// Its relative key.
        key: String,
        /// Its size in bytes.
        bytes: u64,
    },
    /// A file could not be moved or deleted.
    Failed(Failure),
    /// A file of the target has been deleted.
    Deleted {
        /// Its relative key.
        key: String,
        /// Its size in bytes.
        bytes: u64,
    },
}

/// One file that could not be moved or deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Its relative key.
    pub key: String,
    /// What went wrong.
    pub reason: FailureReason,
}

/// What went wrong with one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// AWS refuses; no further work was begun.
    #[error("access denied: {0}")]
    Denied(String),
    /// The credentials are no longer valid; no further work was begun.
    #[error("the credentials are no longer valid: {0}")]
    CredentialsExpired(String),
    /// The source was rewritten while it was read, twice.
    #[error("the file kept changing while it was read")]
    ChangedWhileRead,
    /// What the plan saw is no longer there.
    #[error("changed since it was planned; plan again")]
    ChangedSincePlanned,
    /// A folder on the way to the file is a symbolic link.
    #[error("`{0}` is a symbolic link, and nothing is written or deleted through one")]
    ThroughLink(String),
    /// A file stands where a folder is needed.
    #[error("`{0}` is a file where a folder is needed")]
    FileInTheWay(String),
    /// A folder stands where the file shall be.
    #[error("a folder of that name stands in the way")]
    FolderInTheWay,
    /// The source is neither a file nor a link to one.
    #[error("not a file")]
    NotAFile,
    /// What arrived is not what was sent.
    #[error("arrived damaged: {0}")]
    Damaged(String),
    /// The file system failed.
    #[error("failed to {operation}: {detail}")]
    Local {
        /// What was attempted, as a verb with its object.
        operation: String,
        /// What the operating system said.
        detail: String,
    },
    /// AWS failed, or could not be reached.
    #[error("failed to {operation}: {detail}")]
    Remote {
        /// What was attempted, as a verb with its object.
        operation: String,
        /// What AWS said.
        detail: String,
    },
    /// Neither end is in a bucket.
    #[error("one of the two ends must be in a bucket")]
    NotAPair,
    /// The worker ended without an answer.
    #[error("the transfer ended without an answer")]
    Lost,
}

impl FailureReason {
    /// Whether every other file would fail in the same way.
    pub fn stops_the_run(&self) -> bool {
        match self {
            Self::Denied(_) | Self::CredentialsExpired(_) | Self::NotAPair => true,
            Self::ChangedWhileRead
            | Self::ChangedSincePlanned
            | Self::ThroughLink(_)
            | Self::FileInTheWay(_)
            | Self::FolderInTheWay
            | Self::NotAFile
            | Self::Damaged(_)
            | Self::Local { .. }
            | Self::Remote { .. }
            | Self::Lost => false,
        }
    }
}

/// Words the failure of a local operation.
#[cfg(feature = "files")]
pub(super) fn local(operation: &str, error: &(dyn Error + 'static)) -> FailureReason {
    FailureReason::Local {
        operation: operation.to_owned(),
        detail: chain(error),
    }
}

/// The messages of an error and of everything that caused it.
#[cfg(feature = "files")]
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let message = cause.to_string();
        if !text.contains(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        next = cause.source();
    }
    text
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SyncReport {
    /// Files that were moved, whole and checked.
    pub transferred: Totals,
    /// Files of the target that were deleted.
    pub deleted: u64,
    /// Files that could not be moved or deleted, in order of their keys.
    pub failures: Vec<Failure>,
    /// Transfers that were never begun or were dropped on the way.
    pub not_transferred: u64,
    /// Deletions that were not attempted, because something before them failed.
    pub not_deleted: u64,
    /// Uploads in parts that are kept in the bucket, for the next run to go on with.
    pub unfinished: u64,
    /// Whether the run was stopped from outside.
    pub cancelled: bool,
}

impl SyncReport {
    /// Whether everything that was planned has been done.
    pub fn is_complete(&self) -> bool {
        self.failures.is_empty()
            && self.not_transferred == 0
            && self.not_deleted == 0
            && !self.cancelled
    }
}
