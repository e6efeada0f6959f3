//! Short fingerprints of values.

use std::fmt;

use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// SHA-256 of a value's canonical JSON.
///
/// Structs serialise in field order and maps are ordered, so equal values have
/// equal digests in every process.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of bytes.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest of any value that serialises.
    pub fn of(value: &impl Serialize) -> Self {
        // A value that cannot be written as JSON (a map with odd keys) is a
        // mistake in this crate; its text keeps the digest distinct all the same.
        let bytes = serde_json::to_vec(value).unwrap_or_else(|error| error.to_string().into());
        Self::of_bytes(&bytes)
    }

    /// All 32 bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 16 hexadecimal digits: enough for a tag, where no adversary chooses both sides.
    pub fn short(&self) -> String {
        self.to_string()[..16].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
