//! Why a survey cannot give a plan.

use std::io;
use std::path::PathBuf;

use super::case::CaseConflict;
use super::fault::{Fault, FaultKind, says_elsewhere};
use super::filter::PatternError;
use super::place::Place;
use super::report::chain;

/// Why a survey cannot give a plan.
#[derive(Debug, thiserror::Error)]
pub enum SurveyError {
    /// Neither place is in a bucket.
    #[error("cannot sync {from} to {to}: one of the two must be in a bucket")]
    NotAPair {
        /// The source.
        from: Place,
        /// The target.
        to: Place,
    },
    /// What can only be in a bucket is a folder.
    #[error("{0} is a folder, and unfinished uploads are in buckets")]
    NotInABucket(Place),
    /// One of two places in a bucket is the other, or in it.
    #[error("cannot sync {from} to {to}: {}", if .from == .to {
        "they are the same place"
    } else {
        "one of the two is in the other"
    })]
    Overlap {
        /// The source.
        from: Place,
        /// The target.
        to: Place,
    },
    /// A prefix neither is empty nor ends with `/`.
    #[error("the prefix of {0} must end with `/`")]
    OpenPrefix(Place),
    /// A place is in a directory bucket.
    #[error("{0} is in a directory bucket, which lists its keys in no order")]
    DirectoryBucket(Place),
    /// A filter cannot be used.
    #[error("cannot use a filter")]
    Pattern(#[source] PatternError),
    /// The source folder is not there.
    #[error("the folder {0} does not exist")]
    NoFolder(PathBuf),
    /// The folder is something else.
    #[error("{0} is not a folder")]
    NotAFolder(PathBuf),
    /// The folder itself cannot be read.
    #[error("failed to read the folder {folder}")]
    Folder {
        /// Its path.
        folder: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The caller may not list the bucket.
    #[error("not allowed to list bucket {bucket}")]
    Denied {
        /// Its name.
        bucket: String,
        /// What AWS said.
        #[source]
        source: Fault,
    },
    /// The credentials are no longer valid.
    #[error("the credentials expired while listing bucket {bucket}")]
    Expired {
        /// Its name.
        bucket: String,
        /// What AWS said.
        #[source]
        source: Fault,
    },
    /// There is no such bucket.
    #[error("bucket {bucket} does not exist")]
    NoSuchBucket {
        /// Its name.
        bucket: String,
        /// What AWS said.
        #[source]
        source: Fault,
    },
    /// There are no credentials to ask with.
    #[error("bucket {bucket} cannot be read")]
    NoCredentials {
        /// Its name.
        bucket: String,
        /// Where they were looked for.
        #[source]
        source: Fault,
    },
    /// No answer came.
    #[error("bucket {bucket} cannot be reached")]
    Unreachable {
        /// Its name.
        bucket: String,
        /// What the network said.
        #[source]
        source: Fault,
    },
    /// The listing failed in another way.
    #[error("failed to list bucket {bucket}")]
    Listing {
        /// Its name.
        bucket: String,
        /// What AWS said.
        #[source]
        source: Fault,
    },
    /// A page of the listing cannot be trusted.
    #[error("the listing of bucket {bucket} cannot be trusted: {problem}")]
    Untrusted {
        /// Its name.
        bucket: String,
        /// What is wrong with it.
        problem: String,
    },
    /// What a folder leaves out is not known.
    #[error("{file}: {problem}")]
    Rules {
        /// The file that says it.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Keys that differ in case only were said to be an error.
    #[error("{0}")]
    Case(CaseConflict),
    /// Deletion was asked for and the source is empty.
    #[error(
        "no file of {from} takes part, and deleting what only {to} has would delete all {files} files there"
    )]
    EmptySource {
        /// The source.
        from: Place,
        /// The target.
        to: Place,
        /// How many files would be deleted.
        files: usize,
    },
    /// The prefix that an archive is named after is empty.
    #[error("an archive in {0} has no name")]
    NamelessArchive(Place),
    /// An archive is asked for between two buckets.
    #[error(
        "{from} and {to} are both in buckets: an archive is packed from a folder, or unpacked into one"
    )]
    ArchiveBetweenBuckets {
        /// The source.
        from: Place,
        /// The target.
        to: Place,
    },
    /// There is no archive to unpack.
    #[error("there is no archive s3://{bucket}/{key}")]
    NoArchive {
        /// The bucket.
        bucket: String,
        /// The key of the archive.
        key: String,
    },
    /// An archive, or its manifest, cannot be used.
    #[error("s3://{bucket}/{key} cannot be used: {problem}")]
    Archive {
        /// The bucket.
        bucket: String,
        /// The key of the archive or of its manifest.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Packing anew would lose a file that may still be there.
    #[error("the archive has `{key}`, and a new one would be without it ({reason})")]
    WouldLose {
        /// The path in the archive.
        key: String,
        /// Why it would not be packed.
        reason: String,
    },
    /// A worker ended without an answer.
    #[error("the survey ended without an answer")]
    Lost,
}

impl SurveyError {
    /// What went wrong, with AWS's own words where there are some.
    pub fn in_full(&self) -> String {
        chain(self)
    }

    /// Whether a bucket is in another region than the one that was asked.
    pub(crate) fn is_elsewhere(&self) -> bool {
        match self {
            Self::Listing { source, .. } => source.is_elsewhere(),
            Self::Archive { problem, .. } => says_elsewhere(problem),
            Self::NoFolder(_)
            | Self::NoSuchBucket { .. }
            | Self::Denied { .. }
            | Self::Expired { .. }
            | Self::NoCredentials { .. }
            | Self::Unreachable { .. }
            | Self::EmptySource { .. }
            | Self::NamelessArchive(_)
            | Self::ArchiveBetweenBuckets { .. }
            | Self::NoArchive { .. }
            | Self::WouldLose { .. }
            | Self::Case(_)
            | Self::Rules { .. }
            | Self::DirectoryBucket(_)
            | Self::NotInABucket(_)
            | Self::Overlap { .. }
            | Self::NotAPair { .. }
            | Self::OpenPrefix(_)
            | Self::Pattern(_)
            | Self::NotAFolder(_)
            | Self::Folder { .. }
            | Self::Untrusted { .. }
            | Self::Lost => false,
        }
    }

    /// What to do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::NoFolder(_) => Some("check the path"),
            Self::NotAFolder(_) => Some("`trainyard cp` copies a single file"),
            Self::NoSuchBucket { .. } => Some("create the bucket, or check its name and region"),
            Self::Denied { .. } => {
                Some("ask for s3:ListBucket on that bucket, or use another profile")
            }
            Self::Expired { .. } => Some("sign in again"),
            Self::NoCredentials { .. } => {
                Some("`trainyard login` signs in, and `trainyard doctor` says what is there")
            }
            Self::Unreachable { .. } => Some("check the network and the region"),
            Self::EmptySource { .. } => Some(
                "check the source and what is excluded; if the target shall be emptied, pass `--allow-empty-source`",
            ),
            Self::NamelessArchive(_) => Some("name a prefix: s3://BUCKET/NAME becomes NAME.zip"),
            Self::ArchiveBetweenBuckets { .. } => Some(
                "`trainyard cp` copies the archive itself; leave `archive` out to copy the files",
            ),
            Self::NoArchive { .. } => Some(
                "check the place and the kind: s3://BUCKET/NAME stands for NAME.zip or NAME.tar.zst",
            ),
            Self::WouldLose { .. } => Some("make it readable, or exclude it"),
            Self::Listing { .. } | Self::Archive { .. } if self.is_elsewhere() => {
                Some("name its region with `--region`, or that of a source with `--source-region`")
            }
            Self::Listing { source, .. } if source.is_no_name() => {
                Some("a bucket's name is 3 to 63 lowercase letters, digits, `.` and `-`")
            }
            Self::Archive { .. } => Some("move it away, or name another prefix"),
            Self::Case(_) => Some("rename one of the objects, or pass `--case-conflict skip`"),
            Self::Rules { .. } => Some("write it as a `.gitignore`, or remove it"),
            Self::DirectoryBucket(_) => Some("sync with a general purpose bucket"),
            Self::NotInABucket(_) => Some("name a prefix as s3://BUCKET/PREFIX"),
            Self::Overlap { .. } => Some("give the target a prefix of its own"),
            Self::NotAPair { .. }
            | Self::OpenPrefix(_)
            | Self::Pattern(_)
            | Self::Folder { .. }
            | Self::Listing { .. }
            | Self::Untrusted { .. }
            | Self::Lost => None,
        }
    }

    /// The bucket that it is about, where it is about one.
    pub fn bucket(&self) -> Option<&str> {
        match self {
            Self::Denied { bucket, .. }
            | Self::Expired { bucket, .. }
            | Self::NoSuchBucket { bucket, .. }
            | Self::NoCredentials { bucket, .. }
            | Self::Unreachable { bucket, .. }
            | Self::Listing { bucket, .. }
            | Self::Untrusted { bucket, .. } => Some(bucket),
            Self::NotAPair { .. }
            | Self::Overlap { .. }
            | Self::NotInABucket(_)
            | Self::OpenPrefix(_)
            | Self::DirectoryBucket(_)
            | Self::Pattern(_)
            | Self::NoFolder(_)
            | Self::NotAFolder(_)
            | Self::Folder { .. }
            | Self::EmptySource { .. }
            | Self::NamelessArchive(_)
            | Self::ArchiveBetweenBuckets { .. }
            | Self::NoArchive { .. }
            | Self::Archive { .. }
            | Self::WouldLose { .. }
            | Self::Rules { .. }
            | Self::Case(_)
            | Self::Lost => None,
        }
    }

    /// Files a failed listing under what it means.
    pub(super) fn listing(bucket: &str, source: Fault) -> Self {
        let bucket = bucket.to_owned();
        match source.kind {
            FaultKind::Denied => Self::Denied { bucket, source },
            FaultKind::Expired => Self::Expired { bucket, source },
            FaultKind::NoSuchBucket => Self::NoSuchBucket { bucket, source },
            FaultKind::NoCredentials => Self::NoCredentials { bucket, source },
            FaultKind::Unreachable => Self::Unreachable { bucket, source },
            FaultKind::NoSuchKey | FaultKind::OtherRevision | FaultKind::Other => {
                Self::Listing { bucket, source }
            }
        }
    }
}
