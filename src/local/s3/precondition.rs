//! The conditions that a request can set on the object as it is.

use http::{HeaderMap, HeaderValue, header};
use s3s::dto::{ETag, ETagCondition, Timestamp};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use super::index::no_such_key;
use super::operations::describe;
use super::record::ObjectRecord;

/// The conditions of a write. They are checked in the step that writes, so that
/// of many writers with `If-None-Match: *` exactly one succeeds.
#[derive(Debug, Default)]
pub(super) struct WriteCondition {
    if_match: Option<ETagCondition>,
    if_none_match: bool,
}

impl WriteCondition {
    /// Reads the conditions, of which S3 takes any `If-Match`, but only the
    /// asterisk in `If-None-Match`.
    pub(super) fn new(
        if_match: Option<ETagCondition>,
        if_none_match: Option<&ETagCondition>,
    ) -> S3Result<Self> {
        let if_none_match = match if_none_match {
            None => false,
            Some(ETagCondition::Any) => true,
            Some(ETagCondition::ETag(_)) => {
                return Err(s3_error!(
                    NotImplemented,
                    "If-None-Match on a write takes nothing but *"
                ));
            }
        };
        Ok(Self {
            if_match,
            if_none_match,
        })
    }

    /// Checks the conditions against the object under the key.
    pub(super) fn check(&self, current: Option<&ObjectRecord>) -> S3Result<()> {
        if self.if_none_match && current.is_some() {
            return Err(failed("If-None-Match"));
        }
        match (&self.if_match, current) {
            (None, _) => Ok(()),
            (Some(_), None) => Err(no_such_key()),
            (Some(condition), Some(object)) if matches(condition, object) => Ok(()),
            (Some(_), Some(_)) => Err(failed("If-Match")),
        }
    }
}

/// The conditions of a read, or of the source of a copy.
#[derive(Debug, Default)]
pub(super) struct ReadCondition {
    pub(super) matching: Option<ETagCondition>,
    pub(super) none_matching: Option<ETagCondition>,
    pub(super) modified_since: Option<Timestamp>,
    pub(super) unmodified_since: Option<Timestamp>,
}

/// What a read condition that does not hold means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Holds,
    /// The client has this object already.
    NotModified,
    /// The object is not the one that the client means.
    Failed(&'static str),
}

impl ReadCondition {
    /// Checks the conditions in the order of RFC 9110: an entity tag, when one
    /// is given, outweighs a date.
    pub(super) fn verdict(&self, object: &ObjectRecord) -> Verdict {
        // A date in a header has no fraction, so neither may the time it is
        // compared with.
        let modified = describe::header_time(object.modified);
        match (&self.matching, &self.unmodified_since) {
            (Some(condition), _) if !matches(condition, object) => {
                return Verdict::Failed("If-Match");
            }
            (None, Some(date)) if modified > *date => {
                return Verdict::Failed("If-Unmodified-Since");
            }
            (Some(_) | None, _) => {}
        }
        match (&self.none_matching, &self.modified_since) {
            (Some(condition), _) if matches(condition, object) => Verdict::NotModified,
            (None, Some(date)) if modified <= *date => Verdict::NotModified,
            (Some(_) | None, _) => Verdict::Holds,
        }
    }

    /// Checks the conditions of a GET or HEAD.
    pub(super) fn check_read(&self, object: &ObjectRecord) -> S3Result<()> {
        match self.verdict(object) {
            Verdict::Holds => Ok(()),
            Verdict::NotModified => Err(not_modified(object)),
            Verdict::Failed(condition) => Err(failed(condition)),
        }
    }

    /// Checks the conditions on the source of a copy, where there is no 304.
    pub(super) fn check_source(&self, object: &ObjectRecord) -> S3Result<()> {
        match self.verdict(object) {
            Verdict::Holds => Ok(()),
            Verdict::NotModified => Err(failed("x-amz-copy-source-If-None-Match")),
            Verdict::Failed(condition) => Err(failed(condition)),
        }
    }
}

fn matches(condition: &ETagCondition, object: &ObjectRecord) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(etag) => etag_matches(etag, object),
    }
}

/// Tells whether an entity tag is that of the object.
pub(super) fn etag_matches(etag: &ETag, object: &ObjectRecord) -> bool {
    etag.value() == object.etag
}

/// Answers that a condition does not hold.
pub(super) fn failed(condition: &str) -> S3Error {
    let message =
        format!("At least one of the pre-conditions you specified did not hold: {condition}");
    S3Error::with_message(S3ErrorCode::PreconditionFailed, message)
}

fn not_modified(object: &ObjectRecord) -> S3Error {
    let mut error = S3Error::new(S3ErrorCode::NotModified);
    let mut headers = HeaderMap::new();
    if let Ok(etag) = HeaderValue::try_from(format!("\"{}\"", object.etag)) {
        headers.insert(header::ETAG, etag);
    }
    error.set_headers(headers);
    error
}
