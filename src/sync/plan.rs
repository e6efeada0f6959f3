//! What a sync is about to do, as a value.

use std::cmp::Reverse;
use std::iter::Sum;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::archive::{ArchiveWork, Packing};
use super::case::CaseConflict;
use super::key::KeyFault;
use super::place::Place;
use super::transfers::Transfers;
use crate::resource::{DeletionLimit, ObjectOptions};

/// How many files, and how many bytes they have together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Number of files.
    pub files: u64,
    /// Sum of their sizes, in bytes.
    pub bytes: u64,
}

impl Totals {
    /// Counts one more file of `bytes` bytes.
    pub fn add(&mut self, bytes: u64) {
        self.files = self.files.saturating_add(1);
        // The sizes are a listing's word, which may be anything.
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

impl Sum<u64> for Totals {
    fn sum<I: Iterator<Item = u64>>(sizes: I) -> Self {
        let mut totals = Self::default();
        sizes.for_each(|bytes| totals.add(bytes));
        totals
    }
}

/// One file to move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// The key relative to both places.
    pub key: String,
    /// Size in bytes, as it was surveyed.
    pub bytes: u64,
    /// What the file is to the target.
    pub change: Change,
    /// What was seen of it at the source.
    pub origin: Origin,
}

/// What a file is to the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The target has no such file.
    New,
    /// The target has another version of it.
    Changed(Why),
}

/// Why two versions of a file are held to differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The sizes differ.
    #[error("{source_bytes} bytes, and the target has {target_bytes}")]
    Size {
        /// Bytes at the source.
        source_bytes: u64,
        /// Bytes at the target.
        target_bytes: u64,
    },
    /// Their digests differ.
    #[error("the content differs")]
    Content,
    /// Nothing but the time could be compared, and it says so.
    #[error("the time of modification differs")]
    Time,
    /// The file has been touched since a run found it the same, and its size tells nothing.
    #[error("modified since the last run")]
    Touched,
    /// What the archive has was not described, so that all of it is packed again.
    #[error("the archive is made anew")]
    Anew,
    /// The entity tags of two objects differ, and nothing shows that they have one content.
    #[error("the entity tag differs")]
    Tag,
    /// The target has a symbolic link of that name, which a file will replace.
    #[error("a symbolic link stands in its place")]
    Link,
}

/// What was seen of a file at its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A local file. What is uploaded is its content at the time of the upload.
    File {
        /// When it was last modified.
        modified: Timestamp,
    },
    /// An object. Only this revision of it is downloaded, or copied.
    Object {
        /// The entity tag without quotes; `None` when the listing has none.
        etag: Option<String>,
        /// When it was last modified; the downloaded file is given this time.
        modified: Timestamp,
    },
    /// A file of the plan's archive. Only this content of it is unpacked.
    Entry {
        /// The SHA-256 of its content, in hexadecimal digits.
        sha256: String,
        /// When it was last modified; the unpacked file is given this time.
        modified: Timestamp,
        /// Whether its owner may execute it.
        executable: bool,
    },
}

impl Origin {
    /// The entity tag that an object had, without quotes.
    pub fn etag(&self) -> Option<&str> {
        match self {
            Self::File { modified: _ } | Self::Entry { .. } => None,
            Self::Object { etag, modified: _ } => etag.as_deref(),
        }
    }
}

/// One file of the target to delete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deleted {
    /// The key relative to both places.
    pub key: String,
    /// Size in bytes, as it was surveyed.
    pub bytes: u64,
    /// When it was last modified; a local file that has changed since is kept.
    pub modified: Timestamp,
}

/// Which end of a sync something was seen at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// At the source.
    From,
    /// At the target.
    To,
}

/// Something that is reported and left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The relative key; bytes that are not UTF-8 are shown as replacement characters.
    pub key: String,
    /// Where it was seen.
    pub side: Side,
    /// Why it is left alone.
    pub reason: SkipReason,
}

/// Why something is left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// The name is not UTF-8, so it cannot be a key.
    #[error("the name is not UTF-8")]
    NotUtf8,
    /// The symbolic link leads nowhere.
    #[error("the symbolic link leads nowhere")]
    BrokenLink,
    /// The symbolic link leads back to a folder that it is in.
    #[error("the symbolic link leads back to a folder that it is in")]
    LinkLoop,
    /// A symbolic link in the target, where none is followed.
    #[error("symbolic links in the target are neither followed nor deleted")]
    LinkInTarget,
    /// A FIFO, a socket or a device.
    #[error("neither a file nor a folder")]
    Special,
    /// The file could not be read.
    #[error("cannot be read: {0}")]
    UnreadableFile(String),
    /// The folder could not be read, so what is in it is unknown.
    #[error("the folder cannot be read: {0}")]
    UnreadableFolder(String),
    /// The key cannot be the path of a file.
    #[error(transparent)]
    Key(KeyFault),
    /// The object is in a storage class that has to be restored before reading.
    #[error("archived as {0}; restore it first")]
    Archived(String),
    /// The key is a file and also the folder of others; the others win.
    #[error("other keys use this one as their folder")]
    AlsoFolder,
    /// The target has a folder of that name.
    #[error("the target has a folder of that name")]
    FolderInTheWay,
    /// The beginning of a download whose process was killed.
    #[error("a run that was killed has left it")]
    Leftover,
    /// The key differs from another in case only.
    #[error("differs from `{0}` in case only")]
    SameButCase(String),
    /// A symbolic link at the source, where links are not to be followed.
    #[error("symbolic links are not followed")]
    NotFollowed,
    /// The target has another version, which is to stay.
    #[error("the target has another version, which is to stay as it is")]
    Immutable,
    /// The target has a file where the key needs a folder.
    #[error("the target has a file where a folder is needed")]
    FileInTheWay,
    /// A link of an archive, of which none is unpacked.
    #[error("links in an archive are not unpacked")]
    LinkInArchive,
}

/// Why deletions that were asked for are not planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Withheld {
    /// A folder could not be read, so what it has is unknown and not absent.
    #[error("nothing is deleted, because the folder `{0}` cannot be read")]
    UnreadableFolder(String),
    /// A file of the target is not to be changed, so that the target stays another.
    #[error("nothing is deleted, because `{0}` has changed and is to stay as it is")]
    Immutable(String),
}

/// More deletions than are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{deletions} of {there} files would be deleted, and at most {allowed} may be")]
pub struct TooManyDeletions {
    /// How many files would be deleted.
    pub deletions: u64,
    /// How many files of the target take part.
    pub there: u64,
    /// How many may be deleted.
    pub allowed: u64,
}

/// What a sync is about to do; executing it does that and no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncPlan {
    /// Where the files are.
    pub from: Place,
    /// Where they shall be.
    pub to: Place,
    /// Files to move, in byte order of their keys.
    pub transfers: Transfers,
    /// Files of the target to delete, in byte order of their keys.
    pub deletions: Vec<Deleted>,
    /// Why no deletions are planned although they were asked for.
    pub withheld: Option<Withheld>,
    /// Files that are the same at both ends.
    pub same: Totals,
    /// Files that the target has and that are left as they are, whatever they have.
    #[serde(default)]
    pub kept: Totals,
    /// What is reported and left alone, in byte order of the keys.
    pub skipped: Vec<Skipped>,
    /// Temporary files in the target that runs may have left that were killed; each is
    /// removed unless a process still writes to it.
    #[serde(default)]
    pub leftovers: Vec<String>,
    /// The one object that the files travel as, where they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<Packing>,
    /// How objects are stored, and who pays for asking.
    #[serde(default)]
    pub options: ObjectOptions,
    /// Keys to download that may be one file, because they differ in case only.
    #[serde(default)]
    pub case_conflicts: Vec<CaseConflict>,
    /// Where the bucket was found, if that is another region than the one it was looked for
    /// in. Two buckets say where they are themselves.
    #[serde(default)]
    pub region: Option<String>,
}

impl SyncPlan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.transfers.is_empty() && self.deletions.is_empty()
    }

    /// The files that the target does not have yet.
    pub fn new_files(&self) -> Totals {
        self.total(|change| matches!(change, Change::New))
    }

    /// The files of which the target has another version.
    pub fn changed(&self) -> Totals {
        self.total(|change| matches!(change, Change::Changed(_)))
    }

    /// All files to move.
    pub fn transferred(&self) -> Totals {
        self.total(|_| true)
    }

    /// All files that travel: where an archive is packed, also those that are the same.
    pub fn carried(&self) -> Totals {
        match &self.archive {
            Some(packing) if !self.is_empty() => match packing.work {
                ArchiveWork::Pack { .. } => packing.whole,
                ArchiveWork::Unpack { .. } => self.transferred(),
            },
            Some(_) | None => self.transferred(),
        }
    }

    /// The files of the target to delete.
    pub fn deleted(&self) -> Totals {
        self.deletions.iter().map(|deleted| deleted.bytes).sum()
    }

    /// Deletions beyond what `limit` allows; `None` where there are none.
    pub fn beyond(&self, limit: DeletionLimit) -> Option<TooManyDeletions> {
        let deletions = self.deletions.len() as u64;
        let there = self.same.files + self.kept.files + self.changed().files + deletions;
        let allowed = limit.of(there);
        (deletions > allowed).then_some(TooManyDeletions {
            deletions,
            there,
            allowed,
        })
    }

    /// The `count` largest files to move, largest first, ties in order of keys.
    pub fn largest(&self, count: usize) -> Vec<Transfer> {
        let mut sizes: Vec<(u64, usize)> = Vec::new();
        for (place, transfer) in self.transfers.iter().enumerate() {
            sizes.push((transfer.bytes, place));
            if sizes.len() > 2 * count {
                keep_largest(&mut sizes, count);
            }
        }
        keep_largest(&mut sizes, count);
        let places = sizes.iter().map(|(_, place)| *place);
        places
            .filter_map(|place| self.transfers.get(place))
            .collect()
    }

    fn total(&self, counts: impl Fn(&Change) -> bool) -> Totals {
        self.transfers
            .iter()
            .filter(|transfer| counts(&transfer.change))
            .map(|transfer| transfer.bytes)
            .sum()
    }
}

/// The first of two that are equally large is the larger one.
fn keep_largest(sizes: &mut Vec<(u64, usize)>, count: usize) {
    sizes.sort_unstable_by_key(|(bytes, place)| (Reverse(*bytes), *place));
    sizes.truncate(count);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transfer(key: &str, bytes: u64, change: Change) -> Transfer {
        let modified = Timestamp::UNIX_EPOCH;
        Transfer {
            key: key.to_owned(),
            bytes,
            change,
            origin: Origin::File { modified },
        }
    }

    #[test]
    fn sizes_that_nothing_has_are_added_up_all_the_same() {
        let totals: Totals = [u64::MAX, 1].into_iter().sum();
        assert_eq!((totals.files, totals.bytes), (2, u64::MAX));
    }

    #[test]
    fn a_plan_sums_itself_up_and_survives_json() {
        let mut plan = SyncPlan {
            from: Place::Folder("data".into()),
            to: Place::prefix("bucket", "data"),
            transfers: Transfers::new(),
            deletions: Vec::new(),
            withheld: None,
            same: Totals::default(),
            kept: Totals::default(),
            skipped: Vec::new(),
            leftovers: Vec::new(),
            archive: None,
            options: ObjectOptions::default(),
            case_conflicts: Vec::new(),
            region: None,
        };
        assert!(plan.is_empty());
        plan.transfers = Transfers::from(vec![
            transfer("a", 1, Change::New),
            transfer("b", 7, Change::Changed(Why::Content)),
            transfer("c", 7, Change::New),
        ]);
        assert!(!plan.is_empty());
        assert_eq!(plan.new_files(), Totals { files: 2, bytes: 8 });
        assert_eq!(plan.changed(), Totals { files: 1, bytes: 7 });
        let keys: Vec<String> = plan.largest(2).into_iter().map(|t| t.key).collect();
        assert_eq!(keys, ["b", "c"]);
        let json = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<SyncPlan>(&json).unwrap(), plan);
    }
}
