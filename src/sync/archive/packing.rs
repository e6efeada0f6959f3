//! What a plan says of its archive.

use serde::{Deserialize, Serialize};

use super::kind::Archive;
use crate::sync::plan::Totals;

/// The one object that the files of a plan travel as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packing {
    /// How it is packed.
    pub kind: Archive,
    /// The whole key of the archive.
    pub key: String,
    /// All files that it has, after the run where it is packed.
    pub whole: Totals,
    /// What is done with it.
    pub work: ArchiveWork,
    /// What is to be known of what was found there.
    pub note: Option<ArchiveNote>,
}

/// What is done with an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArchiveWork {
    /// All files of the folder are packed, and nothing but what the plan saw.
    Pack {
        /// Patterns of which a key must match one; none at all lets every key in.
        include: Vec<String>,
        /// Patterns of which a key must match none.
        exclude: Vec<String>,
        /// The SHA-256 of the names, sizes and times of the files that are packed.
        listing: String,
    },
    /// The files that differ are unpacked, from this revision only.
    Unpack {
        /// Size of the archive, in bytes.
        bytes: u64,
        /// Its entity tag without quotes; `None` when there is none.
        etag: Option<String>,
    },
}

/// What is to be known of an archive that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum ArchiveNote {
    /// Nothing says what is in it.
    #[error("has no manifest beside it")]
    NoManifest,
    /// What says it cannot be believed.
    #[error("has a manifest that is not believed ({0})")]
    Untrusted(String),
}

impl Packing {
    /// What is to be known of the archive that was found, and what follows from it.
    pub fn remark(&self) -> Option<String> {
        let note = self.note.as_ref()?;
        let follows = match &self.work {
            ArchiveWork::Pack { .. } => "all of it is replaced",
            ArchiveWork::Unpack { .. } => {
                "it was read to see what is in it, and its own checksums are all that it is checked by"
            }
        };
        Some(format!("{} {note}: {follows}", self.key))
    }
}
