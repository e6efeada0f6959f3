//! What the index keeps of objects, uploads and parts.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::checksum::{Algorithm, Coverage, StoredChecksum};

/// Names a content and says how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BlobReference {
    pub(super) id: u64,
    /// The size in bytes.
    pub(super) size: u64,
}

/// Everything about an object but its bytes and its key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ObjectRecord {
    /// The contents whose bytes, one after the other, are the object's.
    pub(super) blobs: Vec<BlobReference>,
    /// The size in bytes.
    pub(super) size: u64,
    /// The entity tag without its quotes.
    pub(super) etag: String,
    pub(super) modified: Timestamp,
    pub(super) checksum: StoredChecksum,
    /// The parts that it was uploaded in; none for a single upload.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) parts: Vec<ObjectPartRecord>,
    pub(super) headers: ObjectHeaders,
}

/// A part of a finished object.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ObjectPartRecord {
    pub(super) number: i32,
    /// The size in bytes.
    pub(super) size: u64,
    /// The digest by the object's algorithm, in base64.
    pub(super) checksum: String,
}

/// The headers and choices that a writer gave with an object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ObjectHeaders {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cache_control: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<s3s::dto::Timestamp>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) metadata: BTreeMap<String, String>,
    /// The storage class; nothing stands for `STANDARD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) storage_class: Option<String>,
    /// The encryption at rest that was asked for; nothing stands for `AES256`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) encryption: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) encryption_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) redirect: Option<String>,
}

/// An upload in parts that is under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct UploadRecord {
    pub(super) key: String,
    pub(super) id: String,
    /// The number that the identifier was made of.
    pub(super) number: u64,
    pub(super) initiated: Timestamp,
    pub(super) headers: ObjectHeaders,
    pub(super) algorithm: Algorithm,
    pub(super) coverage: Coverage,
    /// Whether the client chose the algorithm, or got S3's own.
    pub(super) declared: bool,
}

/// A part of an upload that is under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PartRecord {
    pub(super) number: i32,
    pub(super) blob: BlobReference,
    /// The MD5 in hexadecimal, without quotes.
    pub(super) etag: String,
    /// The digest by the upload's algorithm, in base64.
    pub(super) checksum: String,
    pub(super) modified: Timestamp,
}
