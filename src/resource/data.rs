//! One entry of `data:`: files kept in two places.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::deletion_limit::DeletionLimit;
use super::object_options::ObjectOptions;

/// Where files are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataPlace {
    /// A folder; absolute, because a spec's paths are relative to the spec.
    Folder(PathBuf),
    /// Everything below a prefix of a bucket.
    Prefix {
        /// The bucket.
        bucket: String,
        /// Empty, or ending with `/`.
        prefix: String,
    },
}

impl fmt::Display for DataPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(formatter, "{}", path.display()),
            Self::Prefix { bucket, prefix } => write!(formatter, "s3://{bucket}/{prefix}"),
        }
    }
}

/// What happens to files that only the target has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deletion {
    /// They stay.
    Never,
    /// They are deleted.
    Extra,
}

/// How the files of a set are packed into one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Archive {
    /// A ZIP archive.
    #[serde(rename = "zip")]
    Zip,
    /// A tar compressed with Zstandard.
    #[serde(rename = "tar.zst")]
    TarZst,
}

impl fmt::Display for Archive {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Zip => "zip",
            Self::TarZst => "tar.zst",
        })
    }
}

/// How two versions of a file are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compare {
    /// By content, read where it has to be.
    #[default]
    Content,
    /// By size and time of modification.
    SizeMtime,
    /// By size alone.
    Size,
}

/// Files to be made equal at two places, in one direction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DataSet {
    /// Where they come from.
    pub from: DataPlace,
    /// Where they go.
    pub to: DataPlace,
    /// Patterns of the files that take part; none means all.
    pub include: Vec<String>,
    /// Patterns of the files that do not.
    pub exclude: Vec<String>,
    /// What happens to files that only the target has.
    pub delete: Deletion,
    /// How they are kept in the bucket as one object; without it, each is one of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<Archive>,
    /// How many files of the target may be deleted at most.
    pub max_delete: DeletionLimit,
    /// How objects are stored, and who pays for asking.
    pub options: ObjectOptions,
    /// How two versions of a file are compared.
    pub compare: Compare,
}
