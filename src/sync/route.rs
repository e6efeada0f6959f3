//! The folder and the prefix that a sync joins.

use std::path::PathBuf;

use super::compare::Direction;
use super::place::Place;

/// The folder and the prefix that a sync joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) direction: Direction,
    pub(super) folder: PathBuf,
    pub(super) bucket: String,
    pub(super) prefix: String,
}

impl Route {
    /// `None` when both places are of one kind.
    pub(super) fn of(from: &Place, to: &Place) -> Option<Self> {
        let (direction, folder, bucket, prefix) = match (from, to) {
            (Place::Folder(folder), Place::Prefix { bucket, prefix }) => {
                (Direction::Up, folder, bucket, prefix)
            }
            (Place::Prefix { bucket, prefix }, Place::Folder(folder)) => {
                (Direction::Down, folder, bucket, prefix)
            }
            (Place::Folder(_), Place::Folder(_)) | (Place::Prefix { .. }, Place::Prefix { .. }) => {
                return None;
            }
        };
        Some(Self {
            direction,
            folder: folder.clone(),
            bucket: bucket.clone(),
            prefix: prefix.clone(),
        })
    }

    /// Whether the prefix ends at a component, so that it has no neighbours in it.
    pub(super) fn is_closed(&self) -> bool {
        self.prefix.is_empty() || self.prefix.ends_with('/')
    }

    /// The full key of a relative one.
    pub(super) fn full_key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// The path of the local file of a key.
    pub(super) fn path(&self, key: &str) -> PathBuf {
        self.folder.join(key)
    }
}
