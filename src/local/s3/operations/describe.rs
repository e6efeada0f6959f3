//! Values of ours in the words of the API.

use std::time::SystemTime;

use jiff::Timestamp;
use s3s::dto::{ChecksumAlgorithm, ChecksumType, ETag, Initiator, Owner, ServerSideEncryption};
use s3s::{S3Result, s3_error};

use crate::local::s3::checksum::{Algorithm, Coverage};
use crate::local::s3::record::ObjectHeaders;

/// The canonical identifier of the one account there is.
const OWNER: &str = "0000000000000000000000000000000000000000000000000000000000000001";

/// Returns a time as listings have it, to the millisecond.
pub(super) fn time(time: Timestamp) -> s3s::dto::Timestamp {
    // Only a system with a narrower clock than ours has no such time.
    SystemTime::try_from(time)
        .unwrap_or(SystemTime::UNIX_EPOCH)
        .into()
}

/// Returns a time as headers have it, to the second.
pub(in crate::local::s3) fn header_time(moment: Timestamp) -> s3s::dto::Timestamp {
    time(Timestamp::from_second(moment.as_second()).unwrap_or(moment))
}

pub(super) fn etag(etag: &str) -> ETag {
    ETag::Strong(etag.to_owned())
}

/// Returns a size or a count as the API's signed number.
pub(super) fn number(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// Returns how many entries a page may have: what was asked for, at most 1,000.
pub(super) fn page_limit(name: &str, asked: Option<i32>) -> S3Result<usize> {
    let asked = asked.unwrap_or(MAX_PAGE);
    usize::try_from(asked.min(MAX_PAGE)).map_err(|_| {
        s3_error!(
            InvalidArgument,
            "Argument {name} must be an integer between 0 and 2147483647"
        )
    })
}

/// The most entries that any page has.
pub(super) const MAX_PAGE: i32 = 1000;

pub(super) fn algorithm(algorithm: Algorithm) -> ChecksumAlgorithm {
    ChecksumAlgorithm::from_static(algorithm.name())
}

pub(super) fn coverage(coverage: Coverage) -> ChecksumType {
    ChecksumType::from_static(coverage.name())
}

/// Returns the encryption at rest, which S3 reports for every object.
pub(super) fn encryption(headers: &ObjectHeaders) -> ServerSideEncryption {
    match &headers.encryption {
        Some(chosen) => ServerSideEncryption::from(chosen.clone()),
        None => ServerSideEncryption::from_static(ServerSideEncryption::AES256),
    }
}

/// Returns the storage class as listings have it, where it is never left out.
pub(super) fn storage_class<T: From<String>>(headers: &ObjectHeaders) -> T {
    T::from(
        headers
            .storage_class
            .clone()
            .unwrap_or_else(|| "STANDARD".to_owned()),
    )
}

pub(super) fn owner() -> Owner {
    Owner {
        display_name: None,
        id: Some(OWNER.to_owned()),
    }
}

pub(super) fn initiator() -> Initiator {
    Initiator {
        display_name: None,
        id: Some(OWNER.to_owned()),
    }
}
