//! Which operation a request asks for.

use hyper::{HeaderMap, Method};

use crate::query::Query;

/// An operation of S3, or one of those that nobody here asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    AbortMultipartUpload,
    CompleteMultipartUpload,
    CopyObject,
    CreateBucket,
    CreateMultipartUpload,
    DeleteObject,
    DeleteObjects,
    GetBucketLocation,
    GetObject,
    HeadBucket,
    HeadObject,
    ListBuckets,
    ListMultipartUploads,
    ListObjects,
    ListParts,
    PutObject,
    UploadPart,
    UploadPartCopy,
    Other,
}

impl Operation {
    /// All operations, each at the place of its number.
    pub(crate) const ALL: [Self; 19] = [
        Self::AbortMultipartUpload,
        Self::CompleteMultipartUpload,
        Self::CopyObject,
        Self::CreateBucket,
        Self::CreateMultipartUpload,
        Self::DeleteObject,
        Self::DeleteObjects,
        Self::GetBucketLocation,
        Self::GetObject,
        Self::HeadBucket,
        Self::HeadObject,
        Self::ListBuckets,
        Self::ListMultipartUploads,
        Self::ListObjects,
        Self::ListParts,
        Self::PutObject,
        Self::UploadPart,
        Self::UploadPartCopy,
        Self::Other,
    ];

    /// Reads the operation off a request.
    pub(crate) fn of(
        method: &Method,
        has_key: bool,
        has_bucket: bool,
        query: &Query,
        headers: &HeaderMap,
    ) -> Self {
        match (method.as_str(), has_key) {
            ("GET", true) => Self::of_object_get(query),
            ("GET", false) if has_bucket => Self::of_bucket_get(query),
            ("GET", false) => Self::ListBuckets,
            ("HEAD", true) => Self::HeadObject,
            ("HEAD", false) => Self::HeadBucket,
            ("PUT", true) => Self::of_put(query, headers.contains_key("x-amz-copy-source")),
            ("PUT", false) if query.pairs().next().is_none() => Self::CreateBucket,
            ("POST", true) if query.has("uploads") => Self::CreateMultipartUpload,
            ("POST", true) if query.has("uploadId") => Self::CompleteMultipartUpload,
            ("POST", false) if query.has("delete") => Self::DeleteObjects,
            ("DELETE", true) if query.has("uploadId") => Self::AbortMultipartUpload,
            ("DELETE", true) => Self::DeleteObject,
            _ => Self::Other,
        }
    }

    fn of_object_get(query: &Query) -> Self {
        if query.has("uploadId") {
            Self::ListParts
        } else if ["tagging", "acl", "attributes"]
            .iter()
            .any(|name| query.has(name))
        {
            Self::Other
        } else {
            Self::GetObject
        }
    }

    fn of_bucket_get(query: &Query) -> Self {
        if query.has("location") {
            Self::GetBucketLocation
        } else if query.has("uploads") {
            Self::ListMultipartUploads
        } else if ["versioning", "versions", "encryption", "object-lock"]
            .iter()
            .any(|name| query.has(name))
        {
            Self::Other
        } else {
            Self::ListObjects
        }
    }

    fn of_put(query: &Query, copies: bool) -> Self {
        match (query.has("uploadId"), copies) {
            (true, true) => Self::UploadPartCopy,
            (true, false) => Self::UploadPart,
            (false, true) => Self::CopyObject,
            (false, false) => Self::PutObject,
        }
    }
}
