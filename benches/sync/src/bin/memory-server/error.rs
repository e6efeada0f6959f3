//! What S3 answers when it refuses.

use std::fmt;

use hyper::StatusCode;

/// A refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct S3Error {
    /// The status of the reply.
    pub(crate) status: StatusCode,
    /// The code in the reply's document.
    pub(crate) code: &'static str,
}

impl S3Error {
    const fn new(status: StatusCode, code: &'static str) -> Self {
        Self { status, code }
    }
}

impl fmt::Display for S3Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code)
    }
}

pub(crate) const ACCESS_DENIED: S3Error = S3Error::new(StatusCode::FORBIDDEN, "AccessDenied");
pub(crate) const BAD_DIGEST: S3Error = S3Error::new(StatusCode::BAD_REQUEST, "BadDigest");
pub(crate) const EXPIRED_TOKEN: S3Error = S3Error::new(StatusCode::BAD_REQUEST, "ExpiredToken");
pub(crate) const INCOMPLETE_BODY: S3Error = S3Error::new(StatusCode::BAD_REQUEST, "IncompleteBody");
pub(crate) const INTERNAL_ERROR: S3Error =
    S3Error::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError");
pub(crate) const INVALID_ARGUMENT: S3Error =
    S3Error::new(StatusCode::BAD_REQUEST, "InvalidArgument");
pub(crate) const INVALID_PART: S3Error = S3Error::new(StatusCode::BAD_REQUEST, "InvalidPart");
pub(crate) const INVALID_RANGE: S3Error =
    S3Error::new(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange");
pub(crate) const MALFORMED_XML: S3Error = S3Error::new(StatusCode::BAD_REQUEST, "MalformedXML");
pub(crate) const NOT_IMPLEMENTED: S3Error =
    S3Error::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented");
pub(crate) const NOT_MODIFIED: S3Error = S3Error::new(StatusCode::NOT_MODIFIED, "NotModified");
pub(crate) const NO_SUCH_BUCKET: S3Error = S3Error::new(StatusCode::NOT_FOUND, "NoSuchBucket");
pub(crate) const NO_SUCH_KEY: S3Error = S3Error::new(StatusCode::NOT_FOUND, "NoSuchKey");
pub(crate) const NO_SUCH_UPLOAD: S3Error = S3Error::new(StatusCode::NOT_FOUND, "NoSuchUpload");
pub(crate) const PRECONDITION_FAILED: S3Error =
    S3Error::new(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
pub(crate) const SLOW_DOWN: S3Error = S3Error::new(StatusCode::SERVICE_UNAVAILABLE, "SlowDown");
