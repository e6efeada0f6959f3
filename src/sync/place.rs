//! The two ends of a sync and what is asked of it.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::archive::Archive;
use super::case::OnCaseConflict;
use super::policy::Policy;
use crate::resource::ObjectOptions;

/// One end of a sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A folder on this machine.
    Folder(PathBuf),
    /// The objects of a bucket whose keys begin with a prefix.
    Prefix {
        /// The name of the bucket.
        bucket: String,
        /// Empty for the whole bucket, or ending with `/`, so that `foo/` can
        /// never touch `foobar/`.
        prefix: String,
    },
}

/// Why a text names no place in a bucket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// The text does not begin with `s3://`.
    #[error("`{0}` does not begin with s3://")]
    Scheme(String),
    /// Nothing stands between `s3://` and the first `/`.
    #[error("`{0}` names no bucket")]
    NoBucket(String),
    /// An ARN stands where the name of a bucket belongs.
    #[error("`{0}` is an ARN; name the bucket, or the access point by its alias")]
    Arn(String),
}

impl Place {
    /// Names the prefix of a bucket and closes it with `/` where that is missing.
    pub fn prefix(bucket: impl Into<String>, prefix: impl Into<String>) -> Self {
        let mut prefix = prefix.into();
        if !prefix.is_empty() && !prefix.ends_with('/') {
            prefix.push('/');
        }
        Self::Prefix {
            bucket: bucket.into(),
            prefix,
        }
    }

    /// Reads `s3://bucket/prefix`; the final `/` may be left out.
    ///
    /// # Errors
    ///
    /// When the text has another scheme or names no bucket.
    pub fn parse_url(url: &str) -> Result<Self, PlaceError> {
        let rest = url
            .strip_prefix("s3://")
            .ok_or_else(|| PlaceError::Scheme(url.to_owned()))?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(PlaceError::NoBucket(url.to_owned()));
        }
        if bucket.starts_with("arn:") {
            return Err(PlaceError::Arn(url.to_owned()));
        }
        Ok(Self::prefix(bucket, prefix))
    }

    /// Whether it is in a directory bucket (S3 Express), whose listings have no order (S3 API,
    /// `ListObjectsV2`); the end of the name tells (S3 User Guide, directory bucket naming
    /// rules).
    #[cfg(feature = "aws")]
    pub(super) fn is_in_directory_bucket(&self) -> bool {
        match self {
            Self::Folder(_) => false,
            Self::Prefix { bucket, prefix: _ } => {
                bucket.ends_with("--x-s3") || bucket.ends_with("--xa-s3")
            }
        }
    }

    /// Whether one of two places in a bucket is the other, or in it.
    ///
    /// Of folders nothing is said: two of them are never joined.
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Prefix { bucket, prefix },
                Self::Prefix {
                    bucket: other_bucket,
                    prefix: other_prefix,
                },
            ) => {
                bucket == other_bucket
                    && (prefix.starts_with(other_prefix) || other_prefix.starts_with(prefix))
            }
            (Self::Folder(_), _) | (_, Self::Folder(_)) => false,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(formatter, "{}", path.display()),
            Self::Prefix { bucket, prefix } => write!(formatter, "s3://{bucket}/{prefix}"),
        }
    }
}

/// What happens to files of the target that the source does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deletion {
    /// They stay.
    #[default]
    Never,
    /// They are deleted, once every transfer has succeeded.
    Extra,
}

/// One sync as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Where the files are.
    pub from: Place,
    /// Where they shall be.
    pub to: Place,
    /// Patterns of which a key must match one; none at all lets every key in.
    pub include: Vec<String>,
    /// Patterns of which a key must match none.
    pub exclude: Vec<String>,
    /// What happens to files that only the target has.
    pub delete: Deletion,
    /// How the files travel as one object; without it, each is an object of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<Archive>,
    /// The folder that keeps what is known of files from one run to the next; without one,
    /// every file whose size is that of its object is read.
    #[serde(skip)]
    pub journals: Option<PathBuf>,
    /// The region of the source's bucket, where both places are in buckets; without one the
    /// bucket is asked.
    #[serde(default)]
    pub source_region: Option<String>,
    /// Whether what takes no part is deleted at the target as well, where deletion is asked for.
    #[serde(default)]
    pub delete_excluded: bool,
    /// Whether deleting everything in the target is no mistake where the source is empty.
    #[serde(default)]
    pub allow_empty_source: bool,
    /// How objects are stored, and who pays for asking.
    #[serde(default)]
    pub options: ObjectOptions,
    /// What becomes of keys that differ in case only, on their way down; without it the
    /// file system decides.
    #[serde(default)]
    pub case_conflict: Option<OnCaseConflict>,
    /// What decides which of the files that take part are moved.
    #[serde(default)]
    pub policy: Policy,
}

impl Request {
    /// Asks for every file of `from` and for no deletion.
    pub fn new(from: Place, to: Place) -> Self {
        Self {
            from,
            to,
            include: Vec::new(),
            exclude: Vec::new(),
            delete: Deletion::Never,
            archive: None,
            journals: None,
            source_region: None,
            delete_excluded: false,
            allow_empty_source: false,
            options: ObjectOptions::default(),
            case_conflict: None,
            policy: Policy::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_always_ends_at_a_component() {
        for (url, expected) in [
            ("s3://bucket", "s3://bucket/"),
            ("s3://bucket/", "s3://bucket/"),
            ("s3://bucket/foo", "s3://bucket/foo/"),
            ("s3://bucket/foo/", "s3://bucket/foo/"),
        ] {
            assert_eq!(Place::parse_url(url).unwrap().to_string(), expected);
        }
        assert!(Place::parse_url("bucket/foo").is_err());
        assert!(Place::parse_url("s3:///foo").is_err());
        let arn = "s3://arn:aws:s3:eu-central-1:123456789012:accesspoint/mine/data";
        assert_eq!(Place::parse_url(arn), Err(PlaceError::Arn(arn.to_owned())));
    }

    #[test]
    fn places_overlap_when_one_is_in_the_other() {
        for (one, other, expected) in [
            ("s3://b/p", "s3://b/p", true),
            ("s3://b/p", "s3://b/p/sub", true),
            ("s3://b", "s3://b/p", true),
            ("s3://b/p", "s3://b/pa", false),
            ("s3://b/p", "s3://c/p", false),
            ("s3://b/p/one", "s3://b/p/two", false),
        ] {
            let [one, other] = [one, other].map(|url| Place::parse_url(url).unwrap());
            assert_eq!(one.overlaps(&other), expected, "{one} {other}");
            assert_eq!(other.overlaps(&one), expected, "{other} {one}");
        }
        let folder = Place::Folder("p".into());
        assert!(!folder.overlaps(&folder.clone()));
    }
}
