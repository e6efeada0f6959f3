//! Which machine image an instance starts from.

use std::fmt;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::Digest;

/// How a spec names an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImageSelector {
    /// One image by its id.
    Id(String),
    /// The newest image whose name matches a pattern with `*` and `?`.
    Name {
        /// The pattern.
        pattern: String,
        /// An account id, or an alias such as `amazon` or `self`.
        owner: String,
    },
    /// The image that an SSM public parameter names.
    Ssm(String),
}

impl ImageSelector {
    /// The selector as it stands in the instance's tag, at most 255 characters.
    ///
    /// "Latest" moves. The tag remembers what was asked for, so that a newer
    /// image is no difference as long as the question is the same.
    pub fn tag_value(&self) -> String {
        let text = self.to_string();
        let allowed = |character: char| character.is_ascii_graphic() || character == ' ';
        if text.len() <= 255 && text.chars().all(allowed) {
            text
        } else {
            format!("digest:{}", Digest::of_bytes(text.as_bytes()))
        }
    }
}

impl fmt::Display for ImageSelector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(formatter, "id:{id}"),
            Self::Name { pattern, owner } => write!(formatter, "name:{owner}/{pattern}"),
            Self::Ssm(parameter) => write!(formatter, "ssm:{parameter}"),
        }
    }
}

impl Serialize for ImageSelector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An image that was found, with what a launch needs to know of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResolvedImage {
    /// Such as `ami-0123456789abcdef0`.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// The device that a mapping of the root disk must name.
    pub root_device: String,
    /// The smallest root disk that holds it, in GiB.
    pub root_gibibytes: u32,
    /// The devices of its further disks, which every launch brings along.
    pub other_disks: Vec<String>,
    /// When it was made, RFC 3339.
    pub created: String,
    /// When it is, or was, deprecated, RFC 3339.
    pub deprecated: Option<String>,
}

impl ResolvedImage {
    /// Whether its publisher has given it up by `now`.
    pub fn is_deprecated(&self, now: Timestamp) -> bool {
        let at = self.deprecated.as_deref();
        at.and_then(|at| at.parse::<Timestamp>().ok())
            .is_some_and(|at| at <= now)
    }

    /// The day on which it was made.
    pub fn day(&self) -> &str {
        self.created.get(..10).unwrap_or("an unknown day")
    }
}
